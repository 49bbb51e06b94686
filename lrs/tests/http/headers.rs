//! Versions, credentials, Consistent-Through, `about`.

use reqwest::Method;
use serde_json::json;
use service::identity::Scope;

use crate::app::{Answer, App, id, statement};

#[actix_web::test]
async fn about_is_open_and_tells_the_versions() {
    let app = App::start().await;
    let about = Answer::of(app.bare(Method::GET, "/about")).await.is(200);
    assert_eq!(
        about.body,
        json!({ "version": ["2.0.0", "1.0.3", "1.0.2", "1.0.1", "1.0.0"] })
    );
    assert_eq!(about.header("x-experience-api-version"), "1.0.3");
    let of_one = json!({ "version": ["1.0.3", "1.0.2", "1.0.1", "1.0.0"] });
    for (asked, told) in [("1.0.1", &of_one), ("2.0.0", &about.body)] {
        let request = app.bare(Method::GET, "/about");
        let request = request.header("X-Experience-API-Version", asked);
        let about = Answer::of(request).await.is(200);
        assert_eq!(&about.body, told, "asked under {asked}");
    }
}

#[actix_web::test]
async fn every_answer_tells_its_version_and_how_far_it_is_consistent() {
    let app = App::start().await;
    let mut last = String::new();
    for (asked, told) in [
        ("1.0", "1.0.3"),
        ("1.0.1", "1.0.3"),
        ("2.0.0", "2.0.0"),
        ("2.0", "2.0.0"),
    ] {
        let app = app.another().await.speaking(asked);
        for answer in [
            app.get(&[]).await.is(200),
            app.get(&[("verb", "x")]).await.is(400),
        ] {
            assert_eq!(answer.header("x-experience-api-version"), told);
            let through = answer.header("x-experience-api-consistent-through");
            assert!(
                through.ends_with('Z') && through > last.as_str(),
                "{through} after {last}"
            );
        }
        // The next copy asks the database anew: the horizon moves on without traffic.
        last = app
            .get(&[])
            .await
            .header("x-experience-api-consistent-through")
            .to_owned();
    }
    let unauthorized = Answer::of(
        app.bare(Method::GET, "/statements")
            .header("X-Experience-API-Version", "1.0.3"),
    );
    assert_eq!(
        unauthorized
            .await
            .is(401)
            .header("x-experience-api-version"),
        "1.0.3"
    );
}

#[actix_web::test]
async fn consistent_through_reaches_what_was_posted() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    let stored = app.get(&[("statementId", &id(1).to_string())]).await.body["stored"].clone();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let through = app.get(&[]).await;
    assert!(
        through.header("x-experience-api-consistent-through") >= stored.as_str().expect("a time")
    );
}

#[actix_web::test]
async fn each_scope_does_what_it_says() {
    let app = App::start().await;
    for (scope, read, write) in [
        (Scope::All, 200, 200),
        (Scope::AllRead, 200, 403),
        (Scope::StatementsRead, 200, 403),
        (Scope::StatementsWrite, 403, 200),
    ] {
        let authorization = app.db.basic(&[scope]).await;
        let request = |method| {
            app.bare(method, "/statements")
                .header("Authorization", &authorization)
                .header("X-Experience-API-Version", "1.0.3")
        };
        let got = Answer::of(request(Method::GET)).await.is(read);
        assert!(read == 200 || got.body["rule"] == "scope", "{}", got.text);
        let body = statement(uuid::Uuid::new_v4(), "a", "v", "o").to_string();
        let posted = request(Method::POST)
            .header("Content-Type", "application/json")
            .body(body);
        Answer::of(posted).await.is(write);
    }
    assert_eq!(app.count().await, 2);
}

#[actix_web::test]
async fn a_full_queue_is_503_with_retry_after() {
    // Nothing commits: the one committer waits for a lock that this test holds.
    let app = App::with(|config| {
        config.ingest.committers = 1;
        config.ingest.group_max_statements = 1;
        config.ingest.queue_max_ms = 0;
        config.ingest.wait_max_ms = 3_000;
    })
    .await;
    let holder = app.db.pool().get().await.expect("a connection");
    holder
        .batch_execute("begin; lock table lrs.statements in access exclusive mode")
        .await
        .expect("locked");
    let posts = (1..=6_u32).map(|n| {
        let app = &app;
        async move { app.post(&statement(id(n), "a", "v", "o")).await }
    });
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        holder.batch_execute("rollback").await.expect("released");
    };
    let (answers, ()) = futures::join!(futures::future::join_all(posts), release);
    let stored = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(stored, 4, "one under way, three waiting: four groups");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.body["rule"], "queue-limit");
    }
    assert_eq!(app.count().await, stored as i64);
}
