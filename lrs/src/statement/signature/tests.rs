use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;

use super::*;

const ANCHOR: &[u8] = include_bytes!("../../../tests/fixtures/signatures/anchor.pem");
const SIGNER: &[u8] = include_bytes!("../../../tests/fixtures/signatures/signer.pem");
const SIGNER_KEY: &[u8] = include_bytes!("../../../tests/fixtures/signatures/signer.key");
const STRANGER: &[u8] = include_bytes!("../../../tests/fixtures/signatures/stranger.pem");
const STRANGER_KEY: &[u8] = include_bytes!("../../../tests/fixtures/signatures/stranger.key");

const ID: &str = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";

fn statement() -> Value {
    json!({ "id": ID, "actor": { "mbox": "mailto:a@example.org" }, "verb": { "id": "https://example.org/v" },
        "object": { "id": "https://example.org/o" }, "result": { "score": { "raw": 1.5 } } })
}

/// The statement as it is sent, with its signature and perhaps another attachment.
fn sent(statement: &Value, others: &[Value]) -> String {
    let mut attachments = others.to_vec();
    attachments.push(json!({ "usageType": SIGNATURE, "sha2": "x" }));
    let mut sent = statement.clone();
    sent["attachments"] = json!(attachments);
    sent.to_string()
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn der(pem: &[u8]) -> String {
    STANDARD.encode(CertificateDer::from_pem_slice(pem).expect("a certificate"))
}

fn signed(header: &Value, payload: &str, key: &[u8], encoding: &'static dyn RsaEncoding) -> String {
    let key = PrivatePkcs8KeyDer::from_pem_slice(key).expect("a key");
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let input = format!("{}.{}", base64url(header.to_string()), base64url(payload));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        input.as_bytes(),
        &mut signature,
    )
    .expect("signed");
    format!("{input}.{}", base64url(signature))
}

fn by_signer(payload: &str) -> String {
    let header = json!({ "alg": "RS256", "x5c": [der(SIGNER)] });
    signed(&header, payload, SIGNER_KEY, &RSA_PKCS1_SHA256)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
}

fn checked(jws: &str, sent: &str) -> Result<Standing, &'static str> {
    checked_by(jws, sent, &Anchors::default(), now())
}

fn checked_by(
    jws: &str,
    sent: &str,
    anchors: &Anchors,
    now: DateTime<Utc>,
) -> Result<Standing, &'static str> {
    let id = ID.parse().ok();
    check(jws.as_bytes(), sent.as_bytes(), id, anchors, now).map_err(|fault| fault.rule)
}

#[test]
fn each_algorithm_is_verified() {
    let statement = statement();
    let encodings: [(&str, &'static dyn RsaEncoding); 3] = [
        ("RS256", &RSA_PKCS1_SHA256),
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
    ];
    for (alg, encoding) in encodings {
        let header = json!({ "alg": alg, "x5c": [der(SIGNER)] });
        let jws = signed(&header, &statement.to_string(), SIGNER_KEY, encoding);
        let sent = sent(&statement, &[]);
        assert_eq!(checked(&jws, &sent), Ok(Standing::Verified), "{alg}");
        // Another algorithm than that of the header, and another key than that of the certificate.
        let other: &'static dyn RsaEncoding = if alg == "RS256" {
            &RSA_PKCS1_SHA512
        } else {
            &RSA_PKCS1_SHA256
        };
        for (key, encoding) in [(SIGNER_KEY, other), (STRANGER_KEY, encoding)] {
            let jws = signed(&header, &statement.to_string(), key, encoding);
            assert_eq!(checked(&jws, &sent), Err("signature-verifies"), "{alg}");
        }
    }
}

#[test]
fn without_a_certificate_nothing_is_verified_and_nothing_claimed() {
    let statement = statement();
    let header = json!({ "alg": "RS256" });
    let jws = signed(
        &header,
        &statement.to_string(),
        SIGNER_KEY,
        &RSA_PKCS1_SHA256,
    );
    assert_eq!(
        checked(&jws, &sent(&statement, &[])),
        Ok(Standing::Unverified)
    );
    let (input, _) = jws.rsplit_once('.').expect("three parts");
    let made_up = format!("{input}.{}", base64url("anything"));
    assert_eq!(
        checked(&made_up, &sent(&statement, &[])),
        Ok(Standing::Unverified)
    );
}

#[test]
fn the_payload_is_the_statement_by_the_rule_of_equality() {
    let statement = statement();
    let payload = statement.to_string();
    let other = json!({ "usageType": "https://example.org/u", "sha2": "y" });
    let mut with_other = statement.clone();
    with_other["attachments"] = json!([other]);
    let with_other = with_other.to_string();
    let loose = payload.replace("1.5", "1.50").replace("\":", "\" : ");
    let no_id = payload.replace(&format!("\"id\":\"{ID}\","), "");
    let one = std::slice::from_ref(&other);
    for (payload, others, is_same) in [
        (payload.as_str(), &[][..], true),
        (&loose, &[], true),
        (&no_id, &[], true),
        (&with_other, one, true),
        (&payload.replace("1.5", "1.4"), &[], false),
        (&payload.replace("7d0c1f3e", "7d0c1f3f"), &[], false),
        (&payload.replace(ID, "x"), &[], false),
        (&payload.replace("mailto:a@", "mailto:b@"), &[], false),
        (&with_other, &[], false),
        (&payload, one, false),
        ("[]", &[], false),
        ("1", &[], false),
    ] {
        let told = checked(&by_signer(payload), &sent(&statement, others));
        let expected = if is_same {
            Ok(Standing::Verified)
        } else {
            Err("signature-statement")
        };
        assert_eq!(told, expected, "{payload} {others:?}");
    }
    for bad in ["", "{'id\":1}", "{\"a\":1,\"a\":1}", "{} {}"] {
        let told = checked(&by_signer(bad), &sent(&statement, &[]));
        assert_eq!(told, Err("signature-payload-json"), "{bad}");
    }
}

#[test]
fn a_statement_without_id_is_signed_without_one() {
    let with_id = statement();
    let mut bare = with_id.clone();
    bare.as_object_mut().expect("an object").remove("id");
    let told = |payload: &Value| {
        let (jws, sent) = (by_signer(&payload.to_string()), sent(&bare, &[]));
        check(
            jws.as_bytes(),
            sent.as_bytes(),
            None,
            &Anchors::default(),
            now(),
        )
        .map_err(|fault| fault.rule)
    };
    assert_eq!(told(&bare), Ok(Standing::Verified));
    assert_eq!(told(&with_id), Err("signature-statement"));
}

#[test]
fn what_is_no_signature_is_told() {
    let payload = base64url(statement().to_string());
    let jws = |header: &Value| {
        format!(
            "{}.{payload}.{}",
            base64url(header.to_string()),
            base64url("x")
        )
    };
    let with = |alg: &str, x5c: Value| jws(&json!({ "alg": alg, "x5c": x5c }));
    let good = der(SIGNER);
    for (content, rule) in [
        (String::new(), "signature-jws"),
        ("a.b".to_owned(), "signature-jws"),
        (
            format!("{}.x", jws(&json!({ "alg": "RS256" }))),
            "signature-jws",
        ),
        (format!("!.{payload}.x"), "signature-jws"),
        (
            format!("{}.{payload}.eA", base64url("no JSON")),
            "signature-jws",
        ),
        (jws(&json!(["RS256"])), "signature-jws"),
        (
            json!({ "payload": payload, "signatures": [] }).to_string(),
            "signature-jws",
        ),
        (jws(&json!({})), "signature-algorithm"),
        (jws(&json!({ "alg": "none" })), "signature-algorithm"),
        (jws(&json!({ "alg": "HS256" })), "signature-algorithm"),
        (jws(&json!({ "alg": "PS256" })), "signature-algorithm"),
        (jws(&json!({ "alg": "rs256" })), "signature-algorithm"),
        (
            jws(&json!({ "alg": "RS256", "crit": ["b64"], "b64": false })),
            "signature-crit",
        ),
        (with("RS256", json!([])), "signature-x5c"),
        (with("RS256", json!(good)), "signature-x5c"),
        (with("RS256", json!([1])), "signature-x5c"),
        (with("RS256", json!(["eA=="])), "signature-x5c"),
        (with("RS256", json!(vec![&good; 17])), "signature-x5c"),
        (with("RS256", json!([good])), "signature-verifies"),
    ] {
        assert_eq!(
            checked(&content, &sent(&statement(), &[])),
            Err(rule),
            "{content}"
        );
    }
    let fault = check(&[0xff, 0xfe], b"{}", None, &Anchors::default(), now());
    assert!(fault.is_err_and(|fault| fault.rule == "signature-jws"));
}

#[test]
fn the_chain_is_looked_at_where_there_are_anchors() {
    let statement = statement();
    let payload = statement.to_string();
    let sent = sent(&statement, &[]);
    let anchors = Anchors::read(ANCHOR).expect("an anchor");
    let jws = by_signer(&payload);
    assert_eq!(
        checked_by(&jws, &sent, &anchors, now()),
        Ok(Standing::Trusted)
    );
    let header = json!({ "alg": "RS256", "x5c": [der(SIGNER), der(ANCHOR)] });
    let whole = signed(&header, &payload, SIGNER_KEY, &RSA_PKCS1_SHA256);
    assert_eq!(
        checked_by(&whole, &sent, &anchors, now()),
        Ok(Standing::Trusted)
    );
    let header = json!({ "alg": "RS256", "x5c": [der(STRANGER)] });
    let stranger = signed(&header, &payload, STRANGER_KEY, &RSA_PKCS1_SHA256);
    assert_eq!(
        checked_by(&stranger, &sent, &anchors, now()),
        Ok(Standing::Untrusted)
    );
    let expired = DateTime::from_timestamp(8_000_000_000, 0).expect("in range");
    assert_eq!(
        checked_by(&jws, &sent, &anchors, expired),
        Ok(Standing::Untrusted)
    );
    assert!(matches!(Anchors::read(b""), Err(BadAnchors::Empty)));
    assert!(matches!(Anchors::read(SIGNER_KEY), Err(BadAnchors::Empty)));
}
