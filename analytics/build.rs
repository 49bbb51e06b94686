//! With the feature `cluster`: a number for the code that folds, so that a worker of other code is not asked.
//!
//! States are equal bit for bit only if the code is. So the number changes with any line of the crates that fold and
//! read, with any dependency, with the compiler and the machine that it compiles for.

#![expect(
    clippy::disallowed_methods,
    reason = "this is how cargo is told, and how it tells"
)]

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What is compiled into it, from the root of the workspace.
const CODE: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "analytics/Cargo.toml",
    "analytics/src",
    "analytics/mastery/Cargo.toml",
    "analytics/mastery/src",
    "ops/lake/Cargo.toml",
    "ops/lake/src",
    "schemas/Cargo.toml",
    "schemas/src",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CLUSTER").is_none() {
        return Ok(());
    }
    let root = Path::new("..");
    let mut files = Vec::new();
    for code in CODE {
        println!("cargo::rerun-if-changed=../{code}");
        collect(&root.join(code), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    let compiler = Command::new(env::var("RUSTC")?).arg("-vV").output()?;
    compiler.stdout.hash(&mut hasher);
    for name in ["TARGET", "PROFILE", "OPT_LEVEL"] {
        env::var(name)?.hash(&mut hasher);
    }
    println!("cargo::rustc-env=ANALYTICS_CODE={:016x}", hasher.finish());
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
