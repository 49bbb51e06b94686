//! A pupil's token: she writes and reads her own statements and her own State. A test for each way
//! around it (docs/decisions/0019).

use reqwest::Method;
use serde_json::{Value, json};
use service::testkit::{Algorithm, TestIssuer};

use crate::alternate::form;
use crate::app::{Answer, App, agent, id, statement, voiding};
use crate::caller::As;
use crate::mixed::{BOUNDARY, Part, attachment, written};

const SCHOOL: &str = "https://school.example.org";

/// A service, an application that may do everything, and the pupil `p`.
struct Scene {
    issuer: TestIssuer,
    app: App,
}

impl Scene {
    async fn new() -> Self {
        let issuer = TestIssuer::start();
        let app = App::trusting(&issuer).await;
        Self { issuer, app }
    }

    fn pupil(&self) -> As<'_> {
        self.with(&self.issuer.claims("p"))
    }

    fn with(&self, claims: &Value) -> As<'_> {
        let token = self.issuer.token(Algorithm::Es256, claims);
        As {
            app: &self.app,
            authorization: format!("Bearer {token}"),
        }
    }

    fn all(&self) -> As<'_> {
        As {
            app: &self.app,
            authorization: self.app.authorization().to_owned(),
        }
    }

    /// Puts statements there that are not the pupil's.
    async fn others(&self, statements: &[Value]) {
        self.all().post(&json!(statements)).await.is(200);
    }
}

fn account(who: &str) -> Value {
    json!({ "account": { "homePage": SCHOOL, "name": who } })
}

/// Nothing of these statements reaches the pupil, whatever she asks.
async fn none_of_them_is_hers(scene: &Scene, numbers: &[u32]) {
    let pupil = scene.pupil();
    let (p, q) = (agent("p"), agent("q"));
    for query in [
        vec![],
        vec![("limit", "1")],
        vec![("agent", &*p)],
        vec![("agent", &*p), ("related_agents", "true")],
        vec![("agent", &*q)],
        vec![("agent", &*q), ("related_agents", "true")],
        vec![("verb", "https://example.org/verbs/v")],
        vec![
            ("activity", "https://example.org/activities/o"),
            ("related_activities", "true"),
        ],
        vec![("attachments", "true"), ("ascending", "true")],
        vec![("format", "ids")],
        vec![("format", "ids"), ("agent", &*q)],
        vec![("format", "canonical")],
        vec![
            ("format", "canonical"),
            ("agent", &*p),
            ("related_agents", "true"),
        ],
    ] {
        let found = pupil.all(&query).await;
        for n in numbers {
            assert!(!found.contains(&id(*n).to_string()), "{n} by {query:?}");
        }
    }
    for n in numbers {
        let id = id(*n).to_string();
        for name in ["statementId", "voidedStatementId"] {
            pupil.get(&[(name, &id)]).await.is(404);
            for other in [
                ("attachments", "true"),
                ("format", "ids"),
                ("format", "canonical"),
            ] {
                pupil.get(&[(name, &id), other]).await.is(404);
            }
        }
    }
}

#[actix_web::test]
async fn she_writes_and_reads_her_own() {
    let scene = Scene::new().await;
    scene
        .others(&[
            statement(id(1), "q", "v", "o"),
            statement(id(2), "p", "v", "o"),
        ])
        .await;
    let pupil = scene.pupil();
    pupil
        .post(&json!([statement(id(3), "p", "v", "o")]))
        .await
        .is(200);
    let mut without_type = statement(id(4), "p", "v", "o");
    without_type["actor"] = account("p");
    let query = [("statementId", &*id(4).to_string())];
    pupil
        .send(Method::PUT, "/statements", &query, &without_type)
        .await
        .is(204);
    // What others recorded of her is hers, too.
    let hers: Vec<String> = [4, 3, 2].map(|n| id(n).to_string()).to_vec();
    assert_eq!(pupil.all(&[]).await, hers);
    assert_eq!(
        pupil.all(&[("limit", "1"), ("agent", &agent("p"))]).await,
        hers
    );
    assert_eq!(
        pupil.all(&[("agent", &agent("q"))]).await,
        Vec::<String>::new()
    );
    pupil.get(&query).await.is(200);
    none_of_them_is_hers(&scene, &[1]).await;
    // One whose actor is another is refused with its place, and the whole request with it.
    let batch = json!([
        statement(id(5), "p", "v", "o"),
        statement(id(6), "q", "v", "o")
    ]);
    let refused = pupil.post(&batch).await.is(403);
    assert_eq!(refused.body["rule"], "actor-own-only");
    assert_eq!(refused.body["pointer"], "/1/actor");
    assert_eq!(scene.app.count().await, 4);
}

#[actix_web::test]
async fn each_of_her_accounts_is_hers() {
    let scene = Scene::new().await;
    let mut claims = scene.issuer.claims("p");
    claims["accounts"] =
        json!([{ "homePage": SCHOOL, "name": "p-before" }, { "mbox": "mailto:p@example.org" }]);
    let pupil = scene.with(&claims);
    let mut by_mail = statement(id(2), "p", "v", "o");
    by_mail["actor"] = json!({ "mbox": "mailto:p@Example.ORG" });
    let sent = json!([
        statement(id(1), "p-before", "v", "o"),
        by_mail,
        statement(id(3), "p", "v", "o")
    ]);
    pupil.post(&sent).await.is(200);
    assert_eq!(pupil.all(&[]).await.len(), 3);
    assert_eq!(
        pupil
            .all(&[("limit", "1"), ("ascending", "true")])
            .await
            .len(),
        3
    );
    assert_eq!(scene.pupil().all(&[]).await, [id(3).to_string()]);
}

#[actix_web::test]
async fn not_by_membership_in_a_group() {
    let scene = Scene::new().await;
    let mut group = statement(id(1), "q", "v", "o");
    group["actor"] = json!({ "objectType": "Group", "member": [account("p"), account("q")] });
    let mut named = statement(id(2), "q", "v", "o");
    named["actor"] = json!({ "objectType": "Group", "account": account("team")["account"], "member": [account("p")] });
    // A Group under her very identifier is no Agent.
    let mut like_her = statement(id(3), "q", "v", "o");
    like_her["actor"] = json!({ "objectType": "Group", "account": account("p")["account"], "member": [account("q")] });
    let mut about_her = statement(id(4), "q", "v", "o");
    about_her["object"] = json!({ "objectType": "Group", "member": [account("p")] });
    let all = [group, named, like_her, about_her];
    scene.others(&all).await;
    none_of_them_is_hers(&scene, &[1, 2, 3, 4]).await;
    for sent in all {
        let mut sent = sent;
        sent["id"] = json!(id(10));
        let refused = scene.pupil().post(&sent).await.is(403);
        assert_eq!(refused.body["pointer"], "/actor");
    }
    assert_eq!(scene.app.count().await, 4);
}

#[actix_web::test]
async fn not_by_authority() {
    let scene = Scene::new().await;
    // An application writes for her about another: she is in the authority, not the actor.
    let mut claims = scene.issuer.claims("p");
    claims["scope"] = json!("statements/write");
    scene
        .with(&claims)
        .post(&statement(id(1), "q", "v", "o"))
        .await
        .is(200);
    none_of_them_is_hers(&scene, &[1]).await;
    // The authority that she sends is not what is kept.
    let mut sent = statement(id(2), "p", "v", "o");
    sent["authority"] = json!({ "objectType": "Agent", "mbox": "mailto:teacher@example.org" });
    scene.pupil().post(&sent).await.is(200);
    let kept = scene
        .pupil()
        .get(&[("statementId", &id(2).to_string())])
        .await
        .is(200);
    assert_eq!(
        kept.body["authority"],
        json!({ "objectType": "Group", "member": [
            { "objectType": "Agent", "account": {
                "homePage": format!("{}/token", scene.issuer.issuer()), "name": "app" } },
            { "objectType": "Agent", "account": { "homePage": SCHOOL, "name": "p" } },
        ] })
    );
}

#[actix_web::test]
async fn not_by_related_agents_nor_by_reference() {
    let scene = Scene::new().await;
    let mut taught = statement(id(1), "q", "v", "o");
    taught["context"] = json!({ "instructor": account("p"),
        "team": { "objectType": "Group", "member": [account("p")] } });
    let mut object = statement(id(2), "q", "v", "o");
    object["object"] = json!({ "objectType": "Agent", "account": account("p")["account"] });
    let mut sub = statement(id(3), "q", "v", "o");
    sub["object"] = json!({ "objectType": "SubStatement", "actor": account("p"),
        "verb": { "id": "https://example.org/verbs/v" }, "object": { "id": "https://example.org/o" } });
    scene.others(&[taught, object, sub]).await;
    // Her own reference to another's statement is hers; what it points at is not.
    let mut reference = statement(id(10), "p", "w", "o");
    reference["object"] = json!({ "objectType": "StatementRef", "id": id(1) });
    scene.pupil().post(&reference).await.is(200);
    none_of_them_is_hers(&scene, &[1, 2, 3]).await;
    let found = scene.pupil().all(&[]).await;
    assert_eq!(found, [id(10).to_string()]);
    // Nor does the reference tell what the other is about.
    let told = scene
        .pupil()
        .all(&[("activity", "https://example.org/activities/o")])
        .await;
    assert_eq!(told, Vec::<String>::new());
}

#[actix_web::test]
async fn not_by_attachments() {
    let scene = Scene::new().await;
    let mut sent = statement(id(1), "q", "v", "o");
    sent["attachments"] = json!([{
        "usageType": "https://example.org/usage", "display": { "fr": "copie" }, "contentType": "text/plain",
        "length": 4, "sha2": "a".repeat(64), "fileUrl": "https://example.org/copie.txt",
    }]);
    scene.others(std::slice::from_ref(&sent)).await;
    none_of_them_is_hers(&scene, &[1]).await;
    sent["id"] = json!(id(2));
    scene.pupil().post(&sent).await.is(403);
    let page = scene.pupil().get(&[("attachments", "true")]).await.is(200);
    assert!(!page.text.contains("copie"));
}

#[actix_web::test]
async fn not_by_naming_what_another_attached() {
    let scene = Scene::new().await;
    let content = b"the work of q alone";
    let attached = attachment(content, 256);
    let mut sent = statement(id(1), "q", "v", "o");
    sent["attachments"] = json!([attached]);
    let parts = [Part::json(&sent), Part::content(&attached, content)];
    scene.app.post_parts(&parts).await.is(200);
    // The hash alone is no content: it has to come along, or be elsewhere.
    let pupil = scene.pupil();
    let mut hers = statement(id(2), "p", "v", "o");
    hers["attachments"] = json!([attached]);
    let refused = pupil.post(&hers).await.is(400);
    assert_eq!(refused.body["rule"], "attachment-file-url");
    let mixed = async |sent: &Value| {
        let request = pupil
            .request(Method::POST, "/statements")
            .header(
                "Content-Type",
                format!("multipart/mixed; boundary={BOUNDARY}"),
            )
            .body(written(&[Part::json(sent)]));
        Answer::of(request).await
    };
    mixed(&hers).await.is(400);
    // She says that it is elsewhere.
    hers["attachments"][0]["fileUrl"] = json!("https://example.org/copie");
    pupil.post(&hers).await.is(200);
    hers["id"] = json!(id(3));
    mixed(&hers).await.is(200);
    for n in [2, 3] {
        let one = id(n).to_string();
        let alone = [("attachments", "true"), ("statementId", &*one)];
        for query in [&alone[..1], &alone[..]] {
            let told = pupil.get(query).await.is(200);
            assert!(told.text.contains(&one), "{}", told.text);
            assert!(!told.text.contains("the work of q"), "{}", told.text);
        }
    }
    none_of_them_is_hers(&scene, &[1]).await;
}

#[actix_web::test]
async fn not_by_a_form() {
    let scene = Scene::new().await;
    scene
        .others(&[
            statement(id(1), "q", "v", "o"),
            statement(id(2), "p", "v", "o"),
        ])
        .await;
    let bearer = scene.issuer.bearer("p");
    let who = [
        ("Authorization", &*bearer),
        ("X-Experience-API-Version", "1.0.3"),
    ];
    let page = form(&scene.app, "GET", &who).await.is(200);
    assert_eq!(page.ids(), [id(2).to_string()]);
    for (n, status) in [(1, 404), (2, 200)] {
        let one = id(n).to_string();
        let get = [who[0], who[1], ("statementId", &one)];
        form(&scene.app, "GET", &get).await.is(status);
    }
    for (n, actor, status) in [(3, "q", 403), (4, "p", 204)] {
        let (one, sent) = (id(n).to_string(), statement(id(n), actor, "v", "o"));
        let content = sent.to_string();
        let put = [who[0], who[1], ("statementId", &one), ("content", &content)];
        form(&scene.app, "PUT", &put).await.is(status);
    }
    assert_eq!(scene.app.count().await, 3);
}

#[actix_web::test]
async fn not_by_the_lists_of_a_context() {
    let scene = Scene::new().await;
    // 2.0 lists agents and groups in a context.
    let in_2_0 = |caller: &As<'_>, sent: &Value| {
        let request = scene
            .app
            .bare(Method::POST, "/statements")
            .header("Authorization", &caller.authorization)
            .header("X-Experience-API-Version", "2.0.0")
            .header("Content-Type", "application/json");
        Answer::of(request.body(sent.to_string()))
    };
    let mut agents = statement(id(1), "q", "v", "o");
    agents["context"] = json!({ "contextAgents": [
        { "objectType": "contextAgent", "agent": account("p") }] });
    let mut groups = statement(id(2), "q", "v", "o");
    groups["context"] = json!({ "contextGroups": [
        { "objectType": "contextGroup", "group":
            { "objectType": "Group", "member": [account("p"), account("q")] } }] });
    let sent = json!([agents, groups]);
    let refused = in_2_0(&scene.pupil(), &sent).await.is(403);
    assert_eq!(refused.body["pointer"], "/0/actor");
    in_2_0(&scene.all(), &sent).await.is(200);
    none_of_them_is_hers(&scene, &[1, 2]).await;
    let path = format!(
        "/statements?related_agents=true&agent={}",
        crate::app::encode(&agent("p"))
    );
    let asked = scene
        .app
        .bare(Method::GET, &path)
        .header("Authorization", scene.issuer.bearer("p"))
        .header("X-Experience-API-Version", "2.0.0");
    assert_eq!(Answer::of(asked).await.is(200).ids(), Vec::<String>::new());
}

#[actix_web::test]
async fn not_the_state_of_another() {
    let scene = Scene::new().await;
    let (p, q) = (agent("p"), agent("q"));
    let like_her = json!({ "objectType": "Group", "account": { "homePage": SCHOOL, "name": "q" } })
        .to_string();
    let activity = ("activityId", "https://example.org/activities/o");
    let state = ("stateId", "s");
    let path = "/activities/state";
    let document = json!({ "secret": "of q" });
    let of_q = [activity, ("agent", &*q), state];
    scene
        .all()
        .send(Method::PUT, path, &of_q, &document)
        .await
        .is(204);
    let pupil = scene.pupil();
    let refused = |answer: Answer| {
        let answer = answer.is(403);
        assert_eq!(answer.body["rule"], "state-own-only");
    };
    for other in [&q, &like_her] {
        let one = [activity, ("agent", &**other), state];
        refused(pupil.ask(Method::GET, path, &one).await);
        refused(pupil.ask(Method::GET, path, &one[..2]).await);
        refused(pupil.send(Method::PUT, path, &one, &document).await);
        refused(pupil.send(Method::POST, path, &one, &document).await);
        refused(pupil.ask(Method::DELETE, path, &one).await);
        refused(pupil.ask(Method::DELETE, path, &one[..2]).await);
    }
    let kept = scene.all().ask(Method::GET, path, &of_q).await.is(200);
    assert_eq!(kept.body, document);
    // Her own is hers.
    let hers = [activity, ("agent", &*p), state];
    pupil
        .send(Method::PUT, path, &hers, &json!({ "n": 1 }))
        .await
        .is(204);
    pupil
        .send(Method::POST, path, &hers, &json!({ "m": 2 }))
        .await
        .is(204);
    let read = pupil.ask(Method::GET, path, &hers).await.is(200);
    assert_eq!(read.body, json!({ "n": 1, "m": 2 }));
    let names = pupil.ask(Method::GET, path, &hers[..2]).await.is(200);
    assert_eq!(names.body, json!(["s"]));
    pupil.ask(Method::DELETE, path, &hers).await.is(204);
}

#[actix_web::test]
async fn not_by_voiding() {
    let scene = Scene::new().await;
    // One of another, and one of hers that another wrote.
    scene
        .others(&[
            statement(id(1), "q", "v", "o"),
            statement(id(2), "p", "v", "o"),
        ])
        .await;
    let void = |n: u32, target: u32| {
        let mut voiding = voiding(id(n), id(target));
        voiding["actor"] = account("p");
        voiding
    };
    let pupil = scene.pupil();
    for target in [1, 2, 99] {
        let refused = pupil.post(&void(10, target)).await.is(403);
        assert_eq!(refused.body["rule"], "voiding-own-only");
    }
    let forged = json!([statement(id(2), "p", "v", "o"), void(10, 2)]);
    pupil.post(&forged).await.is(403);
    scene
        .all()
        .get(&[("statementId", &id(2).to_string())])
        .await
        .is(200);
    // Not under another's name either.
    pupil.post(&voiding(id(10), id(1))).await.is(403);
    // What she wrote herself she may void, by the same application.
    pupil.post(&statement(id(3), "p", "v", "o")).await.is(200);
    let mut claims = scene.issuer.claims("p");
    claims["client_id"] = json!("another app");
    scene.with(&claims).post(&void(10, 3)).await.is(403);
    pupil.post(&void(10, 3)).await.is(200);
    pupil
        .get(&[("voidedStatementId", &id(3).to_string())])
        .await
        .is(200);
}

#[actix_web::test]
async fn not_by_what_is_nobodys() {
    let scene = Scene::new().await;
    let pupil = scene.pupil();
    let (p, q) = (agent("p"), agent("q"));
    let activity = ("activityId", "https://example.org/activities/o");
    for (path, query) in [
        ("/agents", vec![("agent", &*q)]),
        ("/agents", vec![("agent", &*p)]),
        ("/activities", vec![activity]),
        ("/agents/profile", vec![("agent", &*q), ("profileId", "x")]),
        ("/agents/profile", vec![("agent", &*p), ("profileId", "x")]),
        ("/activities/profile", vec![activity, ("profileId", "x")]),
    ] {
        let refused = pupil.ask(Method::GET, path, &query).await.is(403);
        assert_eq!(refused.body["rule"], "person-own-only");
    }
    for path in ["/agents/profile", "/activities/profile"] {
        let query = [("agent", &*p), activity, ("profileId", "x")];
        let query = if path.starts_with("/agents") {
            [query[0], query[2]]
        } else {
            [query[1], query[2]]
        };
        pupil
            .send(Method::POST, path, &query, &json!({}))
            .await
            .is(403);
        pupil.ask(Method::DELETE, path, &query).await.is(403);
    }
    // Her statements define nothing.
    let mut sent = statement(id(1), "p", "v", "o");
    sent["object"]["definition"] = json!({ "name": { "fr": "autre" } });
    pupil.post(&sent).await.is(200);
    let kept = scene
        .all()
        .ask(Method::GET, "/activities", &[activity])
        .await
        .is(200);
    assert_eq!(kept.body["definition"], Value::Null);
    // A position in what others read gives her nothing of it.
    scene
        .others(&[
            statement(id(2), "q", "v", "o"),
            statement(id(3), "q", "v", "o"),
        ])
        .await;
    let page = scene.all().get(&[("limit", "1")]).await.is(200);
    let more = page.body["more"].as_str().expect("text");
    let path = more.strip_prefix("/xapi").expect("relative");
    let answer = Answer::of(pupil.request(Method::GET, path)).await.is(200);
    assert_eq!(answer.ids(), [id(1).to_string()]);
}

#[actix_web::test]
async fn a_token_that_is_not_good_is_401_and_one_that_names_nobody_403() {
    let scene = Scene::new().await;
    let mut claims = scene.issuer.claims("p");
    claims["aud"] = json!("another service");
    let refused = scene.with(&claims).get(&[]).await.is(401);
    assert_eq!(refused.body["rule"], "token-audience");
    assert!(refused.header("www-authenticate").contains("invalid_token"));
    let mut claims = scene.issuer.claims("p");
    claims.as_object_mut().expect("claims").remove("sub");
    let nobody = scene.with(&claims).get(&[]).await.is(403);
    assert_eq!(nobody.body["rule"], "token-account");
    // Neither told which is missing.
    let bare = scene
        .app
        .bare(Method::GET, "/statements")
        .header("X-Experience-API-Version", "1.0.3");
    let challenges = Answer::of(bare).await.is(401);
    let told: Vec<_> = challenges
        .headers
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
}
