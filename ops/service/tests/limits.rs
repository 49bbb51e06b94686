//! What the resources of credentials take of a body.

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use serde_json::Value;
use service::identity::Scope;
use service::testkit::TestDb;

#[actix_web::test]
async fn a_body_is_read_of_whom_may_send_it_as_it_is_and_of_some_size() {
    let db = TestDb::new(&[]).await;
    let app = init_service(
        App::new()
            .app_data(web::Data::new(db.context().await.credentials))
            .configure(service::http::defaults)
            .configure(service::http::credentials::routes),
    )
    .await;
    let admin = db.basic(&[Scope::All]).await;
    let writer = db.basic(&[Scope::StatementsWrite]).await;
    let large = vec![b' '; 100_000];
    for (path, who, encoding, status, rule) in [
        ("/api/v1/credentials", &admin, None, 413, "body-limit"),
        (
            "/api/v1/credentials/x/rotate",
            &admin,
            None,
            413,
            "body-limit",
        ),
        ("/api/v1/credentials", &writer, None, 403, "scope"),
        ("/api/v1/credentials/x/rotate", &writer, None, 403, "scope"),
        (
            "/api/v1/credentials",
            &admin,
            Some("gzip"),
            415,
            "content-encoding",
        ),
    ] {
        let mut request = TestRequest::post()
            .uri(path)
            .insert_header(("Authorization", who.as_str()))
            .insert_header(("Content-Type", "application/json"))
            .set_payload(large.clone());
        if let Some(encoding) = encoding {
            request = request.insert_header(("Content-Encoding", encoding));
        }
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status().as_u16(), status, "{path} {rule}");
        let told: Value = serde_json::from_slice(&read_body(answer).await).expect("JSON");
        assert_eq!(told["rule"], rule, "{path}");
    }
}
