//! The catalogue: which activities there are, and what each is for.
//!
//! A documented JSON for now (the crate page has an example): an item names its competencies by the URIs
//! of the framework, the first one being the main one.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::document::{self, Faults};
use crate::framework::Framework;
use crate::ids::ActivityIri;
use crate::xapi::formats;

/// Where the rules of a catalogue stand.
const SECTION: &str = "Sillage catalogue (schemas/README.md)";

/// A catalogue of activities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// URI of the catalogue.
    pub uri: String,
    /// Its version, in its maker's own counting.
    pub version: String,
    /// The activities.
    pub items: Vec<CatalogueItem>,
}

/// One activity that can be recommended and answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueItem {
    /// IRI of the activity: the `object.id` of its answers.
    pub id: ActivityIri,
    /// Title by language tag.
    pub title: BTreeMap<String, String>,
    /// Subject, as the framework names it.
    pub subject: String,
    /// URIs of the competencies, the main one first.
    pub competencies: Vec<String>,
    /// URI of the pedagogical intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Parameters of the item on the logit scale, where somebody fitted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<DeclaredItem>,
    /// Degree for which the item is meant, 1 to 6, where somebody judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
}

/// Fitted parameters of an item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredItem {
    /// Discrimination, above 0.
    pub a: f64,
    /// Difficulty on the logit scale.
    pub b: f64,
    /// Variance of the difficulty.
    pub s2: f64,
}

/// Parameters of an item of which nothing is known: the wide prior.
pub const WIDE_PRIOR: (f64, f64, f64) = (1.0, 0.0, 1.0);

/// Difficulty of an item meant for each degree: the normal scores of the six degrees (`-1.75` to
/// `1.40`, from the placeholder shares of the mastery model) times the spread of pupils on the
/// logit scale, `sqrt(1.7 + 0.4)`. So a pupil in the middle of a degree has an even chance on an
/// item meant for it. An assumption, not a measurement: fitted parameters replace it.
const DIFFICULTY_OF_LEVEL: [f64; 6] = [-2.536, -1.377, -0.652, 0.0, 0.754, 2.029];

/// Variance of a difficulty that rests on a level alone: half of knowing nothing.
pub const VARIANCE_OF_LEVEL: f64 = 0.5;

impl CatalogueItem {
    /// The parameters (discrimination a, difficulty b, variance of b) to start from: the declared
    /// ones, else those of its level, else the wide prior.
    #[must_use]
    pub fn params(&self) -> (f64, f64, f64) {
        if let Some(item) = self.item {
            return (item.a, item.b, item.s2);
        }
        let difficulty = self.level_difficulty();
        difficulty.map_or(WIDE_PRIOR, |b| (1.0, b, VARIANCE_OF_LEVEL))
    }

    /// The difficulty that its level says, on the logit scale, where it has one: of pupils who stand around 0.
    #[must_use]
    pub fn level_difficulty(&self) -> Option<f64> {
        let index = usize::from(self.level?).checked_sub(1)?;
        DIFFICULTY_OF_LEVEL.get(index).copied()
    }

    /// The title in French, else in any language.
    #[must_use]
    pub fn title_fr(&self) -> &str {
        self.title
            .get("fr")
            .or_else(|| self.title.values().next())
            .map_or("", String::as_str)
    }
}

impl Catalogue {
    /// Reads a catalogue, whole or not at all.
    ///
    /// # Errors
    ///
    /// Every fault, up to fifty: JSON that is not strict, a missing or unknown property, an item
    /// twice, an item without competency or title, parameters out of range. Whether the
    /// competencies exist is [`Catalogue::check_against`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Fault>> {
        let value = crate::strict_json::parse(bytes).map_err(|fault| vec![fault])?;
        let catalogue: Self = document::read(&value, SECTION, |value| {
            document::misshapen::<CatalogueItem>(value, "/items")
        })?;
        let mut faults = Faults::new(SECTION);
        catalogue.check(&mut faults);
        faults.into_result(catalogue)
    }

    /// Whether each competency of each item is one of the framework's, and of the item's subject.
    ///
    /// # Errors
    ///
    /// A fault for each that is not, up to fifty.
    pub fn check_against(&self, framework: &Framework) -> Result<(), Vec<Fault>> {
        let subjects: HashMap<&str, &str> = framework
            .domains
            .iter()
            .flat_map(|domain| {
                domain
                    .competencies
                    .iter()
                    .map(|competency| (competency.uri.as_str(), domain.subject.as_str()))
            })
            .collect();
        let mut faults = Faults::new(SECTION);
        for (i, item) in self.items.iter().enumerate() {
            for (j, uri) in item.competencies.iter().enumerate() {
                let at = || format!("/items/{i}/competencies/{j}");
                match subjects.get(uri.as_str()) {
                    None => faults.tell(
                        at(),
                        "catalogue-competency-unknown",
                        "the framework has no such competency",
                    ),
                    Some(subject) if *subject != item.subject => {
                        faults.tell(
                            at(),
                            "catalogue-competency-subject",
                            "the competency belongs to another subject than the item",
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        faults.into_result(())
    }

    fn check(&self, faults: &mut Faults) {
        faults.not_empty("/uri", &self.uri);
        faults.not_empty("/version", &self.version);
        let mut ids = HashMap::new();
        for (i, item) in self.items.iter().enumerate() {
            item.check(i, faults);
            if ids.insert(item.id.key64(), i).is_some() {
                faults.tell(
                    format!("/items/{i}/id"),
                    "catalogue-item-repeated",
                    "the activity is in the catalogue already",
                );
            }
        }
    }
}

impl CatalogueItem {
    fn check(&self, i: usize, faults: &mut Faults) {
        let at = |step: &str| format!("/items/{i}/{step}");
        faults.not_empty(&at("subject"), &self.subject);
        if self.title.values().all(|title| title.trim().is_empty()) {
            faults.tell(
                at("title"),
                "catalogue-title-missing",
                "an item has a title in some language",
            );
        }
        for tag in self
            .title
            .keys()
            .filter(|tag| !formats::is_language_tag(tag))
        {
            faults.tell(
                at(&format!("title/{tag}")),
                "language-map-key",
                "the keys of a title are language tags of RFC 5646",
            );
        }
        if self.competencies.is_empty() {
            faults.tell(
                at("competencies"),
                "catalogue-competency-missing",
                "an item has a competency, the main one first",
            );
        }
        for (j, uri) in self.competencies.iter().enumerate() {
            if self.competencies[..j].contains(uri) {
                faults.tell(
                    at(&format!("competencies/{j}")),
                    "catalogue-competency-repeated",
                    "the competency is named twice",
                );
            }
        }
        if self.level.is_some_and(|level| !(1..=6).contains(&level)) {
            faults.tell(
                at("level"),
                "catalogue-level",
                "a level is a degree from 1 to 6",
            );
        }
        if let Some(DeclaredItem { a, b, s2 }) = self.item {
            // The bounds of the fit (the fit of items clips a to 0.2..3), with room for other fits.
            let good = a > 0.0 && a <= 10.0 && b.abs() <= 20.0 && (0.0..=100.0).contains(&s2);
            if !good {
                faults.tell(
                    at("item"),
                    "catalogue-item-params",
                    "a lies above 0 and up to 10, b between -20 and 20, s2 between 0 and 100",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
