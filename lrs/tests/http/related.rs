//! `related_agents` and `related_activities` (xAPI 1.0.3 Communication 2.1.3; IEEE 9274.1.1 4.1.6.1).

use serde_json::{Value, json};

use crate::app::{App, agent, id, statement};

fn account(who: &str) -> Value {
    let mut account: Value = serde_json::from_str(&agent(who)).expect("JSON");
    account["objectType"] = json!("Agent");
    account
}

fn team(members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|who| account(who)).collect();
    json!({ "objectType": "Group", "member": members })
}

fn activity(what: &str) -> Value {
    json!({ "id": format!("https://example.org/activities/{what}") })
}

/// A statement of `a` about `o` with a context.
fn with_context(n: u32, context: &Value) -> Value {
    let mut one = statement(id(n), "a", "v", "o");
    one["context"] = context.clone();
    one
}

/// A statement of `a` whose object is a `SubStatement`.
fn with_sub(n: u32, actor: &Value, object: &Value, context: &Value) -> Value {
    let mut one = statement(id(n), "a", "v", "o");
    one["object"] = json!({ "objectType": "SubStatement", "actor": actor, "object": object, "context": context,
        "verb": { "id": "https://example.org/verbs/w" } });
    one
}

#[actix_web::test]
async fn a_related_agent_is_found_in_each_place_once() {
    let app = App::start().await.speaking("2.0.0");
    let lists = |who: &str, group: &str, member: &str| {
        json!({
            "contextAgents": [{ "objectType": "contextAgent", "agent": account(who) }],
            "contextGroups": [{ "objectType": "contextGroup", "group":
                { "objectType": "Group", "mbox": format!("mailto:{group}@example.org"), "member": [account(member)] } }],
        })
    };
    let mut actor = statement(id(1), "actor", "v", "o");
    actor["object"] = account("object");
    let mut grouped = statement(id(2), "a", "v", "o");
    grouped["actor"] = team(&["member1", "member2"]);
    let none = json!({});
    app.post(&json!([
        actor,
        grouped,
        with_context(3, &json!({ "instructor": account("instructor") })),
        with_context(4, &json!({ "team": team(&["in-team"]) })),
        with_context(5, &lists("context-agent", "context-group", "context-member")),
        with_sub(6, &account("sub-actor"), &account("sub-object"), &none),
        with_sub(7, &team(&["sub-member"]), &activity("x"), &json!({ "instructor": account("sub-instructor") })),
        with_sub(8, &account("b"), &team(&["sub-object-member"]), &json!({ "team": team(&["sub-team"]) })),
        with_sub(9, &account("b"), &activity("x"), &lists("sub-agent", "sub-group", "sub-group-member")),
        // In several places at once.
        with_sub(10, &account("everywhere"), &account("everywhere"),
            &json!({ "instructor": account("everywhere"), "team": team(&["everywhere", "everywhere"]) })),
    ]))
    .await
    .is(200);
    for (who, n, is_narrow) in [
        ("actor", 1, true),
        ("object", 1, true),
        ("member1", 2, true),
        ("member2", 2, true),
        ("instructor", 3, false),
        ("in-team", 4, false),
        ("context-agent", 5, false),
        ("context-member", 5, false),
        ("sub-actor", 6, false),
        ("sub-object", 6, false),
        ("sub-member", 7, false),
        ("sub-instructor", 7, false),
        ("sub-object-member", 8, false),
        ("sub-team", 8, false),
        ("sub-agent", 9, false),
        ("sub-group-member", 9, false),
        ("everywhere", 10, false),
    ] {
        let agent = agent(who);
        let found = [id(n).to_string()];
        let broad = app
            .all(&[("agent", &agent), ("related_agents", "true")])
            .await;
        assert_eq!(broad, found, "{who}, related");
        let narrow = app.all(&[("agent", &agent)]).await;
        assert_eq!(narrow, found[..usize::from(is_narrow)], "{who}");
        let explicit = app
            .all(&[("agent", &agent), ("related_agents", "false")])
            .await;
        assert_eq!(explicit, narrow, "{who}");
        let with_verb = [("agent", agent.as_str()), ("related_agents", "true")];
        let verb = |verb| [&with_verb[..], &[("verb", verb)]].concat();
        assert_eq!(app.all(&verb("https://example.org/verbs/v")).await, found);
        let sub_verb = app.all(&verb("https://example.org/verbs/w")).await;
        assert!(
            sub_verb.is_empty(),
            "a SubStatement's verb is not the statement's"
        );
    }
    for (group, n) in [("context-group", 5), ("sub-group", 9)] {
        let agent = json!({ "objectType": "Group", "mbox": format!("mailto:{group}@example.org") });
        let found = app
            .all(&[("agent", &agent.to_string()), ("related_agents", "true")])
            .await;
        assert_eq!(found, [id(n).to_string()], "{group}");
    }
}

#[actix_web::test]
async fn a_related_activity_is_found_in_each_place_once() {
    let app = App::start().await;
    let kinds = |context: &str| {
        json!({ "contextActivities": {
            "parent": activity(&format!("{context}-parent")),
            "grouping": [activity(&format!("{context}-grouping"))],
            "category": [activity(&format!("{context}-category")), activity("twice")],
            "other": [activity(&format!("{context}-other")), activity("twice")],
        } })
    };
    app.post(&json!([
        statement(id(1), "a", "v", "object"),
        with_context(2, &kinds("context")),
        with_sub(3, &account("b"), &activity("sub"), &kinds("sub")),
        with_context(
            4,
            &json!({ "contextActivities": { "parent": activity("o") } })
        ),
    ]))
    .await
    .is(200);
    let everywhere = ["parent", "grouping", "category", "other"];
    let places = everywhere
        .iter()
        .map(|kind| (format!("context-{kind}"), vec![2]))
        .chain(
            everywhere
                .iter()
                .map(|kind| (format!("sub-{kind}"), vec![3])),
        )
        .chain([
            ("object".to_owned(), vec![1]),
            ("sub".to_owned(), vec![3]),
            ("twice".to_owned(), vec![3, 2]),
            ("o".to_owned(), vec![4, 2]),
        ]);
    for (what, wanted) in places {
        let iri = format!("https://example.org/activities/{what}");
        let found = app
            .all(&[("activity", &iri), ("related_activities", "true")])
            .await;
        let wanted: Vec<String> = wanted.into_iter().map(|n| id(n).to_string()).collect();
        assert_eq!(found, wanted, "{what}, related");
        let narrow = app.all(&[("activity", &iri)]).await;
        let is_object = ["object", "o"].contains(&what.as_str());
        assert_eq!(narrow.is_empty(), !is_object, "{what}");
    }
}

#[actix_web::test]
async fn the_authority_is_a_related_agent() {
    let app = App::start().await;
    app.post(&json!([
        statement(id(1), "a", "v", "o"),
        statement(id(2), "b", "v", "p")
    ]))
    .await
    .is(200);
    let got = app.get(&[("statementId", &id(1).to_string())]).await;
    let authority = got.body["authority"].to_string();
    assert!(app.all(&[("agent", &authority)]).await.is_empty());
    let related = [("agent", authority.as_str()), ("related_agents", "true")];
    let both = [id(2).to_string(), id(1).to_string()];
    assert_eq!(app.all(&related).await, both);
    let activity = ("activity", "https://example.org/activities/p");
    let one = app.all(&[&related[..], &[activity]].concat()).await;
    assert_eq!(one, both[..1]);
    // The authority that a client claims is not the statement's authority.
    let mut claimed = statement(id(3), "a", "v", "o");
    claimed["authority"] = account("liar");
    app.post(&claimed).await.is(200);
    let found = app
        .all(&[("agent", &agent("liar")), ("related_agents", "true")])
        .await;
    assert!(found.is_empty());
}

#[actix_web::test]
async fn authorities_from_before_are_entered_at_the_start() {
    let app = App::start().await;
    app.post(&statement(id(1), "a", "v", "o")).await.is(200);
    let client = app.db.pool().get().await.expect("a connection");
    client
        .batch_execute(
            "delete from lrs.authority_agents;
             select pg_terminate_backend(pid) from pg_locks
              where locktype = 'advisory' and classid = 5317 and objid = 2",
        )
        .await
        .expect("as before the migration");
    let got = app.get(&[("statementId", &id(1).to_string())]).await;
    let authority = got.body["authority"].to_string();
    for _ in 0..500 {
        let related = [("agent", authority.as_str()), ("related_agents", "true")];
        if app.all(&related).await == [id(1).to_string()] {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the authority of a stored statement is not found");
}
