//! What one answer did to a state: every node it touched, before and after.
//!
//! Nothing is computed here a second time. The answer goes through [`PupilState::answer`]'s own step,
//! and the nodes are looked at on both sides of it; how far a competency has faded is asked of the
//! fold's own fading.

use crate::hyper::Hyper;
use crate::model::{Item, ItemParams, Model, Subject};
use crate::state::{CompetencyNode, Gauss, Moment, PupilState, Step, first_of_its_domain};

/// A node before and after, each as (mean, variance).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Faded to the time of the answer, just before it.
    pub before: (f64, f64),
    /// Just after it.
    pub after: (f64, f64),
}

impl Move {
    fn new(before: Gauss, after: Gauss) -> Self {
        Self {
            before: (before.m, before.v),
            after: (after.m, after.v),
        }
    }

    /// By how much the mean moved.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.after.0 - self.before.0
    }
}

/// The node of a competency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompetencyMove {
    /// Key of the competency.
    pub competency: u64,
    /// Its deviation.
    pub node: Move,
    /// The part of the deviation that the time since the answer before left of it, in `]0, 1]`.
    pub kept: f64,
    /// Answers that practised it, this one included.
    pub answers: u32,
    /// What the answer added to the level that practice brings: `λ·ln((1+n)/n)`, at the first one
    /// `λ·ln 2 + κ`.
    pub practice: f64,
}

/// The node of a domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DomainMove {
    /// Key of the domain.
    pub domain: u64,
    /// Its deviation.
    pub node: Move,
}

/// The nodes of an answer that are no mastery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passing {
    /// Form of the session.
    pub session: Move,
    /// Memory of the item.
    pub memory: Move,
    /// The pupil's own way with retries: moved by a retry alone.
    pub habit: Move,
}

/// What an answer did to a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Parameters of the item.
    pub item: ItemParams,
    /// The figures of the step.
    pub step: Step,
    /// General ability.
    pub general: Move,
    /// The item's domains, each once.
    pub domains: Vec<DomainMove>,
    /// The item's competencies, in its order.
    pub competencies: Vec<CompetencyMove>,
    /// What is no mastery: the session's form, the item's memory, the way with retries. An evaluation has none.
    pub passing: Option<Passing>,
}

impl PupilState {
    /// [`PupilState::answer`], with what it did.
    pub fn answer_traced(
        &mut self,
        model: &Model,
        item: &Item,
        y: f64,
        correct: bool,
        t: Option<f64>,
    ) -> Trace {
        let now = Moment::new(t);
        let hyper = model.subject_of(item).hyper();
        let (session, memory) = (
            self.session_at(hyper, now),
            self.item_at(hyper, item.key(), now),
        );
        let habit = self.h;
        let before = Before::of(self, model, item, now);
        let step = self.step(model, item, y, correct, t);
        let passing = Passing {
            session: Move::new(session, self.s),
            memory: Move::new(memory, self.item_at(hyper, item.key(), now)),
            habit: Move::new(habit, self.h),
        };
        before.trace(self, model, item, step, Some(passing))
    }

    /// The form of the session that a time belongs to.
    fn session_at(&self, hyper: &Hyper, now: Moment) -> Gauss {
        if self.opens_session(hyper, now) {
            Gauss::prior(hyper.vs)
        } else {
            self.s
        }
    }

    /// What the time since its last practice left of a competency's deviation, in `]0, 1]`; 1 where
    /// it was never practised or no time passed.
    pub(crate) fn kept(&self, subject: &Subject, competency: u64, now: Moment) -> f64 {
        let of_one = |node: &CompetencyNode| {
            let mut node = *node;
            // Fading multiplies the mean: faded, a mean of one is what is kept.
            node.node.m = 1.0;
            node.at(subject, now).m
        };
        self.c.get(&competency).map_or(1.0, of_one)
    }

    /// The level that practice brought a competency, before forgetting.
    pub(crate) fn practice(&self, subject: &Subject, competency: u64) -> f64 {
        self.competency_at(subject, competency, Moment::NONE)
            .practice
    }
}

/// What an answer is about to touch.
#[derive(Debug)]
pub(crate) struct Before {
    general: Gauss,
    domains: Vec<(u64, Gauss)>,
    competencies: Vec<BeforeCompetency>,
}

#[derive(Debug)]
struct BeforeCompetency {
    key: u64,
    node: Gauss,
    kept: f64,
    practice: f64,
}

impl Before {
    pub(crate) fn of(state: &PupilState, model: &Model, item: &Item, now: Moment) -> Self {
        let subject = model.subject_of(item);
        let loadings = item.loadings();
        let competency = |key: u64| {
            let faded = state.competency_at(subject, key, now);
            BeforeCompetency {
                key,
                node: Gauss {
                    m: faded.m,
                    v: faded.v,
                },
                kept: state.kept(subject, key, now),
                practice: state.practice(subject, key),
            }
        };
        Self {
            general: state.g,
            domains: (0..loadings.len())
                .filter(|&position| first_of_its_domain(loadings, position))
                .map(|position| loadings[position].domain_key)
                .map(|key| (key, state.domain_node(subject.hyper(), key)))
                .collect(),
            competencies: loadings.iter().map(|one| competency(one.key)).collect(),
        }
    }

    pub(crate) fn trace(
        self,
        after: &PupilState,
        model: &Model,
        item: &Item,
        step: Step,
        passing: Option<Passing>,
    ) -> Trace {
        let subject = model.subject_of(item);
        debug_assert_eq!(self.competencies.len(), item.loadings().len());
        let competency = |before: BeforeCompetency| {
            let node = after.c.get(&before.key);
            CompetencyMove {
                competency: before.key,
                node: Move::new(before.node, node.map_or(before.node, |node| node.node)),
                kept: before.kept,
                answers: node.map_or(0, |node| node.n),
                practice: after.practice(subject, before.key) - before.practice,
            }
        };
        let domain = |(key, before)| DomainMove {
            domain: key,
            node: Move::new(before, after.domain_node(subject.hyper(), key)),
        };
        Trace {
            item: item.params(),
            step,
            general: Move::new(self.general, after.g),
            domains: self.domains.into_iter().map(domain).collect(),
            competencies: self.competencies.into_iter().map(competency).collect(),
            passing,
        }
    }
}
