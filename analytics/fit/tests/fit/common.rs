//! Simulated pupils, and the model of what was fitted.

use std::collections::BTreeMap;

use fit::{Answer, Answers, Pupil, Start, mixed};
use mastery::maths::sigmoid;
use mastery::{Hyper, ItemParams, Model};
use schemas::catalogue::{CatalogueItem, DeclaredItem};
use schemas::framework::{Competency, Domain, Framework};
use schemas::ids::key64;

/// Chance that depends on its seed alone.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// In `[0, 1[`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(1);
        (mixed(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    /// Of mean 0 and variance 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Pupils of normal abilities answer items, in a random order, by the Rasch model.
pub(crate) fn simulated(difficulties: &[f64], pupils: usize, each: usize, seed: u64) -> Answers {
    let mut chance = Chance::new(seed);
    let items = (0..difficulties.len()).map(|item| vec![item % 3]).collect();
    let pupil = |key: u64| {
        let ability = 1.2 * chance.normal();
        let answers = (0..each).map(|n| {
            let item = chance.below(difficulties.len());
            answer(
                item,
                chance.unit() < sigmoid(ability - difficulties[item]),
                Some(60.0 * n as f64),
            )
        });
        Pupil {
            key,
            answers: answers.collect(),
            start: Start::default(),
        }
    };
    let pupils = (0..pupils as u64).map(pupil).collect();
    Answers::new(items, vec![0; 3], pupils).expect("they are well formed")
}

pub(crate) fn answer(item: usize, correct: bool, time: Option<f64>) -> Answer {
    Answer {
        item,
        outcome: f64::from(u8::from(correct)),
        correct,
        time,
    }
}

/// The model that folds these answers, with an item for each of theirs.
pub(crate) fn model(answers: &Answers, items: &[ItemParams], hyper: Hyper) -> Model {
    let seconde = Framework::seconde();
    let status = || "invented placeholder".to_owned();
    let domains = (0..answers.domain_count()).map(|domain| Domain {
        uri: format!("urn:d:{domain}"),
        subject: "maths".to_owned(),
        label_fr: format!("domaine {domain}"),
        status: status(),
        competencies: (0..answers.domains().len())
            .filter(|competency| answers.domains()[*competency] == domain)
            .map(|competency| Competency {
                uri: format!("urn:c:{competency}"),
                label_fr: format!("compétence {competency}"),
                status: status(),
                prerequisites: Vec::new(),
            })
            .collect(),
    });
    let framework = Framework {
        domains: domains.collect(),
        ..seconde.clone()
    };
    let items = answers.items().iter().zip(items).enumerate();
    let items: Vec<CatalogueItem> = items
        .map(|(index, (tags, params))| CatalogueItem {
            id: format!("urn:i:{index}").parse().expect("an IRI"),
            title: BTreeMap::from([("fr".to_owned(), format!("exercice {index}"))]),
            subject: "maths".to_owned(),
            competencies: tags.iter().map(|tag| format!("urn:c:{tag}")).collect(),
            intent: None,
            item: Some(DeclaredItem {
                a: params.a,
                b: params.b,
                s2: params.s2,
            }),
            level: None,
        })
        .collect();
    Model::with(&framework, &items, hyper)
}

pub(crate) fn item_key(item: usize) -> u64 {
    key64(&format!("urn:i:{item}"))
}
