//! The answers of the lake as the fit takes them: by subject, those to fit on and those held out.

use std::collections::{BTreeMap, HashMap};

use ::mastery::Model;
use datafusion::prelude::SessionContext;
use fit::{Answer, Answers, AnswersError, Pupil, Start, mixed};
use schemas::ids::{PersonKey, StatementId};

use super::persons::{PersonAnswers, Persons, Window};
use super::recompute::RecomputeError;
use crate::fold::Inputs;
use crate::store::account_person::Owners;

/// One pupil of so many is held out: the one whom no fit ever sees, so that all are compared on the same.
const HELD_OUT_OF: u64 = 5;

/// Mixed into a pupil's key for that, so that it has nothing to do with whom a fit holds out for itself.
const HELD_OUT_SALT: u64 = 0x6865_6c64_206f_7574;

/// Mixed into a pupil's key to draw a sample.
const SAMPLE_SALT: u64 = 0x7361_6d70_6c65;

/// The answers of a subject.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Name of the subject.
    pub(crate) subject: String,
    /// Keys of its items, in the order of the answers' items.
    pub(crate) items: Vec<u64>,
    /// What is fitted on.
    pub(crate) fitted: Vec<Pupil>,
    /// What nothing is fitted on.
    pub(crate) held_out: Vec<Pupil>,
    tags: Vec<Vec<usize>>,
    domains: Vec<usize>,
    /// Keys of the subject's competencies.
    competencies: Vec<u64>,
    places: HashMap<u64, usize>,
}

/// Where to read, and how much.
pub(crate) struct Source<'a> {
    pub(crate) session: &'a SessionContext,
    pub(crate) owners: &'a Owners,
    pub(crate) left_out: &'a [StatementId],
    /// What is known of persons besides: where each starts from. Evaluations are passed over: they are no answers to
    /// an item that could be fitted.
    pub(crate) inputs: &'a BTreeMap<PersonKey, Inputs>,
    pub(crate) through: i64,
    /// Share of the pupils, by a hash of their keys.
    pub(crate) sample: f64,
}

impl Gathered {
    /// A subject of the model, without answers yet.
    fn new(model: &Model, subject: usize) -> Self {
        let mut items: Vec<_> = model
            .items()
            .filter(|item| item.subject() == subject)
            .collect();
        items.sort_unstable_by_key(|item| item.key());
        let keys: Vec<u64> = items.iter().map(|item| item.key()).collect();
        let tags = items.iter().map(|item| {
            let loadings = item.loadings().iter();
            loadings.map(|loading| loading.competency).collect()
        });
        let known = &model.subjects()[subject];
        Self {
            subject: known.name().to_owned(),
            tags: tags.collect(),
            domains: known.competencies().iter().map(|c| c.domain()).collect(),
            competencies: known.competencies().iter().map(|c| c.key()).collect(),
            places: keys.iter().copied().zip(0..).collect(),
            items: keys,
            fitted: Vec::new(),
            held_out: Vec::new(),
        }
    }

    /// Whether there is somebody to fit on and somebody to hold out.
    pub(crate) fn is_enough(&self) -> bool {
        self.fitted.len() > 1 && !self.held_out.is_empty()
    }

    /// What is fitted on, and what is held out. Both must be there ([`Gathered::is_enough`]).
    pub(crate) fn answers(&mut self) -> Result<(Answers, Answers), AnswersError> {
        let pupils = std::mem::take(&mut self.fitted);
        let fitted = Answers::new(self.tags.clone(), self.domains.clone(), pupils)?;
        let held_out = fitted.with_pupils(std::mem::take(&mut self.held_out))?;
        Ok((fitted, held_out))
    }

    /// The keys of a set of competencies, rising.
    pub(crate) fn keys_of(&self, set: &[usize]) -> Vec<u64> {
        let mut keys: Vec<u64> = set.iter().map(|&place| self.competencies[place]).collect();
        keys.sort_unstable();
        keys
    }

    fn push(&mut self, person: PersonKey, start: Start, answers: &PersonAnswers) {
        let own = answers.answers.iter().filter_map(|stored| {
            let answer = &stored.answer;
            Some(Answer {
                item: *self.places.get(&answer.item)?,
                outcome: answer.outcome,
                correct: answer.correct,
                time: answer.time_s(),
            })
        });
        let pupil = Pupil {
            key: number(person),
            answers: own.collect(),
            start,
        };
        if pupil.answers.is_empty() {
            return;
        }
        if is_held_out(pupil.key) {
            self.held_out.push(pupil);
        } else {
            self.fitted.push(pupil);
        }
    }
}

/// Reads the answers of some subjects, by their names.
pub(crate) async fn gather(
    model: &Model,
    subjects: &[String],
    source: &Source<'_>,
) -> Result<Vec<Gathered>, RecomputeError> {
    let known = model.subjects().iter().enumerate();
    let mut gathered: Vec<Gathered> = known
        .filter(|(_, subject)| subjects.iter().any(|name| name == subject.name()))
        .map(|(index, _)| Gathered::new(model, index))
        .collect();
    let window = Window {
        after: 0,
        through: source.through,
    };
    let mut persons =
        Persons::start(source.session, source.owners, source.left_out, window).await?;
    while let Some(person) = persons.next().await? {
        if !is_sampled(number(person.person), source.sample) {
            continue;
        }
        let inputs = source.inputs.get(&person.person);
        for subject in &mut gathered {
            let start = inputs.map_or_else(Start::default, |inputs| start(model, subject, inputs));
            subject.push(person.person, start, &person);
        }
    }
    Ok(gathered)
}

/// Where the fold of a person starts from in a subject ([`Inputs::start`]), for the fit.
fn start(model: &Model, gathered: &Gathered, inputs: &Inputs) -> Start {
    let Some(subject) = model.subject(&gathered.subject) else {
        return Start::default();
    };
    let domains = subject.domains().iter().enumerate();
    let declared = domains.filter_map(|(place, domain)| {
        let degree = inputs.declared.get(&domain.key())?;
        Some((place, *degree))
    });
    Start {
        voie: inputs.voie_of(model, subject).map(|(_, guess)| guess),
        declared: declared.collect(),
    }
}

/// A person's key as a number.
fn number(person: PersonKey) -> u64 {
    let (high, low) = person.as_uuid().as_u64_pair();
    high ^ low
}

fn is_held_out(key: u64) -> bool {
    mixed(key ^ HELD_OUT_SALT).is_multiple_of(HELD_OUT_OF)
}

fn is_sampled(key: u64, share: f64) -> bool {
    share >= 1.0 || (mixed(key ^ SAMPLE_SALT) as f64) < share * 2_f64.powi(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_five_is_held_out_whatever_the_sample() {
        let keys = 0..10_000_u64;
        let of = |keys: &[u64]| keys.iter().filter(|key| is_held_out(**key)).count() as f64;
        let all: Vec<u64> = keys.collect();
        let half: Vec<u64> = all
            .iter()
            .copied()
            .filter(|key| is_sampled(*key, 0.5))
            .collect();
        // Four standard deviations of a fair draw.
        assert!(
            (half.len() as f64 - 5_000.0).abs() < 200.0,
            "{}",
            half.len()
        );
        assert!((of(&all) / 10_000.0 - 0.2).abs() < 0.016);
        assert!((of(&half) / half.len() as f64 - 0.2).abs() < 0.023);
    }
}
