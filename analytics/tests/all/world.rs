//! A service under test: a fresh database, neighbours by hand, a lake in a folder of its own.

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::dev::Service;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{App, test, web};
use analytics::fold::worker;
use analytics::{Analytics, AnalyticsConfig};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::ids::AccountKey;
use schemas::ifi::Ifi;
use serde_json::{Value, json};
use service::config::Settings;
use service::identity::Scope;
use service::identity::oidc::Issuer;
use service::pg::Migrations;
use service::testkit::TestDb;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The views of the LRS and of the recommender.
const NEIGHBOURS: Migrations = Migrations {
    schema: "neighbours",
    steps: &[("0001_neighbours", include_str!("neighbours.sql"))],
};

/// Home page of the accounts of these tests.
pub(crate) const HOME: &str = "https://ent.example/ido";

pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) analytics: Arc<Analytics>,
    pub(crate) secret: [u8; 32],
    /// Whose tokens are taken.
    pub(crate) issuer: Option<Issuer>,
    authorization: String,
    reader: String,
    _lake: TempDir,
}

/// A row of the feed to be.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) id: u64,
    pub(crate) account: &'static str,
    pub(crate) activity: String,
    pub(crate) correct: bool,
    pub(crate) outcome: f64,
    /// Seconds after [`noon`]; none: no timestamp.
    pub(crate) at_s: Option<i64>,
    pub(crate) skew_ms: Option<i64>,
    pub(crate) device: Option<(String, Option<i64>)>,
    pub(crate) invented_time: bool,
}

/// One of many answers.
#[derive(Clone, Debug)]
pub(crate) struct Flooded {
    pub(crate) id: u64,
    pub(crate) account: String,
    pub(crate) item: usize,
    pub(crate) correct: bool,
    pub(crate) at: DateTime<Utc>,
}

/// The time from which these tests count.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().expect("a time")
}

pub(crate) fn activity(n: usize) -> String {
    format!("https://example.org/items/{n}")
}

/// An answer at a second after noon.
pub(crate) fn given(
    id: u64,
    account: &'static str,
    item: usize,
    correct: bool,
    at_s: i64,
) -> Given {
    Given {
        id,
        account,
        activity: activity(item),
        correct,
        outcome: f64::from(u8::from(correct)),
        at_s: Some(at_s),
        skew_ms: None,
        device: None,
        invented_time: false,
    }
}

impl World {
    /// A started service with a catalogue of eight items, two a competency.
    pub(crate) async fn new() -> Self {
        let world = Self::bare().await;
        world.set_catalogue(8).await;
        world.analytics.start().await.expect("started");
        world
    }

    /// A service that was not started and has no catalogue.
    pub(crate) async fn bare() -> Self {
        let db = TestDb::new(&[analytics::MIGRATIONS, NEIGHBOURS]).await;
        let lake = tempfile::tempdir().expect("a folder");
        let mut config = AnalyticsConfig::load(&Settings::defaults()).expect("the defaults");
        config.lake_root = lake.path().to_string_lossy().into_owned();
        let authorization = db.basic(&[Scope::All]).await;
        let reader = db.basic(&[Scope::AllRead]).await;
        let context = db.context().await;
        let secret = *context.secret.as_bytes().first_chunk().expect("32 bytes");
        Self {
            analytics: Arc::new(Analytics::new(context, config)),
            db,
            secret,
            issuer: None,
            authorization,
            reader,
            _lake: lake,
        }
    }

    /// Another copy of the service on the same database.
    pub(crate) async fn copy(&self) -> Arc<Analytics> {
        let config = self.analytics.config().clone();
        Arc::new(Analytics::new(self.db.context().await, config))
    }

    pub(crate) fn account(&self, name: &str) -> AccountKey {
        let ifi = Ifi::Account {
            home_page: HOME.to_owned(),
            name: name.to_owned(),
        };
        AccountKey::derive(&self.secret, &ifi)
    }

    /// `n` items over the first four competencies of mathematics.
    pub(crate) async fn set_catalogue(&self, n: usize) {
        let framework = schemas::framework::Framework::seconde();
        let competencies: Vec<_> = framework
            .competencies()
            .filter(|(domain, _)| domain.subject == "maths")
            .map(|(_, competency)| competency.uri.as_str())
            .collect();
        self.sql("delete from neighbours.items").await;
        for item in 0..n {
            let document = json!({
                "id": activity(item), "title": {"fr": format!("Exercice {item}")}, "subject": "maths",
                "competencies": [competencies[item % 4]], "level": 1 + item % 6,
            });
            self.sql(&format!(
                "insert into neighbours.items values ('{}', '{document}')",
                activity(item)
            ))
            .await;
        }
        self.sql(&format!(
            "insert into neighbours.catalogues (fingerprint) values ('{n}')"
        ))
        .await;
    }

    pub(crate) async fn sql(&self, sql: &str) {
        let client = self.db.pool().get().await.expect("a connection");
        client.batch_execute(sql).await.expect("good SQL");
    }

    /// The one value of a query, as text.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let client = self.db.pool().get().await.expect("a connection");
        let sql = format!("select ({sql})::text");
        let row = client.query_one(&sql, &[]).await.expect("good SQL");
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// Stores an answer, as the LRS would: next position, a later `stored`.
    pub(crate) async fn answer(&self, given: &Given) {
        let client = self.db.pool().get().await.expect("a connection");
        let timestamp = given.at_s.map(|s| noon() + TimeDelta::seconds(s));
        let (device_id, device_seq) = given.device.clone().unzip();
        client
            .execute(
                "insert into neighbours.rows (seq, id, stored, kind, account, activity, correct, outcome, \"timestamp\",
                     skew_ms, device_id, device_seq, invented_time)
                 select s, $1::uuid, $2::timestamptz + s * interval '1 second', 'answer', $3::uuid, $4::text, $5::boolean,
                     $6::float8, $7::timestamptz, $8::bigint, $9::text, $10::bigint, $11::boolean
                 from (select coalesce(max(seq), 0) + 1 as s from neighbours.rows) n",
                &[
                    &Uuid::from_u128(given.id.into()),
                    &(noon() + TimeDelta::days(10)),
                    &self.account(given.account).as_uuid(),
                    &given.activity,
                    &given.correct,
                    &given.outcome,
                    &timestamp,
                    &given.skew_ms,
                    &device_id,
                    &device_seq.flatten(),
                    &given.invented_time,
                ],
            )
            .await
            .expect("stored");
    }

    /// Stores many answers at once, each at the time at which it was given.
    pub(crate) async fn flood(&self, answers: &[Flooded]) {
        let client = self.db.pool().get().await.expect("a connection");
        let ids: Vec<Uuid> = answers
            .iter()
            .map(|a| Uuid::from_u128(a.id.into()))
            .collect();
        let accounts = answers.iter().map(|a| self.account(&a.account).as_uuid());
        let accounts: Vec<Uuid> = accounts.collect();
        let items: Vec<String> = answers.iter().map(|a| activity(a.item)).collect();
        let correct: Vec<bool> = answers.iter().map(|a| a.correct).collect();
        let at: Vec<DateTime<Utc>> = answers.iter().map(|a| a.at).collect();
        client
            .execute(
                "insert into neighbours.rows (seq, id, stored, kind, account, activity, correct, outcome, \"timestamp\",
                     invented_time)
                 select (select coalesce(max(seq), 0) from neighbours.rows) + n, id, at, 'answer', account, activity,
                     correct, correct::int, at, false
                 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::timestamptz[])
                     with ordinality as t (id, account, activity, correct, at, n)",
                &[&ids, &accounts, &items, &correct, &at],
            )
            .await
            .expect("stored");
    }

    /// Ships to the lake all that is new.
    pub(crate) async fn ship(&self) {
        analytics::lake::relay(&self.analytics)
            .ship()
            .await
            .expect("shipped");
    }

    /// Stores a voiding of a statement, there already or not.
    pub(crate) async fn void(&self, target: u64) {
        self.other(
            "voiding",
            &format!("'{}'", Uuid::from_u128(target.into())),
            "null",
        )
        .await;
    }

    /// Stores a candidate that counts for nothing.
    pub(crate) async fn left_out(&self, id: u64, reason: &str) {
        let id = Uuid::from_u128(id.into());
        self.sql(&format!(
            "insert into neighbours.rows (seq, id, stored, kind, left_out)
             select s, '{id}', timestamptz '2026-03-12T12:00:00Z' + s * interval '1 second', 'left_out', '{reason}'
             from (select coalesce(max(seq), 0) + 1 as s from neighbours.rows) n"
        ))
        .await;
    }

    /// Stores a statement that is no candidate.
    pub(crate) async fn statement(&self) {
        self.other("other", "null", "null").await;
    }

    async fn other(&self, kind: &str, voids: &str, left_out: &str) {
        self.sql(&format!(
            "insert into neighbours.rows (seq, id, stored, kind, voids, left_out)
             select s, gen_random_uuid(), timestamptz '2026-03-12T12:00:00Z' + s * interval '1 second', '{kind}', {voids}, {left_out}
             from (select coalesce(max(seq), 0) + 1 as s from neighbours.rows) n"
        ))
        .await;
    }

    /// Folds all that is new.
    pub(crate) async fn fold(&self) {
        worker::fold_pending(&self.analytics, &CancellationToken::new())
            .await
            .expect("folded");
    }

    /// Everything that is served, in a form that two ways can be compared in.
    pub(crate) async fn served(&self) -> Value {
        let current = "(select version from analytics.current)";
        let states = self.text(&format!(
            "select json_agg(json_build_array(person, subject, md5(state), length(state)) order by person, subject)
             from analytics.pupil_states where version = {current}"
        ))
        .await;
        let pupils = self.text(&format!(
            "select json_agg(to_jsonb(p) - 'version' order by person) from analytics.pupils p where version = {current}"
        ))
        .await;
        let items = self.text(&format!(
            "select json_agg(to_jsonb(u) - 'version' order by item) from analytics.item_usage u where version = {current} and answers <> 0"
        ))
        .await;
        let sums = self.text(&format!(
            "select json_build_array(answers, correct, pupils) from analytics.versions where version = {current}"
        ))
        .await;
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap_or(Value::Null);
        json!({
            "states": read(states), "pupils": read(pupils),
            "items": read(items), "sums": read(sums),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(test::TestRequest::get().uri(path), &self.reader)
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = test::TestRequest::post().uri(path).set_json(body);
        self.call(request, &self.authorization).await
    }

    pub(crate) async fn put(&self, path: &str, kind: &str, body: Vec<u8>) -> (u16, Value) {
        let request = test::TestRequest::put()
            .uri(path)
            .insert_header((CONTENT_TYPE, kind))
            .set_payload(body);
        self.call(request, &self.authorization).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        let request = test::TestRequest::delete().uri(path);
        self.call(request, &self.authorization).await
    }

    /// The same as [`World::put`] with a credential that may only read.
    pub(crate) async fn put_as_reader(
        &self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> (u16, Value) {
        let request = test::TestRequest::put()
            .uri(path)
            .insert_header((CONTENT_TYPE, kind))
            .set_payload(body);
        self.call(request, &self.reader).await
    }

    pub(crate) async fn call(
        &self,
        request: test::TestRequest,
        authorization: &str,
    ) -> (u16, Value) {
        let context = self.db.context().await;
        let app = App::new()
            .app_data(web::Data::new(
                context.credentials.accepting(self.issuer.clone()),
            ))
            .app_data(web::Data::from(Arc::clone(&self.analytics)))
            .configure(service::http::defaults)
            .configure(analytics::routes);
        let app = test::init_service(app).await;
        let mut request = request;
        if !authorization.is_empty() {
            request = request.insert_header((AUTHORIZATION, authorization));
        }
        let (status, bytes) = match app.call(request.to_request()).await {
            Ok(response) => {
                let status = response.status().as_u16();
                let bytes = to_bytes(response.into_body()).await.expect("a body");
                (status, bytes)
            }
            Err(error) => {
                let response = error.error_response();
                let status = response.status().as_u16();
                (
                    status,
                    to_bytes(response.into_body()).await.expect("a body"),
                )
            }
        };
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }
}
