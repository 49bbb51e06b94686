//! Pages are stable while others write.

use serde_json::json;

use crate::app::{App, id, statement};

#[actix_web::test]
async fn newest_first_shows_what_was_there_at_the_first_page() {
    let app = App::start().await;
    for n in 1..=7 {
        app.post(&statement(id(n), "a", "v", "o")).await.is(200);
    }
    let mut page = app.get(&[("limit", "3")]).await.is(200);
    let mut seen = page.ids();
    let mut next = 8;
    while page.body["more"] != "" {
        app.post(&statement(id(next), "a", "v", "o")).await.is(200);
        next += 1;
        page = app
            .more(page.body["more"].as_str().expect("text"))
            .await
            .is(200);
        seen.extend(page.ids());
    }
    let wanted: Vec<String> = (1..=7).rev().map(|n| id(n).to_string()).collect();
    assert_eq!(seen, wanted);
}

#[actix_web::test]
async fn oldest_first_follows_the_writers_and_passes_over_none() {
    let app = App::start().await;
    let writer = async {
        for n in 1..=120 {
            app.post(&json!([
                statement(id(2 * n), "a", "v", "o"),
                statement(id(2 * n + 1), "b", "v", "o")
            ]))
            .await
            .is(200);
        }
    };
    let reader = async {
        let mut seen = Vec::new();
        let mut page = app
            .get(&[("limit", "5"), ("ascending", "true")])
            .await
            .is(200);
        // A first page that was the last is asked for again: nothing was read on from it.
        while page.body["more"] == "" {
            page = app
                .get(&[("limit", "5"), ("ascending", "true")])
                .await
                .is(200);
        }
        loop {
            seen.extend(page.ids());
            let Some(more) = page.body["more"].as_str().filter(|more| !more.is_empty()) else {
                return seen;
            };
            page = app.more(more).await.is(200);
        }
    };
    let ((), seen) = futures::join!(writer, reader);
    // What was seen is a beginning of the whole, without a gap, without a repetition.
    let all = app.all(&[("ascending", "true")]).await;
    assert_eq!(all.len(), 240);
    assert!(seen.len() >= 5);
    assert_eq!(seen, all[..seen.len()]);
}

#[actix_web::test]
async fn behind_a_proxy_that_serves_us_under_a_path_more_begins_with_it() {
    let app = App::with(|config| config.public_path = "/traces".to_owned()).await;
    for n in 1..=3 {
        app.post(&statement(id(n), "a", "v", "o")).await.is(200);
    }
    let page = app.get(&[("limit", "2")]).await.is(200);
    let more = page.body["more"].as_str().expect("text");
    // The proxy takes its own part away.
    let inside = more.strip_prefix("/traces").expect("the path comes first");
    assert!(inside.starts_with("/xapi/statements?more="), "{more}");
    assert_eq!(app.more(inside).await.is(200).ids(), [id(1).to_string()]);
}

#[actix_web::test]
async fn a_page_holds_as_much_as_is_set_at_most() {
    let app = App::with(|config| config.xapi.page_max = 2).await;
    app.post(&json!([
        statement(id(1), "a", "v", "o"),
        statement(id(2), "a", "v", "o"),
        statement(id(3), "a", "v", "o")
    ]))
    .await
    .is(200);
    for limit in ["0", "3", "99999999999999999999"] {
        let page = app.get(&[("limit", limit)]).await.is(200);
        assert_eq!(page.ids().len(), 2, "{limit}");
        let more = page.body["more"].as_str().expect("text");
        assert!(more.starts_with("/xapi/statements?more="), "{more}");
        assert_eq!(app.more(more).await.is(200).ids(), [id(1).to_string()]);
    }
    // Exactly a page: nothing more.
    let page = app
        .get(&[
            ("limit", "2"),
            ("verb", "https://example.org/verbs/v"),
            ("since", "2000-01-01T00:00:00Z"),
        ])
        .await;
    assert_eq!(
        app.more(page.body["more"].as_str().expect("text"))
            .await
            .is(200)
            .body["more"],
        ""
    );
}
