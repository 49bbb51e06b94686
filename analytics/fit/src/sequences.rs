//! What of the filter's input does not depend on parameters, computed once: which node an answer touches,
//! how long each has rested, how often it was practised, how the answer stands to the one before.
//!
//! A search asks the filter some thousand times; with the logarithms of times and counts at hand an answer
//! costs it little more than its two sigmoids.

use std::collections::HashMap;
use std::ops::Range;

use mastery::maths::ln_1p;
use mastery::{Before, Hyper};

use crate::answers::{Answer, Answers, Pupil, Start};
use crate::constants::Needs;

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub(crate) item: usize,
    pub(crate) outcome: f64,
    pub(crate) correct: bool,
    /// Number of its item among the pupil's.
    pub(crate) memory: usize,
    /// `ln(1 + t/τ)` of the time since the item was done; 0 the first time, or without times.
    pub(crate) rested: f64,
    /// `ln(1 + n)` of the right and of the wrong answers to the item before.
    pub(crate) right: f64,
    pub(crate) wrong: f64,
    /// Whether a session begins.
    pub(crate) opens: bool,
    /// How it stands to the answer before.
    pub(crate) before: Option<Before>,
    /// Where its loadings end; they begin where those of the row before do.
    pub(crate) loadings_end: usize,
}

impl Row {
    /// Whether it is the same item again at once.
    pub(crate) fn is_retry(&self) -> bool {
        self.before.is_some_and(|before| before.same_item)
    }

    /// Which constants this answer can tell something of.
    pub(crate) fn needs(&self) -> impl Iterator<Item = Needs> {
        let before = self.before.map(|before| match before {
            Before {
                same_item: true,
                correct,
                ..
            } => Needs::Retry(correct),
            Before {
                same_competency: true,
                correct,
                ..
            } => Needs::Same(correct),
            Before { correct, .. } => Needs::Other(correct),
        });
        let repeated = (self.right + self.wrong > 0.0).then_some(Needs::Repeats);
        let rested = (self.rested > 0.0).then_some(Needs::TimesAndRepeats);
        before.into_iter().chain(repeated).chain(rested)
    }
}

/// A competency of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loading {
    /// Number of the competency among the pupil's.
    pub(crate) node: usize,
    pub(crate) domain: usize,
    /// `ln(1 + t/τ)` of the time since it was practised; 0 the first time, or without times.
    pub(crate) rested: f64,
    /// `ln(1 + n)` of the answers that practised it.
    pub(crate) practice: f64,
    /// Whether there were any.
    pub(crate) met: bool,
}

/// Where a pupil's rows end, and how many nodes they touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) rows_end: usize,
    pub(crate) competencies: usize,
    pub(crate) items: usize,
}

/// Some pupils' answers, made ready.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequences {
    rows: Vec<Row>,
    loadings: Vec<Loading>,
    pupils: Vec<Bounds>,
    starts: Vec<Start>,
    domains: usize,
}

/// A thing's number among the pupil's, how often it was met, and when last.
#[derive(Debug, Clone, Copy)]
struct Met {
    number: usize,
    answers: u32,
    correct: u32,
    at: Option<f64>,
}

impl Sequences {
    /// Makes the answers of the pupils at these places ready, in that order. Of the constants only
    /// [`Hyper::tau`] and [`Hyper::gap`] count here, which no search changes.
    #[must_use]
    pub fn new(answers: &Answers, pupils: &[usize], hyper: &Hyper) -> Self {
        let mut sequences = Self {
            domains: answers.domain_count(),
            ..Self::default()
        };
        for &pupil in pupils {
            sequences.push(answers, &answers.pupils()[pupil], hyper);
        }
        sequences
    }

    /// How many answers they are.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn loadings(&self) -> &[Loading] {
        &self.loadings
    }

    pub(crate) fn pupils(&self) -> &[Bounds] {
        &self.pupils
    }

    /// What each pupil starts from.
    pub(crate) fn starts(&self) -> &[Start] {
        &self.starts
    }

    pub(crate) fn domains(&self) -> usize {
        self.domains
    }

    /// The rows of some pupils that stand side by side.
    pub(crate) fn rows_of(&self, pupils: &Range<usize>) -> Range<usize> {
        let before = |pupil: usize| {
            let before = pupil.checked_sub(1);
            before.map_or(0, |before| self.pupils[before].rows_end)
        };
        before(pupils.start)..before(pupils.end)
    }

    fn push(&mut self, answers: &Answers, pupil: &Pupil, hyper: &Hyper) {
        let mut competencies: HashMap<usize, Met> = HashMap::new();
        let mut items: HashMap<usize, Met> = HashMap::new();
        let mut last: Option<&Answer> = None;
        for answer in &pupil.answers {
            let tags = &answers.items()[answer.item];
            let rested = |at: Option<f64>| {
                let seconds = seconds(at, answer.time);
                seconds.map_or(0.0, |seconds| ln_1p(seconds / hyper.tau))
            };
            for &competency in tags {
                let next = competencies.len();
                let met = competencies.entry(competency).or_insert(Met::new(next));
                self.loadings.push(Loading {
                    node: met.number,
                    domain: answers.domains()[competency],
                    rested: rested(met.at),
                    practice: ln_1p(f64::from(met.answers)),
                    met: met.answers > 0,
                });
                met.again(answer);
            }
            let next = items.len();
            let met = items.entry(answer.item).or_insert(Met::new(next));
            let idle = seconds(last.and_then(|last| last.time), answer.time);
            self.rows.push(Row {
                item: answer.item,
                outcome: answer.outcome,
                correct: answer.correct,
                memory: met.number,
                rested: rested(met.at),
                right: ln_1p(f64::from(met.correct)),
                wrong: ln_1p(f64::from(met.answers - met.correct)),
                opens: idle.is_some_and(|idle| idle > hyper.gap_s()),
                before: last.map(|last| Before {
                    same_item: last.item == answer.item,
                    same_competency: answers.items()[last.item][0] == tags[0],
                    correct: last.correct,
                }),
                loadings_end: self.loadings.len(),
            });
            met.again(answer);
            last = Some(answer);
        }
        // A domain without an item is moved by nothing but what was declared.
        let declared = pupil.start.declared.iter().map(|(domain, _)| domain + 1);
        self.domains = declared.fold(self.domains, usize::max);
        self.starts.push(pupil.start.clone());
        self.pupils.push(Bounds {
            rows_end: self.rows.len(),
            competencies: competencies.len(),
            items: items.len(),
        });
    }
}

impl Met {
    fn new(number: usize) -> Self {
        Self {
            number,
            answers: 0,
            correct: 0,
            at: None,
        }
    }

    fn again(&mut self, answer: &Answer) {
        self.answers += 1;
        self.correct += u32::from(answer.correct);
        self.at = answer.time;
    }
}

/// Seconds from one time to a later one, where both are known.
fn seconds(from: Option<f64>, to: Option<f64>) -> Option<f64> {
    let (from, to) = (from?, to?);
    (to > from).then_some(to - from)
}
