//! The tables of the lake against their golden prints, and the data dictionary against its page.
//!
//! `UPDATE_GOLDEN=1 cargo test -p schemas` writes both. A golden print of a former version is never
//! rewritten: a change of columns is a new version.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::ids::AccountKey;
use schemas::tables::{self, ColumnType, Privacy, Table};
use uuid::Uuid;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn compare(path: &Path, printed: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for whoever runs the test, not a setting of the service"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        let folder = path.parent().expect("a golden file lies in a folder");
        fs::create_dir_all(folder).expect("the folder can be made");
        fs::write(path, printed).expect("the golden file can be written");
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        kept,
        printed,
        "{} differs: UPDATE_GOLDEN=1 writes it",
        path.display()
    );
}

fn print(table: &Table) -> String {
    let mut text = format!("{} v{}\n", table.name, table.version);
    for field in table.arrow_schema().fields() {
        let null = if field.is_nullable() { " null" } else { "" };
        writeln!(text, "{}: {}{null}", field.name(), field.data_type())
            .expect("a String can be written");
    }
    text
}

#[test]
fn each_table_is_its_golden_print() {
    for table in tables::ALL {
        let path = here().join(format!(
            "tests/golden/{}.v{}.txt",
            table.name, table.version
        ));
        compare(&path, &print(table));
    }
}

#[test]
fn the_data_dictionary_is_the_page() {
    compare(
        &here().join("../docs/data-dictionary.md"),
        &tables::data_dictionary(),
    );
}

#[test]
fn the_data_package_is_the_file() {
    compare(
        &here().join("../docs/datapackage.json"),
        &tables::data_package(),
    );
}

#[test]
fn each_column_is_described_whole() {
    for table in tables::ALL {
        for column in table.columns {
            let place = format!("{}.{}", table.name, column.name);
            assert!(column.meaning.ends_with('.'), "{place}: what it means");
            assert!(!column.source.is_empty(), "{place}: where it comes from");
            let is_measured = matches!(column.kind, ColumnType::Float64 | ColumnType::Timestamp)
                || column.name.ends_with("_ms");
            assert!(column.unit.is_some() || !is_measured, "{place}: its unit");
            // What is the key of somebody or something is never called harmless.
            let is_key = [
                "id",
                "account",
                "person",
                "registration",
                "device_id",
                "voids",
            ];
            assert_eq!(
                column.privacy == Privacy::Identifying,
                is_key.contains(&column.name)
                    || ["seq", "device_seq", "statement"].contains(&column.name),
                "{place}: what it tells"
            );
        }
    }
}

#[test]
fn each_schema_is_that_of_its_table() {
    assert_eq!(
        tables::statements::schema(),
        tables::statements::TABLE.arrow_schema()
    );
    assert_eq!(
        tables::answers::schema(),
        tables::answers::TABLE.arrow_schema()
    );
    assert_eq!(
        tables::mastery::schema(),
        tables::mastery::TABLE.arrow_schema()
    );
    for table in tables::ALL {
        let columns: std::collections::BTreeSet<_> =
            table.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns.len(), table.columns.len());
        assert_eq!(columns.contains("bucket"), table.bucketed);
        assert!(table.key.iter().all(|name| columns.contains(name)));
    }
}

#[test]
fn buckets_are_the_low_bits_of_the_first_byte() {
    let bucket = |first: u8| {
        let mut bytes = [0xff; 16];
        bytes[0] = first;
        tables::bucket(AccountKey::from_uuid(Uuid::from_bytes(bytes)))
    };
    assert_eq!(
        (bucket(0), bucket(63), bucket(64), bucket(0xff)),
        (0, 63, 0, 63)
    );
    let mut seen: Vec<_> = (0..=255).map(bucket).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..tables::BUCKETS).collect::<Vec<_>>());
}
