//! A JWT: its header read strictly, its signature checked.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::{Refused, refused};

/// Bytes of a token at most.
const TOKEN_MAX_BYTES: usize = 16 << 10;

/// What a token says of its signature.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key: Option<String>,
}

/// Reads the header of a token. Nothing in it is believed: it says which key to try, no more.
pub(super) fn header(token: &str) -> Result<Header, Refused> {
    let form = || refused("token-form", "a bearer token here is a signed JWT");
    if token.len() > TOKEN_MAX_BYTES {
        return Err(refused("token-form", "a token has at most 16 kB"));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let &[encoded, _, _] = parts.as_slice() else {
        return Err(form());
    };
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| form())?;
    let header: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| form())?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    // RFC 7515 4.1.11: what must be understood and is not.
    if header.contains_key("crit") {
        return Err(refused(
            "token-form",
            "the token's header asks for an extension that is not known here",
        ));
    }
    // RFC 8725 3.11: a token made for something else.
    let kind = text("typ").map(str::to_ascii_lowercase);
    if !matches!(
        kind.as_deref(),
        None | Some("jwt" | "at+jwt" | "application/jwt" | "application/at+jwt")
    ) {
        return Err(refused(
            "token-type",
            "the token is of another type than JWT or at+jwt",
        ));
    }
    let algorithm = text("alg").and_then(algorithm).ok_or_else(|| {
        refused(
            "token-algorithm",
            "tokens are signed by RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA",
        )
    })?;
    let key = match header.get("kid") {
        None => None,
        Some(Value::String(key)) => Some(key.clone()),
        Some(_) => return Err(form()),
    };
    Ok(Header { algorithm, key })
}

/// The algorithms that are taken: those with a public key. Never `none`, never a shared secret.
fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

/// The claims, once the signature is the key's. What they say is checked by [`super::claims`].
pub(super) fn verify(
    token: &str,
    header: &Header,
    key: &DecodingKey,
) -> Result<Map<String, Value>, Refused> {
    let mut validation = Validation::new(header.algorithm);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation)
        .map(|decoded| decoded.claims)
        .map_err(|_| refused("token-signature", "the signature is not that of the issuer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<(Algorithm, Option<String>), &'static str> {
        let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header));
        super::header(&token)
            .map(|header| (header.algorithm, header.key))
            .map_err(|refused| refused.rule)
    }

    #[test]
    fn a_header_says_which_key_to_try() {
        assert_eq!(
            read(r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#),
            Ok((Algorithm::RS256, Some("k".to_owned())))
        );
        assert_eq!(
            read(r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
            Ok((Algorithm::EdDSA, None))
        );
    }

    #[test]
    fn what_is_no_token_of_ours_is_told_by_its_rule() {
        for (header, rule) in [
            (r#"{"alg":"none"}"#, "token-algorithm"),
            (r#"{"alg":"None"}"#, "token-algorithm"),
            (r#"{"alg":"HS256"}"#, "token-algorithm"),
            (r#"{"alg":"rs256"}"#, "token-algorithm"),
            (r#"{"kid":"k"}"#, "token-algorithm"),
            (r#"{"alg":"RS256","kid":7}"#, "token-form"),
            (
                r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
                "token-form",
            ),
            (r#"{"alg":"RS256","typ":"logout+jwt"}"#, "token-type"),
            ("[]", "token-form"),
            ("", "token-form"),
        ] {
            assert_eq!(read(header).expect_err(header), rule, "{header}");
        }
        let long = format!("{}.e30.c2ln", "A".repeat(TOKEN_MAX_BYTES));
        for token in ["", "a", "a.b", "a.b.c.d", "..", long.as_str()] {
            assert_eq!(header(token).expect_err("no token").rule, "token-form");
        }
    }
}
