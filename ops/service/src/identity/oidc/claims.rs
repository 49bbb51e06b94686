//! What a token says, once its signature is known to be the issuer's.

use chrono::{DateTime, Utc};
use schemas::ifi::Ifi;
use schemas::xapi::{self, XapiVersion};
use serde_json::{Map, Value, json};

use super::settings::Rules;
use super::{Refused, TokenError, refused};
use crate::identity::{Caller, Consumer, Scope};

/// Accounts of a person at most.
const ACCOUNTS_MAX: usize = 16;

/// Checks who made the token, for whom, and when.
pub(super) fn check(
    claims: &Map<String, Value>,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    if text(claims, "iss") != Some(rules.issuer.as_str()) {
        return Err(refused("token-issuer", "the token is of another issuer"));
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == rules.audience,
        Some(Value::Array(audiences)) => audiences
            .iter()
            .any(|audience| audience.as_str() == Some(&rules.audience)),
        _ => false,
    };
    if !is_for_us {
        return Err(refused(
            "token-audience",
            "the token is for another audience",
        ));
    }
    let skew = rules.clock_skew.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of this millennium are exact to a microsecond"
    )]
    let now = now.timestamp_micros() as f64 / 1e6;
    match time(claims, "exp")? {
        None => return Err(refused("token-claims", "the token has no end: exp")),
        Some(end) if end + skew <= now => {
            return Err(refused("token-expired", "the token has expired"));
        }
        Some(_) => {}
    }
    if time(claims, "nbf")?.is_some_and(|begin| begin - skew > now) {
        return Err(refused("token-not-yet", "the token is not valid yet"));
    }
    Ok(())
}

/// Who calls: an application when the token holds xAPI scopes, else a person. `home_page` is that of
/// applications.
pub(super) fn caller(
    claims: &Map<String, Value>,
    rules: &Rules,
    home_page: String,
) -> Result<Caller, TokenError> {
    let consumer = Consumer {
        home_page,
        id: client(claims)
            .ok_or_else(|| {
                refused(
                    "token-client",
                    "the token does not name the application that it was given to: client_id or azp",
                )
            })
            .map_err(TokenError::Refused)?
            .to_owned(),
    };
    let scopes = scopes(claims, rules);
    let mut accounts = accounts(claims, rules).map_err(TokenError::Refused)?;
    if !scopes.is_empty() {
        let person = (!accounts.is_empty()).then(|| accounts.swap_remove(0));
        return Ok(Caller::application(consumer, scopes, person));
    }
    if accounts.is_empty() {
        return Err(TokenError::Nobody(refused(
            "token-account",
            "the token is good, and names neither an account nor a scope of this service",
        )));
    }
    let account = accounts.remove(0);
    Ok(Caller::person(consumer, account, accounts))
}

/// The application (RFC 9068 2.2; `OpenID` Connect Core 2, `azp`).
fn client(claims: &Map<String, Value>) -> Option<&str> {
    text(claims, "client_id")
        .or_else(|| text(claims, "azp"))
        .filter(|id| !id.is_empty() && !id.contains('\0'))
}

/// The xAPI scopes of the configured claim: a list, or words with spaces between. Others are
/// passed over: a claim may hold `openid`, and beside that `profile` is a word of `OpenID` Connect
/// (Core 5.4), which any application may ask for.
fn scopes(claims: &Map<String, Value>, rules: &Rules) -> Vec<Scope> {
    let claim = rules.scope_claim.as_ref().and_then(|name| claims.get(name));
    let words: Vec<&str> = match claim {
        Some(Value::String(words)) => words.split_ascii_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_openid = words.contains(&"openid");
    words
        .into_iter()
        .filter(|word| !(is_openid && *word == Scope::Profile.as_str()))
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The person's accounts. The one that stands for her is that of `sub` where that is one, else the
/// first in order, so that it is the same in each of her tokens.
fn accounts(claims: &Map<String, Value>, rules: &Rules) -> Result<Vec<Ifi>, Refused> {
    let listed = rules
        .accounts_claim
        .as_ref()
        .and_then(|name| claims.get(name));
    let mut accounts = match listed {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => entries
            .iter()
            .map(account)
            .collect::<Result<Vec<_>, Refused>>()?,
        Some(entry) => vec![account(entry)?],
    };
    accounts.sort_by_cached_key(Ifi::canonical);
    // RFC 9068 2.2: without a person the subject is the application itself.
    let subject = text(claims, "sub").filter(|subject| client(claims) != Some(*subject));
    if let (Some(home_page), Some(subject)) = (&rules.subject_home_page, subject) {
        let subject = account(&json!({ "homePage": home_page, "name": subject }))?;
        accounts.insert(0, subject);
    }
    let mut known = std::collections::HashSet::new();
    accounts.retain(|account| known.insert(account.canonical()));
    if accounts.len() > ACCOUNTS_MAX {
        return Err(refused("token-account", "a person has at most 16 accounts"));
    }
    Ok(accounts)
}

/// An entry of the list: `{"homePage", "name"}`, or any Agent of xAPI.
fn account(entry: &Value) -> Result<Ifi, Refused> {
    let agent = if entry.get("homePage").is_some() {
        json!({ "account": entry })
    } else {
        entry.clone()
    };
    let is_sound = agent.is_object()
        && agent.get("member").is_none()
        && xapi::validate_actor(&agent, XapiVersion::V1_0_3).is_empty()
        && !agent.to_string().contains("\\u0000");
    is_sound
        .then(|| Ifi::from_actor(&agent))
        .flatten()
        .ok_or_else(|| {
            refused(
                "token-account",
                "an account of the token is no account: homePage and name, or an Agent of xAPI",
            )
        })
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A time in seconds since 1970 (RFC 7519 2); one that is no number is no time.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(_) => Err(refused(
            "token-claims",
            "the times of a token are numbers of seconds",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::identity::{Action, Who};

    fn rules() -> Rules {
        Rules {
            issuer: "https://issuer.example.org".to_owned(),
            audience: "sillage".to_owned(),
            clock_skew: Duration::from_secs(30),
            scope_claim: Some("scope".to_owned()),
            subject_home_page: Some("https://school.example.org".to_owned()),
            accounts_claim: Some("accounts".to_owned()),
            client_home_page: None,
        }
    }

    fn caller(claims: &Map<String, Value>, rules: &Rules) -> Result<Caller, TokenError> {
        super::caller(claims, rules, "https://issuer.example.org/token".to_owned())
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + second, 0).expect("in range")
    }

    fn claims(change: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "https://issuer.example.org", "aud": "sillage", "client_id": "app",
            "sub": "p1", "exp": 1_780_000_100, "nbf": 1_780_000_000,
        });
        change(&mut claims);
        claims.as_object().expect("an object").clone()
    }

    #[test]
    fn a_token_is_checked_for_issuer_audience_and_time() {
        type Change = fn(&mut Value);
        let cases: [(Change, i64, Result<(), &str>); 16] = [
            (|_| (), 0, Ok(())),
            (|c| c["aud"] = json!(["other", "sillage"]), 0, Ok(())),
            (|c| c["exp"] = json!(1_780_000_100.5), 130, Ok(())),
            (|_| (), 129, Ok(())),
            (|_| (), 130, Err("token-expired")),
            (|_| (), -30, Ok(())),
            (|_| (), -31, Err("token-not-yet")),
            (|c| c["nbf"] = Value::Null, 0, Err("token-claims")),
            (|c| c["exp"] = json!("1780000100"), 0, Err("token-claims")),
            (
                |c| drop(c.as_object_mut().map(|c| c.remove("exp"))),
                0,
                Err("token-claims"),
            ),
            (|c| c["exp"] = json!(-1), 0, Err("token-expired")),
            (
                |c| c["iss"] = json!("https://issuer.example.org/"),
                0,
                Err("token-issuer"),
            ),
            (
                |c| c["iss"] = json!(["https://issuer.example.org"]),
                0,
                Err("token-issuer"),
            ),
            (|c| c["aud"] = json!("sillage2"), 0, Err("token-audience")),
            (
                |c| c["aud"] = json!([["sillage"]]),
                0,
                Err("token-audience"),
            ),
            (
                |c| drop(c.as_object_mut().map(|c| c.remove("aud"))),
                0,
                Err("token-audience"),
            ),
        ];
        for (number, (change, second, wanted)) in cases.into_iter().enumerate() {
            let found = check(&claims(change), &rules(), at(second));
            assert_eq!(
                found.map_err(|refused| refused.rule),
                wanted,
                "case {number}"
            );
        }
    }

    fn rule(error: &TokenError) -> &'static str {
        match error {
            TokenError::Refused(refused) | TokenError::Nobody(refused) => refused.rule,
            TokenError::Keys(_) => "keys",
        }
    }

    #[test]
    fn a_token_without_scopes_is_a_persons() {
        let caller = caller(
            &claims(|c| {
                c["scope"] = json!("openid profile");
                c["accounts"] = json!([
                    { "homePage": "https://z.example.org", "name": "z" },
                    { "mbox": "mailto:p1@example.org" },
                    { "homePage": "https://school.example.org", "name": "p1" },
                ]);
            }),
            &rules(),
        )
        .expect("a person");
        let person = caller.as_person().expect("a person");
        let shown: Vec<String> = person.accounts().iter().map(Ifi::canonical).collect();
        assert_eq!(
            shown,
            [
                "account\nhttps://school.example.org\np1",
                "account\nhttps://z.example.org\nz",
                "mbox\nmailto:p1@example.org"
            ]
        );
        assert_eq!(caller.key(), "app");
    }

    #[test]
    fn a_token_with_scopes_is_an_applications() {
        let caller = caller(
            &claims(|c| {
                c["scope"] = json!("openid statements/write state");
                c["azp"] = json!("other");
            }),
            &rules(),
        )
        .expect("an application");
        assert!(caller.may(Action::WriteState) && !caller.may(Action::ReadStatements));
        assert!(matches!(caller.who(), Who::Application(_)));
        assert_eq!(
            caller.authority("https://lrs.example.org")["objectType"],
            "Group"
        );
    }

    #[test]
    fn a_token_that_names_nobody_is_told_so() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 6] = [
            (
                |c| drop(c.as_object_mut().map(|c| c.remove("sub"))),
                "token-account",
            ),
            (
                |c| drop(c.as_object_mut().map(|c| c.remove("client_id"))),
                "token-client",
            ),
            (|c| c["client_id"] = json!(""), "token-client"),
            (|c| c["accounts"] = json!(["p1"]), "token-account"),
            (
                |c| c["accounts"] = json!([{ "homePage": "school", "name": "p1" }]),
                "token-account",
            ),
            (
                |c| {
                    let many = (0..40).map(
                        |n| json!({ "homePage": "https://example.org", "name": n.to_string() }),
                    );
                    c["accounts"] = many.collect();
                },
                "token-account",
            ),
        ];
        for (number, (change, wanted)) in cases.into_iter().enumerate() {
            let error = caller(&claims(change), &rules()).expect_err("nobody");
            assert_eq!(rule(&error), wanted, "case {number}");
        }
    }

    #[test]
    fn an_application_by_itself_is_no_person() {
        let alone = |scope: &'static str| {
            let claims = claims(|c| {
                c["sub"] = json!("app");
                c["scope"] = json!(scope);
            });
            caller(&claims, &rules())
        };
        let application = alone("state").expect("an application");
        let authority = application.authority("https://lrs.example.org");
        assert_eq!(authority["account"]["name"], "app");
        assert_eq!(rule(&alone("openid").expect_err("nobody")), "token-account");
    }

    #[test]
    fn without_a_claim_for_scopes_none_is_believed() {
        let rules = Rules {
            scope_claim: None,
            ..rules()
        };
        let caller = caller(&claims(|c| c["scope"] = json!("all")), &rules).expect("a person");
        assert!(caller.as_person().is_some() && !caller.may(Action::Administer));
    }
}
