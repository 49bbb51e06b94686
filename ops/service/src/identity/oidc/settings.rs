//! `[oidc]`: which tokens are taken, and what they say of who calls.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::keys::Source;

/// `[oidc]`, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// The provider's issuer, exactly as its tokens say it; empty: no tokens are taken.
    pub issuer: String,
    /// Where its keys are; empty: found by discovery under the issuer.
    pub jwks_url: String,
    /// What a token must be for.
    pub audience: String,
    /// How far the provider's clock may be from ours, in seconds.
    pub clock_skew_s: u64,
    /// The claim whose xAPI scopes make the caller an application; empty: none does.
    pub scope_claim: String,
    /// `homePage` of the account whose name is the claim `sub`; empty: `sub` is no account.
    pub subject_home_page: String,
    /// The claim that lists the person's accounts; empty: none.
    pub accounts_claim: String,
    /// `homePage` of the account that stands for an application; empty: the token endpoint that
    /// discovery names, else the issuer.
    pub client_home_page: String,
    /// For how long keys are used without being asked for again, in seconds.
    pub keys_max_age_s: u64,
    /// Shortest time between two requests for the keys, in milliseconds.
    pub keys_ask_every_ms: u64,
}

/// Settings that mean nothing.
#[derive(Debug, thiserror::Error)]
pub enum BadOidc {
    /// A token for anybody must not be one for us.
    #[error("[oidc] audience is required with an issuer")]
    Audience,
    /// Neither scopes nor accounts: every token would be refused.
    #[error(
        "[oidc] with an issuer, at least one of scope_claim, subject_home_page and accounts_claim is required"
    )]
    Nobody,
    /// An address that keys must not come from.
    #[error("[oidc] {0} is an https address (http on this machine alone)")]
    Address(&'static str),
    /// Keys that are never fresh could verify nothing.
    #[error("[oidc] keys_max_age_s is at least 1")]
    KeysAge,
    /// TLS cannot be set up.
    #[error("could not set up HTTP to the issuer")]
    Http(#[source] reqwest::Error),
}

/// What tokens are measured by.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) clock_skew: Duration,
    pub(super) scope_claim: Option<String>,
    pub(super) subject_home_page: Option<String>,
    pub(super) accounts_claim: Option<String>,
    pub(super) client_home_page: Option<String>,
}

impl OidcSettings {
    /// The rules, and where the keys come from; none when tokens are off.
    pub(super) fn check(self) -> Result<Option<(Rules, Source)>, BadOidc> {
        if self.issuer.is_empty() {
            return Ok(None);
        }
        if self.audience.is_empty() {
            return Err(BadOidc::Audience);
        }
        if self.keys_max_age_s == 0 {
            return Err(BadOidc::KeysAge);
        }
        let source = Source {
            issuer: address(&self.issuer).ok_or(BadOidc::Address("issuer"))?,
            issuer_text: self.issuer.clone(),
            jwks: filled(self.jwks_url)
                .map(|url| address(&url).ok_or(BadOidc::Address("jwks_url")))
                .transpose()?,
            max_age: Duration::from_secs(self.keys_max_age_s),
            ask_every: Duration::from_millis(self.keys_ask_every_ms),
        };
        let rules = Rules {
            audience: self.audience,
            clock_skew: Duration::from_secs(self.clock_skew_s),
            scope_claim: filled(self.scope_claim),
            subject_home_page: filled(self.subject_home_page),
            accounts_claim: filled(self.accounts_claim),
            client_home_page: filled(self.client_home_page),
            issuer: self.issuer,
        };
        if rules.scope_claim.is_none()
            && rules.subject_home_page.is_none()
            && rules.accounts_claim.is_none()
        {
            return Err(BadOidc::Nobody);
        }
        Ok(Some((rules, source)))
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// An address that keys may come from: with TLS, or on this machine.
pub(super) fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let trusted = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    trusted.then_some(url)
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn settings() -> OidcSettings {
        Settings::defaults()
            .section("oidc")
            .expect("the defaults fill it")
    }

    #[test]
    fn the_defaults_take_no_token() {
        assert!(settings().check().expect("sound").is_none());
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let good = OidcSettings {
            issuer: "https://issuer.example.org".to_owned(),
            audience: "sillage".to_owned(),
            subject_home_page: "https://school.example.org".to_owned(),
            ..settings()
        };
        let (rules, source) = good.clone().check().expect("sound").expect("on");
        assert_eq!(rules.client_home_page, None, "discovery may name it");
        assert!(source.jwks.is_none());
        for (bad, says) in [
            (
                OidcSettings {
                    audience: String::new(),
                    ..good.clone()
                },
                "audience",
            ),
            (
                OidcSettings {
                    subject_home_page: String::new(),
                    ..good.clone()
                },
                "at least one",
            ),
            (
                OidcSettings {
                    issuer: "http://issuer.example.org".to_owned(),
                    ..good.clone()
                },
                "issuer is an https",
            ),
            (
                OidcSettings {
                    jwks_url: "keys".to_owned(),
                    ..good.clone()
                },
                "jwks_url is an https",
            ),
        ] {
            let error = bad.check().expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn keys_come_by_tls_or_from_this_machine() {
        for (text, good) in [
            ("https://issuer.example.org/a", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("http://localhost:3000", true),
            ("http://localhost.example.org", false),
            ("http://issuer.example.org", false),
            ("ftp://localhost", false),
            ("issuer", false),
        ] {
            assert_eq!(address(text).is_some(), good, "{text}");
        }
    }
}
