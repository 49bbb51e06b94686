//! The model, the model without each of its parts, and the fold that operators' answers go through.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use fit::{Answers, Fitted, Predicted, Settings};
use mastery::{Hyper, Model, PupilState};
use schemas::catalogue::{CatalogueItem, DeclaredItem};
use schemas::framework::{Competency, Domain, Framework};
use schemas::ids::key64;

/// Evaluations of a part's search. It begins where the whole model's ended, so it has less to find.
const EVALUATIONS: usize = 150;

/// The model without something.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// What stands behind `sillage-`.
    pub name: &'static str,
    /// What is missing, in words.
    pub without: &'static str,
    /// Constants that are held where they do nothing ([`nothing`]).
    held: &'static [&'static str],
    discrimination: bool,
    search: bool,
}

const fn part(name: &'static str, without: &'static str, held: &'static [&'static str]) -> Variant {
    Variant {
        name,
        without,
        held,
        discrimination: true,
        search: true,
    }
}

/// Every ablation.
pub const VARIANTS: [Variant; 15] = [
    Variant {
        search: false,
        ..part(
            "defaults",
            "constants of its own: the model's defaults, items fitted",
            &[],
        )
    },
    part(
        "reference",
        "what this model has beyond the reference: the next four together",
        &["kw", "kr", "vr", "sw", "sr", "ow", "er", "ew"],
    ),
    part(
        "no-before",
        "the answer before, but for retries of the same item",
        &["sw", "sr", "ow"],
    ),
    part(
        "no-item-counts",
        "the counts of right and wrong answers to the item",
        &["er", "ew"],
    ),
    part("no-habit", "a pupil's own way with retries", &["vr"]),
    part(
        "no-factor",
        "the share in which ability counts in retries (kw = kr = 1)",
        &["kw", "kr"],
    ),
    part(
        "no-retry",
        "retries of the same item at once, whole",
        &["rw", "rr", "kw", "kr", "vr"],
    ),
    Variant {
        discrimination: false,
        ..part("no-discrimination", "discrimination (a = 1)", &[])
    },
    part("no-session", "the form of the session", &["vs"]),
    part(
        "no-item-memory",
        "the memory of items, counts included",
        &["vi", "qi", "gi1", "gi0", "ri", "er", "ew"],
    ),
    part(
        "no-practice",
        "what practice of a competency brings",
        &["lam", "kap"],
    ),
    part("no-forgetting", "forgetting", &["rho", "rk", "ri"]),
    part("no-drift", "the drift of competencies", &["qk"]),
    part(
        "no-competency",
        "competencies: general ability only",
        &["vk", "qk", "lam", "kap", "rho", "rk"],
    ),
    part(
        "no-general",
        "general ability: each competency by itself",
        &["vg"],
    ),
];

/// The value at which a constant does nothing: 1 for a factor, 0 for all others.
fn nothing(constant: &str) -> f64 {
    f64::from(u8::from(["kw", "kr"].contains(&constant)))
}

impl Variant {
    /// Its settings: the search starts from the whole model's constants, one round.
    #[must_use]
    pub fn settings(&self, whole: &Hyper, settings: &Settings) -> Settings {
        let held = self.held.iter().map(|name| (*name, nothing(name)));
        Settings {
            starts: vec![if self.search {
                *whole
            } else {
                Hyper::default()
            }],
            evaluations: EVALUATIONS.min(settings.evaluations),
            rounds: usize::from(self.search),
            held: held.collect(),
            discrimination: self.discrimination,
            ..settings.clone()
        }
    }
}

/// What the fold tells before each answer of some pupils, by fitted items and constants: the same
/// [`PupilState::answer`] that every statement goes through.
pub fn folded(fitted: &Fitted, answers: &Answers) -> anyhow::Result<Vec<Predicted>> {
    let model = model(fitted, answers)?;
    let mut predicted = Vec::new();
    for pupil in answers.pupils() {
        let mut state = PupilState::new(&model.subjects()[0]);
        for answer in &pupil.answers {
            let item = model
                .item(key64(&item_iri(answer.item)))
                .context("an item is not in the model")?;
            predicted.push(Predicted {
                expected: state.answer(&model, item, answer.outcome, answer.correct, answer.time),
                correct: answer.correct,
            });
        }
    }
    let finite = predicted.iter().all(|p| (0.0..=1.0).contains(&p.expected));
    ensure!(finite, "a prediction is no probability");
    Ok(predicted)
}

fn model(fitted: &Fitted, answers: &Answers) -> anyhow::Result<Model> {
    let items = answers.items().iter().zip(&fitted.items).enumerate();
    let items = items.map(|(index, (tags, params))| {
        Ok(CatalogueItem {
            id: item_iri(index).parse().context("an item's IRI")?,
            title: BTreeMap::from([("fr".to_owned(), format!("exercice {index}"))]),
            subject: SUBJECT.to_owned(),
            competencies: tags.iter().copied().map(competency_uri).collect(),
            intent: None,
            item: Some(DeclaredItem {
                a: params.a,
                b: params.b,
                s2: params.s2,
            }),
            level: None,
        })
    });
    let items = items.collect::<anyhow::Result<Vec<_>>>()?;
    let framework = framework(answers.domains());
    Ok(Model::with(&framework, &items, fitted.hyper))
}

/// Where items and competencies are put.
const BASE: &str = "https://ent.example.org/replay";

const SUBJECT: &str = "maths";

fn item_iri(item: usize) -> String {
    format!("{BASE}/item/{item}")
}

fn competency_uri(competency: usize) -> String {
    format!("{BASE}/skill/{competency}")
}

fn framework(domains: &[usize]) -> Framework {
    let seconde = Framework::seconde();
    let count = domains.iter().max().map_or(0, |most| most + 1);
    let status = || "from the file".to_owned();
    let domain = |domain: usize| Domain {
        uri: format!("{BASE}/domain/{domain}"),
        subject: SUBJECT.to_owned(),
        label_fr: format!("domaine {domain}"),
        status: status(),
        competencies: (0..domains.len())
            .filter(|competency| domains[*competency] == domain)
            .map(|competency| Competency {
                uri: competency_uri(competency),
                label_fr: format!("compétence {competency}"),
                status: status(),
                prerequisites: Vec::new(),
            })
            .collect(),
    };
    Framework {
        uri: format!("{BASE}/framework"),
        version: "1".to_owned(),
        dated: seconde.dated.clone(),
        language: seconde.language.clone(),
        levels: seconde.levels.clone(),
        domains: (0..count).map(domain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::made_up;

    #[test]
    fn the_fold_tells_what_the_fit_counted_with() {
        let answers = made_up(40, 5);
        let fitted = fit::fit(
            &answers,
            &Settings {
                evaluations: 60,
                ..Settings::default()
            },
        );
        let everybody: Vec<usize> = (0..answers.pupils().len()).collect();
        let sequences = fit::sequences::Sequences::new(&answers, &everybody, &fitted.hyper);
        let counted = fit::filter::predictions(&sequences, &fitted.items, &fitted.hyper, 2);
        let told = folded(&fitted, &answers).unwrap();
        assert_eq!(told.len(), counted.len());
        for (one, other) in told.iter().zip(&counted) {
            assert!(
                (one.expected - other.expected).abs() < 1e-9,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn a_part_that_is_held_is_not_there() {
        for variant in VARIANTS {
            let settings = variant.settings(&Hyper::default(), &Settings::default());
            for (name, value) in settings.held {
                assert!(fit::constants::Constant::named(name).is_some(), "{name}");
                assert_eq!(value, nothing(name));
            }
        }
    }
}
