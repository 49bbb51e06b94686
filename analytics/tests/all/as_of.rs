//! Mastery as of a time, in the lake: what the API shows as of that time, whoever's answers came late.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not seen as tests, and must fail as loudly"
)]

use analytics::store::runs::Cause;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use datafusion::prelude::SessionContext;
use lake::{Lake, LakeTable, frame};
use schemas::tables::Table;
use schemas::tables::mastery::{AS_OF, TABLE};
use serde_json::{Value, json};

use crate::world::{World, given, noon};

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

/// The rows of a table, by person and URI: run, answers, mean, M.
async fn rows(world: &World, table: &'static Table) -> Vec<(String, String, i64, i64, f64, f64)> {
    let lake = Lake::at(&world.analytics.config().lake_root);
    let table = LakeTable::open(&lake, table).await.unwrap();
    let files = table.files().unwrap();
    let frame = frame(&SessionContext::new(), &table, &files).unwrap();
    let columns = ["person", "uri", "run", "answers", "mean", "m"];
    let frame = frame.select_columns(&columns).unwrap();
    let mut rows: Vec<_> = frame
        .collect()
        .await
        .unwrap()
        .iter()
        .flat_map(read)
        .collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

fn read(batch: &RecordBatch) -> Vec<(String, String, i64, i64, f64, f64)> {
    let text = |n: usize| {
        arrow::compute::cast(batch.column(n), &arrow::datatypes::DataType::Utf8).unwrap()
    };
    let [persons, uris] = [0, 1].map(text);
    let (persons, uris) = (persons.as_string::<i32>(), uris.as_string::<i32>());
    let [runs, answers] = [2, 3].map(|n| batch.column(n).as_primitive::<Int64Type>());
    let [means, ms] = [4, 5].map(|n| batch.column(n).as_primitive::<Float64Type>());
    (0..batch.num_rows())
        .map(|n| {
            let (person, uri) = (persons.value(n).to_owned(), uris.value(n).to_owned());
            (
                person,
                uri,
                runs.value(n),
                answers.value(n),
                means.value(n),
                ms.value(n),
            )
        })
        .collect()
}

/// What the API shows of the three pupils as of a time, in the same form but for the run.
async fn shown(world: &World, as_of: DateTime<Utc>) -> Vec<(String, String, i64, f64, f64)> {
    let mut shown = Vec::new();
    for account in ACCOUNTS {
        let key = world.account(account).to_string();
        let at = as_of.to_rfc3339_opts(SecondsFormat::Micros, true);
        let (status, pupil) = world
            .get(&format!("/api/v1/pupils/{key}/mastery?as_of={at}"))
            .await;
        assert_eq!(status, 200, "{pupil}");
        let subjects = pupil["subjects"].as_array().unwrap();
        // Of a subject that was never practised the lake has nothing.
        for subject in subjects.iter().filter(|one| one["answers"] != 0) {
            for domain in subject["domains"].as_array().unwrap() {
                shown.push(level(&key, domain));
                let competencies = domain["competencies"].as_array().unwrap();
                let practised = competencies.iter().filter(|one| one["answers"] != 0);
                shown.extend(practised.map(|one| level(&key, one)));
            }
        }
    }
    shown.sort_by(|a, b| a.partial_cmp(b).unwrap());
    shown
}

fn level(key: &str, level: &Value) -> (String, String, i64, f64, f64) {
    let figure = |name: &str| level[name].as_f64().unwrap();
    let answers = level["answers"].as_i64().unwrap();
    let uri = level["uri"].as_str().unwrap().to_owned();
    (
        key.to_owned(),
        uri,
        answers,
        figure("mean"),
        figure("mastery"),
    )
}

fn without_run(
    rows: Vec<(String, String, i64, i64, f64, f64)>,
) -> Vec<(String, String, i64, f64, f64)> {
    let rows = rows.into_iter();
    rows.map(|(person, uri, _, answers, mean, m)| (person, uri, answers, mean, m))
        .collect()
}

fn of_runs(rows: &[(String, String, i64, i64, f64, f64)]) -> std::collections::BTreeSet<i64> {
    rows.iter().map(|row| row.2).collect()
}

/// Twelve answers an hour apart, of three pupils; the second is void.
async fn twelve_hours(world: &World) {
    for n in 0..12 {
        let (account, item) = (ACCOUNTS[n as usize % 3], n as usize % 8);
        world
            .answer(&given(n, account, item, n % 4 != 0, 3_600 * n as i64))
            .await;
    }
    world.void(1).await;
    world.fold().await;
    world.ship().await;
}

#[actix_web::test]
async fn it_is_what_was_shown_then() {
    let world = World::new().await;
    twelve_hours(&world).await;
    let served = world.served().await;
    let now = world.analytics.recompute(Cause::Request).await.unwrap();
    // To the microsecond: the seventh answer is there, the eighth is not.
    let [first, second] = [
        Duration::hours(6),
        Duration::hours(7) - Duration::microseconds(1),
    ]
    .map(|after| noon() + after);
    let early = world.analytics.mastery_as_of(first).await.unwrap();
    assert_eq!((early.answers, early.pupils), (6, 3));
    assert_eq!(
        without_run(rows(&world, &AS_OF).await),
        shown(&world, first).await
    );
    let later = world.analytics.mastery_as_of(second).await.unwrap();
    assert_eq!(later.answers, 6, "the eighth is a microsecond too late");
    let both = rows(&world, &AS_OF).await;
    assert_eq!(
        of_runs(&both),
        [early.run, later.run].into(),
        "each time has its rows"
    );

    // Given before, come after: it belongs to the past.
    world.answer(&given(20, "b", 3, true, 1_800)).await;
    world.fold().await;
    world.ship().await;
    let again = world.analytics.mastery_as_of(first).await.unwrap();
    assert_eq!(again.answers, 7);
    let both = rows(&world, &AS_OF).await;
    assert_eq!(
        of_runs(&both),
        [again.run, later.run].into(),
        "in place of the former run's"
    );
    let of_first = both.into_iter().filter(|row| row.2 == again.run).collect();
    assert_eq!(without_run(of_first), shown(&world, first).await);

    // What is served stays, and so does the table of the last recomputation.
    assert_eq!(of_runs(&rows(&world, &TABLE).await), [now.run].into());
    assert_ne!(
        world.served().await,
        served,
        "but for the answer that came since"
    );
    assert_eq!(
        world.text("select count(*) from analytics.versions").await,
        "1"
    );
    let runs = "select string_agg(cause || ' ' || status, ', ' order by run) from analytics.runs";
    assert_eq!(
        world.text(runs).await,
        "request done, as_of done, as_of done, as_of done"
    );
}

#[actix_web::test]
async fn before_the_first_answer_there_is_nothing() {
    let world = World::new().await;
    let nothing = world.analytics.mastery_as_of(noon()).await.unwrap();
    assert_eq!((nothing.lake_version, nothing.mastery_rows), (None, 0));
    twelve_hours(&world).await;
    let before = noon() - Duration::seconds(1);
    let nothing = world.analytics.mastery_as_of(before).await.unwrap();
    assert_eq!(
        (nothing.answers, nothing.pupils, nothing.mastery_rows),
        (0, 0, 0)
    );
    assert!(rows(&world, &AS_OF).await.is_empty());
}

#[actix_web::test]
async fn it_is_asked_for_by_a_time() {
    let world = World::new().await;
    twelve_hours(&world).await;
    let (status, report) = world
        .post(
            "/api/v1/jobs/mastery-as-of?as_of=2026-03-02T18:30:00Z",
            &json!(null),
        )
        .await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(
        (&report["answers"], &report["pupils"]),
        (&json!(6), &json!(3))
    );
    for query in ["", "?as_of=yesterday", "?as_of=2026-03-02T18:30:00"] {
        let (status, problem) = world
            .post(&format!("/api/v1/jobs/mastery-as-of{query}"), &json!(null))
            .await;
        assert_eq!(status, 400, "{query}: {problem}");
        assert_eq!(
            problem["errors"][0]["rule"], "as_of-rfc3339",
            "{query}: {problem}"
        );
    }
}
