//! Signed statements.

use lrs::LrsConfig;
use serde_json::{Value, json};
use service::config::Settings;

use crate::app::{App, id, statement};
use crate::mixed::{Part, attachment};
use crate::signer::{self, sign};

const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

/// The statement with this signature, as it is sent.
fn signed(statement: &Value, signature: &[u8]) -> Vec<Part> {
    let mut attached = attachment(signature, 256);
    attached["usageType"] = json!(SIGNATURE);
    let mut statement = statement.clone();
    statement["attachments"] = json!([attached]);
    vec![Part::json(&statement), Part::content(&attached, signature)]
}

async fn standing(app: &App, n: u32) -> Option<String> {
    let client = app.db.pool().get().await.expect("a connection");
    let sql = "select a.signature from lrs.statement_attachments a join lrs.statements s using (seq) where s.id = $1";
    client
        .query_one(sql, &[&id(n)])
        .await
        .expect("a row")
        .get(0)
}

#[actix_web::test]
async fn each_algorithm_is_accepted_and_given_back() {
    for version in ["1.0.3", "2.0.0"] {
        let app = App::start().await.speaking(version);
        for (n, alg) in [(1, "RS256"), (2, "RS384"), (3, "RS512")] {
            let sent = statement(id(n), "a", "v", "o");
            let signature = sign(&signer::header(alg), &sent.to_string());
            let parts = signed(&sent, &signature);
            app.post_parts(&parts).await.is(200);
            app.post_parts(&parts).await.is(200);
            assert_eq!(
                app.parts(&format!("&statementId={}", id(n))).await.1,
                parts[1..]
            );
            assert_eq!(standing(&app, n).await.as_deref(), Some("verified"));
        }
        let sent = statement(id(4), "a", "v", "o");
        let bare = sign(&json!({ "alg": "RS256" }), &sent.to_string());
        app.post_parts(&signed(&sent, &bare)).await.is(200);
        assert_eq!(standing(&app, 4).await.as_deref(), Some("unverified"));
    }
}

#[actix_web::test]
async fn each_fault_of_a_signature_is_told_and_nothing_is_stored() {
    let app = App::start().await;
    let sent = statement(id(1), "a", "v", "o");
    let payload = sent.to_string();
    let good = sign(&signer::header("RS256"), &payload);
    let mut altered = good.clone();
    let last = altered.len() - 10;
    altered[last] = if altered[last] == b'A' { b'B' } else { b'A' };
    let other = statement(id(1), "b", "v", "o").to_string();
    for (what, signature, rule) in [
        (
            "another payload",
            sign(&signer::header("RS256"), &other),
            "signature-statement",
        ),
        (
            "no JSON",
            sign(&signer::header("RS256"), &payload.replacen('"', "'", 1)),
            "signature-payload-json",
        ),
        ("an altered signature", altered, "signature-verifies"),
        (
            "none",
            sign(&signer::header("none"), &payload),
            "signature-algorithm",
        ),
        (
            "HS256",
            sign(&signer::header("HS256"), &payload),
            "signature-algorithm",
        ),
        (
            "no signature at all",
            b"here is a text".to_vec(),
            "signature-jws",
        ),
    ] {
        let parts = signed(&sent, &signature);
        let refused = app.post_parts(&parts).await.is(400);
        assert_eq!(refused.body["rule"], rule, "{what}: {}", refused.text);
        assert_eq!(refused.body["pointer"], "/attachments/0", "{what}");
        assert_eq!(refused.body["section"], "xAPI 1.0.3 Data 2.6", "{what}");
    }
    // The second of a batch takes the first with it.
    let mut batch = signed(&statement(id(2), "a", "v", "o"), &good);
    let second: Value = serde_json::from_slice(&batch[0].content).expect("JSON");
    batch[0] = Part::json(&json!([sent, second]));
    let refused = app.post_parts(&batch).await.is(400);
    assert_eq!(refused.body["pointer"], "/1/attachments/0");
    // Under another type it is no signature, in either form.
    let mut parts = signed(&sent, &good);
    let mut text: Value = serde_json::from_slice(&parts[0].content).expect("JSON");
    text["attachments"][0]["contentType"] = json!("text/plain");
    parts[0] = Part::json(&text);
    let refused = app.post_parts(&parts).await.is(400);
    assert_eq!(refused.body["rule"], "signature-content-type");
    text["attachments"][0]["fileUrl"] = json!("https://example.org/signature");
    assert_eq!(
        app.post(&text).await.is(400).body["rule"],
        "signature-content-type"
    );
    assert_eq!(app.count().await, 0);
}

#[actix_web::test]
async fn a_put_is_signed_for_its_own_id() {
    let app = App::start().await;
    let sent = statement(id(1), "a", "v", "o");
    let mut bare = sent.clone();
    bare.as_object_mut().expect("an object").remove("id");
    let parts = signed(&bare, &sign(&signer::header("RS256"), &sent.to_string()));
    for (n, status) in [(2, 400), (1, 204)] {
        let put = app
            .request(
                reqwest::Method::PUT,
                &format!("/statements?statementId={}", id(n)),
            )
            .header(
                "Content-Type",
                format!("multipart/mixed; boundary={}", crate::mixed::BOUNDARY),
            )
            .body(crate::mixed::written(&parts));
        crate::app::Answer::of(put).await.is(status);
    }
}

#[actix_web::test]
async fn who_signs_an_id_sends_it() {
    let app = App::start().await;
    let with_id = statement(id(1), "a", "v", "o");
    let mut bare = with_id.clone();
    bare.as_object_mut().expect("an object").remove("id");
    let by = |payload: &Value| {
        let signature = sign(&signer::header("RS256"), &payload.to_string());
        signed(&bare, &signature)
    };
    let refused = app.post_parts(&by(&with_id)).await.is(400);
    assert_eq!(refused.body["rule"], "signature-statement");
    assert_eq!(app.count().await, 0);
    app.post_parts(&by(&bare)).await.is(200);
}

#[actix_web::test]
async fn the_signatures_of_a_request_are_held_to_a_limit_together() {
    let app = App::with(|config| config.body_max_bytes = 20_000).await;
    // No signatures, which is told of those that fit.
    let signed = |n: u32| signed(&statement(id(n), "a", "v", "o"), &[b'a' + n as u8; 12_000]);
    for n in [1, 2] {
        let refused = app.post_parts(&signed(n)).await.is(400);
        assert_eq!(refused.body["rule"], "signature-jws");
    }
    let (one, two) = (signed(1), signed(2));
    let statement = |parts: &[Part]| -> Value {
        serde_json::from_slice(&parts[0].content).expect("a statement")
    };
    let both = [
        Part::json(&json!([statement(&one), statement(&two)])),
        one[1].clone(),
        two[1].clone(),
    ];
    let refused = app.post_parts(&both).await.is(413);
    assert_eq!(refused.body["rule"], "signature-limit");
    assert_eq!(refused.body["pointer"], "part 3");
    assert_eq!(app.count().await, 0);
}

#[actix_web::test]
async fn trust_is_told_where_the_setting_names_anchors() {
    let flags = [("xapi.signature_anchors", signer::ANCHOR.to_owned())];
    let settings = Settings::load(None, &flags).expect("good settings");
    let anchors = LrsConfig::load(&settings)
        .expect("a file of anchors")
        .anchors;
    let app = App::with(|config| config.anchors = anchors).await;
    let (one, two) = (
        statement(id(1), "a", "v", "o"),
        statement(id(2), "a", "v", "o"),
    );
    let signature = sign(&signer::header("RS256"), &one.to_string());
    app.post_parts(&signed(&one, &signature)).await.is(200);
    assert_eq!(standing(&app, 1).await.as_deref(), Some("trusted"));
    // What leads to none of them is kept, and told apart.
    let signature = signer::sign_as_stranger(&two.to_string());
    app.post_parts(&signed(&two, &signature)).await.is(200);
    assert_eq!(standing(&app, 2).await.as_deref(), Some("untrusted"));
}
