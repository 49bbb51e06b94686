//! The alternate request syntax (xAPI 1.0.3 Communication 1.3).

use reqwest::Method;

use crate::app::{Answer, App, id, statement};
use crate::compressed::{gzip, zstd};

const FORM: &str = "application/x-www-form-urlencoded";

/// POST of a form to `/statements` that stands for this method.
pub(crate) async fn form(app: &App, method: &str, fields: &[(&str, &str)]) -> Answer {
    let request = app
        .bare(Method::POST, &format!("/statements?method={method}"))
        .header("Content-Type", FORM);
    Answer::of(request.body(written(fields))).await
}

fn written(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", crate::app::encode(value)))
        .collect();
    pairs.join("&")
}

#[actix_web::test]
async fn a_form_writes_and_reads_with_nothing_in_the_headers() {
    let app = App::start().await;
    let (one, sent) = (
        id(1).to_string(),
        statement(id(1), "a", "v", "é").to_string(),
    );
    let who = [
        ("Authorization", app.authorization()),
        ("X-Experience-API-Version", "1.0.3"),
    ];
    let put = [who[0], who[1], ("statementId", &one), ("content", &sent)];
    form(&app, "PUT", &put).await.is(204);
    let get = [who[0], who[1], ("statementId", &one)];
    let got = form(&app, "GET", &get).await.is(200);
    assert_eq!(got.body["id"], one);
    assert_eq!(got.header("x-experience-api-version"), "1.0.3");
    let post = [
        who[0],
        who[1],
        ("Content-Type", "application/json"),
        ("content", &statement(id(2), "a", "v", "o").to_string()),
    ];
    assert_eq!(
        form(&app, "POST", &post).await.is(200).body[0],
        id(2).to_string()
    );
    let head = form(&app, "HEAD", &get).await.is(200);
    assert_eq!(head.text, "");
    // Who asks is told after what was asked has been understood.
    form(&app, "GET", &[who[1]]).await.is(401);
    assert_eq!(app.count().await, 2);
}

#[actix_web::test]
async fn a_form_that_was_compressed_is_decoded_once() {
    let app = App::start().await;
    for (n, encoding) in [(1, "gzip"), (2, "zstd")] {
        let one = id(n).to_string();
        let sent = statement(id(n), "a", "v", "é").to_string();
        let fields = [
            ("Authorization", app.authorization()),
            ("X-Experience-API-Version", "1.0.3"),
            ("statementId", &one),
            ("content", &sent),
        ];
        let put = app
            .bare(Method::POST, "/statements?method=PUT")
            .header("Content-Type", FORM)
            .header("Content-Encoding", encoding)
            .body(match encoding {
                "gzip" => gzip(written(&fields).as_bytes()),
                _ => zstd(written(&fields).as_bytes()),
            });
        Answer::of(put).await.is(204);
        app.get(&[("statementId", &one)]).await.is(200);
    }
}

#[actix_web::test]
async fn a_form_that_breaks_a_rule_names_it() {
    let app = App::start().await;
    let sent = statement(id(1), "a", "v", "o").to_string();
    let one = id(1).to_string();
    let good = [
        ("Authorization", app.authorization()),
        ("statementId", &one),
        ("content", &sent),
    ];
    let with =
        |version: &'static str| [&good[..], &[("X-Experience-API-Version", version)]].concat();
    for (method, fields, rule) in [
        ("PATCH", with("1.0.3"), "alternate-method"),
        ("put", with("1.0.3"), "alternate-method"),
        ("PUT&statementId=1", with("1.0.3"), "alternate-query-alone"),
        ("PUT", with("0.8"), "version-header-supported"),
        ("PUT", with("2.0.0"), "alternate-syntax-removed"),
        ("PUT", good.to_vec(), "version-header"),
        (
            "PUT",
            [with("1.0.3"), with("1.0.3")].concat(),
            "query-parameter-once",
        ),
        ("PUT", with("1.0.3")[..2].to_vec(), "version-header"),
    ] {
        let answer = form(&app, method, &fields).await.is(400);
        assert_eq!(answer.body["rule"], rule, "{}", answer.text);
        assert!(!answer.header("x-experience-api-version").is_empty());
    }
    // Without content there is no statement; with another type there is no form.
    let fields = [with("1.0.3")[..2].to_vec(), with("1.0.3")[3..].to_vec()].concat();
    let answer = form(&app, "PUT", &fields).await;
    assert!(answer.status.is_client_error(), "{}", answer.text);
    let json = app
        .request(Method::POST, "/statements?method=PUT")
        .header("Content-Type", "application/json")
        .body(sent.clone());
    assert_eq!(
        Answer::of(json).await.is(400).body["rule"],
        "alternate-form"
    );
    // With its own method in place of POST it is no alternate request.
    let put = app
        .request(
            Method::PUT,
            &format!("/statements?method=POST&statementId={one}"),
        )
        .header("Content-Type", "application/json")
        .body(sent);
    assert_eq!(
        Answer::of(put).await.is(400).body["rule"],
        "query-parameter-unknown"
    );
    assert_eq!(app.count().await, 0);
}

#[actix_web::test]
async fn a_form_that_is_too_large_is_refused_before_anybody_is_known() {
    let app = App::with(|config| config.body_max_bytes = 1_000).await;
    let large = "x".repeat(2_000);
    form(&app, "GET", &[("content", &large)]).await.is(413);
}
