//! Voiding (xAPI 1.0.3 Data 2.3.2).

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
