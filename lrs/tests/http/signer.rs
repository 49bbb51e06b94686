//! Signs statements as a client would.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

const SIGNER: &[u8] = include_bytes!("../fixtures/signatures/signer.pem");
const SIGNER_KEY: &[u8] = include_bytes!("../fixtures/signatures/signer.key");

const STRANGER: &[u8] = include_bytes!("../fixtures/signatures/stranger.pem");
const STRANGER_KEY: &[u8] = include_bytes!("../fixtures/signatures/stranger.key");

/// The file of the anchor that issued the signer's certificate, and not the stranger's.
pub(crate) const ANCHOR: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/signatures/anchor.pem"
);

/// A header of a signature, with the signer's certificate.
pub(crate) fn header(alg: &str) -> Value {
    header_of(SIGNER, alg)
}

fn header_of(certificate: &[u8], alg: &str) -> Value {
    let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
    json!({ "alg": alg, "x5c": [STANDARD.encode(certificate)] })
}

/// A JSON Web Signature of the stranger.
pub(crate) fn sign_as_stranger(payload: &str) -> Vec<u8> {
    sign_with(STRANGER_KEY, &header_of(STRANGER, "RS256"), payload)
}

/// A JSON Web Signature of the signer over a payload, by the algorithm that the header names; another
/// one is signed as RS256 would be.
pub(crate) fn sign(header: &Value, payload: &str) -> Vec<u8> {
    sign_with(SIGNER_KEY, header, payload)
}

fn sign_with(key: &[u8], header: &Value, payload: &str) -> Vec<u8> {
    let encoding: &'static dyn RsaEncoding = match header["alg"].as_str() {
        Some("RS384") => &RSA_PKCS1_SHA384,
        Some("RS512") => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    };
    let key = PrivatePkcs8KeyDer::from_pem_slice(key).expect("a key");
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = header.to_string();
    let input = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(payload.as_bytes())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        input.as_bytes(),
        &mut signature,
    )
    .expect("signed");
    format!("{input}.{}", base64url(&signature)).into_bytes()
}
