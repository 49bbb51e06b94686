//! The page for front-end authors has a line for every rule that can be named, and for no other.

use std::fs;
use std::path::{Path, PathBuf};

/// Where rules are named that a front-end can break.
const NAMED: [&str; 7] = [
    "lrs/src",
    "ops/service/src/identity",
    "ops/service/src/http",
    "ops/service/src/error.rs",
    "ops/src/http",
    "analytics/src/http",
    "recommender/src/http",
];

/// Words with hyphens that are no rules, there: headers, their values, formats.
const NO_RULES: [&str; 12] = [
    "no-store",
    "no-cache",
    "utf-8",
    "if-match",
    "if-none-match",
    "last-modified",
    "accept-language",
    "accept-encoding",
    "content-length",
    "date-time",
    "content-transfer-encoding",
    "content-disposition",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/api/errors.md")).expect("the page")
}

/// The sources at a path, without their tests.
fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.ends_with("tests") || path.ends_with("tests.rs") {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of sources") {
            sources(&entry.expect("an entry").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// Texts of a source, before its tests, that have the form of a rule's name.
fn names(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|text| {
            let parts: Vec<&str> = text.split('-').collect();
            let is_word = |part: &&str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            };
            parts.len() > 1 && parts.iter().all(is_word)
        })
        .filter(|text| !NO_RULES.contains(text) && !text.starts_with("x-"))
        .collect()
}

#[test]
fn each_rule_is_on_the_page_for_front_end_authors() {
    let page = page();
    let mut files = Vec::new();
    for named in NAMED {
        sources(&root().join(named), &mut files);
    }
    let mut missing = Vec::new();
    let mut seen = 0;
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        for name in names(&source) {
            seen += 1;
            if !page.contains(&format!("`{name}`")) {
                missing.push(format!("{name} ({})", file.display()));
            }
        }
    }
    assert!(seen > 30, "the sources were read");
    assert!(
        missing.is_empty(),
        "docs/api/errors.md lacks:\n{}",
        missing.join("\n")
    );
}

#[test]
fn each_rule_on_the_page_is_named_by_some_code() {
    let mut files = Vec::new();
    for part in [
        "schemas",
        "lrs",
        "ops/service",
        "ops",
        "analytics",
        "recommender",
    ] {
        sources(&root().join(part).join("src"), &mut files);
    }
    let code: String = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a source"))
        .collect();
    let page = page();
    let (_, tables) = page.split_once("## Rules of requests").expect("the rules");
    let rules: Vec<&str> = tables
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(rules.len() > 150, "the page was read");
    let stale: Vec<&&str> = rules
        .iter()
        .filter(|rule| !code.contains(&format!("\"{rule}\"")))
        .collect();
    assert!(stale.is_empty(), "no code gives {stale:?}");
}
