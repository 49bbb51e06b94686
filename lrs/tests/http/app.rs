//! An LRS under test: a server on a port of its own, its committers, a credential.

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, middleware, web};
use lrs::{Lrs, LrsConfig};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use service::config::{HttpSettings, Settings};
use service::context::Context;
use service::http::Limits;
use service::identity::Scope;
use service::identity::oidc::Issuer;
use service::testkit::{TestDb, TestIssuer};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Connections of one LRS: two committers, readers, and what looks at the horizon.
const POOL: usize = 8;

pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) db: Arc<TestDb>,
    client: reqwest::Client,
    authorization: String,
    version: String,
    server: ServerHandle,
    stop: CancellationToken,
    /// Where the contents of attachments are.
    pub(crate) attachments: Arc<TempDir>,
}

impl App {
    /// An LRS on a fresh database.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// An LRS on a fresh database, with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut LrsConfig)) -> Self {
        let db = Arc::new(TestDb::new(&[lrs::MIGRATIONS]).await);
        let authorization = db.basic(&[Scope::All]).await;
        let attachments = Arc::new(tempfile::tempdir().expect("a folder"));
        let limits = limits(|_| {});
        Self::on(db, authorization, attachments, change, None, limits).await
    }

    /// An LRS on a fresh database, with other settings of what requests share.
    pub(crate) async fn sharing(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let db = Arc::new(TestDb::new(&[lrs::MIGRATIONS]).await);
        let authorization = db.basic(&[Scope::All]).await;
        let attachments = Arc::new(tempfile::tempdir().expect("a folder"));
        let limits = limits(change);
        Self::on(db, authorization, attachments, |_| {}, None, limits).await
    }

    /// An LRS on a fresh database that takes the tokens of an issuer.
    pub(crate) async fn trusting(issuer: &TestIssuer) -> Self {
        let db = Arc::new(TestDb::new(&[lrs::MIGRATIONS]).await);
        let authorization = db.basic(&[Scope::All]).await;
        let attachments = Arc::new(tempfile::tempdir().expect("a folder"));
        let (issuer, limits) = (issuer.accepted(), limits(|_| {}));
        Self::on(db, authorization, attachments, |_| {}, issuer, limits).await
    }

    /// One more LRS on the same database, with connections of its own.
    pub(crate) async fn another(&self) -> Self {
        let attachments = Arc::clone(&self.attachments);
        let db = Arc::clone(&self.db);
        let (authorization, limits) = (self.authorization.clone(), limits(|_| {}));
        Self::on(db, authorization, attachments, |_| {}, None, limits).await
    }

    async fn on(
        db: Arc<TestDb>,
        authorization: String,
        attachments: Arc<TempDir>,
        change: impl FnOnce(&mut LrsConfig),
        issuer: Option<Issuer>,
        limits: Limits,
    ) -> Self {
        let mut config = LrsConfig::load(&Settings::defaults()).expect("the defaults");
        config.attachments_root = attachments.path().to_string_lossy().into_owned();
        change(&mut config);
        let pool = service::pg::pool(db.url(), POOL).expect("a pool");
        let context = Context::open(pool, std::time::Duration::from_secs(60))
            .await
            .expect("the database answers");
        let credentials = web::Data::new(context.credentials.clone().accepting(issuer));
        let lrs = web::Data::new(Lrs::new(context, config).expect("a place for attachments"));
        let stop = CancellationToken::new();
        tokio::spawn(lrs::run_background(Arc::clone(&lrs), stop.clone()));
        let server = HttpServer::new(move || {
            ActixApp::new()
                .app_data(credentials.clone())
                .app_data(lrs.clone())
                .wrap(middleware::from_fn(service::http::trace))
                .configure(|cfg| limits.give(cfg))
                .configure(service::http::defaults)
                .configure(lrs::routes)
        })
        .workers(2)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let url = format!("http://{}/xapi", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            db,
            client: reqwest::Client::new(),
            authorization,
            version: "1.0.3".to_owned(),
            server: handle,
            stop,
            attachments,
        }
    }

    /// The same LRS, spoken to in another version.
    pub(crate) fn speaking(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// A request to `/xapi{path}` with credential and version.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .header("Authorization", &self.authorization)
            .header("X-Experience-API-Version", &self.version)
    }

    /// The value of its header.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// A request with nothing but the method.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn post(&self, body: &Value) -> Answer {
        let request = self
            .request(Method::POST, "/statements")
            .header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string())).await
    }

    pub(crate) async fn put(&self, id: Uuid, body: &Value) -> Answer {
        let path = format!("/statements?statementId={id}");
        let request = self
            .request(Method::PUT, &path)
            .header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string())).await
    }

    /// GET of `/xapi/statements` with these parameters.
    pub(crate) async fn get(&self, parameters: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        Answer::of(self.request(Method::GET, &format!("/statements?{}", pairs.join("&")))).await
    }

    /// GET of a `more`, as it was given.
    pub(crate) async fn more(&self, more: &str) -> Answer {
        let path = more.strip_prefix("/xapi").expect("relative to the server");
        Answer::of(self.request(Method::GET, path)).await
    }

    /// The ids of all statements that a query finds, page after page.
    pub(crate) async fn all(&self, parameters: &[(&str, &str)]) -> Vec<String> {
        let mut page = self.get(parameters).await;
        let mut ids = page.ids();
        while page.body["more"] != "" {
            page = self.more(page.body["more"].as_str().expect("text")).await;
            ids.extend(page.ids());
        }
        ids
    }

    /// Waits until everything stored by now is consistent: committed, and found through references.
    pub(crate) async fn settle(&self) {
        let client = self.db.pool().get().await.expect("a connection");
        let last = "select coalesce(max(stored), '-infinity') from lrs.statements";
        let last: chrono::DateTime<chrono::Utc> =
            client.query_one(last, &[]).await.expect("a time").get(0);
        for _ in 0..3_000 {
            let sql = "select published.consistent_through() >= $1";
            let row = client.query_one(sql, &[&last]).await.expect("an answer");
            if row.get(0) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("not consistent after 30 s");
    }

    pub(crate) async fn count(&self) -> i64 {
        self.number("select count(*) from lrs.statements").await
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let client = self.db.pool().get().await.expect("a connection");
        client.query_one(sql, &[]).await.expect("a number").get(0)
    }
}

/// What requests share, at the default settings but for what is changed.
fn limits(change: impl FnOnce(&mut HttpSettings)) -> Limits {
    let mut http: HttpSettings = Settings::defaults().section("http").expect("the defaults");
    change(&mut http);
    Limits::new(&http)
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
        drop(self.server.stop(false));
    }
}

pub(crate) fn encode(value: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    /// Null where the body is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        // In multipart/mixed the JSON is the first part.
        let json = match text.strip_prefix("--") {
            Some(mixed) => mixed.split("\r\n").nth(3).unwrap_or_default(),
            None => &text,
        };
        let body = serde_json::from_str(json).unwrap_or_default();
        Self {
            status,
            headers,
            text,
            body,
        }
    }

    /// Panics unless the status is this one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The ids of the statements of a page.
    pub(crate) fn ids(&self) -> Vec<String> {
        let statements = self.body["statements"]
            .as_array()
            .unwrap_or_else(|| panic!("a page: {}", self.text));
        statements
            .iter()
            .map(|statement| statement["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// An id that tests can tell from others: a version 4 UUID that ends with `n`.
pub(crate) fn id(n: u32) -> Uuid {
    format!("00000000-0000-4000-8000-{n:012}")
        .parse()
        .expect("a UUID")
}

/// A statement: who did what with which.
pub(crate) fn statement(id: Uuid, who: &str, verb: &str, what: &str) -> Value {
    json!({
        "id": id,
        "actor": { "objectType": "Agent", "account": { "homePage": "https://school.example.org", "name": who } },
        "verb": { "id": format!("https://example.org/verbs/{verb}"), "display": { "fr": verb } },
        "object": { "objectType": "Activity", "id": format!("https://example.org/activities/{what}") },
    })
}

/// A pupil's answer, right or wrong.
pub(crate) fn answer(id: Uuid, who: &str, what: &str, success: bool) -> Value {
    let mut statement = statement(id, who, "x", what);
    statement["verb"] = json!({ "id": "http://adlnet.gov/expapi/verbs/answered" });
    statement["result"] = json!({ "success": success });
    statement["timestamp"] = json!("2026-10-05T18:42:11.250+02:00");
    statement
}

pub(crate) fn voiding(id: Uuid, target: Uuid) -> Value {
    json!({
        "id": id,
        "actor": { "objectType": "Agent", "account": { "homePage": "https://school.example.org", "name": "teacher" } },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" },
        "object": { "objectType": "StatementRef", "id": target },
    })
}

/// The parameter `agent` for an account of [`statement`].
pub(crate) fn agent(who: &str) -> String {
    json!({ "account": { "homePage": "https://school.example.org", "name": who } }).to_string()
}
