//! What is fitted on: items with their competencies, and pupils' answers in order.

use mastery::{Degree, Guess};
use thiserror::Error;

/// One answer of a pupil.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Index of its item in [`Answers::items`].
    pub item: usize,
    /// What came of it, in `[0, 1]`: 1 right, 0 wrong, between them a partial success.
    pub outcome: f64,
    /// What counts as right or wrong where there is no between.
    pub correct: bool,
    /// When, in seconds from any beginning; `None` where it is not known.
    pub time: Option<f64>,
}

/// A pupil's answers in one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pupil {
    /// Who, as a number: decides with whom hyper-parameters are held out, and nothing else.
    pub key: u64,
    /// The answers, in fold order.
    pub answers: Vec<Answer>,
    /// What the fold starts from.
    pub start: Start,
}

/// What is known of a pupil before the first answer: nothing, the *voie* or a declared profile.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start {
    /// What the *voie* makes of general ability.
    pub voie: Option<Guess>,
    /// Degrees that were declared, by domain, in the framework's order.
    pub declared: Vec<(usize, Degree)>,
}

/// Answers of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    items: Vec<Box<[usize]>>,
    domains: Vec<usize>,
    pupils: Vec<Pupil>,
}

/// Why answers cannot be fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AnswersError {
    /// Nobody answered.
    #[error("there is no answer to fit on")]
    Empty,
    /// An item without a competency.
    #[error("item {0} has no competency")]
    NoCompetency(usize),
    /// An item names a competency that has no domain.
    #[error("item {0} has a competency that is not among the competencies")]
    UnknownCompetency(usize),
    /// A pupil answered an item that is not there.
    #[error("a pupil answered item {0}, which is not among the items")]
    UnknownItem(usize),
    /// An outcome that is no share of success.
    #[error("an outcome of item {0} does not lie between 0 and 1")]
    Outcome(usize),
}

impl Answers {
    /// Checks and keeps them.
    ///
    /// `items` holds the competencies of each item, the main one first, as indices into `domains`;
    /// `domains` holds the domain of each competency, counted from 0. A competency that an item
    /// names twice counts once.
    ///
    /// # Errors
    ///
    /// No answer at all, an index that points nowhere, an item without a competency, an outcome
    /// outside `[0, 1]`.
    pub fn new(
        items: Vec<Vec<usize>>,
        domains: Vec<usize>,
        mut pupils: Vec<Pupil>,
    ) -> Result<Self, AnswersError> {
        let items = items
            .into_iter()
            .enumerate()
            .map(|(index, competencies)| tags(index, &competencies, domains.len()))
            .collect::<Result<Vec<_>, _>>()?;
        pupils.retain(|pupil| !pupil.answers.is_empty());
        if pupils.is_empty() {
            return Err(AnswersError::Empty);
        }
        for answer in pupils.iter().flat_map(|pupil| &pupil.answers) {
            if answer.item >= items.len() {
                return Err(AnswersError::UnknownItem(answer.item));
            }
            if !(0.0..=1.0).contains(&answer.outcome) {
                return Err(AnswersError::Outcome(answer.item));
            }
        }
        Ok(Self {
            items,
            domains,
            pupils,
        })
    }

    /// The same items with the answers of other pupils.
    ///
    /// # Errors
    ///
    /// As [`Answers::new`].
    pub fn with_pupils(&self, pupils: Vec<Pupil>) -> Result<Self, AnswersError> {
        let items = self.items.iter().map(|tags| tags.to_vec()).collect();
        Self::new(items, self.domains.clone(), pupils)
    }

    /// The competencies of each item, the main one first.
    #[must_use]
    pub fn items(&self) -> &[Box<[usize]>] {
        &self.items
    }

    /// The domain of each competency.
    #[must_use]
    pub fn domains(&self) -> &[usize] {
        &self.domains
    }

    /// The pupils; each has an answer.
    #[must_use]
    pub fn pupils(&self) -> &[Pupil] {
        &self.pupils
    }

    /// How many domains there are: one more than the greatest.
    #[must_use]
    pub fn domain_count(&self) -> usize {
        self.domains.iter().max().map_or(0, |most| most + 1)
    }

    /// Whether the time of any answer is known.
    #[must_use]
    pub fn timed(&self) -> bool {
        let mut answers = self.pupils.iter().flat_map(|pupil| &pupil.answers);
        answers.any(|answer| answer.time.is_some())
    }
}

fn tags(item: usize, competencies: &[usize], known: usize) -> Result<Box<[usize]>, AnswersError> {
    let mut tags: Vec<usize> = Vec::with_capacity(competencies.len());
    for &competency in competencies {
        if competency >= known {
            return Err(AnswersError::UnknownCompetency(item));
        }
        if !tags.contains(&competency) {
            tags.push(competency);
        }
    }
    if tags.is_empty() {
        return Err(AnswersError::NoCompetency(item));
    }
    Ok(tags.into())
}
