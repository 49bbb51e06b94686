//! The rules on the page for front-end authors against the rules of this crate.
//!
//! `UPDATE_GOLDEN=1 cargo test -p schemas` writes them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use schemas::profile::PROFILE_RULES;
use schemas::strict_json;
use schemas::xapi::RULES;

const END: &str = "<!-- end -->";

fn of_statements() -> String {
    let mut table = "| rule | words | 1.0.3 | 2.0.0 |\n|---|---|---|---|\n".to_owned();
    for rule in RULES {
        writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            rule.name,
            rule.words,
            rule.section_1_0_3.trim_start_matches("xAPI 1.0.3 "),
            rule.section_2_0_0,
        )
        .expect("a String can be written");
    }
    table
}

fn with_section<'r>(rules: impl Iterator<Item = (&'r str, &'r str, &'r str)>) -> String {
    let mut table = "| rule | words | section |\n|---|---|---|\n".to_owned();
    for (name, words, section) in rules {
        writeln!(table, "| `{name}` | {words} | {section} |").expect("a String can be written");
    }
    table
}

/// The page with what is generated in it.
fn generated(page: &str) -> String {
    let tables = [
        (
            "strict_json::RULES",
            with_section(
                strict_json::RULES
                    .iter()
                    .map(|rule| (rule.name, rule.words, rule.section)),
            ),
        ),
        ("xapi::RULES", of_statements()),
        (
            "profile::PROFILE_RULES",
            with_section(
                PROFILE_RULES
                    .iter()
                    .map(|rule| (rule.name, rule.words, rule.section)),
            ),
        ),
    ];
    let mut page = page.to_owned();
    for (name, table) in tables {
        let begin = page
            .find(&format!("<!-- generated from schemas::{name}:"))
            .unwrap_or_else(|| panic!("the page has no place for {name}"));
        let begin = begin + page[begin..].find('\n').expect("the comment ends its line") + 1;
        let end = begin + page[begin..].find(END).expect("the place ends");
        page.replace_range(begin..end, &format!("\n{table}\n"));
    }
    page
}

#[test]
fn the_page_of_errors_has_every_rule_in_its_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/errors.md");
    let kept = fs::read_to_string(&path).expect("the page is there");
    let wanted = generated(&kept);
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for whoever runs the test, not a setting of the service"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        fs::write(&path, &wanted).expect("the page can be written");
        return;
    }
    assert_eq!(
        kept,
        wanted,
        "{} differs: UPDATE_GOLDEN=1 writes it",
        path.display()
    );
}
