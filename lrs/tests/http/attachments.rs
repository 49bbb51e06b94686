//! Attachments: sent beside their statements, kept once, given back byte for byte.

use std::path::Path;
use std::time::Duration;

use lrs::attachments::{Attachments, sweep};
use lrs::config::LrsConfig;
use reqwest::Method;
use serde_json::{Value, json};
use service::config::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{Answer, App, id, statement};
use crate::mixed::{BOUNDARY, Part, attachment, written};

fn with(id: uuid::Uuid, attachments: &[&Value]) -> Value {
    let mut statement = statement(id, "a", "v", "o");
    statement["attachments"] = json!(attachments);
    statement
}

/// Every content that is kept: name and bytes.
fn kept(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut kept = Vec::new();
    for shelf in std::fs::read_dir(folder.join("sha256")).expect("a folder") {
        for file in std::fs::read_dir(shelf.expect("an entry").path()).expect("a folder") {
            let path = file.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            kept.push((name, std::fs::read(&path).expect("a file")));
        }
    }
    kept.sort();
    kept
}

/// Waits until nothing that arrives is left: refused contents are removed behind the answer.
async fn nothing_arriving(app: &App) {
    let incoming = app.attachments.path().join("incoming");
    for _ in 0..500 {
        if std::fs::read_dir(&incoming)
            .expect("a folder")
            .next()
            .is_none()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a temporary attachment is left");
}

/// Contents that are hard to tell from what is around them.
fn contents() -> Vec<Vec<u8>> {
    let near = format!("\r\n--{BOUNDARY}x\r\n--{}\r\n\r\n--", &BOUNDARY[1..]);
    vec![
        Vec::new(),
        b"here is a text".to_vec(),
        near.into_bytes(),
        format!("--{BOUNDARY}--\r\n--{BOUNDARY}-\r").into_bytes(),
        (0..=255).cycle().take(700_000).collect(),
    ]
}

#[actix_web::test]
async fn what_was_sent_is_given_back_byte_for_byte() {
    for version in ["1.0.3", "2.0.0"] {
        let app = App::start().await.speaking(version);
        let contents = contents();
        for (n, bits) in [(1, 224), (2, 256), (3, 384), (4, 512)] {
            let attachments: Vec<Value> =
                contents.iter().map(|one| attachment(one, bits)).collect();
            let mut parts = vec![Part::json(&with(
                id(n),
                &attachments.iter().collect::<Vec<_>>(),
            ))];
            for (attachment, content) in attachments.iter().zip(&contents) {
                parts.push(Part::content(attachment, content));
            }
            app.post_parts(&parts).await.is(200);
            let (statement, given) = app.parts(&format!("&statementId={}", id(n))).await;
            assert_eq!(statement["attachments"], json!(attachments));
            assert_eq!(given, parts[1..], "SHA-{bits}");
        }
        // Each content is kept once, under our own name for it, whatever it was declared as.
        let names: Vec<String> = kept(app.attachments.path())
            .into_iter()
            .map(|one| one.0)
            .collect();
        let mut expected: Vec<String> = contents
            .iter()
            .map(|one| {
                attachment(one, 256)["sha2"]
                    .as_str()
                    .expect("text")
                    .to_owned()
            })
            .collect();
        expected.sort();
        assert_eq!(names, expected);
        nothing_arriving(&app).await;
    }
}

#[actix_web::test]
async fn a_page_gives_each_attachment_once() {
    let app = App::start().await;
    let (one, two) = (attachment(b"one", 256), attachment(b"two", 512));
    let mut shouted = one.clone();
    shouted["sha2"] = json!(one["sha2"].as_str().expect("text").to_uppercase());
    let batch = json!([
        with(id(1), &[&one, &two]),
        with(id(2), &[&shouted]),
        statement(id(3), "a", "v", "o")
    ]);
    let contents = [Part::content(&one, b"one"), Part::content(&two, b"two")];
    let parts = [&[Part::json(&batch)], &contents[..]].concat();
    app.post_parts(&parts).await.is(200);
    let (page, given) = app.parts("&ascending=true").await;
    assert_eq!(page["statements"].as_array().map(Vec::len), Some(3));
    assert_eq!(given, contents);
    // Of each page those of its statements; a `more` keeps what was asked.
    let (page, given) = app.parts("&ascending=true&limit=2").await;
    assert_eq!(given, contents);
    let more = page["more"].as_str().expect("more").to_owned();
    let rest = app.more(&more).await.is(200);
    assert!(
        rest.header("content-type")
            .starts_with("multipart/mixed; boundary=")
    );
    // Where nobody asks for them, and where there are none.
    let plain = app.get(&[("attachments", "false")]).await.is(200);
    assert_eq!(plain.header("content-type"), "application/json");
    let (single, given) = app.parts(&format!("&statementId={}", id(3))).await;
    assert_eq!((single["id"].clone(), given.len()), (json!(id(3)), 0));
}

#[actix_web::test]
async fn a_put_brings_its_attachment_and_a_url_needs_none() {
    let app = App::start().await;
    let mut elsewhere = attachment(b"elsewhere", 256);
    elsewhere["fileUrl"] = json!("https://example.org/file");
    let here = attachment(b"here", 256);
    let sub = json!({ "objectType": "SubStatement", "actor": { "mbox": "mailto:a@example.org" },
        "verb": { "id": "https://example.org/v" }, "object": { "id": "https://example.org/o" },
        "attachments": [attachment(b"inside", 224)] });
    let mut sent = with(id(1), &[&elsewhere, &here]);
    sent["object"] = sub;
    let parts = [
        Part::json(&sent),
        Part::content(&here, b"here"),
        Part::content(&attachment(b"inside", 224), b"inside"),
    ];
    let put = app
        .request(Method::PUT, &format!("/statements?statementId={}", id(1)))
        .header(
            "Content-Type",
            format!("multipart/mixed; boundary=\"{BOUNDARY}\""),
        )
        .body(written(&parts));
    Answer::of(put).await.is(204);
    let (_, given) = app.parts(&format!("&statementId={}", id(1))).await;
    assert_eq!(given, parts[1..]);
    // No part at all, in either form; and one for what is also elsewhere.
    let only = with(id(2), &[&elsewhere]);
    app.post_parts(&[Part::json(&only)]).await.is(200);
    app.post(&with(id(3), &[&elsewhere])).await.is(200);
    let both = [
        Part::json(&with(id(4), &[&elsewhere])),
        Part::content(&elsewhere, b"elsewhere"),
    ];
    app.post_parts(&both).await.is(200);
    app.post_parts(&[Part::json(&statement(id(5), "a", "v", "o"))])
        .await
        .is(200);
    assert_eq!(
        app.parts(&format!("&statementId={}", id(2))).await.1.len(),
        0
    );
    assert_eq!(
        app.parts(&format!("&statementId={}", id(4))).await.1,
        both[1..]
    );
}

#[actix_web::test]
async fn what_is_sent_again_is_stored_once_and_must_be_sent_again() {
    let app = App::start().await;
    let content = b"a content".repeat(1_000);
    let one = attachment(&content, 256);
    let parts = [
        Part::json(&with(id(1), &[&one])),
        Part::content(&one, &content),
    ];
    app.post_parts(&parts).await.is(200);
    app.post_parts(&parts).await.is(200);
    let another = [
        Part::json(&with(id(2), &[&one])),
        Part::content(&one, &content),
    ];
    app.another().await.post_parts(&another).await.is(200);
    assert_eq!(kept(app.attachments.path()).len(), 1);
    assert_eq!(app.count().await, 2);
    // That its hash is known here proves nothing of the sender.
    let without = [Part::json(&with(id(3), &[&one]))];
    let refused = app.post_parts(&without).await.is(400);
    assert_eq!(refused.body["rule"], "attachment-content");
    let lie = [
        Part::json(&with(id(3), &[&one])),
        Part::content(&one, b"another"),
    ];
    assert_eq!(
        app.post_parts(&lie).await.is(400).body["rule"],
        "attachment-hash"
    );
    assert_eq!(app.count().await, 2);
    assert_eq!(
        app.parts(&format!("&statementId={}", id(1))).await.1,
        parts[1..]
    );
}

#[actix_web::test]
async fn each_rule_of_the_form_is_told_and_nothing_is_stored() {
    let app = App::start().await;
    let (one, two) = (attachment(b"one", 256), attachment(b"two", 256));
    let json = Part::json(&json!([with(id(1), &[&one]), with(id(2), &[&two])]));
    let (first, second) = (Part::content(&one, b"one"), Part::content(&two, b"two"));
    let hash = "X-Experience-API-Hash";
    let encoding = "Content-Transfer-Encoding";
    let three = Part::content(&attachment(b"three", 256), b"three");
    let parts = |third: Part| [json.clone(), first.clone(), third];
    for (what, parts, pointer, rule) in [
        (
            "no hash",
            parts(second.clone().without(hash)),
            "part 3",
            "attachment-hash-header",
        ),
        (
            "a hash of nothing",
            parts(second.clone().with(hash, "ab")),
            "part 3",
            "attachment-unknown",
        ),
        (
            "a part too many",
            parts(three),
            "part 3",
            "attachment-unknown",
        ),
        (
            "no encoding",
            parts(second.clone().without(encoding)),
            "part 3",
            "attachment-transfer-encoding",
        ),
        (
            "base64",
            parts(second.clone().with(encoding, "base64")),
            "part 3",
            "attachment-transfer-encoding",
        ),
        (
            "another type",
            parts(second.clone().with("Content-Type", "text/html")),
            "part 3",
            "attachment-content-type-matches",
        ),
        (
            "another length",
            parts(second.clone().with("Content-Length", "4")),
            "part 3",
            "attachment-length-matches",
        ),
        (
            "no length",
            parts(second.clone().with("Content-Length", "three")),
            "part 3",
            "attachment-length-matches",
        ),
        (
            "another content",
            parts(Part::content(&two, b"twO")),
            "part 3",
            "attachment-hash",
        ),
        (
            "statements twice",
            parts(json.clone()),
            "part 3",
            "attachment-hash-header",
        ),
        (
            "another one missing",
            parts(first.clone()),
            "/1/attachments/0",
            "attachment-content",
        ),
    ] {
        let refused = app.post_parts(&parts).await.is(400);
        assert_eq!(
            (&refused.body["pointer"], &refused.body["rule"]),
            (&json!(pointer), &json!(rule)),
            "{what}: {}",
            refused.text
        );
        assert!(
            refused.body["section"]
                .as_str()
                .is_some_and(|section| section.starts_with("xAPI 1.0.3 ")),
            "{what}"
        );
    }
    let all = [json.clone(), first.clone(), second.clone(), first.clone()];
    let refused = app.post_parts(&all).await.is(400);
    assert_eq!(refused.body["rule"], "attachment-parts");
    let text = Part::new(&[("Content-Type", "text/plain")], &json.content);
    let refused = app
        .post_parts(&[text, first.clone(), second.clone()])
        .await
        .is(400);
    assert_eq!(refused.body["rule"], "multipart-first-json");
    assert_eq!(
        app.post_parts(&[]).await.is(400).body["rule"],
        "multipart-first-json"
    );
    assert_eq!(app.count().await, 0);
    assert_eq!(
        app.number("select count(*) from lrs.attachment_objects")
            .await,
        0
    );
    assert!(kept(app.attachments.path()).is_empty());
    nothing_arriving(&app).await;
    // The very same, whole.
    let whole = [
        json,
        first.with("Content-Length", "3").without("Content-Type"),
        second,
    ];
    app.post_parts(&whole).await.is(200);
}

#[actix_web::test]
async fn each_rule_of_the_grammar_is_told() {
    let app = App::start().await;
    let one = attachment(b"one", 256);
    let whole = written(&[
        Part::json(&with(id(1), &[&one])),
        Part::content(&one, b"one"),
    ]);
    let text = String::from_utf8(whole.clone()).expect("text");
    let delimiter = format!("--{BOUNDARY}\r\n");
    let second = text.rfind(&delimiter).expect("two parts");
    let mut no_second = text.clone();
    no_second.replace_range(second..second + delimiter.len(), "");
    for (what, body, rule) in [
        (
            "no delimiter",
            text.replace(BOUNDARY, "other"),
            "multipart-delimiter",
        ),
        (
            "no first delimiter",
            text.replacen(&delimiter, "", 1),
            "multipart-first-json",
        ),
        ("no second delimiter", no_second, "json-trailing"),
        (
            "no end",
            text.replace(&format!("--{BOUNDARY}--\r\n"), ""),
            "multipart-closed",
        ),
        (
            "no header",
            text.replacen("Content-Transfer-Encoding:", "what is this", 1),
            "multipart-header",
        ),
        (
            "a header too long",
            text.replacen("binary", &"b".repeat(10_000), 1),
            "multipart-header-limit",
        ),
    ] {
        let refused = app.post_mixed(body.into_bytes()).await.is(400);
        assert_eq!(refused.body["rule"], rule, "{what}: {}", refused.text);
    }
    for (kind, rule) in [
        ("multipart/mixed", "multipart-boundary"),
        ("multipart/mixed;", "multipart-boundary"),
        (
            "multipart/form-data; boundary=xx-boundary-xx",
            "content-type-statements",
        ),
    ] {
        let request = app
            .request(Method::POST, "/statements")
            .header("Content-Type", kind)
            .body(whole.clone());
        let refused = Answer::of(request).await.is(400);
        assert_eq!(refused.body["rule"], rule, "{kind}");
        assert_eq!(refused.body["pointer"], "Content-Type");
    }
    assert_eq!(app.count().await, 0);
    // What stands around the parts does not count.
    let around = [b"a preamble\r\n".as_slice(), &whole, b"an epilogue"].concat();
    app.post_mixed(around).await.is(200);
}

#[actix_web::test]
async fn a_json_body_names_where_its_attachments_are() {
    let app = App::start().await;
    let refused = app
        .post(&with(id(1), &[&attachment(b"one", 256)]))
        .await
        .is(400);
    assert_eq!(refused.body["rule"], "attachment-file-url");
    assert_eq!(refused.body["pointer"], "/attachments/0");
}

/// A statement with contents of these sizes.
fn sized(sizes: &[usize]) -> Vec<Part> {
    let contents: Vec<Vec<u8>> = sizes
        .iter()
        .zip(0_u8..)
        .map(|(size, n)| vec![n; *size])
        .collect();
    let attachments: Vec<Value> = contents.iter().map(|one| attachment(one, 256)).collect();
    let declared: Vec<&Value> = attachments.iter().collect();
    let further = attachments.iter().zip(&contents);
    std::iter::once(Part::json(&with(id(1), &declared)))
        .chain(further.map(|(attachment, content)| Part::content(attachment, content)))
        .collect()
}

#[actix_web::test]
async fn each_limit_has_its_own_answer() {
    let app = App::with(|config| {
        config.body_max_bytes = 20_000;
        config.attachments.attachment_max_bytes = 300_000;
        config.attachments.request_max_bytes = 500_000;
        config.attachments.request_max_attachments = 3;
    })
    .await;
    for (sizes, pointer, rule) in [
        (&[1, 300_001][..], "part 3", "attachment-limit"),
        (&[1, 1, 1, 1], "", "attachments-count-limit"),
        (&[250_000, 250_001], "part 3", "attachments-limit"),
    ] {
        let refused = app.post_parts(&sized(sizes)).await.is(413);
        assert_eq!(refused.body["rule"], rule, "{}", refused.text);
        assert_eq!(refused.body["pointer"], pointer);
    }
    let large = written(&[Part::json(&json!(vec![with(id(1), &[]); 100]))]);
    assert_eq!(
        app.post_mixed(large).await.is(413).body["rule"],
        "body-limit"
    );
    let giant = app.post_mixed(vec![b'x'; 600_000]).await.is(413);
    assert_eq!(
        giant.body["rule"], "attachments-limit",
        "told before it is read"
    );
    assert_eq!(app.count().await, 0);
    nothing_arriving(&app).await;
    app.post_parts(&sized(&[300_000, 200_000, 0])).await.is(200);
}

#[actix_web::test]
async fn what_is_on_its_way_has_a_budget_and_gives_it_back() {
    let app = App::with(|config| config.attachments.arriving_max_bytes = 450_000).await;
    for _ in 0..3 {
        let busy = app.post_parts(&sized(&[230_000, 230_000])).await.is(503);
        assert_eq!(busy.header("retry-after"), "2");
        assert_eq!(busy.body["rule"], "attachments-arriving-limit");
    }
    assert_eq!(app.count().await, 0);
    nothing_arriving(&app).await;
    for _ in 0..3 {
        app.post_parts(&sized(&[200_000, 200_000])).await.is(200);
    }
}

#[actix_web::test]
async fn a_body_that_never_announces_its_length_is_held_to_the_same_limits() {
    let app = App::with(|config| {
        config.body_max_bytes = 20_000;
        config.attachments.request_max_bytes = 100_000;
        config.attachments.request_max_attachments = 1;
    })
    .await;
    let mut connection = connect(&app, "Transfer-Encoding: chunked").await;
    let chunk = [b"2710\r\n", [b'x'; 10_000].as_slice(), b"\r\n"].concat();
    for _ in 0..20 {
        // The server may close before it was sent everything.
        if connection.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 12];
    connection.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 413");
    assert_eq!(app.count().await, 0);
}

/// A connection on which the head of a POST was sent.
async fn connect(app: &App, length: &str) -> TcpStream {
    let address = app.url.strip_prefix("http://").expect("an address");
    let (host, _) = address.split_once('/').expect("a path");
    let mut connection = TcpStream::connect(host).await.expect("connected");
    let head = format!(
        "POST /xapi/statements HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nX-Experience-API-Version: 1.0.3\r\nContent-Type: multipart/mixed; boundary={BOUNDARY}\r\n{length}\r\n\r\n",
        app.authorization()
    );
    connection.write_all(head.as_bytes()).await.expect("sent");
    connection
}

#[actix_web::test]
async fn a_sender_who_goes_away_leaves_nothing() {
    let app = App::start().await;
    let content = vec![7; 2_000_000];
    let one = attachment(&content, 256);
    let mut body = written(&[
        Part::json(&with(id(1), &[&one])),
        Part::content(&one, &content),
    ]);
    let length = format!("Content-Length: {}", body.len());
    body.truncate(1_500_000);
    let mut connection = connect(&app, &length).await;
    connection.write_all(&body).await.expect("sent");
    let incoming = app.attachments.path().join("incoming");
    while std::fs::read_dir(&incoming)
        .expect("a folder")
        .next()
        .is_none()
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(connection);
    nothing_arriving(&app).await;
    assert_eq!(app.count().await, 0);
}

#[actix_web::test]
async fn what_no_statement_names_is_collected_and_nothing_else() {
    let app = App::start().await;
    app.post(&statement(id(9), "a", "v", "o")).await.is(200);
    let (named, unnamed) = (attachment(b"named", 256), attachment(b"unnamed", 256));
    let parts = [
        Part::json(&with(id(1), &[&named])),
        Part::content(&named, b"named"),
    ];
    app.post_parts(&parts).await.is(200);
    // Refused at the last step: the contents were in place already.
    let conflict = [
        Part::json(&with(id(9), &[&unnamed])),
        Part::content(&unnamed, b"unnamed"),
    ];
    app.post_parts(&conflict).await.is(409);
    assert_eq!(kept(app.attachments.path()).len(), 2);

    let mut config = LrsConfig::load(&Settings::defaults()).expect("the defaults");
    config.attachments_root = app.attachments.path().to_string_lossy().into_owned();
    let attachments = Attachments::open(&config).expect("open");
    let now = service::clock::now();
    let pool = app.db.pool();
    let early = sweep::once(pool, &attachments, now - Duration::from_hours(1)).await;
    assert_eq!(early.expect("swept"), 0, "what is new is left alone");
    let later = now + Duration::from_hours(1);
    let swept = sweep::once(pool, &attachments, later).await;
    assert_eq!(swept.expect("swept"), 1);
    let left: Vec<Vec<u8>> = kept(app.attachments.path())
        .into_iter()
        .map(|one| one.1)
        .collect();
    assert_eq!(left, [b"named".to_vec()]);
    assert_eq!(
        sweep::once(pool, &attachments, later).await.expect("swept"),
        0
    );
    // It can come back, and a statement that names it keeps it.
    let back = [
        Part::json(&with(id(2), &[&unnamed])),
        Part::content(&unnamed, b"unnamed"),
    ];
    app.post_parts(&back).await.is(200);
    assert_eq!(
        sweep::once(pool, &attachments, later).await.expect("swept"),
        0
    );
    assert_eq!(
        app.parts(&format!("&statementId={}", id(2))).await.1,
        back[1..]
    );
    assert_eq!(
        app.parts(&format!("&statementId={}", id(1))).await.1,
        parts[1..]
    );
}

#[actix_web::test]
async fn who_sends_it_again_during_a_sweep_does_not_lose_it() {
    let app = App::start().await;
    let one = attachment(b"one", 256);
    let hash: [u8; 32] = hex::decode(one["sha2"].as_str().expect("text"))
        .expect("hexadecimal")
        .try_into()
        .expect("32 bytes");
    let pool = app.db.pool().clone();
    lrs::store::attachments::touch(&pool, &[(hash, 3)])
        .await
        .expect("registered");
    let later = service::clock::now() + Duration::from_hours(1);
    // A sweep has found it, and is about to take it away.
    let locked = lrs::store::attachments::lock_unnamed(&pool, later)
        .await
        .expect("asked")
        .expect("one to collect");
    let parts = [
        Part::json(&with(id(1), &[&one])),
        Part::content(&one, b"one"),
    ];
    let post = app.post_parts(&parts);
    let collect = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(kept(app.attachments.path()).is_empty(), "the post waits");
        locked.delete().await.expect("deleted");
    };
    let (posted, ()) = futures::join!(post, collect);
    posted.is(200);
    assert_eq!(
        app.parts(&format!("&statementId={}", id(1))).await.1,
        parts[1..]
    );
    assert_eq!(
        app.number("select count(*) from lrs.attachment_objects")
            .await,
        1
    );
}

#[actix_web::test]
async fn a_content_that_is_lost_is_no_half_answer() {
    let app = App::start().await;
    let one = attachment(b"one", 256);
    let parts = [
        Part::json(&with(id(1), &[&one])),
        Part::content(&one, b"one"),
    ];
    app.post_parts(&parts).await.is(200);
    std::fs::remove_dir_all(app.attachments.path().join("sha256")).expect("removed");
    app.get(&[("attachments", "true")]).await.is(500);
    app.get(&[]).await.is(200);
}
