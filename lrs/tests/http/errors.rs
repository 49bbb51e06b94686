//! The page for front-end authors has a line for every rule that the LRS can name.

use std::fs;
use std::path::{Path, PathBuf};

/// Words with hyphens that are no rules: headers, values of headers.
const NO_RULES: [&str; 12] = [
    "no-store",
    "no-cache",
    "utf-8",
    "if-match",
    "if-none-match",
    "last-modified",
    "accept-language",
    "content-type",
    "content-length",
    "content-encoding",
    "content-transfer-encoding",
    "content-disposition",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let is_test = path.ends_with("tests") || path.ends_with("tests.rs");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/api/errors.md")).expect("the page");
    let mut files = Vec::new();
    sources(&root.join("lrs/src"), &mut files);
    sources(&root.join("ops/service/src/identity"), &mut files);
    files.push(root.join("ops/service/src/error.rs"));
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
