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

/// Puts statements of the same actor about the same activities before the next one, with the verb `filler`.
const FILLERS: &str = "
insert into lrs.verbs (hash, iri) values (gen_random_uuid(), 'https://example.org/verbs/filler');
with newest as (select * from lrs.statements order by seq desc limit 1), filled as (
    insert into lrs.statements (seq, stored, id, actor, verb, activity, authority, version, payload)
    select s.seq + n, s.stored + n * interval '1 microsecond', gen_random_uuid(), s.actor, v.id, s.activity,
           s.authority, s.version, s.payload
      from newest s, lrs.verbs v, generate_series(1, 45000) n where v.iri like '%filler' returning seq, verb)
insert into lrs.related_activities (activity, seq, verb)
select distinct x.activity, f.seq, f.verb from filled f, lrs.related_activities x;
select setval('lrs.statement_seq', max(seq)) from lrs.statements;
select setval('lrs.stored_clock', (extract(epoch from max(stored)) * 1000000)::bigint) from lrs.statements;";

#[actix_web::test]
async fn a_page_that_looked_for_long_enough_ends_and_more_goes_on() {
    let about = |n: u32| {
        let mut one = statement(id(n), "a", "v", "o");
        let part = json!({ "id": "https://example.org/activities/part" });
        one["context"] = json!({ "contextActivities": { "parent": [part] } });
        one
    };
    let asked = |activity: &'static str, related: &'static str, ascending: &'static str| {
        [
            ("activity", activity),
            ("related_activities", related),
            ("verb", "https://example.org/verbs/v"),
            ("ascending", ascending),
        ]
    };
    let both = [id(1).to_string(), id(2).to_string()];
    for (look_ms, least, most) in [(0, 3, 4), (60_000, 1, 1)] {
        let app = App::with(|config| config.xapi.page_look_ms = look_ms).await;
        app.post(&about(1)).await.is(200);
        let client = app.db.pool().get().await.expect("a connection");
        client.batch_execute(FILLERS).await.expect("filled");
        app.post(&about(2)).await.is(200);
        for (activity, related, ascending) in [
            ("https://example.org/activities/part", "true", "true"),
            ("https://example.org/activities/part", "true", "false"),
            ("https://example.org/activities/o", "false", "true"),
            ("https://example.org/activities/o", "false", "false"),
        ] {
            let mut page = app.get(&asked(activity, related, ascending)).await.is(200);
            let (mut found, mut pages) = (page.ids(), 1);
            while let Some(more) = page.body["more"].as_str().filter(|more| !more.is_empty()) {
                page = app.more(more).await.is(200);
                found.extend(page.ids());
                pages += 1;
            }
            if ascending == "false" {
                found.reverse();
            }
            assert_eq!(found, both, "{activity} {ascending}");
            assert!((least..=most).contains(&pages), "{pages} pages");
        }
    }
}
