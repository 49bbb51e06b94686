//! Bearer tokens of a real `OpenID` provider: npm `oidc-provider`, started by the test
//! (`oidc/provider.mjs`).

use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use service::clock;
use service::config::Settings;
use service::identity::oidc::{Issuer, OidcSettings};
use service::identity::{Action, Caller};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The provider: a line in, a line out. It ends with its standard input.
struct Provider {
    issuer: String,
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/provider.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut provider = Self {
            issuer: String::new(),
            _process: process,
            input,
            output,
        };
        let ready = provider.answer().await;
        provider.issuer = ready["issuer"].as_str().expect("an issuer").to_owned();
        provider
    }

    async fn answer(&mut self) -> Value {
        let line = self.output.next_line().await.expect("readable");
        let line = line.expect("the provider ended: are its packages installed?");
        serde_json::from_str(&line).expect("JSON")
    }

    async fn told(&mut self, command: &Value) -> Value {
        let line = format!("{command}\n");
        self.input
            .write_all(line.as_bytes())
            .await
            .expect("written");
        let answer = self.answer().await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer
    }

    async fn token(&mut self, command: &Value) -> String {
        let answer = self.told(command).await;
        answer["token"].as_str().expect("a token").to_owned()
    }

    async fn person(&mut self, subject: &str) -> String {
        self.token(&json!({ "do": "person", "subject": subject }))
            .await
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.clone(),
            audience: "sillage".to_owned(),
            scope_claim: "scope".to_owned(),
            subject_home_page: "https://school.example.org".to_owned(),
            accounts_claim: "accounts".to_owned(),
            clock_skew_s: 0,
            keys_ask_every_ms: 0,
            ..Settings::defaults().section("oidc").expect("the defaults")
        }
    }
}

async fn verdict(issuer: &Issuer, token: &str) -> Result<Caller, String> {
    let called = issuer.caller(token, clock::now()).await;
    called.map_err(|error| {
        error
            .to_string()
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

async fn refused(issuer: &Issuer, token: &str) -> String {
    verdict(issuer, token).await.expect_err("refused")
}

/// The token with another header or other claims, under the signature that it had.
fn altered(token: &str, part: usize, change: impl FnOnce(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let decoded = URL_SAFE_NO_PAD.decode(&parts[part]).expect("base64url");
    let mut value = serde_json::from_slice(&decoded).expect("JSON");
    change(&mut value);
    parts[part] = URL_SAFE_NO_PAD.encode(value.to_string());
    parts.join(".")
}

#[tokio::test]
#[ignore = "needs Node and the npm packages of tests/oidc: ops/test installs them and runs it"]
async fn tokens_of_a_real_provider_are_taken_or_told_why_not() {
    let mut provider = Provider::start().await;
    let issuer = Issuer::new(provider.settings())
        .expect("sound")
        .expect("on");

    // Good: a person's, by authorization code and PKCE; an application's, by its own credentials.
    let good = provider.person("p").await;
    let caller = verdict(&issuer, &good).await.expect("taken");
    let person = caller.as_person().expect("a person");
    assert_eq!((caller.key(), person.accounts().len()), ("app", 2));
    let asked = json!({ "do": "application", "scope": "statements/write state" });
    let application = provider.token(&asked).await;
    let caller = verdict(&issuer, &application).await.expect("taken");
    assert_eq!(caller.key(), "backend");
    let authority = caller.authority("https://lrs.example.org");
    assert_eq!(authority["account"]["name"], "backend");
    let token_endpoint = format!("{}/token", provider.issuer);
    assert_eq!(authority["account"]["homePage"], token_endpoint);
    assert!(caller.may(Action::WriteState) && !caller.may(Action::ReadStatements));

    // For another audience, of another issuer (as its own discovery says, and under our keys).
    let asked = json!({ "do": "person", "subject": "p", "resource": "urn:another" });
    let another = provider.token(&asked).await;
    assert_eq!(refused(&issuer, &another).await, "token-audience");
    let mut stranger = Provider::start().await;
    let strange = stranger.person("p").await;
    assert!(["token-key", "token-signature"].contains(&refused(&issuer, &strange).await.as_str()));
    let misnamed = OidcSettings {
        issuer: "https://issuer.example.org".to_owned(),
        jwks_url: format!("{}/jwks", provider.issuer),
        ..provider.settings()
    };
    let misnamed = Issuer::new(misnamed).expect("sound").expect("on");
    assert_eq!(refused(&misnamed, &good).await, "token-issuer");

    // Not signed, signed with something else, changed after it was signed.
    let unsigned = altered(&good, 0, |header| header["alg"] = json!("none"));
    assert_eq!(refused(&issuer, &unsigned).await, "token-algorithm");
    let bare = format!("{}.", unsigned.rsplit_once('.').expect("three parts").0);
    assert_eq!(refused(&issuer, &bare).await, "token-algorithm");
    let shared = altered(&good, 0, |header| header["alg"] = json!("HS256"));
    assert_eq!(refused(&issuer, &shared).await, "token-algorithm");
    let tampered = altered(&good, 1, |claims| claims["sub"] = json!("q"));
    assert_eq!(refused(&issuer, &tampered).await, "token-signature");

    // A key that is not known, until the keys are asked for again.
    let unknown = altered(&good, 0, |header| header["kid"] = json!("nobody's"));
    assert_eq!(refused(&issuer, &unknown).await, "token-key");
    provider.told(&json!({ "do": "rotate" })).await;
    let renewed = provider.person("p").await;
    assert!(verdict(&issuer, &renewed).await.is_ok());
    assert_eq!(refused(&issuer, &good).await, "token-key");

    // Expired.
    provider
        .told(&json!({ "do": "lifetime", "seconds": 3 }))
        .await;
    let short = provider.person("p").await;
    assert!(verdict(&issuer, &short).await.is_ok());
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(refused(&issuer, &short).await, "token-expired");
    assert!(verdict(&issuer, &renewed).await.is_ok());
}
