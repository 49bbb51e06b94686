//! Documents and those who write them at the same time: entity tags, preconditions, races (xAPI
//! 1.0.3 Communication 3.1; IEEE 9274.1.1 4.1.4).

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::app::{Answer, App};
use crate::documents::{
    ACTIVITY_PROFILE, AGENT_PROFILE, RESOURCES, Resource, STATE, VERSIONS, etag, get, post, to,
};

/// A write of `{"new":1}` with headers.
async fn write(
    app: &App,
    method: Method,
    resource: Resource,
    name: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = to(app, method.clone(), resource.path, &resource.one(name));
    if method != Method::DELETE {
        request = request
            .header("Content-Type", "application/json")
            .body(r#"{"new":1}"#);
    }
    for (header, value) in headers {
        request = request.header(*header, *value);
    }
    Answer::of(request).await
}

#[actix_web::test]
async fn a_put_that_demands_nothing_follows_its_version() {
    let app = App::start().await;
    for (version, resource, new, existing) in [
        ("1.0.3", STATE, 204, 204),
        ("1.0.3", ACTIVITY_PROFILE, 400, 409),
        ("1.0.3", AGENT_PROFILE, 400, 409),
        ("2.0.0", STATE, 204, 409),
        ("2.0.0", ACTIVITY_PROFILE, 204, 409),
        ("2.0.0", AGENT_PROFILE, 204, 409),
    ] {
        let app = app.another().await.speaking(version);
        let name = format!("{version} new");
        let answer = write(&app, Method::PUT, resource, &name, &[]).await.is(new);
        if new == 400 {
            assert_eq!(answer.body["rule"], "profile-put-precondition");
            get(&app, resource, &name).await.is(404);
        }
        let name = format!("{version} existing");
        post(&app, resource, &name, &json!({ "old": 1 }))
            .await
            .is(204);
        let answer = write(&app, Method::PUT, resource, &name, &[])
            .await
            .is(existing);
        let now = get(&app, resource, &name).await.body;
        if existing == 409 {
            let told = answer.body["detail"].as_str().expect("words");
            assert!(
                told.contains("check its current state") && told.contains("If-Match"),
                "{told}"
            );
            assert_eq!(now, json!({ "old": 1 }), "nothing was changed");
        } else {
            assert_eq!(now, json!({ "new": 1 }));
        }
    }
}

#[actix_web::test]
async fn preconditions_are_heeded_by_each_method() {
    let app = App::start().await;
    let old = json!({ "old": 1 });
    let sum = etag(old.to_string().as_bytes());
    let bare = sum.trim_matches('"');
    let stale = "\"1111111111111111111111111111111111111111\"";
    let (weak, gzip) = (format!("W/{sum}"), format!("\"{bare}-gzip\""));
    let weak_gzip = format!("W/\"{bare}-gzip\"");
    let list = format!("\"1234\", {stale} ,{sum}");
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            for method in [Method::PUT, Method::POST, Method::DELETE] {
                for (headers, there, not_there) in [
                    (&[("If-Match", sum.as_str())][..], 204, 412),
                    (&[("If-Match", &weak)], 204, 412),
                    (&[("If-Match", &gzip)], 204, 412),
                    (&[("If-Match", &weak_gzip)], 204, 412),
                    (&[("If-Match", &list)], 204, 412),
                    (&[("If-Match", "\"1234\""), ("If-Match", &sum)], 204, 412),
                    (&[("If-Match", bare)], 204, 412),
                    (&[("If-Match", "*")], 204, 412),
                    (&[("If-Match", stale)], 412, 412),
                    (&[("If-Match", "\"1234\"")], 412, 412),
                    (&[("If-None-Match", "*")], 412, 204),
                    (&[("If-None-Match", &sum)], 412, 204),
                    (&[("If-None-Match", stale)], 204, 204),
                    (&[("If-Match", &sum), ("If-None-Match", stale)], 204, 412),
                    (&[("If-Match", "1234")], 400, 400),
                    (&[("If-None-Match", "\"a")], 400, 400),
                ] {
                    let case = format!("{version} {method} {} {headers:?}", resource.path);
                    post(&app, resource, "d", &old).await.is(204);
                    let answer = write(&app, method.clone(), resource, "d", headers).await;
                    assert_eq!(answer.status, there, "{case}: {}", answer.text);
                    if there == 412 {
                        assert_eq!(answer.body["rule"], "precondition-holds");
                    }
                    if there != 204 {
                        let now = get(&app, resource, "d").await.body;
                        assert_eq!(now, old, "{case}: nothing was changed");
                    }
                    write(&app, Method::DELETE, resource, "d", &[])
                        .await
                        .is(204);
                    let answer = write(&app, method.clone(), resource, "d", headers).await;
                    assert_eq!(
                        answer.status, not_there,
                        "{case}, not there: {}",
                        answer.text
                    );
                    write(&app, Method::DELETE, resource, "d", &[])
                        .await
                        .is(204);
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_get_tells_only_what_the_client_does_not_have() {
    let app = App::start().await;
    for version in VERSIONS {
        let app = app.another().await.speaking(version);
        for resource in RESOURCES {
            post(&app, resource, "d", &json!({ "old": 1 }))
                .await
                .is(204);
            for parameters in [resource.one("d"), resource.context()] {
                let first = Answer::of(to(&app, Method::GET, resource.path, &parameters)).await;
                let tag = first.header("etag").to_owned();
                assert_eq!(tag, etag(first.text.as_bytes()));
                for (header, value, status) in [
                    ("If-None-Match", tag.as_str(), 304),
                    ("If-None-Match", &format!("W/{tag}"), 304),
                    ("If-None-Match", "*", 304),
                    ("If-None-Match", "\"1234\"", 200),
                    ("If-Match", &tag, 200),
                    ("If-Match", "\"1234\"", 412),
                    ("If-None-Match", "1234", 400),
                ] {
                    for method in [Method::GET, Method::HEAD] {
                        let request = to(&app, method, resource.path, &parameters);
                        let answer = Answer::of(request.header(header, value)).await.is(status);
                        if status == 304 {
                            assert_eq!(answer.text, "");
                            assert_eq!(answer.header("etag"), tag);
                            assert_eq!(
                                answer.header("last-modified"),
                                first.header("last-modified")
                            );
                        }
                    }
                }
            }
        }
    }
}

#[actix_web::test]
async fn many_are_not_deleted_under_a_precondition() {
    let app = App::start().await;
    post(&app, STATE, "d", &json!({})).await.is(204);
    let delete = to(&app, Method::DELETE, STATE.path, &STATE.context()).header("If-Match", "*");
    let refused = Answer::of(delete).await.is(400);
    assert_eq!(refused.body["rule"], "precondition-of-one-document");
    get(&app, STATE, "d").await.is(200);
}

#[actix_web::test]
async fn of_twenty_who_make_a_document_one_does() {
    let one = App::start().await;
    let two = one.another().await;
    for resource in RESOURCES {
        for round in 0..5 {
            let name = format!("race {round}");
            let writers = (0..20).map(|n| {
                let app = if n % 2 == 0 { &one } else { &two };
                let request = to(app, Method::PUT, resource.path, &resource.one(&name))
                    .header("Content-Type", "text/plain")
                    .header("If-None-Match", "*")
                    .body(n.to_string());
                async move { (n, Answer::of(request).await) }
            });
            let answers = join_all(writers).await;
            let made: Vec<i32> = answers
                .iter()
                .filter(|(_, answer)| answer.status == 204)
                .map(|(n, _)| *n)
                .collect();
            let refused = answers
                .iter()
                .filter(|(_, answer)| answer.status == 412)
                .count();
            assert_eq!((made.len(), refused), (1, 19));
            let now = get(&one, resource, &name).await.text;
            assert_eq!(now, made[0].to_string(), "the one who was told so");
        }
    }
}

#[actix_web::test]
async fn of_twenty_who_change_a_document_one_does() {
    let one = App::start().await;
    let two = one.another().await;
    post(&one, AGENT_PROFILE, "d", &json!({ "old": 1 }))
        .await
        .is(204);
    let tag = etag(br#"{"old":1}"#);
    let writers = (0..20).map(|n| {
        let app = if n % 2 == 0 { &one } else { &two };
        let parameters = AGENT_PROFILE.one("d");
        let request = to(app, Method::PUT, AGENT_PROFILE.path, &parameters)
            .header("If-Match", &tag)
            .body(n.to_string());
        Answer::of(request)
    });
    let statuses: Vec<u16> = join_all(writers)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 19);
}

#[actix_web::test]
async fn members_that_twenty_set_at_once_are_all_there() {
    let one = App::start().await;
    let two = one.another().await;
    for round in 0..3 {
        let name = format!("merge {round}");
        let writers = (0..20).map(|n| {
            let app = if n % 2 == 0 { &one } else { &two };
            let name = &name;
            async move { post(app, STATE, name, &json!({ format!("m{n}"): n })).await }
        });
        for answer in join_all(writers).await {
            answer.is(204);
        }
        let expected: Map<String, Value> = (0..20).map(|n| (format!("m{n}"), json!(n))).collect();
        assert_eq!(get(&one, STATE, &name).await.body, Value::Object(expected));
    }
}

#[actix_web::test]
async fn writers_and_those_who_delete_everything_do_not_stop_each_other() {
    let one = App::start().await;
    let two = one.another().await;
    let all = (0..24).map(|n| {
        let app = if n % 2 == 0 { &one } else { &two };
        async move {
            if n % 3 == 0 {
                let delete = to(app, Method::DELETE, STATE.path, &STATE.context());
                Answer::of(delete).await
            } else {
                post(app, STATE, &format!("s{}", n % 4), &json!({ "n": n })).await
            }
        }
    });
    for answer in join_all(all).await {
        answer.is(204);
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(one.number(deadlocks).await, 0);
}
