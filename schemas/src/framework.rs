//! The competency framework: domains, their competencies, what each needs, and the scale.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Fault;
use crate::document::{self, Faults};
use crate::ids::key64;
use crate::xapi::formats;

mod scale;

pub use scale::Scale;

/// Where the rules of a framework stand.
const SECTION: &str = "Sillage framework (schemas/README.md)";

/// The framework that is compiled in, as JSON: the *tests de positionnement de seconde*, with the
/// honest status of every item.
pub const SECONDE_JSON: &str = include_str!("../framework/seconde.json");

/// A competency framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Framework {
    /// URI of the framework, every version of it.
    pub uri: String,
    /// Its version.
    pub version: String,
    /// The day of that version, as `YYYY-MM-DD`.
    pub dated: String,
    /// Language of the labels: `fr` where nothing is said.
    #[serde(default = "french")]
    pub language: String,
    /// The degrees of the scale, the lowest first: those of the *tests de positionnement* where
    /// nothing is said.
    #[serde(default)]
    pub levels: Levels,
    /// The domains, in the framework's order.
    pub domains: Vec<Domain>,
}

/// The scale on which mastery is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The degrees, 1 to 6 in order.
    pub degrees: Vec<Level>,
    /// The thresholds: between the degrees, and when one may be shown.
    #[serde(default, deserialize_with = "scale")]
    pub scale: Scale,
}

fn scale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scale, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Scale::read(&value).map_err(serde::de::Error::custom)
}

impl Default for Levels {
    fn default() -> Self {
        Framework::seconde().levels.clone()
    }
}

/// One degree of the scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// 1 to 6.
    pub degree: u8,
    /// URI of the degree.
    pub uri: String,
    /// *Niveau de maîtrise* that it belongs to.
    pub level: String,
    /// Step inside the *niveau*, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub palier: Option<u8>,
    /// Its name in French.
    pub label_fr: String,
    /// Where it comes from: `published`, `from the tender`, `invented placeholder`...
    pub status: String,
}

/// A domain: a group of competencies of one subject, shown as one figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// URI of the domain.
    pub uri: String,
    /// Subject that it belongs to: one filter of the model each.
    pub subject: String,
    /// Its name in French.
    pub label_fr: String,
    /// Where it comes from.
    pub status: String,
    /// Its competencies, all of the same weight.
    pub competencies: Vec<Competency>,
}

/// A competency: the k of the mastery model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Competency {
    /// URI of the competency.
    pub uri: String,
    /// Its name in French.
    pub label_fr: String,
    /// Where it comes from.
    pub status: String,
    /// URIs of the competencies of the same subject that it rests on.
    #[serde(default)]
    pub prerequisites: Vec<String>,
}

fn french() -> String {
    "fr".to_owned()
}

static SECONDE: LazyLock<Framework> = LazyLock::new(|| {
    Framework::parse(SECONDE_JSON.as_bytes())
        .expect("a test parses the framework that is compiled in")
});

impl Framework {
    /// The framework that is compiled in: see [`SECONDE_JSON`].
    #[must_use]
    pub fn seconde() -> &'static Self {
        &SECONDE
    }

    /// Reads a framework, whole or not at all. What Sillage does not use (sources, notes, programme
    /// concepts) may stand in the document and is passed over.
    ///
    /// # Errors
    ///
    /// Every fault, up to fifty: JSON that is not strict, a missing property, a URI that is none or
    /// occurs twice, a prerequisite that does not exist, is of another subject or closes a circle,
    /// weights that are not equal, thresholds that are out of range or unknown.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Fault>> {
        let value = crate::strict_json::parse(bytes).map_err(|fault| vec![fault])?;
        let mut faults = Faults::new(SECTION);
        weights_are_equal(&value, &mut faults);
        let framework: Self = document::read(&value, SECTION, misshapen)?;
        framework.check(&mut faults);
        faults.into_result(framework)
    }

    /// The subjects, in the order of their first domain.
    #[must_use]
    pub fn subjects(&self) -> Vec<&str> {
        let mut subjects: Vec<&str> = Vec::new();
        for domain in &self.domains {
            if !subjects.contains(&domain.subject.as_str()) {
                subjects.push(&domain.subject);
            }
        }
        subjects
    }

    /// Every competency with its domain, in the framework's order.
    pub fn competencies(&self) -> impl Iterator<Item = (&Domain, &Competency)> {
        self.domains.iter().flat_map(|domain| {
            domain
                .competencies
                .iter()
                .map(move |competency| (domain, competency))
        })
    }

    /// A competency by its URI, with its domain.
    #[must_use]
    pub fn competency(&self, uri: &str) -> Option<(&Domain, &Competency)> {
        self.competencies()
            .find(|(_, competency)| competency.uri == uri)
    }

    /// A degree of the scale, 1 to 6.
    #[must_use]
    pub fn level(&self, degree: u8) -> Option<&Level> {
        self.levels
            .degrees
            .iter()
            .find(|level| level.degree == degree)
    }

    fn check(&self, faults: &mut Faults) {
        faults.iri("/uri", &self.uri);
        faults.not_empty("/version", &self.version);
        if NaiveDate::parse_from_str(&self.dated, "%Y-%m-%d").is_err() {
            faults.tell(
                "/dated".to_owned(),
                "framework-date",
                "the day of the version, as YYYY-MM-DD",
            );
        }
        if !formats::is_language_tag(&self.language) {
            faults.tell(
                "/language".to_owned(),
                "language-not-tag",
                "language is a language tag of RFC 5646",
            );
        }
        if !self
            .levels
            .degrees
            .iter()
            .map(|level| level.degree)
            .eq(1..=6)
        {
            faults.tell(
                "/levels/degrees".to_owned(),
                "framework-degrees",
                "the degrees are 1 to 6, in order",
            );
        }
        self.levels.scale.check(faults);
        if self.domains.is_empty() {
            faults.tell(
                "/domains".to_owned(),
                "framework-domain-missing",
                "a framework has a domain",
            );
        }
        self.check_uris(faults);
        self.check_prerequisites(faults);
    }

    fn check_uris(&self, faults: &mut Faults) {
        let mut keys = HashMap::new();
        let mut once = |at: String, uri: &str, faults: &mut Faults| {
            faults.iri(&at, uri);
            if keys.insert(key64(uri), ()).is_some() {
                faults.tell(
                    at,
                    "framework-uri-repeated",
                    "the URI names something else in the framework already",
                );
            }
        };
        for (d, domain) in self.domains.iter().enumerate() {
            once(format!("/domains/{d}/uri"), &domain.uri, faults);
            faults.not_empty(&format!("/domains/{d}/subject"), &domain.subject);
            faults.not_empty(&format!("/domains/{d}/label_fr"), &domain.label_fr);
            if domain.competencies.is_empty() {
                faults.tell(
                    format!("/domains/{d}/competencies"),
                    "framework-competency-missing",
                    "a domain has a competency",
                );
            }
            for (c, competency) in domain.competencies.iter().enumerate() {
                once(
                    format!("/domains/{d}/competencies/{c}/uri"),
                    &competency.uri,
                    faults,
                );
                faults.not_empty(
                    &format!("/domains/{d}/competencies/{c}/label_fr"),
                    &competency.label_fr,
                );
                faults.not_empty(
                    &format!("/domains/{d}/competencies/{c}/status"),
                    &competency.status,
                );
            }
        }
    }

    fn check_prerequisites(&self, faults: &mut Faults) {
        let subjects: HashMap<&str, &str> = self
            .competencies()
            .map(|(domain, competency)| (competency.uri.as_str(), domain.subject.as_str()))
            .collect();
        for (d, domain) in self.domains.iter().enumerate() {
            for (c, competency) in domain.competencies.iter().enumerate() {
                for (p, uri) in competency.prerequisites.iter().enumerate() {
                    let at = || format!("/domains/{d}/competencies/{c}/prerequisites/{p}");
                    match subjects.get(uri.as_str()) {
                        None => faults.tell(
                            at(),
                            "framework-prerequisite-unknown",
                            "no competency of the framework has this URI",
                        ),
                        Some(subject) if *subject != domain.subject => {
                            faults.tell(
                                at(),
                                "framework-prerequisite-subject",
                                "a prerequisite is of the same subject",
                            );
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        for uri in self.in_circles() {
            let (d, c) = self.position(uri);
            let at = format!("/domains/{d}/competencies/{c}/prerequisites");
            faults.tell(
                at,
                "framework-prerequisite-circle",
                "the competency is, by others, a prerequisite of itself",
            );
        }
    }

    fn position(&self, uri: &str) -> (usize, usize) {
        let found = self.domains.iter().enumerate().find_map(|(d, domain)| {
            Some((
                d,
                domain
                    .competencies
                    .iter()
                    .position(|competency| competency.uri == uri)?,
            ))
        });
        found.unwrap_or_default()
    }

    /// The competencies that no order puts after their prerequisites, in the framework's order:
    /// those of a circle, and those that rest on one.
    fn in_circles(&self) -> Vec<&str> {
        let mut left: Vec<&Competency> = self
            .competencies()
            .map(|(_, competency)| competency)
            .collect();
        loop {
            let waiting: std::collections::HashSet<&str> = left
                .iter()
                .map(|competency| competency.uri.as_str())
                .collect();
            let before = left.len();
            left.retain(|competency| {
                competency
                    .prerequisites
                    .iter()
                    .any(|uri| waiting.contains(uri.as_str()))
            });
            if left.len() == before {
                return left
                    .into_iter()
                    .map(|competency| competency.uri.as_str())
                    .collect();
            }
        }
    }
}

/// The competencies that are none; where all are good, the domains and degrees that are none.
fn misshapen(document: &serde_json::Value) -> Vec<(String, serde_json::Error)> {
    let domains = document
        .get("domains")
        .and_then(serde_json::Value::as_array)
        .map_or(0, Vec::len);
    let competencies =
        |d| document::misshapen::<Competency>(document, &format!("/domains/{d}/competencies"));
    let found: Vec<_> = (0..domains).flat_map(competencies).collect();
    if !found.is_empty() {
        return found;
    }
    let mut found = document::misshapen::<Domain>(document, "/domains");
    found.extend(document::misshapen::<Level>(document, "/levels/degrees"));
    let scale = document.pointer("/levels/scale").map(Scale::read);
    if let Some(Err(error)) = scale {
        found.push(("/levels/scale".to_owned(), error));
    }
    found
}

/// A domain's figure weighs its competencies equally; a document that declares other weights would
/// be misread, so it is refused.
fn weights_are_equal(document: &serde_json::Value, faults: &mut Faults) {
    let domains = document
        .get("domains")
        .and_then(serde_json::Value::as_array);
    for (d, domain) in domains.into_iter().flatten().enumerate() {
        let Some(competencies) = domain
            .get("competencies")
            .and_then(serde_json::Value::as_array)
        else {
            continue;
        };
        let mut weights = competencies
            .iter()
            .map(|competency| competency.get("weight"));
        let first = weights.next().flatten();
        if !weights.all(|weight| weight == first) {
            faults.tell(
                format!("/domains/{d}/competencies"),
                "framework-weights",
                "the competencies of a domain have equal weights",
            );
        }
    }
}

#[cfg(test)]
mod tests;
