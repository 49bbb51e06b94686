//! The lake as researchers read it: Polars, PyArrow and DuckDB count what PostgreSQL holds.

use std::process::Command;

use serde_json::Value;

use crate::demo;
use crate::harness::{Installation, succeeded};
use crate::seen;

/// Counts the table `statements` by each library.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lake/check/lake_check.py");

#[tokio::test]
#[ignore = "needs SILLAGE_LAKE_PYTHON: ops/test makes that Python and runs this"]
async fn readers_of_the_lake_count_the_statements_of_postgresql() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own tool, which is no setting of Sillage"
    )]
    let python = std::env::var("SILLAGE_LAKE_PYTHON").expect("SILLAGE_LAKE_PYTHON names a python");
    let installation = Installation::new().await;
    succeeded(demo::small(&installation).output().unwrap());
    seen::settled(&installation).await;

    let pool = installation.database().await;
    let client = pool.get().await.unwrap();
    let count: i64 = client
        .query_one("select count(*) from lrs.statements", &[])
        .await
        .unwrap()
        .get(0);
    assert!(count > 0);
    let lake = installation.data().join("lake");
    let counted = succeeded(Command::new(python).arg(SCRIPT).arg(lake).output().unwrap());
    let counted: Value = serde_json::from_slice(&counted.stdout).unwrap();
    for reader in ["polars", "pyarrow", "duckdb", "distinct"] {
        assert_eq!(counted[reader], count, "{reader} of {counted}");
    }
}
