//! Signed statements (xAPI 1.0.3 Data 2.6): an attachment that is a JSON Web Signature over the
//! statement as it was before the signature was added.
//!
//! A signature is well formed, or its statement is refused. It is verified with the key of the first
//! certificate of `x5c`; without `x5c` nobody can say whose it is, and it is kept as not verified. Who
//! issued the certificate is another question: see [`Anchors`].

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use schemas::ids::StatementId;
use schemas::strict_json;
use schemas::xapi::Fault;
use serde_json::Value;
use serde_json::value::RawValue;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::attachments::SIGNATURE;
use super::equivalence;
use super::format::Members;

const SECTION: &str = "xAPI 1.0.3 Data 2.6";

/// Certificates that a chain may have: more is no chain, but work for nothing.
const CHAIN_MAX: usize = 16;

/// What is known of a signature that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It names no certificate: it cannot be verified, and is not claimed to be.
    Unverified,
    /// Made with the key of the certificate that it brings along; who issued that one was not asked,
    /// since no anchors are set.
    Verified,
    /// Verified, and the chain leads to an anchor.
    Trusted,
    /// Verified, but the chain leads to no anchor, or a certificate of it is not valid now.
    Untrusted,
}

impl Standing {
    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
        }
    }
}

/// The certificates that chains must lead to.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<TrustAnchor<'static>>);

/// A file of anchors that is none.
#[derive(Debug, thiserror::Error)]
pub enum BadAnchors {
    /// It is not PEM.
    #[error("not a file of certificates in PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// A certificate in it cannot be read.
    #[error("a certificate cannot be an anchor")]
    Certificate(#[source] webpki::Error),
    /// It holds no certificate.
    #[error("no certificate in it")]
    Empty,
}

impl Anchors {
    /// Reads certificates in PEM.
    pub fn read(pem: &[u8]) -> Result<Self, BadAnchors> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(BadAnchors::Pem)?;
            let anchor =
                webpki::anchor_from_trusted_cert(&certificate).map_err(BadAnchors::Certificate)?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() {
            return Err(BadAnchors::Empty);
        }
        Ok(Self(anchors))
    }

    /// How a verified signature stands, by the chain that it brings along.
    fn standing(&self, chain: &[Vec<u8>], now: DateTime<Utc>) -> Standing {
        if self.0.is_empty() {
            return Standing::Verified;
        }
        let chain: Vec<CertificateDer<'_>> = chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Standing::Unverified;
        };
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let is_trusted = EndEntityCert::try_from(leaf).is_ok_and(|leaf| {
            leaf.verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.0,
                intermediates,
                time,
                AnyUsage,
                None,
                None,
            )
            .is_ok()
        });
        if is_trusted {
            Standing::Trusted
        } else {
            Standing::Untrusted
        }
    }
}

/// The specification names no key usage for those who sign statements.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Checks a signature, the content of an attachment, against the statement that it comes with.
/// `sent` are the bytes of that statement; the fault has no pointer yet.
pub fn check(
    signature: &[u8],
    sent: &[u8],
    id: Option<StatementId>,
    anchors: &Anchors,
    now: DateTime<Utc>,
) -> Result<Standing, Fault> {
    let jws = Jws::read(signature)?;
    let signed = strict_json::parse(&jws.payload).map_err(|_| {
        fault(
            "signature-payload-json",
            "the payload of the signature is not the JSON of a statement",
        )
    })?;
    if !is_same(sent, id, &jws.payload, &signed) {
        return Err(fault(
            "signature-statement",
            "the payload of the signature is not the statement that it comes with",
        ));
    }
    if jws.chain.is_empty() {
        return Ok(Standing::Unverified);
    }
    jws.verify()?;
    Ok(anchors.standing(&jws.chain, now))
}

/// Whether a statement is the one that was signed: equal but for signatures, and of no other id. A
/// statement that is sent without one will be of another id than any that was signed.
fn is_same(sent: &[u8], id: Option<StatementId>, payload: &[u8], signed: &Value) -> bool {
    let signed_id: Option<Option<StatementId>> =
        signed.get("id").map(|id| id.as_str()?.parse().ok());
    if signed_id.is_some_and(|signed| signed.is_none() || signed != id) {
        return false;
    }
    match (unsigned(sent), unsigned(payload)) {
        (Some(sent), Some(signed)) => equivalence::same(sent.as_bytes(), signed.as_bytes()),
        _ => false,
    }
}

/// A statement without its signatures, everything else as it was written.
fn unsigned(statement: &[u8]) -> Option<String> {
    let members = Members::read(statement).ok()?;
    let mut kept = Vec::with_capacity(members.0.len());
    for (key, value) in members.0 {
        let value = if key == "attachments" {
            match others(value)? {
                Some(others) => others,
                None => continue,
            }
        } else {
            value.get().to_owned()
        };
        kept.push(format!("{}:{value}", Value::from(key)));
    }
    Some(format!("{{{}}}", kept.join(",")))
}

/// The attachments that are no signatures; none when there are no others.
fn others(attachments: &RawValue) -> Option<Option<String>> {
    let all: Vec<&RawValue> = serde_json::from_str(attachments.get()).ok()?;
    let mut others = Vec::with_capacity(all.len());
    for attachment in all {
        let value: Value = serde_json::from_str(attachment.get()).ok()?;
        if value.get("usageType").and_then(Value::as_str) != Some(SIGNATURE) {
            others.push(attachment.get());
        }
    }
    Some((!others.is_empty()).then(|| format!("[{}]", others.join(","))))
}

/// A JSON Web Signature in its compact serialisation (RFC 7515).
struct Jws<'a> {
    algorithm: &'static RsaParameters,
    /// Certificates in DER, that of the signer first.
    chain: Vec<Vec<u8>>,
    /// What was signed.
    input: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Fault> {
        let compact = || {
            fault(
                "signature-jws",
                "a signature is a JSON Web Signature in its compact serialisation (RFC 7515)",
            )
        };
        let text = std::str::from_utf8(content).map_err(|_| compact())?;
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(compact());
        };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| compact());
        let input = &content[..header.len() + 1 + payload.len()];
        let header = strict_json::parse(&bytes(header)?).map_err(|_| compact())?;
        if !header.is_object() {
            return Err(compact());
        }
        if header.get("crit").is_some() {
            return Err(fault(
                "signature-crit",
                "the signature asks for an extension (crit) that is not known here",
            ));
        }
        Ok(Self {
            algorithm: algorithm(&header)?,
            chain: chain(&header)?,
            input,
            payload: bytes(payload)?,
            signature: bytes(signature)?,
        })
    }

    fn verify(&self) -> Result<(), Fault> {
        let certificate = self
            .chain
            .first()
            .and_then(|der| Certificate::from_der(der).ok())
            .ok_or_else(bad_chain)?;
        let info = &certificate.tbs_certificate.subject_public_key_info;
        UnparsedPublicKey::new(self.algorithm, info.subject_public_key.raw_bytes())
            .verify(self.input, &self.signature)
            .map_err(|_| {
                fault(
                    "signature-verifies",
                    "the signature was not made with the key of the first certificate of x5c (RSA of 2048 bits or more) over this payload",
                )
            })
    }
}

fn algorithm(header: &Value) -> Result<&'static RsaParameters, Fault> {
    match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Some("RS384") => Ok(&RSA_PKCS1_2048_8192_SHA384),
        Some("RS512") => Ok(&RSA_PKCS1_2048_8192_SHA512),
        _ => Err(fault(
            "signature-algorithm",
            "the algorithm of a signature is RS256, RS384 or RS512",
        )),
    }
}

fn chain(header: &Value) -> Result<Vec<Vec<u8>>, Fault> {
    let Some(x5c) = header.get("x5c") else {
        return Ok(Vec::new());
    };
    let certificates = x5c
        .as_array()
        .filter(|certificates| (1..=CHAIN_MAX).contains(&certificates.len()))
        .ok_or_else(bad_chain)?;
    certificates
        .iter()
        .map(|certificate| {
            let der = certificate
                .as_str()
                .and_then(|text| STANDARD.decode(text).ok());
            der.ok_or_else(bad_chain)
        })
        .collect()
}

fn bad_chain() -> Fault {
    fault(
        "signature-x5c",
        "x5c is an array of 1 to 16 certificates, each in base64 of its DER (RFC 7515 4.1.6)",
    )
}

fn fault(rule: &'static str, detail: &str) -> Fault {
    Fault {
        pointer: String::new(),
        rule,
        section: SECTION,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests;
