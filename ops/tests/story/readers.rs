//! The lake as researchers read it: Polars, PyArrow, DuckDB and our own SQL (DataFusion) read every table, and find
//! the rows and the keys that PostgreSQL has.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use lake::{Lake, LakeTable, Sizes};
use schemas::tables::{ALL, ColumnType, Table, answers, statements};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bucket::Bucket;
use crate::demo;
use crate::harness::{Installation, bare, succeeded, within};
use crate::seen;

/// Reads tables by each library.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lake/check/lake_check.py");

/// A file a bucket, however few rows.
const SMALL: Sizes = Sizes {
    large: 64 << 20,
    mixed: 1,
    least: 0,
};

/// What a reader found of a table.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
struct Found {
    rows: u64,
    /// Keys.
    distinct: u64,
    /// In 64 bits, of the first eight bytes of each key's SHA-256.
    sum: u64,
}

impl Found {
    fn of<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut all = BTreeSet::new();
        let mut found = Self::default();
        for key in keys {
            let digest: [u8; 32] = Sha256::digest(key).into();
            let first = *digest.first_chunk().unwrap();
            found.rows += 1;
            found.sum = found.sum.wrapping_add(u64::from_be_bytes(first));
            all.insert(key.to_owned());
        }
        found.distinct = all.len() as u64;
        found
    }
}

/// After all answers, as text and in microseconds since 1970: mastery as of then is of the same persons and
/// competencies as that of the last recomputation.
const AFTER_ALL: (&str, i64) = ("2030-01-01T00:00:00Z", 1_893_456_000_000_000);

/// The keys that the database has of a table, as the lake's readers write them.
fn in_postgresql(table: &str) -> String {
    if table == "mastery_as_of" {
        let keys = in_postgresql("mastery");
        return format!("select '{}|' || m.key from ({keys}) m (key)", AFTER_ALL.1);
    }
    let keys = match table {
        "statements" => "select id::text from lrs.statements",
        "answers" => {
            "select id::text from published.answers_feed where kind = 'answer' and not voided"
        }
        // Every domain of a subject in which a pupil has a state, and every competency of an answered item.
        "mastery" => {
            "select person || '|' || uri from (
                select s.person, d ->> 'uri' as uri
                from published.pupil_states s, published.framework f,
                     jsonb_array_elements(f.document -> 'domains') d
                where d ->> 'subject' = s.subject
                union
                select a.person, c
                from published.answers_feed f
                join published.account_person a on a.account = f.account
                join published.catalogue_items i on i.activity = f.activity,
                     jsonb_array_elements_text(i.document -> 'competencies') c
                where f.kind = 'answer' and not f.voided) m"
        }
        "catalogue" => {
            "select activity || '|' || (extract(epoch from valid_from) * 1000000)::bigint
             from recommender.catalogue_history"
        }
        "roster" => {
            "select concat_ws('|', person, class, role, (extract(epoch from valid_from) * 1000000)::bigint)
             from analytics.roster_history"
        }
        "accounts" => {
            "select account || '|' || (extract(epoch from valid_from) * 1000000)::bigint
             from analytics.account_person"
        }
        other => panic!("no query for {other}"),
    };
    keys.to_owned()
}

/// Mastery of everybody, as of now and as of a time.
async fn compute(sillage: &Installation) {
    sillage.post("/api/v1/jobs/mastery", &Value::Null).await;
    let as_of = format!("/api/v1/jobs/mastery-as-of?as_of={}", AFTER_ALL.0);
    sillage.post(&as_of, &Value::Null).await;
}

/// How often each part of the service was used, by the verbs of the database's statements.
const USED: &str = "select part || '|' || count(*) from (
        select case when v.iri like '%/answered' then 'answers'
                    when v.iri ~ '/(initialized|completed|passed|failed|terminated)$' then 'exercises'
                    when v.iri like '%/interacted' then 'hints'
                    when v.iri like '%/experienced' then 'lessons' else 'other' end as part
        from lrs.statements s join lrs.verbs v on v.id = s.verb
        where s.voids is null) p
    group by part";

/// What the libraries found of a table.
#[derive(Debug, Deserialize)]
struct Read {
    /// Whether its files were put together.
    compacted: bool,
    by: BTreeMap<String, Found>,
}

/// Where the lake is, and what clients need to reach it.
struct Place {
    address: String,
    access: Vec<(&'static str, String)>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's own tool, which is no setting of Sillage"
)]
fn python() -> String {
    std::env::var("SILLAGE_LAKE_PYTHON").expect("SILLAGE_LAKE_PYTHON names a python")
}

impl Place {
    /// What Polars, PyArrow and DuckDB found of every table.
    fn by_others(&self) -> BTreeMap<String, Read> {
        let tables = ALL.map(|table| format!("{}={}", table.name, table.key.join(",")));
        let mut script = Command::new(python());
        script.arg(SCRIPT).arg(&self.address).args(tables);
        let read = script.envs(self.access.clone()).output().unwrap();
        serde_json::from_slice(&succeeded(read).stdout).unwrap()
    }

    /// The lines that a question is answered by.
    fn ask(&self, sillage: &Installation, question: &str) -> Vec<String> {
        let asked = bare(&["sql", question, "--format", "csv", "--data"])
            .arg(sillage.data())
            .envs(self.access.clone())
            .output();
        let asked = succeeded(asked.unwrap());
        let lines = String::from_utf8(asked.stdout).unwrap();
        lines.lines().skip(1).map(str::to_owned).collect()
    }

    fn by_us(&self, sillage: &Installation, table: &Table) -> Found {
        let column = |name: &&str| {
            let of = |column: &&schemas::tables::Column| column.name == *name;
            let column = table.columns.iter().find(of).unwrap();
            let whole = match column.kind {
                ColumnType::Timestamp => format!("cast({name} as bigint)"),
                _ => (*name).to_owned(),
            };
            format!("coalesce(cast({whole} as varchar), '')")
        };
        let columns: Vec<_> = table.key.iter().map(column).collect();
        let question = format!(
            "select {} as key from {}",
            columns.join(" || '|' || "),
            table.name
        );
        Found::of(self.ask(sillage, &question).iter().map(String::as_str))
    }

    /// All readers find of every table what PostgreSQL has; whether statements and answers were put together.
    async fn is_read_alike(&self, sillage: &Installation) -> bool {
        let others = self.by_others();
        let pool = sillage.database().await;
        let client = pool.get().await.unwrap();
        for table in ALL {
            let ours = self.by_us(sillage, table);
            assert!(ours.rows > 0, "{} is empty", table.name);
            assert_eq!(ours.rows, ours.distinct, "{}", table.name);
            let readers = &others[table.name].by;
            assert_eq!(readers.len(), 3);
            for (reader, found) in readers {
                assert_eq!(*found, ours, "{} by {reader}", table.name);
            }
            // What is counted has no keys of its own.
            if table.name == "usage" {
                continue;
            }
            let rows = client.query(&in_postgresql(table.name), &[]).await.unwrap();
            let theirs = Found::of(rows.iter().map(|row| row.get(0)));
            assert_eq!(ours, theirs, "{} in PostgreSQL", table.name);
        }
        let used = "select part || '|' || cast(sum(statements) as varchar) as used
                    from usage where part <> 'all' group by part";
        let mut used = self.ask(sillage, used);
        used.sort_unstable();
        let rows = client.query(USED, &[]).await.unwrap();
        let mut wanted: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        wanted.sort_unstable();
        assert_eq!(used, wanted);
        others["statements"].compacted && others["answers"].compacted
    }
}

/// Waits until the copies and counts are those of all that is there.
async fn is_whole(sillage: &Installation, place: &Place) {
    seen::settled(sillage).await;
    let pool = sillage.database().await;
    let client = pool.get().await.unwrap();
    let stored: i64 = client
        .query_one(
            "select count(*) from lrs.statements where voids is null",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let all = "select coalesce(sum(statements), 0) as n from usage where part = 'all'";
    let within_s = Duration::from_secs(60);
    within("all is counted", within_s, async || {
        let verified = bare(&["lake", "verify", "--json", "--data"])
            .arg(sillage.data())
            .envs(place.access.clone())
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
        let tables = told["tables"].as_array()?;
        let at_the_end = tables.iter().all(|table| {
            // What waits up to the last statement is settled already.
            let is_shipped = ["statements", "answers"].contains(&table["table"].as_str().unwrap());
            is_shipped || table["position"] == table["stored"]
        });
        let counted = place.ask(sillage, all).first()?.clone();
        (at_the_end && verified.status.success() && counted == stored.to_string()).then_some(())
    })
    .await;
}

/// Plays the demo with an upkeep that waits, and reads all; then with one that does not, and reads again.
async fn read_before_and_after_compaction(
    mut sillage: Installation,
    place: &Place,
) -> Installation {
    succeeded(demo::small(&sillage).output().unwrap());
    seen::settled(&sillage).await;
    compute(&sillage).await;
    is_whole(&sillage, place).await;
    assert!(!place.is_read_alike(&sillage).await);

    sillage
        .restart_with("SILLAGE_LAKE_COMPACT_EVERY_COMMITS", "1".to_owned())
        .await;
    // Two commits of one answer each: files that are as large are put together.
    for name in ["one", "two"] {
        let answer = json!({
            "actor": { "account": { "homePage": "https://example.org/", "name": name } },
            "verb": { "id": "http://adlnet.gov/expapi/verbs/answered" },
            "object": { "id": "https://example.org/of-no-catalogue" },
            "result": { "success": true },
        });
        sillage.post("/xapi/statements", &answer).await;
        seen::settled(&sillage).await;
    }
    compute(&sillage).await;
    is_whole(&sillage, place).await;
    assert!(place.is_read_alike(&sillage).await);
    sillage
}

#[tokio::test]
#[ignore = "needs SILLAGE_LAKE_PYTHON: ops/test makes that Python and runs this"]
async fn readers_of_the_lake_find_what_postgresql_has() {
    let sillage = Installation::with(|_| settings()).await;
    let place = Place {
        address: sillage.data().join("lake").to_str().unwrap().to_owned(),
        access: Vec::new(),
    };
    let sillage = read_before_and_after_compaction(sillage, &place).await;

    // And with a file a bucket.
    for declared in [&statements::TABLE, &answers::TABLE] {
        let mut table = LakeTable::open(&Lake::at(&place.address), declared)
            .await
            .unwrap();
        assert!(table.compact(SMALL).await.unwrap() < 0, "one becomes many");
    }
    assert!(place.is_read_alike(&sillage).await);
}

#[tokio::test]
#[ignore = "needs SILLAGE_LAKE_PYTHON and MOTO_PYTHON: ops/test makes these and runs this"]
async fn readers_of_the_lake_on_s3_find_what_postgresql_has() {
    let bucket = Bucket::start();
    let sillage = Installation::with(|_| [bucket.settings(), settings()].concat()).await;
    let place = Place {
        address: "s3://sillage/lake".to_owned(),
        access: bucket.settings(),
    };
    read_before_and_after_compaction(sillage, &place).await;
}

/// The upkeep waits, and usage is counted at once.
fn settings() -> Vec<(&'static str, String)> {
    [
        ("SILLAGE_LAKE_COMPACT_EVERY_COMMITS", "0"),
        ("SILLAGE_ANALYTICS_USAGE_EVERY_S", "1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}
