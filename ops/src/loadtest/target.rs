//! What is put under load: where it is, and who is known there.

use std::net::IpAddr;

use anyhow::Context as _;
use reqwest::Url;

use crate::client::{Client, ClientError};
use crate::demo::api;
use crate::demo::lycee::{HOME_PAGE, Lycee};
use crate::exit::{Code, Failure};

/// What the sessions ask for.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The LRS alone: state and statements.
    Statements,
    /// The analytics and the recommender, too.
    All {
        /// The pupils' keys, by class and place in it.
        pupils: Vec<Vec<String>>,
        /// The keys of the classes.
        classes: Vec<String>,
    },
}

impl Target {
    /// Asks the service for the keys of the lycée's pupils and classes.
    pub(crate) async fn read(client: &Client, lycee: &Lycee) -> anyhow::Result<Self> {
        let mut pupils = Vec::new();
        for class in &lycee.classes {
            let mut keys = Vec::new();
            for pupil in &class.pupils {
                let key = api::resolve(client, HOME_PAGE, &pupil.account).await;
                keys.push(key.map_err(|error| unknown(error, lycee))?);
            }
            pupils.push(keys);
        }
        let labels: Vec<&str> = lycee.classes.iter().map(|one| one.label.as_str()).collect();
        let classes = api::classes(client)
            .await
            .context("could not read the classes")?;
        let classes = classes
            .into_iter()
            .filter(|class| labels.contains(&class.label.as_str()))
            .map(|class| class.key)
            .collect();
        Ok(Self::All { pupils, classes })
    }
}

/// A pupil who is not known: what to do about it.
fn unknown(error: anyhow::Error, lycee: &Lycee) -> anyhow::Error {
    if !error.downcast_ref().is_some_and(ClientError::is_not_found) {
        return error.context("could not find the pupils");
    }
    let message = format!(
        "the service does not know the invented lycée's {} classes: --set-up loads them and REPLACES roster, framework and catalogue; --statements-only does without them",
        lycee.classes.len()
    );
    Failure::because(Code::Service, message, error).into()
}

/// Whether an address is one of this machine, whatever a name server says.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for own in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9/",
            "https://[::1]:8443",
            "http://localhost:1",
            "http://LOCALHOST",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "http://192.0.2.1:8080",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://127.0.0.1@192.0.2.1",
            "http://0.0.0.0:8080",
            "http://[2001:db8::1]",
            "nothing",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
