//! Catalogue and lists over HTTP, on a real PostgreSQL.
//!
//! What analytics publishes is made here by hand, with the columns of its contract.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{App, Error, test, web};
use chrono::DateTime;
use recommender::{Recommender, RecommenderConfig};
use schemas::framework::SECONDE_JSON;
use serde_json::{Value, json};
use service::config::Settings;
use service::identity::{Binding, Grant, Scope};
use service::testkit::TestDb;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::common::{MINUTE_S, START, Story, index, items};

/// The views of analytics, over tables that the test fills.
const PUBLISHED: &str = "
    create schema analytics;
    create table analytics.frameworks (version text, document jsonb, loaded timestamptz default now());
    create table analytics.people (person uuid, label text);
    create table analytics.states (person uuid, subject text, state bytea, position bigint);
    create table analytics.classes (class uuid, school_identifier text);
    create table analytics.membership (class uuid, person uuid, role text, subject text);
    create view published.classes as select * from analytics.classes;
    create view published.membership as select * from analytics.membership;
    create table analytics.calibrations (subject text, calibration bigint, hyper jsonb, priors jsonb);
    create table analytics.calibration_items (calibration bigint, item bigint, a float8, b float8, s2 float8);
    create view published.calibrations as select * from analytics.calibrations;
    create view published.calibration_items as select * from analytics.calibration_items;
    create view published.framework as select * from analytics.frameworks;
    create view published.framework_served as select * from analytics.frameworks;
    create view published.people as select * from analytics.people;
    create view published.pupil_states as select * from analytics.states;
";

const PUPIL: Uuid = Uuid::from_u128(0x8a1e_0000_0000_8000_8000_0000_0000_0001);

struct Given {
    db: TestDb,
    all: String,
    read: String,
    write: String,
}

async fn given() -> Given {
    let db = TestDb::new(&[recommender::MIGRATIONS]).await;
    let client = db.pool().get().await.expect("a connection");
    client
        .batch_execute(PUBLISHED)
        .await
        .expect("the views of analytics");
    let framework: Value = serde_json::from_str(SECONDE_JSON).expect("JSON");
    let sql = "insert into analytics.frameworks (version, document) values ('0.1.0', $1)";
    client
        .execute(sql, &[&framework])
        .await
        .expect("a framework");
    Given {
        all: db.basic(&[Scope::All]).await,
        read: db.basic(&[Scope::AllRead]).await,
        write: db.basic(&[Scope::StatementsWrite]).await,
        db,
    }
}

impl Given {
    async fn recommender(&self) -> Arc<Recommender> {
        let config = RecommenderConfig::load(&Settings::defaults()).expect("the defaults");
        Arc::new(Recommender::new(&self.db.context().await, config))
    }

    async fn pupil(&self, person: Uuid, story: Option<&Story<'_>>) {
        let client = self.db.pool().get().await.expect("a connection");
        let sql = "insert into analytics.people values ($1, 'Élève 2A-07')";
        client.execute(sql, &[&person]).await.expect("a pupil");
        for (subject, state) in story.map(Story::states).unwrap_or_default() {
            let sql = "insert into analytics.states values ($1, $2, $3, 1)";
            client
                .execute(sql, &[&person, &subject, &state.encode()])
                .await
                .expect("a state");
        }
    }
}

/// The service of one copy of the recommender.
macro_rules! app {
    ($given:expr, $recommender:expr) => {{
        let credentials = $given.db.context().await.credentials;
        let app = App::new()
            .app_data(web::Data::from($recommender))
            .app_data(web::Data::new(credentials))
            .configure(service::http::defaults)
            .configure(recommender::routes);
        test::init_service(app).await
    }};
}

/// Status and JSON of the answer to a request.
macro_rules! call {
    ($app:expr, $request:expr) => {
        answer_of(&$app, $request.to_request())
    };
}

async fn answer_of<S, R>(app: &S, request: R) -> (StatusCode, Value)
where
    S: Service<R, Response = ServiceResponse, Error = Error>,
{
    let response = match app.call(request).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let status = response.status();
    let body = actix_web::body::to_bytes(response.into_body())
        .await
        .expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn put(authorization: &str, body: &Value) -> test::TestRequest {
    test::TestRequest::put()
        .uri("/api/v1/catalogue")
        .insert_header(("Authorization", authorization))
        .insert_header(("Content-Type", "application/json"))
        .set_payload(body.to_string())
}

fn get(authorization: &str, uri: &str) -> test::TestRequest {
    test::TestRequest::get()
        .uri(uri)
        .insert_header(("Authorization", authorization))
}

fn next(person: impl std::fmt::Display, query: &str) -> String {
    format!("/api/v1/pupils/{person}/next-activities{query}")
}

fn catalogue(version: &str, levels: &[u8]) -> Value {
    json!({ "uri": "https://example.org/catalogue", "version": version, "items": items(levels) })
}

/// `as_of` so many seconds after the start of the stories.
fn as_of(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
    let time = DateTime::from_timestamp((START + seconds) as i64, 0).expect("a time");
    format!("?as_of={}", time.format("%Y-%m-%dT%H:%M:%SZ"))
}

#[actix_web::test]
async fn a_catalogue_is_replaced_whole_and_once() {
    let given = given().await;
    let app = app!(given, given.recommender().await);
    let (status, body) = call!(app, get(&given.read, "/api/v1/catalogue")).await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!("not_found")));

    let (status, first) = call!(app, put(&given.all, &catalogue("1", &[2, 4]))).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(
        (&first["changed"], &first["items"]),
        (&json!(true), &json!(50))
    );

    let mut again = catalogue("1", &[2, 4]);
    again["items"].as_array_mut().expect("items").reverse();
    let (_, same) = call!(app, put(&given.all, &again)).await;
    assert_eq!(
        (&same["changed"], &same["version"]),
        (&json!(false), &first["version"])
    );

    let (_, second) = call!(app, put(&given.all, &catalogue("2", &[3]))).await;
    assert_eq!(
        (&second["changed"], &second["items"]),
        (&json!(true), &json!(25))
    );
    assert_ne!(second["version"], first["version"]);
    let (_, current) = call!(app, get(&given.read, "/api/v1/catalogue")).await;
    assert_eq!(current["fingerprint"], second["fingerprint"]);
    assert_eq!(current["catalogue_version"], "2");

    let client = given.db.pool().get().await.expect("a connection");
    let sql = "select count(*), count(distinct activity), min(document ->> 'id') is not null from published.catalogue_items";
    let row = client
        .query_one(sql, &[])
        .await
        .expect("the published items");
    assert_eq!((row.get(0), row.get(1), row.get(2)), (25_i64, 25_i64, true));
    let row = client
        .query_one("select version, fingerprint from published.catalogue", &[])
        .await;
    assert_eq!(row.expect("one row").get::<_, i64>(0), second["version"]);

    // What was replaced ended when what came began; what stayed the same never ended.
    let (_, third) = call!(app, put(&given.all, &catalogue("3", &[3, 5]))).await;
    let sql = "select count(*), count(*) filter (where valid_to is null), count(distinct valid_from),
                      array_agg(distinct version order by version) filter (where valid_to is null),
                      bool_and(competencies[1] = document -> 'competencies' ->> 0 and valid_from < coalesce(valid_to, 'infinity'))
               from published.catalogue_history";
    let row = client.query_one(sql, &[]).await.expect("the history");
    assert_eq!((row.get(0), row.get(1)), (100_i64, 50_i64));
    assert_eq!(row.get::<_, i64>(2), 3, "one time a version");
    let versions = [&second, &third].map(|version| version["version"].as_i64().expect("a number"));
    assert_eq!(row.get::<_, Vec<i64>>(3), versions);
    assert!(row.get::<_, bool>(4));
}

/// Whoever reads answers as of the catalogue must find the same when they read again.
#[actix_web::test]
async fn no_catalogue_begins_before_those_who_hold_it_are_done() {
    let given = given().await;
    let recommender = given.recommender().await;
    let mut client = given.db.pool().get().await.expect("a connection");
    let holding = client.transaction().await.expect("a transaction");
    let held = holding.execute("select published.hold_catalogue()", &[]);
    held.await.expect("held");
    let bytes = serde_json::to_vec(&catalogue("1", &[2])).expect("JSON");
    let import = tokio::spawn(async move { recommender.replace_catalogue(&bytes).await });
    let waits = "select exists (select from pg_locks where locktype = 'advisory' and classid = 5318 and not granted)";
    let watching = given.db.pool().get().await.expect("a connection");
    let begun = Instant::now();
    while !watching
        .query_one(waits, &[])
        .await
        .expect("a row")
        .get::<_, bool>(0)
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let row = holding.query_one("select clock_timestamp()", &[]).await;
    let read_at: DateTime<chrono::Utc> = row.expect("a time").get(0);
    holding.commit().await.expect("let go");
    let replaced = import.await.expect("ended").expect("an import");
    assert!(replaced.changed);
    let begins = "select min(valid_from) from published.catalogue_history";
    let row = watching.query_one(begins, &[]).await.expect("a row");
    assert!(row.get::<_, DateTime<chrono::Utc>>(0) > read_at);
}

#[actix_web::test]
async fn a_bad_catalogue_is_refused_with_every_fault() {
    let given = given().await;
    let app = app!(given, given.recommender().await);
    let mut bad = catalogue("1", &[2]);
    bad["items"][1]["competencies"] = json!(["https://example.org/unknown"]);
    bad["items"][2]["subject"] = json!("maths");
    let (status, body) = call!(app, put(&given.all, &bad)).await;
    assert_eq!(status, 400);
    let told: Vec<(&Value, &Value)> = body["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (&error["pointer"], &error["rule"]))
        .collect();
    assert_eq!(
        told,
        [
            (
                &json!("/items/1/competencies/0"),
                &json!("catalogue-competency-unknown")
            ),
            (
                &json!("/items/2/competencies/0"),
                &json!("catalogue-competency-subject")
            ),
        ]
    );
    for (body, status) in [("{", 400), ("[]", 400), ("{\"uri\":1}", 400), ("", 400)] {
        let request = put(&given.all, &Value::Null).set_payload(body);
        let (found, problem) = call!(app, request).await;
        assert_eq!(found.as_u16(), status, "{body}: {problem}");
        assert!(
            problem["rule"].is_string() && problem["section"].is_string(),
            "{problem}"
        );
    }
    let plain =
        put(&given.all, &catalogue("1", &[2])).insert_header(("Content-Type", "text/plain"));
    assert_eq!(call!(app, plain).await.0, 415);
    let zipped = put(&given.all, &catalogue("1", &[2])).insert_header(("Content-Encoding", "gzip"));
    assert_eq!(call!(app, zipped).await.0, 415);
    let huge = put(&given.all, &Value::Null).set_payload(vec![b' '; 17 << 20]);
    assert_eq!(call!(app, huge).await.0, 413);
    let (status, _) = call!(app, get(&given.read, "/api/v1/catalogue")).await;
    assert_eq!(status, 404, "nothing was stored");
}

#[actix_web::test]
async fn a_pupil_gets_a_list_with_reasons() {
    let given = given().await;
    let index = index(&items(&[1, 2, 3, 4, 5]));
    let story = Story::new(index.model())
        .answers("calculer avec des fractions", &[2, 3, 4], false)
        .answers("théorème de Thalès", &[1, 2], true)
        .wait(MINUTE_S);
    given.pupil(PUPIL, Some(&story)).await;
    let app = app!(given, given.recommender().await);
    let (status, _) = call!(app, put(&given.all, &catalogue("1", &[1, 2, 3, 4, 5]))).await;
    assert_eq!(status, 200);

    let uri = next(PUPIL, &format!("{}&limit=3", as_of(story.clock - START)));
    let (status, body) = call!(app, get(&given.read, &uri)).await;
    assert_eq!(status, 200, "{body}");
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&body)
            .expect("JSON")
            .replace('\u{a0}', "~")
    );
    let (_, again) = call!(app, get(&given.all, &uri)).await;
    assert_eq!(again, body, "asked twice, the same list");
}

#[actix_web::test]
async fn a_pupil_without_answers_gets_a_list_and_nobody_gets_none() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let app = app!(given, given.recommender().await);
    let (status, body) = call!(app, get(&given.read, &next(PUPIL, ""))).await;
    assert_eq!(
        (status.as_u16(), &body["activities"]),
        (200, &json!([])),
        "no catalogue yet"
    );
    assert_eq!(body["catalogue"], Value::Null);

    call!(app, put(&given.all, &catalogue("1", &[2, 4]))).await;
    let (status, body) = call!(app, get(&given.read, &next(PUPIL, ""))).await;
    let activities = body["activities"].as_array().expect("a list");
    assert_eq!(
        (status.as_u16(), activities.len(), &body["answers"]),
        (200, 5, &json!(0))
    );
    assert!(
        activities
            .iter()
            .all(|entry| entry["level"]["shown"] == false)
    );
    assert!(
        activities
            .iter()
            .all(|entry| entry["level"]["degree"].is_null())
    );

    let (status, body) = call!(app, get(&given.read, &next(Uuid::from_u128(5), ""))).await;
    assert_eq!(
        (status.as_u16(), &body["rule"]),
        (404, &json!("pupil-unknown"))
    );
}

#[actix_web::test]
async fn bad_parameters_are_told_by_name() {
    let given = given().await;
    let index = index(&items(&[2]));
    let story = Story::new(index.model()).answers("théorème de Thalès", &[2], true);
    given.pupil(PUPIL, Some(&story)).await;
    let app = app!(given, given.recommender().await);
    for (uri, status, pointer) in [
        (next(PUPIL, "?limit=0"), 400, "limit"),
        (next(PUPIL, "?limit=51"), 400, "limit"),
        (next(PUPIL, "?limit=ten"), 400, "limit"),
        (next(PUPIL, "?as_of=yesterday"), 400, "as_of"),
        (next(PUPIL, "?as_of=2025-10-01"), 400, "as_of"),
        (next(PUPIL, "?limt=3"), 400, "query"),
        (next("not-a-key", ""), 400, "key"),
        (next(PUPIL, &as_of(-10.0)), 409, "as_of"),
    ] {
        let (found, body) = call!(app, get(&given.read, &uri)).await;
        assert_eq!(
            (found.as_u16(), &body["pointer"]),
            (status, &json!(pointer)),
            "{uri}: {body}"
        );
        assert!(body["rule"].is_string(), "{uri}: {body}");
    }
    let (status, _) = call!(app, get(&given.read, &next(PUPIL, &as_of(60.0)))).await;
    assert_eq!(status, 200, "as of the last answer itself");
}

#[actix_web::test]
async fn only_who_may_is_answered() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let app = app!(given, given.recommender().await);
    let list = next(PUPIL, "");
    for uri in [list.as_str(), "/api/v1/catalogue"] {
        let open = test::TestRequest::get().uri(uri);
        assert_eq!(call!(app, open).await.0, 401, "{uri}");
        assert_eq!(call!(app, get("Basic Og==", uri)).await.0, 401, "{uri}");
        assert_eq!(call!(app, get(&given.write, uri)).await.0, 403, "{uri}");
        let post = test::TestRequest::post().uri(uri);
        assert_eq!(call!(app, post).await.0, 405, "{uri}");
    }
    let read_only = put(&given.read, &catalogue("1", &[2]));
    assert_eq!(call!(app, read_only).await.0, 403);
}

#[actix_web::test]
async fn a_credential_of_a_school_gets_lists_of_its_pupils_alone() {
    let given = given().await;
    let teacher = Uuid::from_u128(7);
    for person in [PUPIL, teacher] {
        given.pupil(person, None).await;
    }
    let client = given.db.pool().get().await.expect("a connection");
    let class = Uuid::from_u128(1);
    for (sql, person) in [
        (
            "insert into analytics.membership values ($1, $2, 'student', null)",
            PUPIL,
        ),
        (
            "insert into analytics.membership values ($1, $2, 'teacher', null)",
            teacher,
        ),
    ] {
        client
            .execute(sql, &[&class, &person])
            .await
            .expect("a member");
    }
    let sql = "insert into analytics.classes values ($1, '0000000A')";
    client.execute(sql, &[&class]).await.expect("a class");
    let app = app!(given, given.recommender().await);
    for (school, status) in [("0000000A", 200), ("0000001B", 404)] {
        let grant = Grant {
            binding: Binding {
                school: Some(school.parse().expect("a school")),
                ..Binding::default()
            },
            ..Grant::of(&[Scope::All], "of a school")
        };
        let bound = service::testkit::basic(&given.db.granted(&grant).await);
        let (found, body) = call!(app, get(&bound, &next(PUPIL, ""))).await;
        assert_eq!(found.as_u16(), status, "{school}: {body}");
        // Nobody's list but a pupil's.
        let (found, body) = call!(app, get(&bound, &next(teacher, ""))).await;
        assert_eq!(
            (found.as_u16(), &body["rule"]),
            (404, &json!("pupil-unknown"))
        );
        let (found, body) = call!(app, put(&bound, &catalogue("1", &[2]))).await;
        assert_eq!(
            (found.as_u16(), &body["rule"]),
            (403, &json!("school-bound"))
        );
        let (found, _) = call!(app, get(&bound, "/api/v1/catalogue")).await;
        assert_eq!(found, 404, "none was loaded, and it may ask");
    }
}

#[actix_web::test]
async fn another_copy_follows_within_a_second() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let writer = app!(given, given.recommender().await);
    let reader = app!(given, given.recommender().await);
    call!(writer, put(&given.all, &catalogue("1", &[2]))).await;
    let (_, before) = call!(reader, get(&given.read, &next(PUPIL, ""))).await;
    assert!(before["catalogue"].is_i64());

    let (_, replaced) = call!(writer, put(&given.all, &catalogue("2", &[4]))).await;
    let (_, own) = call!(writer, get(&given.read, &next(PUPIL, ""))).await;
    assert_eq!(
        own["catalogue"], replaced["version"],
        "the copy that took it in, at once"
    );
    let since = Instant::now();
    loop {
        let (_, body) = call!(reader, get(&given.read, &next(PUPIL, ""))).await;
        if body["catalogue"] == replaced["version"] {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(3), "{body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The success that a list expects of each activity.
fn chances(list: &Value) -> Vec<f64> {
    let all = list["activities"].as_array().expect("a list").iter();
    all.map(|one| one["expected_success"].as_f64().expect("a figure"))
        .collect()
}

#[actix_web::test]
async fn a_list_goes_by_the_calibration_that_the_states_were_made_with() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let app = app!(given, given.recommender().await);
    call!(app, put(&given.all, &catalogue("1", &[2]))).await;
    let (_, before) = call!(app, get(&given.read, &next(PUPIL, ""))).await;
    assert!(!chances(&before).is_empty());
    assert!(chances(&before).iter().all(|p| *p > 0.5), "{before}");

    // Fitted, everything is far harder than its level says.
    let client = given.db.pool().get().await.expect("a connection");
    for (number, subject) in [(1_i64, "maths"), (2, "francais")] {
        let hyper = serde_json::to_value(mastery::Hyper::default()).expect("JSON");
        let sql = "insert into analytics.calibrations values ($1, $2, $3)";
        client
            .execute(sql, &[&subject, &number, &hyper])
            .await
            .expect("constants");
    }
    for item in items(&[2]) {
        let key = item.id.key64().cast_signed();
        let sql = "insert into analytics.calibration_items values (1, $1, 1, 6, 0.1)";
        client.execute(sql, &[&key]).await.expect("an item");
    }
    let copy = app!(given, given.recommender().await);
    let (_, after) = call!(copy, get(&given.read, &next(PUPIL, ""))).await;
    assert_eq!(chances(&after).len(), chances(&before).len());
    assert!(chances(&after).iter().all(|p| *p < 0.1), "{after}");
}

#[actix_web::test]
async fn imports_at_once_leave_one_catalogue() {
    let given = given().await;
    let recommender = given.recommender().await;
    let documents: Vec<String> = (1..=6)
        .map(|n| catalogue(&n.to_string(), &[n]).to_string())
        .collect();
    let mut imports = JoinSet::new();
    for document in documents {
        let recommender = Arc::clone(&recommender);
        imports.spawn(async move { recommender.replace_catalogue(document.as_bytes()).await });
    }
    let last = imports
        .join_all()
        .await
        .into_iter()
        .map(|replaced| replaced.expect("an import").current)
        .max_by_key(|version| version.version)
        .expect("six imports");
    let client = given.db.pool().get().await.expect("a connection");
    let sql =
        "select count(*), count(distinct document ->> 'level') from published.catalogue_items";
    let row = client.query_one(sql, &[]).await.expect("the items");
    assert_eq!((row.get(0), row.get(1)), (25_i64, 1_i64));
    assert_eq!(
        recommender.catalogue().await.expect("an answer"),
        Some(last)
    );
}

#[actix_web::test]
async fn what_was_not_fitted_goes_by_what_the_fit_expects_of_it() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let app = app!(given, given.recommender().await);
    call!(app, put(&given.all, &catalogue("1", &[2]))).await;
    let client = given.db.pool().get().await.expect("a connection");
    let far_harder = json!({
        "sets": [], "other": { "a": 1.0, "b": 9.0, "s2": 0.1 }, "level": { "offset": 9.0, "variance": 0.1 },
    });
    for (number, subject) in [(1_i64, "maths"), (2, "francais")] {
        let hyper = serde_json::to_value(mastery::Hyper::default()).expect("JSON");
        let sql = "insert into analytics.calibrations values ($1, $2, $3, $4)";
        client
            .execute(sql, &[&subject, &number, &hyper, &far_harder])
            .await
            .expect("constants and priors");
    }
    let copy = app!(given, given.recommender().await);
    let (_, list) = call!(copy, get(&given.read, &next(PUPIL, ""))).await;
    assert!(!chances(&list).is_empty());
    assert!(chances(&list).iter().all(|p| *p < 0.1), "{list}");
}

#[actix_web::test]
async fn a_list_goes_by_the_framework_that_the_states_were_made_with() {
    let given = given().await;
    given.pupil(PUPIL, None).await;
    let app = app!(given, given.recommender().await);
    call!(app, put(&given.all, &catalogue("1", &[2]))).await;
    let subjects = async |query: &str| {
        let copy = app!(given, given.recommender().await);
        let (_, list) = call!(copy, get(&given.read, &next(PUPIL, query))).await;
        let mut subjects: Vec<String> = list["activities"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["subject"].as_str().expect("a name").to_owned())
            .collect();
        subjects.sort();
        subjects.dedup();
        subjects
    };
    let both = subjects("?limit=50").await;
    assert_eq!(both, ["francais", "maths"]);
    // Another one is loaded, of French alone; the states are still those of the one before.
    let client = given.db.pool().get().await.expect("a connection");
    let newest = "
        create or replace view published.framework as
            select * from analytics.frameworks order by version desc limit 1;
        create or replace view published.framework_served as
            select * from analytics.frameworks where version = '0.1.0';";
    client.batch_execute(newest).await.expect("views");
    let mut french: Value = serde_json::from_str(SECONDE_JSON).expect("JSON");
    let domains = french["domains"].as_array_mut().expect("domains");
    domains.retain(|domain| domain["subject"] == "francais");
    let sql = "insert into analytics.frameworks (version, document) values ('0.2.0', $1)";
    client.execute(sql, &[&french]).await.expect("a framework");
    assert_eq!(subjects("?limit=50").await, both);
    // A catalogue is checked against the newest all the same.
    let (status, body) = call!(app, put(&given.all, &catalogue("2", &[2]))).await;
    assert_eq!(status, 400, "{body}");
    let served = "create or replace view published.framework_served as
                      select * from analytics.frameworks where version = '0.2.0'";
    client.batch_execute(served).await.expect("a view");
    assert_eq!(subjects("?limit=50").await, ["francais"]);
}
