//! Voiding (xAPI 1.0.3 Data 2.3.2).

use std::cell::Cell;

use serde_json::json;

use crate::app::{App, answer, id, statement, voiding};

async fn is_read(app: &App, n: u32) -> (u16, u16, bool) {
    let text = id(n).to_string();
    let one = app.get(&[("statementId", &text)]).await.status.as_u16();
    let voided = app
        .get(&[("voidedStatementId", &text)])
        .await
        .status
        .as_u16();
    (one, voided, app.all(&[]).await.contains(&text))
}

#[actix_web::test]
async fn a_voided_statement_is_read_by_its_own_parameter_alone() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    assert_eq!(is_read(&app, 1).await, (200, 404, true));
    app.post(&voiding(id(2), id(1))).await.is(200);
    assert_eq!(is_read(&app, 1).await, (404, 200, false));
    assert_eq!(
        is_read(&app, 2).await,
        (200, 404, true),
        "the voiding itself stays"
    );
    // Twice changes nothing; the voided statement sent again is the same statement.
    app.post(&voiding(id(3), id(1))).await.is(200);
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    assert_eq!(is_read(&app, 1).await, (404, 200, false));
}

/// Reads by a parameter again and again until `done`, and once more after it; the statuses in order.
async fn watch(app: &App, parameter: &str, target: &str, done: &Cell<bool>) -> Vec<u16> {
    let mut seen = Vec::new();
    loop {
        let is_last = done.get();
        let status = app.get(&[(parameter, target)]).await.status;
        seen.push(status.as_u16());
        if is_last {
            return seen;
        }
    }
}

#[actix_web::test]
async fn who_reads_while_it_is_voided_sees_it_go_once_and_for_good() {
    let app = App::start().await;
    let copy = app.another().await;
    for n in 1..=20 {
        let target = id(n).to_string();
        app.post(&statement(id(n), "a", "v", "o")).await.is(200);
        let done = Cell::new(false);
        let voided = async {
            app.post(&voiding(id(100 + n), id(n))).await.is(200);
            done.set(true);
        };
        let (own, own_voided, others, others_voided, ()) = futures::join!(
            watch(&app, "statementId", &target, &done),
            watch(&app, "voidedStatementId", &target, &done),
            watch(&copy, "statementId", &target, &done),
            watch(&copy, "voidedStatementId", &target, &done),
            voided
        );
        for seen in [own, others] {
            assert!(seen.is_sorted(), "200 until it is 404: {seen:?}");
            assert!(seen.iter().all(|status| [200, 404].contains(status)));
            assert_eq!(seen.last(), Some(&404), "after the answer it is gone");
        }
        for seen in [own_voided, others_voided] {
            assert!(
                seen.iter().rev().is_sorted(),
                "404 until it is 200: {seen:?}"
            );
            assert!(seen.iter().all(|status| [200, 404].contains(status)));
            assert_eq!(seen.last(), Some(&200), "after the answer it is there");
        }
    }
}

#[actix_web::test]
async fn a_voiding_may_come_before_its_target() {
    let app = App::start().await;
    app.post(&voiding(id(2), id(1))).await.is(200);
    assert_eq!(is_read(&app, 1).await, (404, 404, false));
    app.post(&answer(id(1), "a", "o", true)).await.is(200);
    assert_eq!(is_read(&app, 1).await, (404, 200, false));
    // In one batch, in either order.
    app.post(&json!([
        voiding(id(5), id(4)),
        statement(id(4), "a", "v", "o"),
        statement(id(6), "a", "v", "o"),
        voiding(id(7), id(6))
    ]))
    .await
    .is(200);
    assert_eq!(is_read(&app, 4).await, (404, 200, false));
    assert_eq!(is_read(&app, 6).await, (404, 200, false));
}

#[actix_web::test]
async fn a_voiding_cannot_be_voided() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    app.post(&voiding(id(2), id(1))).await.is(200);
    app.post(&voiding(id(3), id(2))).await.is(200);
    assert_eq!(is_read(&app, 2).await, (200, 404, true));
    assert_eq!(is_read(&app, 1).await, (404, 200, false));
}

#[actix_web::test]
async fn the_feed_tells_what_is_voided_and_whose_it_was() {
    let app = App::start().await;
    app.post(&voiding(id(3), id(1))).await.is(200);
    app.post(&json!([
        answer(id(1), "a", "o", true),
        answer(id(2), "b", "o", true)
    ]))
    .await
    .is(200);
    app.post(&voiding(id(4), id(2))).await.is(200);
    app.post(&voiding(id(5), id(99))).await.is(200);
    let client = app.db.pool().get().await.expect("a connection");
    let rows = client
        .query(
            "select kind, voided, account is not null,
                    account = (select t.account from published.answers_feed t where t.id = f.voids)
               from published.answers_feed f order by seq",
            &[],
        )
        .await
        .expect("the feed");
    let rows: Vec<(String, bool, bool, Option<bool>)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    let row = |kind: &str, voided, known, same| (kind.to_owned(), voided, known, same);
    assert_eq!(
        rows,
        [
            row("voiding", false, true, Some(true)),
            row("answer", true, true, None),
            row("answer", true, true, None),
            row("voiding", false, true, Some(true)),
            row("voiding", false, false, None),
        ]
    );
}
