//! Every resource × every scope (xAPI 1.0.3 Communication 4.0), as a table.

use reqwest::Method;
use serde_json::{Value, json};
use service::identity::Scope;
use service::identity::Scope::{
    All, AllRead, Define, Profile, State, StatementsRead, StatementsReadMine, StatementsWrite,
};

use crate::app::{App, agent, id, statement, voiding};
use crate::caller::As;

/// A request, what it answers to those who may, and who they are. Everybody else gets 403.
struct Row {
    what: &'static str,
    method: Method,
    path: &'static str,
    /// `{n}` stands for a number of the caller's own.
    query: &'static [(&'static str, &'static str)],
    body: Option<fn(u32) -> Value>,
    status: u16,
    who: &'static [Scope],
    /// Those who may ask, and find something else.
    but: &'static [(Scope, u16)],
}

/// The one agent of the table.
const AGENT: (&str, &str) = ("agent", "{agent}");
const ACTIVITY: (&str, &str) = ("activityId", "https://example.org/activities/o");
const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const VOIDED: &str = "00000000-0000-4000-8000-000000000002";

const READERS: &[Scope] = &[All, AllRead, StatementsRead, StatementsReadMine];
const WRITERS: &[Scope] = &[All, StatementsWrite];
const STATE_READERS: &[Scope] = &[All, AllRead, State];
const STATE_WRITERS: &[Scope] = &[All, State];
const PROFILE_READERS: &[Scope] = &[All, AllRead, Profile];
const PROFILE_WRITERS: &[Scope] = &[All, Profile];
const EVERYTHING: &[Scope] = &[All, AllRead];
/// Nobody wrote for this caller: what others wrote is not there for it.
const NOT_MINE: &[(Scope, u16)] = &[(StatementsReadMine, 404)];

impl Row {
    fn get(
        what: &'static str,
        path: &'static str,
        query: &'static [(&'static str, &'static str)],
        who: &'static [Scope],
    ) -> Self {
        Self {
            what,
            method: Method::GET,
            path,
            query,
            body: None,
            status: 200,
            who,
            but: &[],
        }
    }

    fn write(
        what: &'static str,
        method: Method,
        path: &'static str,
        query: &'static [(&'static str, &'static str)],
        who: &'static [Scope],
    ) -> Self {
        Self {
            what,
            method,
            path,
            query,
            body: Some(|n| json!({ "n": n })),
            status: 204,
            who,
            but: &[],
        }
    }
}

fn statements() -> Vec<Row> {
    let one = |what, query| Row {
        but: NOT_MINE,
        ..Row::get(what, "/statements", query, READERS)
    };
    vec![
        Row::get("a page", "/statements", &[], READERS),
        Row::get(
            "a page of an agent",
            "/statements",
            &[AGENT, ("related_agents", "true")],
            READERS,
        ),
        one("a statement", &[("statementId", FIRST)]),
        one("a voided statement", &[("voidedStatementId", VOIDED)]),
        Row {
            method: Method::HEAD,
            ..one("whether a statement is there", &[("statementId", FIRST)])
        },
        Row {
            body: Some(|n| statement(id(100 + n), "a", "v", "o")),
            ..Row::write(
                "put a statement",
                Method::PUT,
                "/statements",
                &[("statementId", "00000000-0000-4000-8000-0000000001{n}")],
                WRITERS,
            )
        },
        Row {
            body: Some(|n| json!([statement(id(200 + n), "a", "v", "o")])),
            status: 200,
            ..Row::write("post statements", Method::POST, "/statements", &[], WRITERS)
        },
        Row {
            body: Some(|n| {
                json!([
                    statement(id(300 + n), "a", "v", "o"),
                    voiding(id(400 + n), id(300 + n))
                ])
            }),
            status: 200,
            ..Row::write("void one's own", Method::POST, "/statements", &[], WRITERS)
        },
        Row {
            body: Some(|n| voiding(id(500 + n), id(3))),
            status: 200,
            ..Row::write("void another's", Method::POST, "/statements", &[], &[All])
        },
    ]
}

/// GET, HEAD, PUT, POST and DELETE of a kind of documents.
fn documents(
    path: &'static str,
    many: &'static [(&'static str, &'static str)],
    one: &'static [(&'static str, &'static str)],
    new: &'static [(&'static str, &'static str)],
    readers: &'static [Scope],
    writers: &'static [Scope],
) -> Vec<Row> {
    vec![
        Row::get("ids of documents", path, many, readers),
        Row::get("a document", path, one, readers),
        Row {
            method: Method::HEAD,
            ..Row::get("whether a document is there", path, one, readers)
        },
        Row::write("post a document", Method::POST, path, new, writers),
        Row {
            body: None,
            ..Row::write("delete a document", Method::DELETE, path, new, writers)
        },
        Row::write("put a document", Method::PUT, path, new, writers),
    ]
}

fn table() -> Vec<Row> {
    let mut rows = statements();
    rows.extend(documents(
        "/activities/state",
        &[ACTIVITY, AGENT],
        &[ACTIVITY, AGENT, ("stateId", "there")],
        &[ACTIVITY, AGENT, ("stateId", "new-{n}")],
        STATE_READERS,
        STATE_WRITERS,
    ));
    rows.extend(documents(
        "/activities/profile",
        &[ACTIVITY],
        &[ACTIVITY, ("profileId", "there")],
        &[ACTIVITY, ("profileId", "new-{n}")],
        PROFILE_READERS,
        PROFILE_WRITERS,
    ));
    rows.extend(documents(
        "/agents/profile",
        &[AGENT],
        &[AGENT, ("profileId", "there")],
        &[AGENT, ("profileId", "new-{n}")],
        PROFILE_READERS,
        PROFILE_WRITERS,
    ));
    // Last of the State, since nothing of it is left.
    rows.push(Row {
        body: None,
        ..Row::write(
            "delete every state",
            Method::DELETE,
            "/activities/state",
            &[ACTIVITY, AGENT],
            STATE_WRITERS,
        )
    });
    rows.push(Row::get("a person", "/agents", &[AGENT], EVERYTHING));
    rows.push(Row::get(
        "an activity",
        "/activities",
        &[ACTIVITY],
        EVERYTHING,
    ));
    rows
}

/// What the table finds there.
async fn furnish(app: &App) {
    let owner = As {
        app,
        authorization: app.authorization().to_owned(),
    };
    let sent = json!([
        statement(id(1), "a", "v", "o"),
        statement(id(2), "a", "v", "o"),
        statement(id(3), "a", "v", "o"),
        voiding(id(4), id(2)),
    ]);
    owner.post(&sent).await.is(200);
    let a = agent("a");
    for (path, query) in [
        (
            "/activities/state",
            vec![ACTIVITY, ("agent", &*a), ("stateId", "there")],
        ),
        (
            "/activities/profile",
            vec![ACTIVITY, ("profileId", "there")],
        ),
        (
            "/agents/profile",
            vec![("agent", &*a), ("profileId", "there")],
        ),
    ] {
        owner
            .send(Method::POST, path, &query, &json!({ "there": true }))
            .await
            .is(204);
    }
}

/// Sends a row's request as a caller.
async fn asked(row: &Row, caller: &As<'_>, n: u32) -> (u16, Value) {
    let (number, a) = (format!("{n:02}"), agent("a"));
    let filled: Vec<(&str, String)> = row
        .query
        .iter()
        .map(|(name, value)| (*name, value.replace("{n}", &number).replace("{agent}", &a)))
        .collect();
    let query: Vec<(&str, &str)> = filled
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = match row.body {
        Some(body) if row.method == Method::PUT && row.path.ends_with("profile") => {
            let request = caller
                .request(
                    row.method.clone(),
                    &crate::documents::with_query(row.path, &query),
                )
                .header("Content-Type", "application/json")
                .header("If-None-Match", "*");
            crate::app::Answer::of(request.body(body(n).to_string())).await
        }
        Some(body) => {
            caller
                .send(row.method.clone(), row.path, &query, &body(n))
                .await
        }
        None => caller.ask(row.method.clone(), row.path, &query).await,
    };
    (answer.status.as_u16(), answer.body)
}

#[actix_web::test]
async fn each_scope_allows_what_the_table_says() {
    let app = App::start().await;
    furnish(&app).await;
    let mut callers = Vec::new();
    for (n, scope) in (1..).zip(Scope::EVERY) {
        let authorization = app.db.basic(&[scope]).await;
        callers.push((
            n,
            scope,
            As {
                app: &app,
                authorization,
            },
        ));
    }
    let mut faults = Vec::new();
    for row in table() {
        // Those who may everything come last: they delete what others are to find.
        for (n, scope, caller) in callers.iter().rev() {
            let wanted = match row.but.iter().find(|(other, _)| other == scope) {
                Some((_, status)) => *status,
                None if row.who.contains(scope) => row.status,
                None => 403,
            };
            let (found, body) = asked(&row, caller, *n).await;
            if found != wanted {
                faults.push(format!(
                    "{} {} ({}) with {scope}: {found}, not {wanted}: {body}",
                    row.method, row.path, row.what
                ));
            }
            if found == 403 && row.method != Method::HEAD {
                assert_eq!(body["code"], "forbidden", "{}", row.what);
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[actix_web::test]
async fn without_a_credential_only_about_answers() {
    let app = App::start().await;
    let revoked = app.db.credential(&[All]).await;
    service::store::credentials::revoke(app.db.pool(), &revoked.key)
        .await
        .expect("revoked");
    for authorization in [
        String::new(),
        "Basic bm9ib2R5Om5vdGhpbmc=".to_owned(),
        "Bearer a.b.c".to_owned(),
        service::testkit::basic(&revoked),
    ] {
        let caller = As {
            app: &app,
            authorization,
        };
        for row in table() {
            let (found, _) = asked(&row, &caller, 1).await;
            assert_eq!(found, 401, "{} {} ({})", row.method, row.path, row.what);
        }
        caller.ask(Method::GET, "/about", &[]).await.is(200);
    }
    let told = app
        .bare(Method::GET, "/statements")
        .header("X-Experience-API-Version", "1.0.3");
    let told = crate::app::Answer::of(told).await.is(401);
    assert!(told.header("www-authenticate").starts_with("Basic"));
    assert_eq!(told.body["rule"], "credential");
}

#[actix_web::test]
async fn without_define_a_definition_stays_as_it_is() {
    let app = App::start().await;
    let sent = |n: u32, name: &str| {
        let mut sent = statement(id(n), "a", "v", "o");
        sent["object"]["definition"] = json!({ "name": { "fr": name } });
        sent
    };
    let [writer, definer] = [
        app.db.basic(&[StatementsWrite]).await,
        app.db.basic(&[StatementsWrite, Define]).await,
    ]
    .map(|authorization| As {
        app: &app,
        authorization,
    });
    let name = || async {
        let owner = As {
            app: &app,
            authorization: app.authorization().to_owned(),
        };
        let activity = owner
            .ask(Method::GET, "/activities", &[ACTIVITY])
            .await
            .is(200);
        activity.body["definition"]["name"]["fr"].clone()
    };
    writer.post(&sent(1, "one")).await.is(200);
    assert_eq!(name().await, Value::Null);
    definer.post(&sent(2, "two")).await.is(200);
    assert_eq!(name().await, "two");
    writer.post(&sent(3, "three")).await.is(200);
    assert_eq!(name().await, "two");
}
