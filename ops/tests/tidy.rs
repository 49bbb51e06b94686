//! Rules of the repository.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// Licences under which a dependency may come. `Unicode-3.0`, `CDLA-Permissive-2.0` and
/// `bzip2-1.0.6` cover data tables and a C library; all are compatible with Apache-2.0.
const LICENCES: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Each crate may depend on those of the lines before its own.
const LAYERS: [&[&str]; 6] = [
    &["schemas"],
    &["mastery", "service"],
    &["fit", "lake"],
    &["lrs", "analytics", "recommender"],
    &["ops"],
    &["benches"],
];

/// What only some places may name: word, and what a path must hold.
const PLACES: [(&str, &[&str]); 4] = [
    (
        "actix_web",
        &[
            "/http/",
            // What the services share of HTTP.
            "ops/service/src/error.rs",
        ],
    ),
    ("tokio_postgres", &["/store/", "ops/service/src/pg/"]),
    ("deltalake", &["/lake/"]),
    ("datafusion", &["/lake/", "analytics/src/"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every file of the repository: what git would commit.
fn files() -> &'static [PathBuf] {
    static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut found = Vec::new();
        walk(root(), &mut found);
        found.sort();
        found
    })
}

/// Leaves out what `.gitignore` leaves out, so that the rules hold in a copy without git, too.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(root()).unwrap();
        let ignored = ["target", "var", "benches/results", ".git"];
        if ignored.iter().any(|name| relative == Path::new(name))
            || relative.ends_with("__pycache__")
        {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(relative.to_owned());
        }
    }
}

fn with_extension(extension: &str) -> impl Iterator<Item = &'static PathBuf> {
    files()
        .iter()
        .filter(move |path| path.extension().is_some_and(|found| found == extension))
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with every fault at once.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// What cargo knows of the workspace and its dependencies on this platform; no network.
fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let platform = Command::new("rustc").arg("-vV").output().unwrap().stdout;
        let platform = String::from_utf8(platform).unwrap();
        let platform = platform
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap()
            .to_owned();
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--format-version", "1"])
            .args(["--filter-platform", &platform])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    })
}

fn packages() -> impl Iterator<Item = &'static Value> {
    metadata()["packages"].as_array().unwrap().iter()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

#[test]
fn dependencies_point_one_way() {
    let layer_of: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(layer, names)| names.iter().map(move |name| (*name, layer)))
        .collect();
    let ours = packages().filter(|package| package["source"].is_null());
    let mut faults = Vec::new();
    for package in ours {
        let from = name(package);
        let Some(layer) = layer_of.get(from) else {
            faults.push(format!("{from} stands in no layer"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = name(dependency);
            // A crate's own tests may use its test database.
            let own = to == from && dependency["kind"] == "dev";
            if layer_of.get(to).is_some_and(|below| below >= layer) && !own {
                faults.push(format!("{from} depends on {to}, which is not below it"));
            }
        }
    }
    none(&faults);
}

#[test]
fn what_some_places_know_no_other_names() {
    let faults: Vec<String> = with_extension("rs")
        .filter(|path| {
            let path = path.to_str().unwrap();
            // Tests look at what they test from outside, and benches compare with the ceiling.
            !path.contains("/tests/")
                && !path.ends_with("/tests.rs")
                && !path.starts_with("benches/")
        })
        .flat_map(|path| {
            let text = read(path);
            PLACES
                .iter()
                .filter(move |(word, places)| {
                    let path = format!("/{}", path.display());
                    names(&text, word) && !places.iter().any(|place| path.contains(place))
                })
                .map(move |(word, _)| format!("{} names {word}", path.display()))
        })
        .collect();
    none(&faults);
}

/// Whether code, as opposed to a comment, has the word as the start of a path.
fn names(text: &str, word: &str) -> bool {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
                !before.is_some_and(inside) && !after.is_some_and(inside)
            })
        })
}

#[test]
fn each_sql_file_says_what_it_is_for_and_is_used() {
    let sources: String = with_extension("rs").map(|path| read(path)).collect();
    let faults: Vec<String> = with_extension("sql")
        .flat_map(|path| {
            let text = read(path);
            let shown = path.display();
            let first = text.lines().next().unwrap_or_default();
            let silent = first.strip_prefix("-- ").is_none_or(|says| says.len() < 10);
            let file = path.file_name().unwrap().to_str().unwrap();
            let unused = ["/", "\""]
                .iter()
                .all(|before| !sources.contains(&format!("{before}{file}\"")));
            [
                silent.then(|| format!("{shown} does not begin with a comment that says what for")),
                unused.then(|| format!("{shown} is loaded nowhere")),
            ]
        })
        .flatten()
        .collect();
    none(&faults);
}

#[test]
fn each_decision_is_in_the_index_and_each_entry_is_a_decision() {
    let folder = Path::new("docs/decisions");
    let index = read(&folder.join("README.md"));
    let is_decision =
        |name: &str| name.len() > 5 && name.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let decisions: BTreeSet<&str> = files()
        .iter()
        .filter(|path| path.parent() == Some(folder))
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .filter(|name| is_decision(name))
        .collect();
    let listed: BTreeSet<&str> = index
        .split(['(', ')'])
        .filter(|link| link.ends_with(".md") && is_decision(link))
        .collect();
    assert_eq!(decisions, listed);
    let numbers: BTreeSet<&str> = decisions.iter().map(|name| &name[..4]).collect();
    assert_eq!(numbers.len(), decisions.len(), "a number is given twice");
}

#[test]
fn links_between_pages_hold() {
    let faults: Vec<String> = with_extension("md")
        .flat_map(|page| {
            let folder = root().join(page).parent().unwrap().to_owned();
            links(&read(page))
                .into_iter()
                .filter(move |link| !folder.join(link).exists())
                .map(move |link| format!("{} links to {link}, which is not there", page.display()))
        })
        .collect();
    none(&faults);
}

/// Pages with a table whose last column names the tests that hold a row.
const PAGES_OF_TESTS: [&str; 2] = ["docs/model.md", "docs/concepts/what-counts.md"];

#[test]
fn a_test_that_a_table_names_is_there() {
    let sources: Vec<String> = with_extension("rs").map(|path| read(path)).collect();
    let is_there = |name: &str| {
        let function = format!("fn {name}(");
        sources.iter().any(|source| source.contains(&function))
    };
    let mut faults = Vec::new();
    for page in PAGES_OF_TESTS {
        let text = read(Path::new(page));
        let tables = text.split("| test |").skip(1);
        let rows = tables.flat_map(|table| table.split("\n\n").next().unwrap().lines().skip(2));
        let cells = rows.filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit('|').next());
        let named: Vec<&str> = cells
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect();
        assert!(named.len() > 5, "{page} names {named:?}");
        let missing = named.iter().filter(|name| !is_there(name));
        faults.extend(missing.map(|name| format!("{page} names {name}, which is no test")));
    }
    none(&faults);
}

/// The targets of Markdown links to files, without their fragments.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| {
            !link.is_empty() && !link.contains("://") && !link.contains(' ') && link.contains('.')
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn licences_are_known() {
    let faults: Vec<String> = packages()
        .filter(|package| !package["source"].is_null())
        .filter_map(|package| {
            let told = package["license"].as_str();
            let known = told.is_some_and(allows);
            (!known).then(|| format!("{} {}: {told:?}", name(package), package["version"]))
        })
        .collect();
    none(&faults);
}

/// Whether an SPDX expression can be met by licences of the list. A slash is the old way to say OR.
fn allows(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let allowed = any_of(&tokens, &mut at);
    allowed && at == tokens.len()
}

fn any_of(tokens: &[&str], at: &mut usize) -> bool {
    let mut allowed = all_of(tokens, at);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        allowed |= all_of(tokens, at);
    }
    allowed
}

fn all_of(tokens: &[&str], at: &mut usize) -> bool {
    let mut allowed = one(tokens, at);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        allowed &= one(tokens, at);
    }
    allowed
}

fn one(tokens: &[&str], at: &mut usize) -> bool {
    let Some(token) = tokens.get(*at) else {
        return false;
    };
    *at += 1;
    if *token == "(" {
        let allowed = any_of(tokens, at);
        *at += 1;
        return allowed;
    }
    let mut licence = (*token).to_owned();
    if tokens.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    LICENCES.contains(&licence.as_str())
}

#[test]
fn licence_expressions_are_read() {
    for (expression, allowed) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH LLVM-exception", false),
        ("", false),
    ] {
        assert_eq!(allows(expression), allowed, "{expression}");
    }
}

#[test]
fn versions_stand_in_the_root_manifest_alone() {
    let faults: Vec<String> = with_extension("toml")
        .filter(|path| path.ends_with("Cargo.toml") && path.components().count() > 1)
        .flat_map(|path| {
            let manifest: toml::Table = read(path).parse().unwrap();
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .into_iter()
                .filter_map(|section| manifest.get(section)?.as_table().cloned())
                .flatten()
                .filter(|(_, value)| value.is_str() || value.get("version").is_some())
                .map(|(name, _)| format!("{}: {name} has a version", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&faults);
}

#[test]
fn each_setting_is_on_its_page_with_its_default() {
    let defaults: toml::Table = read(Path::new("ops/sillage.default.toml")).parse().unwrap();
    let row = |name: &str, value: &toml::Value| format!("| `{name}` | `{value}` |");
    let mut rows = Vec::new();
    for (name, value) in &defaults {
        match value.as_table() {
            Some(section) => rows.extend(
                section
                    .iter()
                    .map(|(key, value)| row(&format!("{name}.{key}"), value)),
            ),
            None => rows.push(row(name, value)),
        }
    }
    let page = read(Path::new("docs/configuration.md"));
    let (_, table) = page.split_once("## The settings").unwrap();
    let told: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let missing = rows
        .iter()
        .filter(|row| !told.iter().any(|line| line.starts_with(row.as_str())))
        .map(|row| format!("docs/configuration.md lacks {row}"));
    let unknown = told
        .iter()
        .filter(|line| !rows.iter().any(|row| line.starts_with(row.as_str())))
        .map(|line| format!("docs/configuration.md has what is no setting, or no default: {line}"));
    let faults: Vec<String> = missing.chain(unknown).collect();
    none(&faults);
}

#[test]
fn nothing_built_and_nothing_of_one_machine_is_in_the_repository() {
    let ignored = read(Path::new(".gitignore"));
    for line in ["/target", "/var", "/benches/results"] {
        assert!(
            ignored.lines().any(|found| found == line),
            ".gitignore lacks {line}"
        );
    }
    let built = files().iter().filter(|path| {
        path.components().any(|part| part.as_os_str() == "target")
            || path.file_name().is_some_and(|name| name == "CACHEDIR.TAG")
    });
    // A module at an absolute path is on one machine only.
    let elsewhere =
        with_extension("rs").filter(|path| read(path).contains(concat!("#[path = ", "\"/")));
    let faults: Vec<String> = built
        .map(|path| format!("{} was built", path.display()))
        .chain(elsewhere.map(|path| format!("{} names an absolute path", path.display())))
        .collect();
    none(&faults);
}

#[test]
fn scripts_are_sound_and_run_by_name() {
    for script in ["ops/up", "ops/test", "ops/sillage", ".ci/run"] {
        let path = root().join(script);
        let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
        assert!(
            checked.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&checked.stderr)
        );
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o111, 0o111, "{script} can be run");
    }
    let readme = read(Path::new("README.md"));
    let run = read(Path::new(".ci/run"));
    assert!(
        readme.contains("ops/test") && run.contains("/../ops/test"),
        "one command for all tests"
    );
}
