//! The usage of the service, counted from the lake's statements: the same as counted by hand, however often.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use analytics::jobs::service_usage::{self, Counted, Days};
use analytics::lake::LakeError;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::parquet::file::reader::{FileReader as _, SerializedFileReader};
use futures::TryStreamExt as _;
use lake::{LakeTable, Limits, Questions, app_id};
use schemas::tables::{bucket, statements};
use uuid::Uuid;

use crate::copies::lake;
use crate::roster::{import, roster};
use crate::school::Chance;
use crate::world::{World, noon};

const MEMORY: usize = 128 << 20;

const VERBS: [(&str, &str); 5] = [
    ("http://adlnet.gov/expapi/verbs/answered", "answers"),
    ("http://adlnet.gov/expapi/verbs/completed", "exercises"),
    ("http://adlnet.gov/expapi/verbs/interacted", "hints"),
    ("http://adlnet.gov/expapi/verbs/experienced", "lessons"),
    ("https://example.org/verbs/waved", "other"),
];

/// A statement of the lake.
#[derive(Clone, Debug)]
struct Said {
    /// `a` and `b` are in the roster; none: a group.
    account: Option<&'static str>,
    verb: usize,
    at: DateTime<Utc>,
    stored: DateTime<Utc>,
    voids: bool,
}

/// Statements of three days, drawn, as they are stored at a time.
fn said(chance: &mut Chance, count: usize, stored: DateTime<Utc>) -> Vec<Said> {
    let accounts = [Some("a"), Some("b"), Some("y"), Some("z"), None];
    let one = |place: usize| Said {
        account: accounts[chance.below(accounts.len())],
        verb: chance.below(VERBS.len()),
        at: noon() + TimeDelta::days(chance.below(3) as i64) + TimeDelta::seconds(place as i64),
        stored: stored + TimeDelta::seconds(place as i64),
        voids: chance.below(10) == 0,
    };
    (0..count).map(one).collect()
}

async fn ship(world: &World, before: usize, said: &[Said]) {
    let account = |said: &Said| said.account.map(|name| world.account(name));
    let texts = |of: &dyn Fn(usize, &Said) -> Option<String>| -> ArrayRef {
        let texts = said.iter().enumerate();
        Arc::new(texts.map(|(n, said)| of(n, said)).collect::<StringArray>())
    };
    let times = |of: fn(&Said) -> DateTime<Utc>| -> ArrayRef {
        let times = said.iter().map(|said| of(said).timestamp_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let seqs = 1 + before as i64..=(before + said.len()) as i64;
    let columns = statements::schema();
    let columns = columns
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "bucket" => Arc::new(Int32Array::from_iter_values(
                said.iter().map(|said| account(said).map_or(0, bucket)),
            )) as ArrayRef,
            "seq" => Arc::new(Int64Array::from_iter_values(seqs.clone())),
            "id" => texts(&|n, _| Some(Uuid::from_u128((before + n) as u128).to_string())),
            "account" => texts(&|_, said| account(said).map(|key| key.to_string())),
            "verb" => texts(&|_, said| Some(VERBS[said.verb].0.to_owned())),
            "voids" => texts(&|n, said| said.voids.then(|| Uuid::from_u128(n as u128).to_string())),
            "stored" => times(|said| said.stored),
            "timestamp" => times(|said| said.at),
            _ if field.is_nullable() => new_null_array(field.data_type(), said.len()),
            _ => texts(&|_, _| Some("{}".to_owned())),
        });
    let rows = RecordBatch::try_new(statements::schema(), columns.collect()).expect("rows");
    let epoch = analytics::store::lake_feed::epoch(world.db.pool())
        .await
        .expect("an epoch");
    let app = app_id(&epoch, &statements::TABLE);
    let mut table = LakeTable::open(&lake(world), &statements::TABLE)
        .await
        .expect("a table");
    let (after, position) = (before as i64, (before + said.len()) as i64);
    table
        .append_rows(Some(rows), &app, after, position)
        .await
        .expect("shipped");
}

type Row = (String, Option<String>, String, String);

/// By hand: who was known when the account's last statement of the day was stored is known for that day.
fn by_hand(said: &[Said], known_from: DateTime<Utc>) -> BTreeMap<Row, (i64, i64)> {
    let counted: Vec<_> = said.iter().filter(|said| !said.voids).collect();
    let day = |said: &Said| said.at.min(said.stored).date_naive().to_string();
    let mut rows: BTreeMap<Row, (i64, BTreeSet<&str>)> = BTreeMap::new();
    for one in &counted {
        let same = counted
            .iter()
            .filter(|other| other.account == one.account && day(other) == day(one));
        let last = same.map(|other| other.stored).max().expect("itself");
        let is_known = matches!(one.account, Some("a" | "b")) && last >= known_from;
        let school = is_known.then(|| "0000000A".to_owned());
        let kind = if is_known { "student" } else { "unknown" };
        for part in [VERBS[one.verb].1, "all"] {
            let row = (day(one), school.clone(), kind.to_owned(), part.to_owned());
            let (statements, accounts) = rows.entry(row).or_default();
            *statements += 1;
            accounts.extend(one.account);
        }
    }
    rows.into_iter()
        .map(|(row, (statements, accounts))| (row, (statements, accounts.len() as i64)))
        .collect()
}

async fn in_the_lake(world: &World) -> BTreeMap<Row, (i64, i64)> {
    let limits = Limits {
        memory_bytes: 64 << 20,
        spill_bytes: 1 << 30,
    };
    let questions = Questions::open(&lake(world), limits).await.expect("a lake");
    let rows = questions
        .ask("select * from usage")
        .await
        .expect("a question");
    let rows: Vec<_> = rows.try_collect().await.expect("rows");
    let mut found = BTreeMap::new();
    for batch in rows {
        let text = |column: usize| cast(batch.column(column), &DataType::Utf8).expect("texts");
        let (days, schools, kinds, parts) = (text(0), text(1), text(2), text(3));
        let number =
            |column: usize, row| batch.column(column).as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            let text = |of: &ArrayRef| of.as_string::<i32>().value(row).to_owned();
            let school = schools.is_valid(row).then(|| text(&schools));
            let key = (text(&days), school, text(&kinds), text(&parts));
            let before = found.insert(key, (number(4, row), number(5, row)));
            assert!(before.is_none(), "a row stands there twice");
        }
    }
    found
}

async fn try_to_count(world: &World, days: Days) -> Result<Option<Counted>, LakeError> {
    service_usage::count(&lake(world), world.db.pool(), MEMORY, days).await
}

async fn count(world: &World, days: Days) -> Option<Counted> {
    try_to_count(world, days).await.expect("counted")
}

/// Every value of a file is gone; what it says of its values stays.
fn without_values(file: &str) {
    let reader = File::open(file).expect("a file");
    let reader = SerializedFileReader::new(reader).expect("a footer");
    let mut bytes = std::fs::read(file).expect("a file");
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let (start, length) = column.byte_range();
            bytes[start as usize..(start + length) as usize].fill(0xff);
        }
    }
    std::fs::write(file, bytes).expect("written");
}

#[actix_web::test]
async fn usage_is_what_one_counts_by_hand_and_a_day_is_counted_anew_when_something_came() {
    let world = World::new().await;
    assert_eq!(
        count(&world, Days::New).await,
        None,
        "no statements, no lake"
    );
    let mut chance = Chance::new(7);
    let now = service::clock::now();
    let mut all = said(&mut chance, 150, now - TimeDelta::hours(2));
    // A device whose clock is ahead, and days to which nothing will be added.
    all[0].at = now + TimeDelta::days(400);
    all[1].at = noon() - TimeDelta::days(40);
    ship(&world, 0, &all).await;
    // Known from now on, which is after these.
    assert_eq!(import(&world, roster("bulk", &[])).await.0, 200);
    let counted = count(&world, Days::New).await.expect("counted");
    assert_eq!(counted.position, 150);
    assert_eq!(in_the_lake(&world).await, by_hand(&all, now));
    assert_eq!(count(&world, Days::New).await, None, "nothing is new");

    // What comes later is of the same days and of others.
    let mut late = said(&mut chance, 100, now + TimeDelta::hours(1));
    late[0].at = noon() + TimeDelta::days(9);
    ship(&world, all.len(), &late).await;
    all.extend(late);
    let counted = count(&world, Days::New).await.expect("counted");
    let wanted = by_hand(&all, now);
    assert_eq!((counted.position, counted.rows), (250, wanted.len()));
    assert!(wanted.keys().any(|row| row.1.is_some()));
    assert_eq!(in_the_lake(&world).await, wanted);

    // All days again, by two at once.
    let (one, other) = tokio::join!(count(&world, Days::New), count(&world, Days::New));
    assert_eq!((one, other), (None, None));
    let counted = count(&world, Days::All).await.expect("counted");
    assert_eq!(counted.rows, wanted.len());
    assert_eq!(in_the_lake(&world).await, wanted);
}

#[actix_web::test]
async fn files_from_before_the_first_new_day_are_not_read_unless_something_came_late() {
    let world = World::new().await;
    let mut chance = Chance::new(11);
    let now = service::clock::now();
    let mut all = said(&mut chance, 80, noon() + TimeDelta::days(4));
    ship(&world, 0, &all).await;
    count(&world, Days::New).await.expect("counted");
    let table = LakeTable::open(&lake(&world), &statements::TABLE).await;
    let file = table.expect("a table").files().expect("files").remove(0);
    let kept = std::fs::read(&file).expect("a file");

    // Of today and of the days before, but of none that the first file has statements of.
    let mut new = said(&mut chance, 60, noon() + TimeDelta::days(12));
    for said in &mut new {
        said.at += TimeDelta::days(9);
    }
    ship(&world, all.len(), &new).await;
    all.extend(new);
    without_values(&file);
    try_to_count(&world, Days::All)
        .await
        .expect_err("what is read of it fails");
    count(&world, Days::New).await.expect("counted");
    assert_eq!(in_the_lake(&world).await, by_hand(&all, now));

    // One that was given while the first file was filled: its day is counted whole.
    std::fs::write(&file, kept).expect("written");
    let mut late = said(&mut chance, 5, noon() + TimeDelta::days(13));
    late[0].voids = false;
    ship(&world, all.len(), &late).await;
    all.extend(late);
    count(&world, Days::New).await.expect("counted");
    assert_eq!(in_the_lake(&world).await, by_hand(&all, now));
}
