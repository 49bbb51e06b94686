//! Who may call: credentials over their life, on several copies, over HTTP; tokens of an issuer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use chrono::TimeDelta;
use serde_json::{Value, json};
use service::clock;
use service::identity::oidc::{Issuer, OidcSettings};
use service::identity::{Action, Binding, Credentials, Grant, NewCredential, Scope, watch};
use service::pg::{self, Channel, ChannelError};
use service::store::credentials::{self, Change};
use service::testkit::{Algorithm, TestDb, TestIssuer, basic};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_util::sync::CancellationToken;

/// One copy of the service: what it remembers, and its ear.
struct Copy {
    credentials: Credentials,
    stop: CancellationToken,
}

impl Copy {
    /// A copy that remembers for longer than any test lasts.
    fn new(db: &TestDb) -> Self {
        let pool = pg::pool(db.url(), 2).unwrap();
        Self {
            credentials: Credentials::new(pool, Duration::from_secs(600)),
            stop: CancellationToken::new(),
        }
    }

    /// A copy that hears of changes.
    async fn hearing(db: &TestDb) -> Self {
        Self::hearing_by(db, db.url()).await
    }

    /// The same, by a connection of its own to this address.
    async fn hearing_by(db: &TestDb, url: &str) -> Self {
        let copy = Self::new(db);
        let channel = Channel::new(url).unwrap();
        tokio::spawn(watch(copy.credentials.clone(), channel, copy.stop.clone()));
        copy
    }

    async fn lets_in(&self, new: &NewCredential) -> bool {
        let checked = self.credentials.check(&new.key, new.reveal_secret()).await;
        checked.unwrap().is_some()
    }

    /// How long until it no longer lets in.
    async fn until_shut(&self, new: &NewCredential) -> Duration {
        let begun = Instant::now();
        while self.lets_in(new).await {
            assert!(begun.elapsed() < Duration::from_secs(20), "still let in");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A way to PostgreSQL that can fall silent: connections stay, and nothing passes any more.
struct Proxy {
    url: String,
    silent: CancellationToken,
}

impl Proxy {
    async fn before(db: &TestDb) -> Self {
        let config: Config = db.url().parse().unwrap();
        let Host::Unix(folder) = &config.get_hosts()[0] else {
            panic!("the test's cluster listens on a socket")
        };
        let socket = folder.join(format!(".s.PGSQL.{}", config.get_ports()[0]));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (role, place) = db.url().rsplit_once('@').unwrap();
        let (_, name) = place.rsplit_once('/').unwrap();
        let url = format!("{role}@{}/{name}", listener.local_addr().unwrap());
        let silent = CancellationToken::new();
        let stop = silent.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = UnixStream::connect(&socket).await.unwrap();
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => {}
                        _ = copy_bidirectional(&mut near, &mut far) => return,
                    }
                    // Neither end is told.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self { url, silent }
    }
}

/// Waits until this many connections listen in the test's database; their process ids.
async fn listeners(db: &TestDb, wanted: usize) -> Vec<i32> {
    let client = db.pool().get().await.unwrap();
    let begun = Instant::now();
    loop {
        let rows = client
            .query(
                "select pid from pg_stat_activity
                  where datname = current_database() and application_name = 'sillage listens'
                    and state = 'idle'",
                &[],
            )
            .await
            .unwrap();
        if rows.len() == wanted {
            return rows.iter().map(|row| row.get(0)).collect();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{} listen",
            rows.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn revoking_takes_effect_within_a_second_on_every_copy() {
    let db = TestDb::new(&[]).await;
    let copies = [Copy::hearing(&db).await, Copy::hearing(&db).await];
    listeners(&db, 2).await;
    // Long after the last connection was made, what is remembered is remembered by hearing.
    let revoked = db.credential(&[Scope::All]).await;
    let kept = db.credential(&[Scope::All]).await;
    for copy in &copies {
        assert!(copy.lets_in(&revoked).await && copy.lets_in(&kept).await);
    }
    assert!(credentials::revoke(db.pool(), &revoked.key).await.unwrap());
    for copy in &copies {
        assert!(copy.until_shut(&revoked).await < Duration::from_secs(1));
        assert!(copy.lets_in(&kept).await);
    }
    assert!(!credentials::revoke(db.pool(), &revoked.key).await.unwrap());
}

#[tokio::test]
async fn a_copy_that_does_not_hear_trusts_nothing_for_longer_than_five_seconds() {
    let db = TestDb::new(&[]).await;
    let deaf = Copy::new(&db);
    let revoked = db.credential(&[Scope::All]).await;
    assert!(deaf.lets_in(&revoked).await);
    credentials::revoke(db.pool(), &revoked.key).await.unwrap();
    assert!(
        deaf.lets_in(&revoked).await,
        "it did not hear, and remembers"
    );
    let waited = deaf.until_shut(&revoked).await;
    assert!(waited < Duration::from_millis(5500), "{waited:?}");
}

#[tokio::test]
async fn a_copy_whose_connection_died_in_silence_trusts_nothing_for_longer_than_five_seconds() {
    let db = TestDb::new(&[]).await;
    let proxy = Proxy::before(&db).await;
    let copy = Copy::hearing_by(&db, &proxy.url).await;
    listeners(&db, 1).await;
    let before = db.credential(&[Scope::All]).await;
    let revoked = db.credential(&[Scope::All]).await;
    assert!(copy.lets_in(&before).await && copy.lets_in(&revoked).await);
    credentials::revoke(db.pool(), &before.key).await.unwrap();
    assert!(copy.until_shut(&before).await < Duration::from_secs(1));
    proxy.silent.cancel();
    credentials::revoke(db.pool(), &revoked.key).await.unwrap();
    assert!(copy.lets_in(&revoked).await, "nothing passed");
    let waited = copy.until_shut(&revoked).await;
    assert!(waited < Duration::from_millis(5500), "{waited:?}");
}

#[tokio::test]
async fn a_session_that_does_not_listen_is_lost_though_it_lives() {
    let db = TestDb::new(&[]).await;
    let channel = Channel::new(db.url()).unwrap();
    let listening = channel.listen("heard").await.unwrap();
    assert!(listening.client.beat().await.is_ok());
    // PostgreSQL writes the name in small letters: it listens, and not to this.
    let elsewhere = channel.listen("Heard").await.unwrap();
    let told = elsewhere.client.beat().await;
    assert!(matches!(told, Err(ChannelError::Lost)), "{told:?}");
}

#[tokio::test]
async fn a_copy_whose_connection_was_ended_hears_again_and_missed_nothing() {
    let db = TestDb::new(&[]).await;
    let copy = Copy::hearing(&db).await;
    let [pid] = listeners(&db, 1).await[..] else {
        panic!("one listens")
    };
    let before = db.credential(&[Scope::All]).await;
    let meanwhile = db.credential(&[Scope::All]).await;
    let after = db.credential(&[Scope::All]).await;
    for credential in [&before, &meanwhile, &after] {
        assert!(copy.lets_in(credential).await);
    }
    let client = db.pool().get().await.unwrap();
    // Ended and revoked in one go: nobody can have been told of it.
    client
        .batch_execute(&format!(
            "select pg_terminate_backend({pid}, 5000);
             update service.credentials set revoked = now() where key = '{}'",
            meanwhile.key
        ))
        .await
        .unwrap();
    assert!(copy.until_shut(&meanwhile).await < Duration::from_secs(6));
    let [again] = listeners(&db, 1).await[..] else {
        panic!("one listens")
    };
    assert_ne!(again, pid);
    assert!(copy.lets_in(&after).await);
    credentials::revoke(db.pool(), &after.key).await.unwrap();
    assert!(copy.until_shut(&after).await < Duration::from_secs(1));
    assert!(copy.lets_in(&before).await);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_pass_for_a_while() {
    let db = TestDb::new(&[]).await;
    let copy = Copy::hearing(&db).await;
    listeners(&db, 1).await;
    let old = db.credential(&[Scope::StatementsWrite]).await;
    assert!(copy.lets_in(&old).await);
    let new = NewCredential::with_key(old.key.clone());
    let rotated = credentials::rotate(db.pool(), &new, Duration::from_millis(1500))
        .await
        .unwrap()
        .unwrap();
    assert!(
        rotated
            .former_until
            .is_some_and(|until| until > clock::now())
    );
    assert!(copy.lets_in(&new).await && copy.lets_in(&old).await);
    let waited = copy.until_shut(&old).await;
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    assert!(copy.lets_in(&new).await);
    // At once, where no time is given; and the one before is not brought back.
    let newest = NewCredential::with_key(old.key.clone());
    let rotated = credentials::rotate(db.pool(), &newest, Duration::ZERO).await;
    assert_eq!(rotated.unwrap().unwrap().former_until, None);
    assert!(copy.until_shut(&new).await < Duration::from_secs(1));
    assert!(copy.lets_in(&newest).await && !copy.lets_in(&old).await);
    let nobody = NewCredential::random();
    let none = credentials::rotate(db.pool(), &nobody, Duration::ZERO).await;
    assert_eq!(none.unwrap(), None);
    credentials::revoke(db.pool(), &old.key).await.unwrap();
    let revoked = credentials::rotate(db.pool(), &newest, Duration::ZERO).await;
    assert_eq!(revoked.unwrap(), None);
}

#[tokio::test]
async fn a_credential_ends_when_it_expires() {
    let db = TestDb::new(&[]).await;
    let copy = Copy::new(&db);
    let grant = Grant {
        expires: Some(clock::now() + TimeDelta::milliseconds(700)),
        binding: Binding {
            school: Some("0750655E".parse().unwrap()),
            activity_prefix: Some("https://example.org/a/".parse().unwrap()),
        },
        ..Grant::of(&[Scope::State], "ends")
    };
    let new = db.granted(&grant).await;
    let caller = copy.credentials.check(&new.key, new.reveal_secret()).await;
    let caller = caller.unwrap().unwrap();
    assert_eq!(caller.school(), grant.binding.school.as_ref());
    assert_eq!(
        caller.activity_prefix(),
        grant.binding.activity_prefix.as_ref()
    );
    assert!(caller.may(Action::WriteState) && !caller.may(Action::Administer));
    assert!(copy.until_shut(&new).await < Duration::from_secs(2));
}

/// Status and body of an answer of `/api/v1/credentials`.
macro_rules! told {
    ($app:expr, $request:expr) => {{
        let answer = call_service($app, $request.to_request()).await;
        let status = answer.status();
        let body = read_body(answer).await;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status.as_u16(), body)
    }};
}

#[tokio::test]
async fn a_credential_is_given_an_end_and_every_copy_heeds_it() {
    let db = TestDb::new(&[]).await;
    let copy = Copy::hearing(&db).await;
    listeners(&db, 1).await;
    let new = db.credential(&[Scope::State]).await;
    assert!(copy.lets_in(&new).await);
    let to = |end| Change {
        expires: Some(end),
        ..Change::default()
    };
    let soon = clock::now() + TimeDelta::milliseconds(1500);
    let changed = credentials::change(db.pool(), &new.key, to(Some(soon))).await;
    assert!(changed.unwrap());
    assert!(copy.until_shut(&new).await < Duration::from_secs(3));
    // What has ended stays ended.
    let changed = credentials::change(db.pool(), &new.key, to(None)).await;
    assert!(!changed.unwrap() && !copy.lets_in(&new).await);
}

#[actix_web::test]
async fn an_administrator_manages_credentials_over_http() {
    let db = TestDb::new(&[]).await;
    let credentials = db.context().await.credentials;
    let app = init_service(
        App::new()
            .app_data(web::Data::new(credentials))
            .configure(service::http::defaults)
            .configure(service::http::credentials::routes),
    )
    .await;
    let admin = db.basic(&[Scope::All]).await;
    let by = |request: TestRequest| request.insert_header(("Authorization", admin.clone()));
    let post = |path: &str, body: &Value| {
        by(TestRequest::post().uri(path))
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body.to_string())
    };
    let wanted = json!({ "scopes": ["state", "statements/write", "state"], "label": "front-end", "school": "0750655E",
        "activity_prefix": "https://example.org/a/", "profile_mode": "warn", "expires": "2999-01-01T00:00:00Z" });
    let (status, made) = told!(&app, post("/api/v1/credentials", &wanted));
    assert_eq!(status, 201, "{made}");
    let (key, secret) = (
        made["key"].as_str().unwrap(),
        made["secret"].as_str().unwrap(),
    );
    assert_eq!(secret.len(), 43);

    let (status, listed) = told!(&app, by(TestRequest::get().uri("/api/v1/credentials")));
    assert_eq!(status, 200);
    let line = &listed.as_array().unwrap()[1];
    assert_eq!(line["key"], key);
    assert_eq!(line["scopes"], json!(["state", "statements/write"]));
    assert_eq!(
        (&line["school"], &line["profile_mode"]),
        (&json!("0750655E"), &json!("warn"))
    );
    assert!(
        !listed.to_string().contains(secret),
        "no list shows a secret"
    );

    let one = format!("/api/v1/credentials/{key}");
    let patch = |body: &Value| {
        by(TestRequest::patch().uri(&one))
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body.to_string())
    };
    for (change, expires, mode) in [
        (
            json!({ "profile_mode": "refuse" }),
            json!("2999-01-01T00:00:00Z"),
            json!("refuse"),
        ),
        (json!({ "expires": null }), json!(null), json!("refuse")),
        (json!({}), json!(null), json!("refuse")),
        (
            json!({ "expires": "2998-01-01T00:00:00Z", "profile_mode": null }),
            json!("2998-01-01T00:00:00Z"),
            json!(null),
        ),
    ] {
        let (status, told) = told!(&app, patch(&change));
        assert_eq!(status, 204, "{change}: {told}");
        let (_, listed) = told!(&app, by(TestRequest::get().uri("/api/v1/credentials")));
        let line = &listed[1];
        assert_eq!(
            (&line["expires"], &line["profile_mode"]),
            (&expires, &mode),
            "{change}"
        );
    }
    for (change, pointers) in [
        (
            json!({ "expires": "2001-01-01T00:00:00Z", "profile_mode": "x" }),
            vec!["/profile_mode", "/expires"],
        ),
        (json!({ "scopes": ["all"] }), vec![""]),
        (json!({ "expires": 7 }), vec![""]),
    ] {
        let (status, told) = told!(&app, patch(&change));
        let errors = told["errors"].as_array().unwrap();
        let found: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!((status, found), (400, pointers), "{told}");
    }
    let nobody = by(TestRequest::patch().uri("/api/v1/credentials/nobody"))
        .insert_header(("Content-Type", "application/json"))
        .set_payload("{}");
    assert_eq!(told!(&app, nobody).0, 404);

    let rotate = format!("/api/v1/credentials/{key}/rotate");
    let (status, renewed) = told!(&app, post(&rotate, &json!({ "former_passes_s": 60 })));
    assert_eq!(status, 200, "{renewed}");
    assert_ne!(renewed["secret"], secret);
    assert!(renewed["former_until"].is_string());
    let (status, renewed) = told!(&app, by(TestRequest::post().uri(&rotate)));
    assert_eq!((status, &renewed["former_until"]), (200, &Value::Null));

    assert_eq!(told!(&app, by(TestRequest::delete().uri(&one))).0, 204);
    assert_eq!(told!(&app, by(TestRequest::delete().uri(&one))).0, 404);
    assert_eq!(told!(&app, patch(&json!({ "expires": null }))).0, 404);
    assert_eq!(told!(&app, by(TestRequest::post().uri(&rotate))).0, 404);
    assert_eq!(
        told!(
            &app,
            by(TestRequest::delete().uri("/api/v1/credentials/%00"))
        )
        .0,
        404
    );
    assert_eq!(told!(&app, by(TestRequest::put().uri(&one))).0, 405);
}

#[actix_web::test]
async fn what_is_wrong_with_a_credential_is_told_by_field_and_who_may_not_is_refused() {
    let db = TestDb::new(&[]).await;
    let credentials = db.context().await.credentials;
    let app = init_service(
        App::new()
            .app_data(web::Data::new(credentials))
            .configure(service::http::defaults)
            .configure(service::http::credentials::routes),
    )
    .await;
    let create = |authorization: &str, body: String| {
        TestRequest::post()
            .uri("/api/v1/credentials")
            .insert_header(("Authorization", authorization))
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body)
    };
    let admin = db.basic(&[Scope::All]).await;
    for (body, pointers) in [
        (json!({ "scopes": [] }), vec!["/scopes"]),
        (
            json!({ "scopes": ["all", "everything"] }),
            vec!["/scopes/1"],
        ),
        (
            json!({ "scopes": ["all"], "school": "x", "activity_prefix": "x", "profile_mode": "x" }),
            vec!["/school", "/activity_prefix", "/profile_mode"],
        ),
        (
            json!({ "scopes": ["all"], "expires": "2001-01-01T00:00:00Z" }),
            vec!["/expires"],
        ),
        (
            json!({ "scopes": ["all"], "label": "a\0b" }),
            vec!["/label"],
        ),
        (json!({ "scopes": ["all"], "lable": "x" }), vec![""]),
        (json!({ "scopes": "all" }), vec![""]),
        (json!([]), vec![""]),
    ] {
        let (status, told) = told!(&app, create(&admin, body.to_string()));
        assert_eq!(status, 400, "{body}");
        let found: Vec<&str> = told["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, pointers, "{body}");
    }
    let plain = TestRequest::post()
        .uri("/api/v1/credentials")
        .insert_header(("Authorization", admin))
        .insert_header(("Content-Type", "text/plain"))
        .set_payload(r#"{"scopes":["all"]}"#);
    assert_eq!(
        told!(&app, plain).0,
        415,
        "a form of another site can send this"
    );
    // Whoever may not is told so before the body is looked at.
    for scope in Scope::EVERY {
        let authorization = db.basic(&[scope]).await;
        let (status, _) = told!(&app, create(&authorization, "{".to_owned()));
        assert_eq!(
            status,
            if scope == Scope::All { 400 } else { 403 },
            "{scope}"
        );
        for request in [
            TestRequest::get().uri("/api/v1/credentials"),
            TestRequest::post().uri("/api/v1/credentials/x/rotate"),
            TestRequest::patch().uri("/api/v1/credentials/x"),
            TestRequest::delete().uri("/api/v1/credentials/x"),
        ] {
            let request = request.insert_header(("Authorization", authorization.clone()));
            let (status, _) = told!(&app, request);
            assert_eq!(status == 403, scope != Scope::All, "{scope}: {status}");
        }
    }
    let none = call_service(
        &app,
        TestRequest::get().uri("/api/v1/credentials").to_request(),
    )
    .await;
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
    let former = basic(&NewCredential::random());
    assert_eq!(told!(&app, create(&former, String::new())).0, 401);
}

#[actix_web::test]
async fn a_bound_credential_makes_no_unbound_one() {
    let db = TestDb::new(&[]).await;
    let credentials = db.context().await.credentials;
    let app = init_service(
        App::new()
            .app_data(web::Data::new(credentials))
            .configure(service::http::defaults)
            .configure(service::http::credentials::routes),
    )
    .await;
    let to_school = Binding {
        school: Some("0750655E".parse().unwrap()),
        ..Binding::default()
    };
    let to_prefix = Binding {
        activity_prefix: Some("https://example.org/a/".parse().unwrap()),
        ..Binding::default()
    };
    for (binding, rule) in [(to_school, "school-bound"), (to_prefix, "activity-prefix")] {
        let grant = Grant {
            binding,
            ..Grant::of(&[Scope::All], "bound")
        };
        let bound = db.granted(&grant).await;
        let one = format!("/api/v1/credentials/{}", bound.key);
        for request in [
            TestRequest::get().uri("/api/v1/credentials"),
            TestRequest::post()
                .uri("/api/v1/credentials")
                .insert_header(("Content-Type", "application/json"))
                .set_payload(r#"{"scopes":["all"]}"#),
            TestRequest::post().uri(&format!("{one}/rotate")),
            TestRequest::patch().uri(&one),
            TestRequest::delete().uri(&one),
        ] {
            let request = request.insert_header(("Authorization", basic(&bound)));
            let (status, body) = told!(&app, request);
            assert_eq!((status, &body["rule"]), (403, &json!(rule)), "{body}");
        }
    }
}

/// Who calls with a token, or the rule that it breaks.
async fn verdict(issuer: &Issuer, token: &str) -> Result<String, String> {
    match issuer.caller(token, clock::now()).await {
        Ok(caller) => Ok(caller.key().to_owned()),
        Err(error) => Err(error
            .to_string()
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()),
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_is_taken_in_every_algorithm() {
    let provider = TestIssuer::start();
    let issuer = provider.accepted().unwrap();
    for algorithm in Algorithm::EVERY {
        let token = provider.token(algorithm, &provider.claims("p"));
        assert_eq!(
            verdict(&issuer, &token).await,
            Ok("app".to_owned()),
            "{algorithm:?}"
        );
    }
    assert_eq!(provider.asked(), 1, "the keys are remembered");
}

#[tokio::test]
async fn a_token_that_is_not_good_is_told_by_its_rule() {
    let provider = TestIssuer::start();
    let issuer = provider.accepted().unwrap();
    let with = |change: fn(&mut Value)| {
        let mut claims = provider.claims("p");
        change(&mut claims);
        provider.token(Algorithm::Rs256, &claims)
    };
    let good = with(|_| ());
    let stranger = TestIssuer::start();
    let header =
        |header: Value| provider.token_with(Algorithm::Rs256, &header, &provider.claims("p"));
    let unsigned = {
        let claims = good.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIn0.{claims}.")
    };
    let tampered = {
        let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
        let another = with(|claims| claims["sub"] = json!("q"));
        parts[1] = another.split('.').nth(1).unwrap().to_owned();
        parts.join(".")
    };
    for (token, rule) in [
        (
            with(|claims| claims["exp"] = json!(clock::now().timestamp() - 60)),
            "token-expired",
        ),
        (
            with(|claims| claims["nbf"] = json!(clock::now().timestamp() + 60)),
            "token-not-yet",
        ),
        (
            with(|claims| claims["aud"] = json!("another")),
            "token-audience",
        ),
        (
            with(|claims| claims["iss"] = json!("https://example.org")),
            "token-issuer",
        ),
        (unsigned, "token-algorithm"),
        (tampered, "token-signature"),
        (
            good[..good.len() - 4].to_owned() + "AAAA",
            "token-signature",
        ),
        // A key of the set, of another kind or for another use, verifies nothing.
        (
            header(json!({ "alg": "RS256", "kid": "ec-1" })),
            "token-key",
        ),
        (
            header(json!({ "alg": "ES256", "kid": "ec-1" })),
            "token-signature",
        ),
        (
            header(json!({ "alg": "RS256", "kid": "encryption" })),
            "token-key",
        ),
        (
            header(json!({ "alg": "HS256", "kid": "shared" })),
            "token-algorithm",
        ),
        (
            header(json!({ "alg": "RS256", "kid": "shared" })),
            "token-key",
        ),
        (
            header(json!({ "alg": "RS256", "kid": "rsa-9" })),
            "token-key",
        ),
        (
            stranger.token(Algorithm::Rs256, &provider.claims("p")),
            "token-signature",
        ),
        ("a.b.c".to_owned(), "token-form"),
    ] {
        assert_eq!(
            verdict(&issuer, &token).await,
            Err(rule.to_owned()),
            "{token}"
        );
    }
    // Without the name of a key the only one that fits is tried.
    let unnamed = header(json!({ "alg": "RS256" }));
    assert_eq!(verdict(&issuer, &unnamed).await, Ok("app".to_owned()));
}

#[tokio::test]
async fn keys_are_fetched_again_when_a_token_names_one_that_is_not_known() {
    let provider = TestIssuer::start();
    let issuer = provider.accepted().unwrap();
    let before = provider.token(Algorithm::EdDsa, &provider.claims("p"));
    assert!(verdict(&issuer, &before).await.is_ok());
    provider.rotate();
    // Nothing tells us yet that the keys are others.
    assert!(verdict(&issuer, &before).await.is_ok());
    let after = provider.token(Algorithm::EdDsa, &provider.claims("p"));
    assert!(verdict(&issuer, &after).await.is_ok());
    assert_eq!(verdict(&issuer, &before).await, Err("token-key".to_owned()));
}

#[tokio::test]
async fn the_issuer_is_not_asked_for_every_token_with_an_unknown_key() {
    let provider = TestIssuer::start();
    let slow = OidcSettings {
        keys_ask_every_ms: 400,
        ..provider.settings()
    };
    let issuer = Issuer::new(slow).unwrap().unwrap();
    let unknown = provider.token_with(
        Algorithm::Es256,
        &json!({ "alg": "ES256", "kid": "unknown" }),
        &provider.claims("p"),
    );
    let all = (0..50).map(|_| verdict(&issuer, &unknown));
    for verdict in futures::future::join_all(all).await {
        assert_eq!(verdict, Err("token-key".to_owned()));
    }
    assert!(provider.asked() <= 2, "{}", provider.asked());
    provider.rotate();
    tokio::time::sleep(Duration::from_millis(450)).await;
    let after = provider.token(Algorithm::Es256, &provider.claims("p"));
    assert!(verdict(&issuer, &after).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_hangs_stops_nobody_whose_key_is_known() {
    let provider = TestIssuer::start();
    let settings = OidcSettings {
        keys_max_age_s: 4,
        ..provider.settings()
    };
    let issuer = Issuer::new(settings).unwrap().unwrap();
    let token = provider.token(Algorithm::Es256, &provider.claims("p"));
    assert!(verdict(&issuer, &token).await.is_ok());
    provider.hang(true);
    // Half as old as they may become: they are asked for again.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let unknown = provider.token_with(
        Algorithm::Es256,
        &json!({ "alg": "ES256", "kid": "unknown" }),
        &provider.claims("p"),
    );
    let waiting = issuer.clone();
    let waiting = tokio::spawn(async move { verdict(&waiting, &unknown).await });
    for _ in 0..20 {
        let begun = Instant::now();
        assert!(verdict(&issuer, &token).await.is_ok());
        assert!(begun.elapsed() < Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(provider.held() > 0, "it was asked, beside the requests");
    assert!(!waiting.is_finished(), "who names an unknown key waits");
    provider.hang(false);
    // Beyond their age nothing is verified until it answers, which it does when asked anew.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert!(verdict(&issuer, &token).await.is_ok());
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn keys_that_are_too_old_verify_nothing() {
    let provider = TestIssuer::start();
    let settings = OidcSettings {
        keys_max_age_s: 1,
        ..provider.settings()
    };
    let issuer = Issuer::new(settings).unwrap().unwrap();
    let token = provider.token(Algorithm::Es256, &provider.claims("p"));
    assert!(verdict(&issuer, &token).await.is_ok());
    provider.silence(true);
    assert!(verdict(&issuer, &token).await.is_ok(), "still fresh");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let error = issuer.caller(&token, clock::now()).await.err().unwrap();
    let problem = service::Problem::from(error);
    assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    provider.silence(false);
    assert!(verdict(&issuer, &token).await.is_ok());
}
