//! Whose statements a credential reads, voids and may write (docs/decisions/0018).

use reqwest::Method;
use serde_json::json;
use service::identity::{Binding, Grant, Scope};

use crate::app::{App, agent, id, statement, voiding};
use crate::caller::As;

async fn with<'a>(app: &'a App, scopes: &[Scope]) -> As<'a> {
    As {
        app,
        authorization: app.db.basic(scopes).await,
    }
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|n| id(*n).to_string()).collect()
}

#[actix_web::test]
async fn read_mine_finds_what_the_caller_vouched_for_and_nothing_else() {
    let app = App::start().await;
    let mine = with(&app, &[Scope::StatementsWrite, Scope::StatementsReadMine]).await;
    let other = with(&app, &[Scope::StatementsWrite]).await;
    for n in 1..=6 {
        let by = if n % 2 == 0 { &other } else { &mine };
        by.post(&statement(id(n), "a", "v", "o")).await.is(200);
    }
    mine.post(&voiding(id(11), id(1))).await.is(200);
    other.post(&voiding(id(12), id(2))).await.is(200);
    app.settle().await;
    let (a, verb) = (agent("a"), "https://example.org/verbs/v");
    for query in [
        vec![("limit", "1")],
        vec![("limit", "1"), ("ascending", "true")],
        vec![("agent", &*a), ("limit", "1")],
        vec![("agent", &*a), ("related_agents", "true")],
        vec![
            ("verb", verb),
            ("activity", "https://example.org/activities/o"),
        ],
    ] {
        // The voiding is found by what finds the statement that it voids, too.
        let wanted = ids(&[3, 5, 11]);
        let mut found = mine.all(&query).await;
        found.sort();
        assert_eq!(found, wanted, "{query:?}");
    }
    // By id, others' are not there: neither that they are nor that they are voided is told.
    for (name, n, status) in [
        ("statementId", 3, 200),
        ("statementId", 4, 404),
        ("statementId", 2, 404),
        ("statementId", 12, 404),
        ("voidedStatementId", 1, 200),
        ("voidedStatementId", 2, 404),
        ("voidedStatementId", 4, 404),
    ] {
        mine.get(&[(name, &id(n).to_string())]).await.is(status);
    }
    // A position in what somebody else reads is a position, no right to read it.
    let all = As {
        app: &app,
        authorization: app.authorization().to_owned(),
    };
    let page = all.get(&[("limit", "1")]).await.is(200);
    let more = page.body["more"].as_str().expect("text");
    let path = more.strip_prefix("/xapi").expect("relative");
    let answer = crate::app::Answer::of(mine.request(Method::GET, path))
        .await
        .is(200);
    assert!(
        answer
            .ids()
            .iter()
            .all(|found| ids(&[3, 5, 11]).contains(found))
    );
    other.get(&[]).await.is(403);
}

#[actix_web::test]
async fn only_the_scope_all_voids_what_others_wrote() {
    let app = App::start().await;
    let one = with(&app, &[Scope::StatementsWrite]).await;
    let two = with(&app, &[Scope::StatementsWrite, Scope::StatementsRead]).await;
    let all = As {
        app: &app,
        authorization: app.authorization().to_owned(),
    };
    let sent = json!([
        statement(id(1), "a", "v", "o"),
        statement(id(2), "a", "v", "o")
    ]);
    one.post(&sent).await.is(200);
    let refused = two.post(&voiding(id(11), id(1))).await.is(403);
    assert_eq!(refused.body["rule"], "voiding-own-only");
    assert_eq!(refused.body["pointer"], "/object/id");
    // What is not there is answered alike, so that nobody learns which ids are taken.
    let unknown = two.post(&voiding(id(11), id(99))).await.is(403);
    assert_eq!(unknown.body["detail"], refused.body["detail"]);
    // All or nothing, and which of them it is.
    let batch = json!([statement(id(3), "a", "v", "o"), voiding(id(11), id(1))]);
    let refused = two.post(&batch).await.is(403);
    assert_eq!(refused.body["pointer"], "/1/object/id");
    assert_eq!(app.count().await, 2);
    // The same statement sent by another stays its first sender's, with a voiding or without.
    let claimed = json!([statement(id(1), "a", "v", "o"), voiding(id(11), id(1))]);
    two.post(&claimed).await.is(403);
    two.post(&statement(id(1), "a", "v", "o")).await.is(200);
    two.post(&voiding(id(11), id(1))).await.is(403);

    two.get(&[("statementId", &id(1).to_string())])
        .await
        .is(200);
    one.post(&voiding(id(11), id(1))).await.is(200);
    two.get(&[("statementId", &id(1).to_string())])
        .await
        .is(404);
    all.post(&voiding(id(12), id(2))).await.is(200);
    two.get(&[("statementId", &id(2).to_string())])
        .await
        .is(404);
    // Sent again, a voiding that is stored is what it was, whoever sends it.
    two.post(&voiding(id(11), id(1))).await.is(200);
    // Its own, in one request and in either order.
    let own = json!([voiding(id(22), id(21)), statement(id(21), "a", "v", "o")]);
    two.post(&own).await.is(200);
    two.get(&[("voidedStatementId", &id(21).to_string())])
        .await
        .is(200);
}

#[actix_web::test]
async fn a_voiding_races_its_target() {
    let app = App::start().await;
    let author = with(&app, &[Scope::StatementsWrite]).await;
    let other = with(&app, &[Scope::StatementsWrite, Scope::StatementsRead]).await;
    for n in 0..20 {
        let target = 100 + 2 * n;
        let sent = statement(id(target), "a", "v", "o");
        let claim = json!([sent, voiding(id(target + 1), id(target))]);
        let (written, claimed) = tokio::join!(author.post(&sent), other.post(&claim));
        written.is(200);
        // Whoever was first wrote it, and it is voided by its author or not at all.
        let answer = other.get(&[("statementId", &id(target).to_string())]).await;
        match claimed.status.as_u16() {
            200 => drop(answer.is(404)),
            403 => drop(answer.is(200)),
            status => panic!("{status}: {}", claimed.text),
        }
    }
}

#[actix_web::test]
async fn a_bound_credential_writes_about_its_activities_alone() {
    let app = App::start().await;
    let grant = Grant {
        binding: Binding {
            school: Some("0750655E".parse().expect("a school")),
            activity_prefix: Some(
                "https://example.org/activities/maths"
                    .parse()
                    .expect("a prefix"),
            ),
        },
        ..Grant::of(&[Scope::All], "bound")
    };
    let bound = As {
        app: &app,
        authorization: service::testkit::basic(&app.db.granted(&grant).await),
    };
    bound
        .post(&statement(id(1), "a", "v", "maths/1"))
        .await
        .is(200);
    for what in ["french/1", "mathsandmore", ""] {
        let refused = bound.post(&statement(id(2), "a", "v", what)).await.is(403);
        assert_eq!(refused.body["rule"], "activity-prefix");
        assert_eq!(refused.body["pointer"], "/object");
    }
    let batch = json!([
        statement(id(2), "a", "v", "maths"),
        statement(id(3), "a", "v", "french")
    ]);
    let refused = bound.post(&batch).await.is(403);
    assert_eq!(refused.body["pointer"], "/1/object");
    assert_eq!(app.count().await, 1);
    bound.post(&voiding(id(4), id(1))).await.is(200);
}

/// A credential that may do everything, as far as it is bound.
async fn bound(app: &App, binding: Binding) -> As<'_> {
    let grant = Grant {
        binding,
        ..Grant::of(&[Scope::All], "bound")
    };
    As {
        app,
        authorization: service::testkit::basic(&app.db.granted(&grant).await),
    }
}

fn to_maths() -> Binding {
    let prefix = "https://example.org/activities/maths";
    Binding {
        activity_prefix: Some(prefix.parse().expect("a prefix")),
        ..Binding::default()
    }
}

#[actix_web::test]
async fn a_bound_credential_voids_nothing_of_others_and_defines_nothing_beside_its_prefix() {
    let app = App::start().await;
    let all = As {
        app: &app,
        authorization: app.authorization().to_owned(),
    };
    let bound = bound(&app, to_maths()).await;
    let others = json!([
        statement(id(1), "a", "v", "french/1"),
        statement(id(2), "a", "v", "maths/1")
    ]);
    all.post(&others).await.is(200);
    for target in [1, 2, 99] {
        let refused = bound.post(&voiding(id(11), id(target))).await.is(403);
        assert_eq!(refused.body["rule"], "voiding-own-only");
    }
    // A SubStatement that looks like a voiding is none.
    let mut sub = statement(id(3), "a", "v", "maths/1");
    sub["object"] = json!({ "objectType": "SubStatement", "actor": sub["actor"],
        "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" },
        "object": { "objectType": "StatementRef", "id": id(1) } });
    let refused = bound.post(&sub).await.is(403);
    assert_eq!(refused.body["rule"], "activity-prefix");

    let named = |what: &str, name: &str| {
        json!({ "id": format!("https://example.org/activities/{what}"),
            "definition": { "name": { "fr": name } } })
    };
    let mut sent = statement(id(4), "a", "v", "maths/1");
    sent["object"] = named("maths/1", "one");
    sent["context"] = json!({ "contextActivities":
        { "parent": [named("french/1", "two")], "other": [named("maths", "three")] } });
    bound.post(&sent).await.is(200);
    sent["id"] = json!(id(5));
    sent["context"]["contextActivities"]["parent"] = json!([named("french/2", "four")]);
    let query = [("statementId", &*id(5).to_string())];
    bound
        .send(Method::PUT, "/statements", &query, &sent)
        .await
        .is(204);
    for (what, name) in [
        ("maths/1", json!("one")),
        ("maths", json!("three")),
        ("french/1", json!(null)),
        ("french/2", json!(null)),
    ] {
        let activity = format!("https://example.org/activities/{what}");
        let query = [("activityId", &*activity)];
        let kept = all.ask(Method::GET, "/activities", &query).await.is(200);
        assert_eq!(kept.body["definition"]["name"]["fr"], name, "{what}");
    }
}

#[actix_web::test]
async fn a_bound_credential_writes_documents_of_its_activities_alone() {
    let app = App::start().await;
    let bound = bound(&app, to_maths()).await;
    let a = agent("a");
    let document = json!({ "n": 1 });
    for (path, name) in [
        ("/activities/state", "stateId"),
        ("/activities/profile", "profileId"),
    ] {
        let of = |what: &'static str| {
            let mut query = vec![("activityId", what), (name, "x")];
            if name == "stateId" {
                query.push(("agent", &*a));
            }
            query
        };
        let french = of("https://example.org/activities/french");
        let maths = of("https://example.org/activities/maths/1");
        let mut refused = vec![
            bound.send(Method::PUT, path, &french, &document).await,
            bound.send(Method::POST, path, &french, &document).await,
            bound.ask(Method::DELETE, path, &french).await,
        ];
        if name == "stateId" {
            let many = [french[0], french[2]];
            refused.push(bound.ask(Method::DELETE, path, &many).await);
        }
        for refused in refused {
            let refused = refused.is(403);
            assert_eq!(refused.body["rule"], "activity-prefix");
            assert_eq!(refused.body["pointer"], "activityId");
        }
        bound.ask(Method::GET, path, &french).await.is(404);
        bound
            .send(Method::POST, path, &maths, &document)
            .await
            .is(204);
        bound.ask(Method::GET, path, &maths).await.is(200);
        bound.ask(Method::DELETE, path, &maths).await.is(204);
    }
    // An agent's profile is of no activity.
    let query = [("agent", &*a), ("profileId", "x")];
    bound
        .send(Method::POST, "/agents/profile", &query, &document)
        .await
        .is(204);
}

#[actix_web::test]
async fn a_credential_of_a_school_reads_what_it_vouched_for() {
    let app = App::start().await;
    let all = As {
        app: &app,
        authorization: app.authorization().to_owned(),
    };
    let binding = Binding {
        school: Some("0750655E".parse().expect("a school")),
        ..Binding::default()
    };
    let bound = bound(&app, binding).await;
    all.post(&statement(id(1), "a", "v", "o")).await.is(200);
    bound.post(&statement(id(2), "a", "v", "o")).await.is(200);
    let a = agent("a");
    for query in [vec![], vec![("agent", &*a), ("related_agents", "true")]] {
        assert_eq!(bound.all(&query).await, ids(&[2]));
    }
    bound
        .get(&[("statementId", &id(1).to_string())])
        .await
        .is(404);
    let refused = bound.post(&voiding(id(11), id(1))).await.is(403);
    assert_eq!(refused.body["rule"], "voiding-own-only");
    // What is known of an agent comes from every school's statements.
    let refused = bound.ask(Method::GET, "/agents", &[("agent", &*a)]).await;
    assert_eq!(refused.is(403).body["rule"], "school-bound");
    let activity = [("activityId", "https://example.org/activities/o")];
    bound
        .ask(Method::GET, "/activities", &activity)
        .await
        .is(200);
}
