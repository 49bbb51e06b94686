//! State, Activity Profile, Agent Profile (xAPI 1.0.3 Communication 2.2, 2.3, 2.6, 2.7).

use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service::identity::Scope;
use sha1::{Digest, Sha1};

use crate::app::{Answer, App, agent, id};

/// A resource, and what names a document there but for its id.
#[derive(Clone, Copy)]
pub(crate) struct Resource {
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    activity: bool,
    agent: bool,
}

pub(crate) const STATE: Resource = Resource {
    path: "/activities/state",
    id: "stateId",
    activity: true,
    agent: true,
};
pub(crate) const ACTIVITY_PROFILE: Resource = Resource {
    path: "/activities/profile",
    id: "profileId",
    activity: true,
    agent: false,
};
pub(crate) const AGENT_PROFILE: Resource = Resource {
    path: "/agents/profile",
    id: "profileId",
    activity: false,
    agent: true,
};

pub(crate) const RESOURCES: [Resource; 3] = [STATE, ACTIVITY_PROFILE, AGENT_PROFILE];
pub(crate) const VERSIONS: [&str; 2] = ["1.0.3", "2.0.0"];

impl Resource {
    /// The parameters that are always there.
    pub(crate) fn context(self) -> Vec<(&'static str, String)> {
        let activity = self
            .activity
            .then(|| ("activityId", "https://example.org/activities/é".to_owned()));
        let agent = self.agent.then(|| ("agent", agent("a")));
        activity.into_iter().chain(agent).collect()
    }

    pub(crate) fn one(self, name: &str) -> Vec<(&'static str, String)> {
        let mut parameters = self.context();
        parameters.push((self.id, name.to_owned()));
        parameters
    }
}

/// A request with these parameters.
pub(crate) fn to(
    app: &App,
    method: Method,
    path: &str,
    parameters: &[(&str, String)],
) -> RequestBuilder {
    app.request(method, &with_query(path, parameters))
}

/// A path with a query.
pub(crate) fn with_query(path: &str, parameters: &[(&str, impl AsRef<str>)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| {
            let value = utf8_percent_encode(value.as_ref(), NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

pub(crate) async fn get(app: &App, resource: Resource, name: &str) -> Answer {
    Answer::of(to(app, Method::GET, resource.path, &resource.one(name))).await
}

/// PUT for whatever is there, or is not: the precondition that holds is looked up.
async fn put(app: &App, resource: Resource, name: &str, content_type: &str, body: &[u8]) -> Answer {
    let there = get(app, resource, name).await;
    let request = to(app, Method::PUT, resource.path, &resource.one(name))
        .header("Content-Type", content_type)
        .body(body.to_vec());
    let request = match there.header("etag") {
        "" => request.header("If-None-Match", "*"),
        etag => request.header("If-Match", etag),
    };
    Answer::of(request).await
}

pub(crate) async fn post(app: &App, resource: Resource, name: &str, body: &Value) -> Answer {
    let request = to(app, Method::POST, resource.path, &resource.one(name))
        .header("Content-Type", "application/json")
        .body(body.to_string());
    Answer::of(request).await
}

async fn names(app: &App, resource: Resource, more: &[(&'static str, String)]) -> Answer {
    let mut parameters = resource.context();
    parameters.extend(more.iter().cloned());
    Answer::of(to(app, Method::GET, resource.path, &parameters))
        .await
        .is(200)
}

pub(crate) fn etag(content: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Sha1::digest(content)))
}

#[actix_web::test]
async fn any_content_comes_back_byte_for_byte_with_its_type() {
    let app = App::start().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            for (content_type, body) in [
                ("application/octet-stream", every_byte.as_slice()),
                ("text/plain; charset=iso-8859-1", b"\xe9t\xe9"),
                ("application/json", br#" { "a" : 1.50, "a":2 } "#),
                ("image/png", b""),
            ] {
                put(&app, resource, "any", content_type, body).await.is(204);
                let request = to(&app, Method::GET, resource.path, &resource.one("any"));
                let got = request.send().await.expect("an answer");
                assert_eq!(got.status(), 200);
                assert_eq!(got.headers()["content-type"], content_type);
                assert_eq!(got.headers()["etag"], etag(body).as_str());
                assert_eq!(got.headers()["cache-control"], "private, no-cache");
                assert_eq!(got.headers()["x-content-type-options"], "nosniff");
                assert_eq!(got.bytes().await.expect("a body"), body);
            }
        }
    }
}

#[actix_web::test]
async fn a_document_without_a_type_is_octets() {
    let app = App::start().await;
    let request = to(&app, Method::PUT, STATE.path, &STATE.one("s")).body(vec![1, 2, 3]);
    Answer::of(request).await.is(204);
    let got = get(&app, STATE, "s").await.is(200);
    assert_eq!(got.header("content-type"), "application/octet-stream");
}

#[actix_web::test]
async fn a_document_is_written_read_and_deleted() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            let name = format!("{version} / é \" {}", "x".repeat(5_000));
            let missing = get(&app, resource, &name).await.is(404);
            assert_eq!(missing.body["rule"], "document-exists");
            post(&app, resource, &name, &json!({ "a": 1 }))
                .await
                .is(204);
            let got = get(&app, resource, &name).await.is(200);
            assert_eq!(got.body, json!({ "a": 1 }));
            assert_eq!(names(&app, resource, &[]).await.body, json!([name]));
            let head = to(&app, Method::HEAD, resource.path, &resource.one(&name));
            let head = Answer::of(head).await.is(200);
            for header in ["etag", "last-modified", "content-type", "content-length"] {
                assert_eq!(head.header(header), got.header(header), "{header}");
            }
            assert_eq!(
                (head.text.as_str(), got.header("content-length")),
                ("", "7")
            );
            for _ in 0..2 {
                // What is not there can be deleted too: it is not there afterwards.
                let delete = to(&app, Method::DELETE, resource.path, &resource.one(&name));
                Answer::of(delete).await.is(204);
            }
            get(&app, resource, &name).await.is(404);
            assert_eq!(names(&app, resource, &[]).await.body, json!([]));
        }
    }
}

#[actix_web::test]
async fn a_post_sets_members_of_the_top_level() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            let name = format!("merged {version}");
            post(
                &app,
                resource,
                &name,
                &json!({ "x": "foo", "y": { "deep": 1, "gone": 2 } }),
            )
            .await
            .is(204);
            post(
                &app,
                resource,
                &name,
                &json!({ "y": { "deep": 3 }, "z": "faz" }),
            )
            .await
            .is(204);
            let got = get(&app, resource, &name).await.is(200);
            assert_eq!(
                got.body,
                json!({ "x": "foo", "y": { "deep": 3 }, "z": "faz" })
            );
            assert_eq!(got.header("content-type"), "application/json");
            assert_eq!(got.header("etag"), etag(got.text.as_bytes()));
        }
    }
}

#[actix_web::test]
async fn a_post_that_cannot_be_merged_changes_nothing() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            let json = (format!("json {version}"), "application/json", r#"{"a":1}"#);
            let array = (format!("array {version}"), "application/json", "[1]");
            let text = (format!("text {version}"), "text/plain", "{}");
            let none = (format!("none {version}"), "", "");
            for (name, content_type, body) in [&json, &array, &text] {
                put(&app, resource, name, content_type, body.as_bytes())
                    .await
                    .is(204);
            }
            for ((name, _, body), content_type, sent, rule) in [
                (&json, "text/plain", "{}", "document-post-json"),
                (&json, "not/json", "abcdefg", "document-post-json"),
                (&json, "application/json", "{}{", "document-post-object"),
                (&json, "application/json", "[1]", "document-post-object"),
                (&json, "application/json", "", "document-post-object"),
                (&array, "application/json", "{}", "document-merge-object"),
                (&text, "application/json", "{}", "document-merge-json"),
                (&none, "text/plain", "x", "document-post-json"),
            ] {
                let request = to(&app, Method::POST, resource.path, &resource.one(name))
                    .header("Content-Type", content_type)
                    .body(sent);
                let refused = Answer::of(request).await.is(400);
                assert_eq!(refused.body["rule"], rule, "{}", refused.text);
                assert_eq!(refused.body["section"], "xAPI 1.0.3 Communication 2.2");
                assert!(get(&app, resource, name).await.text == *body || body.is_empty());
            }
            get(&app, resource, &none.0).await.is(404);
        }
    }
}

#[actix_web::test]
async fn what_is_said_to_be_json_is_json() {
    let app = App::start().await;
    for bad in [&b"{"[..], b"", b"{} x", b"\"\xff\"", b"nul"] {
        let put = to(&app, Method::PUT, STATE.path, &STATE.one("s"))
            .header("Content-Type", "application/json; charset=utf-8")
            .body(bad.to_vec());
        let refused = Answer::of(put).await.is(400);
        assert_eq!(refused.body["rule"], "document-json");
    }
    get(&app, STATE, "s").await.is(404);
    // Nothing is read into memory for that: as deep as it likes.
    let deep = "[".repeat(50_000) + &"]".repeat(50_000);
    put(&app, STATE, "s", "application/json", deep.as_bytes())
        .await
        .is(204);
    assert_eq!(get(&app, STATE, "s").await.text, deep);
}

#[actix_web::test]
async fn ids_are_those_that_changed_after_since() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            let (first, second) = (format!("1 {version}"), format!("2 {version}"));
            post(&app, resource, &first, &json!({})).await.is(204);
            let between: DateTime<Utc> = {
                let client = app.db.pool().get().await.expect("a connection");
                let row = client.query_one("select clock_timestamp()", &[]).await;
                row.expect("the clock").get(0)
            };
            post(&app, resource, &second, &json!({})).await.is(204);
            let since = |at: DateTime<Utc>| [("since", at.to_rfc3339())];
            let hour = chrono::TimeDelta::hours(1);
            assert_eq!(
                names(&app, resource, &since(between - hour)).await.body,
                json!([first, second])
            );
            assert_eq!(
                names(&app, resource, &since(between)).await.body,
                json!([second])
            );
            // A document that is changed comes again.
            post(&app, resource, &first, &json!({ "a": 1 }))
                .await
                .is(204);
            let found = names(&app, resource, &since(between)).await;
            assert_eq!(found.body, json!([first, second]));
            assert_eq!(
                found.header("last-modified"),
                get(&app, resource, &first).await.header("last-modified"),
                "of the one that changed last"
            );
            assert_eq!(found.header("etag"), etag(found.text.as_bytes()));
            let none = names(&app, resource, &since(between + hour)).await;
            assert_eq!(
                (none.body, none.headers.get("last-modified")),
                (json!([]), None)
            );
            for name in [&first, &second] {
                let delete = to(&app, Method::DELETE, resource.path, &resource.one(name));
                Answer::of(delete).await.is(204);
            }
        }
    }
}

#[actix_web::test]
async fn last_modified_follows_each_change() {
    let app = App::start().await;
    post(&app, STATE, "s", &json!({ "a": 1 })).await.is(204);
    let modified = |answer: &Answer| {
        DateTime::parse_from_rfc2822(answer.header("last-modified")).expect("a date of HTTP")
    };
    let before = modified(&get(&app, STATE, "s").await);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    post(&app, STATE, "s", &json!({ "a": 1 })).await.is(204);
    assert!(modified(&get(&app, STATE, "s").await) > before);
    let updates = "select count(*) from lrs.documents where updated < clock_timestamp()";
    assert_eq!(app.number(updates).await, 1);
}

#[actix_web::test]
async fn states_belong_to_activity_agent_and_registration() {
    let app = App::start().await;
    let with = |registration: Option<u32>, name: Option<&str>| {
        let mut parameters = STATE.context();
        parameters.extend(registration.map(|n| ("registration", id(n).to_string())));
        parameters.extend(name.map(|name| ("stateId", name.to_owned())));
        parameters
    };
    let say = |parameters: Vec<(&'static str, String)>, what: &'static str| {
        let request = to(&app, Method::PUT, STATE.path, &parameters).body(what);
        async move { Answer::of(request).await.is(204) }
    };
    let read = |parameters: Vec<(&'static str, String)>| {
        let request = to(&app, Method::GET, STATE.path, &parameters);
        async move { Answer::of(request).await }
    };
    say(with(None, Some("s")), "none").await;
    say(with(Some(1), Some("s")), "one").await;
    say(with(Some(2), Some("t")), "two").await;
    // A registration of zeros is one, not none.
    let mut zeros = with(None, Some("s"));
    zeros.push(("registration", uuid::Uuid::nil().to_string()));
    say(zeros, "zeros").await;
    let mut of_b = with(None, Some("s"));
    of_b[1].1 = agent("b");
    say(of_b.clone(), "b").await;
    let mut elsewhere = with(None, Some("s"));
    elsewhere[0].1 = "https://example.org/activities/other".to_owned();
    say(elsewhere.clone(), "elsewhere").await;

    assert_eq!(read(with(None, Some("s"))).await.text, "none");
    assert_eq!(read(with(Some(1), Some("s"))).await.text, "one");
    read(with(Some(2), Some("s"))).await.is(404);
    // Without a registration, the ids of all, each once.
    assert_eq!(read(with(None, None)).await.body, json!(["s", "t"]));
    assert_eq!(read(with(Some(2), None)).await.body, json!(["t"]));

    let delete = |parameters: Vec<(&'static str, String)>| {
        let request = to(&app, Method::DELETE, STATE.path, &parameters);
        async move { Answer::of(request).await.is(204) }
    };
    delete(with(Some(1), None)).await;
    read(with(Some(1), Some("s"))).await.is(404);
    assert_eq!(read(with(None, Some("s"))).await.text, "none");
    delete(with(None, None)).await;
    assert_eq!(read(with(None, None)).await.body, json!([]));
    read(with(Some(2), Some("t"))).await.is(404);
    assert_eq!(read(of_b).await.text, "b");
    assert_eq!(read(elsewhere).await.text, "elsewhere");
}

#[actix_web::test]
async fn an_agent_is_who_it_is_however_it_is_written() {
    let app = App::start().await;
    let of = |agent: Value| vec![("agent", agent.to_string()), ("profileId", "p".to_owned())];
    let put = to(
        &app,
        Method::PUT,
        AGENT_PROFILE.path,
        &of(json!({ "mbox": "mailto:a@EXAMPLE.org", "name": "A" })),
    );
    Answer::of(put.header("If-None-Match", "*").body("x"))
        .await
        .is(204);
    let same = of(json!({ "objectType": "Agent", "mbox": "mailto:a@example.org" }));
    let got = Answer::of(to(&app, Method::GET, AGENT_PROFILE.path, &same)).await;
    assert_eq!(got.is(200).text, "x");
    let other = of(json!({ "mbox": "mailto:A@example.org" }));
    Answer::of(to(&app, Method::GET, AGENT_PROFILE.path, &other))
        .await
        .is(404);
    // A State may be an identified Group's.
    let mut group = STATE.one("s");
    group[1].1 = json!({ "objectType": "Group", "mbox": "mailto:g@example.org" }).to_string();
    let put = to(&app, Method::PUT, STATE.path, &group).body("g");
    Answer::of(put).await.is(204);
}

#[actix_web::test]
async fn parameters_are_read_strictly() {
    let app = App::start().await;
    let bad = |name: &'static str, value: &str| (name, value.to_owned());
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
                let good = resource.one("p");
                let mut faults: Vec<(Vec<_>, &str, &str)> = Vec::new();
                for (name, _) in resource.context() {
                    let without = good.iter().filter(|(other, _)| *other != name);
                    faults.push((without.cloned().collect(), name, "query-parameter-required"));
                    let twice = good.iter().cloned().chain([bad(name, "x")]);
                    faults.push((twice.collect(), name, "query-parameter-once"));
                }
                let extended = |extra| good.iter().cloned().chain([extra]).collect::<Vec<_>>();
                faults.push((
                    extended(bad("foo", "bar")),
                    "foo",
                    "query-parameter-unknown",
                ));
                faults.push((
                    extended(bad("ActivityId", "x")),
                    "ActivityId",
                    "query-parameter-unknown",
                ));
                let replaced = |name: &'static str, value: &str| {
                    let mut changed = good.clone();
                    for (_, text) in changed.iter_mut().filter(|(other, _)| *other == name) {
                        value.clone_into(text);
                    }
                    changed
                };
                if resource.activity {
                    faults.push((
                        replaced("activityId", "true"),
                        "activityId",
                        "query-not-iri",
                    ));
                }
                if resource.agent {
                    faults.push((replaced("agent", "not JSON"), "agent", "json-syntax"));
                    faults.push((replaced("agent", "true"), "agent", ""));
                    faults.push((replaced("agent", "{}"), "agent", ""));
                }
                if method == Method::PUT || method == Method::POST {
                    faults.push((resource.context(), resource.id, "query-parameter-required"));
                }
                for (parameters, name, rule) in faults {
                    let request = to(&app, method.clone(), resource.path, &parameters)
                        .header("Content-Type", "application/json")
                        .header("If-None-Match", "*");
                    let refused = Answer::of(request.body("{}")).await.is(400);
                    let told = refused.body["errors"].as_array().expect("errors");
                    assert!(
                        told.iter().any(|one| {
                            one["pointer"].as_str().is_some_and(|p| p.starts_with(name))
                                && (rule.is_empty() || one["rule"] == rule)
                        }),
                        "{method} {} {name} {rule}: {}",
                        resource.path,
                        refused.text
                    );
                }
            }
        }
    }
    assert_eq!(app.number("select count(*) from lrs.documents").await, 0);
}

#[actix_web::test]
async fn other_methods_and_missing_versions_are_told() {
    let app = App::start().await;
    let read_only = "GET, HEAD";
    let all = "DELETE, GET, HEAD, POST, PUT";
    for (path, allowed) in [
        ("/activities/state", all),
        ("/activities/profile", all),
        ("/agents/profile", all),
        ("/agents", read_only),
        ("/activities", read_only),
    ] {
        let refused = Answer::of(app.request(Method::PATCH, path)).await.is(405);
        assert_eq!(refused.header("allow"), allowed, "{path}");
        let bare = Answer::of(app.bare(Method::GET, path)).await.is(400);
        assert_eq!(bare.body["rule"], "version-header", "{path}");
        let nobody = app
            .bare(Method::GET, path)
            .header("X-Experience-API-Version", "1.0.3");
        Answer::of(nobody).await.is(401);
    }
}

#[actix_web::test]
async fn a_document_has_a_largest_size() {
    let app = App::with(|config| config.body_max_bytes = 1_000).await;
    let put =
        |bytes: usize| to(&app, Method::PUT, STATE.path, &STATE.one("s")).body(vec![b'x'; bytes]);
    Answer::of(put(1_000)).await.is(204);
    let refused = Answer::of(put(1_001)).await.is(413);
    assert_eq!(refused.body["rule"], "body-limit");
    assert_eq!(get(&app, STATE, "s").await.text.len(), 1_000);
}

#[actix_web::test]
async fn each_scope_reaches_what_it_names() {
    let app = App::start().await;
    for (scope, state, profile, rest) in [
        // Read and write of each; whether Agents and Activities can be read.
        (Scope::All, (true, true), (true, true), true),
        (Scope::AllRead, (true, false), (true, false), true),
        (Scope::State, (true, true), (false, false), false),
        (Scope::Profile, (false, false), (true, true), false),
        (
            Scope::StatementsWrite,
            (false, false),
            (false, false),
            false,
        ),
        (Scope::StatementsRead, (false, false), (false, false), false),
        (
            Scope::StatementsReadMine,
            (false, false),
            (false, false),
            false,
        ),
        (Scope::Define, (false, false), (false, false), false),
    ] {
        let authorization = app.db.basic(&[scope]).await;
        let ask = |method: Method, path: &str, parameters: &[(&str, String)]| {
            let request = app
                .bare(method, &with_query(path, parameters))
                .header("Authorization", &authorization)
                .header("X-Experience-API-Version", "1.0.3")
                .header("Content-Type", "application/json");
            Answer::of(request.body("{}"))
        };
        for resource in RESOURCES {
            let (read, write) = if resource.id == "stateId" {
                state
            } else {
                profile
            };
            let many = resource.context();
            let one = resource.one("s");
            for (method, parameters, may, good) in [
                (Method::GET, &many, read, 200),
                (Method::HEAD, &many, read, 200),
                (Method::POST, &one, write, 204),
                (Method::DELETE, &one, write, 204),
            ] {
                let expected = if may { good } else { 403 };
                let answer = ask(method.clone(), resource.path, parameters).await;
                let status = answer.status.as_u16();
                assert_eq!(status, expected, "{scope} {method} {}", resource.path);
            }
            let put = ask(Method::PUT, resource.path, &one).await;
            assert_eq!(put.status == 403, !write, "{scope} PUT {}", resource.path);
        }
        for (path, parameters) in [
            ("/agents", AGENT_PROFILE.context()),
            ("/activities", ACTIVITY_PROFILE.context()),
        ] {
            let expected = if rest { 200 } else { 403 };
            ask(Method::GET, path, &parameters).await.is(expected);
        }
    }
}
