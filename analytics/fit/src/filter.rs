//! The fold of `mastery` over all pupils at once, for the fit: the same equations on plain arrays, without
//! what only a shown state needs.
//!
//! [`mastery::PupilState::answer`] is the fold; a property test holds the two together to 1e-9
//! (`tests/fit/filter.rs`).

use std::ops::Range;

use mastery::declared::{observation, observe};
use mastery::maths::{PI_8, exp, expected_sigmoid, sigmoid};
use mastery::{Hyper, ItemParams, beside};

use crate::answers::Start;
use crate::scores::{Predicted, loss};
use crate::sequences::{Bounds, Loading, Row, Sequences};
use crate::threads;

/// The sum that an answer was expected from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    /// The share in which ability, form, memory and difficulty count ([`mastery::Before::factor`]).
    pub factor: f64,
    /// Ability for the item, which its discrimination multiplies.
    pub theta: f64,
    /// What stands beside ability and difficulty: form of the session and memory of the item in their share,
    /// the answer before.
    pub offset: f64,
    /// Variance of the whole.
    pub v: f64,
    /// The success that was expected.
    pub expected: f64,
}

impl Seen {
    /// Logits of success at an item.
    pub(crate) fn logits(&self, item: ItemParams) -> f64 {
        self.factor * (item.a * self.theta - item.b) + self.offset
    }

    /// What uncertainty makes of logits, as the probit approximation has it.
    pub(crate) fn shrunk(&self) -> f64 {
        1.0 / (1.0 + PI_8 * self.v).sqrt()
    }
}

/// The sums of all answers, in their order.
#[must_use]
pub fn seen(
    sequences: &Sequences,
    items: &[ItemParams],
    hyper: &Hyper,
    workers: usize,
) -> Vec<Seen> {
    let of_share = |pupils: Range<usize>| {
        let mut seen = Vec::with_capacity(sequences.rows_of(&pupils).len());
        run(sequences, pupils, items, hyper, |_, sum| seen.push(sum));
        seen
    };
    threads::each(shares(sequences, workers), of_share).concat()
}

/// Mean log loss of all answers.
///
/// Pupils are summed one by one and then in their order, so that the number of workers changes no bit.
#[must_use]
pub fn log_loss(sequences: &Sequences, items: &[ItemParams], hyper: &Hyper, workers: usize) -> f64 {
    let of_share = |pupils: Range<usize>| {
        let mut rows = 0;
        let mut losses = vec![0.0; pupils.len()];
        let first = pupils.start;
        let start = sequences.rows_of(&pupils).start;
        let mut pupil = 0;
        run(sequences, pupils, items, hyper, |row, sum| {
            while start + rows >= sequences.pupils()[first + pupil].rows_end {
                pupil += 1;
            }
            losses[pupil] += loss(sum.expected, row.outcome);
            rows += 1;
        });
        losses
    };
    let losses = threads::each(shares(sequences, workers), of_share);
    losses.iter().flatten().sum::<f64>() / (sequences.rows().len() as f64).max(1.0)
}

/// Every answer with what was expected of it.
#[must_use]
pub fn predictions(
    sequences: &Sequences,
    items: &[ItemParams],
    hyper: &Hyper,
    workers: usize,
) -> Vec<Predicted> {
    let seen = seen(sequences, items, hyper, workers);
    let rows = sequences.rows().iter().zip(&seen);
    let predicted = rows.map(|(row, seen)| Predicted {
        expected: seen.expected,
        correct: row.correct,
    });
    predicted.collect()
}

fn shares(sequences: &Sequences, workers: usize) -> Vec<Range<usize>> {
    let ends = sequences.pupils().iter().map(|pupil| pupil.rows_end);
    threads::shares(ends, workers)
}

/// A Gaussian node.
#[derive(Debug, Clone, Copy)]
struct Node {
    m: f64,
    v: f64,
}

impl Node {
    /// One step of the filter for a node that enters the sum with loading `h`.
    fn step(&mut self, h: f64, residual: f64, weight: f64) {
        self.m += self.v * h * residual;
        self.v -= self.v * self.v * h * h * weight;
    }
}

/// A pupil on the way.
#[derive(Debug)]
struct State {
    general: Node,
    session: Node,
    habit: Node,
    domains: Vec<Node>,
    competencies: Vec<Node>,
    memories: Vec<Node>,
}

impl State {
    fn new(domains: usize) -> Self {
        let nothing = Node { m: 0.0, v: 0.0 };
        Self {
            general: nothing,
            session: nothing,
            habit: nothing,
            domains: vec![nothing; domains],
            competencies: Vec::new(),
            memories: Vec::new(),
        }
    }

    /// Another pupil, who has not answered yet.
    fn begin(&mut self, hyper: &Hyper, pupil: Bounds, start: &Start) {
        let prior = |v: f64| Node { m: 0.0, v };
        let node = |(m, v): (f64, f64)| Node { m, v };
        self.general = start
            .voie
            .map_or(prior(hyper.vg), |guess| node(guess.start(hyper)));
        self.session = prior(hyper.vs);
        self.habit = prior(hyper.vr);
        self.domains.fill(prior(hyper.vd));
        for &(domain, degree) in &start.declared {
            let (general, own) = (self.general, self.domains[domain]);
            let nodes = ((general.m, general.v), (own.m, own.v));
            let (general, own) = observe(nodes, observation(hyper, degree));
            (self.general, self.domains[domain]) = (node(general), node(own));
        }
        self.competencies.clear();
        self.competencies
            .resize(pupil.competencies, prior(hyper.vk));
        self.memories.clear();
        self.memories.resize(pupil.items, prior(hyper.vi));
    }

    /// The steps 1 to 7 of the model: what an answer is expected from.
    fn expect(&mut self, hyper: &Hyper, row: &Row, loadings: &[Loading], item: ItemParams) -> Seen {
        if row.opens {
            self.session = Node {
                m: 0.0,
                v: hyper.vs,
            };
        }
        let memory = &mut self.memories[row.memory];
        if row.rested > 0.0 {
            memory.m *= exp(-hyper.ri * row.rested);
        }
        let share = 1.0 / loadings.len() as f64;
        let (mut theta, mut v) = (self.general.m, self.general.v);
        for loading in loadings {
            let node = &mut self.competencies[loading.node];
            let domain = self.domains[loading.domain];
            let mut practice = 0.0;
            if loading.met {
                practice = hyper.lam * loading.practice + hyper.kap - hyper.rho * loading.rested;
                if loading.rested > 0.0 {
                    node.m *= exp(-hyper.rk * loading.rested);
                }
            }
            theta += share * (domain.m + node.m + practice);
            v += share * share * (domain.v + node.v);
        }
        let beside = beside(hyper, row.before, row.right, row.wrong);
        let factor = row.before.map_or(1.0, |before| before.factor(hyper));
        let mut offset = factor * (self.session.m + memory.m) + beside;
        let mut v = factor * factor * (item.a * item.a * v + self.session.v + memory.v);
        if row.is_retry() {
            offset += self.habit.m;
            v += self.habit.v;
        }
        let mut seen = Seen {
            factor,
            theta,
            offset,
            v,
            expected: 0.0,
        };
        seen.expected = expected_sigmoid(seen.logits(item), v);
        seen
    }

    /// The steps 8 to 10: what the answer moves.
    fn learn(
        &mut self,
        hyper: &Hyper,
        row: &Row,
        loadings: &[Loading],
        item: ItemParams,
        seen: Seen,
    ) {
        let k = seen.factor;
        let p = sigmoid(seen.logits(item));
        let w = p * (1.0 - p);
        let total = 1.0 + w * (seen.v + k * k * item.s2);
        let (residual, weight) = ((row.outcome - p) / total, w / total);
        if row.is_retry() {
            self.habit.step(1.0, residual, weight);
        }
        // All others enter the sum in this share.
        let (residual, weight) = (k * residual, k * k * weight);
        let h = item.a / loadings.len() as f64;
        for loading in loadings {
            let node = &mut self.competencies[loading.node];
            node.step(h, residual, weight);
            node.v += hyper.qk;
            if hyper.vd > 0.0 {
                let domain = &mut self.domains[loading.domain];
                domain.step(h, residual, weight);
                domain.v += hyper.qd;
            }
        }
        let memory = &mut self.memories[row.memory];
        memory.step(1.0, residual, weight);
        memory.m += hyper.gi0 + row.outcome * (hyper.gi1 - hyper.gi0);
        memory.v += hyper.qi;
        self.general.step(item.a, residual, weight);
        self.general.v += hyper.qg;
        self.session.step(1.0, residual, weight);
        let phi2 = hyper.phi * hyper.phi;
        self.session.m *= hyper.phi;
        self.session.v = phi2 * self.session.v + (1.0 - phi2) * hyper.vs;
    }
}

/// Folds some pupils' answers; `take` gets each row with its sum, in order.
fn run(
    sequences: &Sequences,
    pupils: Range<usize>,
    items: &[ItemParams],
    hyper: &Hyper,
    mut take: impl FnMut(&Row, Seen),
) {
    let mut state = State::new(sequences.domains());
    let rows = sequences.rows_of(&pupils);
    let mut row_at = rows.start;
    let before = row_at.checked_sub(1);
    let mut loading_at = before.map_or(0, |before| sequences.rows()[before].loadings_end);
    let starts = &sequences.starts()[pupils.clone()];
    for (pupil, start) in sequences.pupils()[pupils].iter().zip(starts) {
        state.begin(hyper, *pupil, start);
        for row in &sequences.rows()[row_at..pupil.rows_end] {
            let loadings = &sequences.loadings()[loading_at..row.loadings_end];
            let item = items[row.item];
            let seen = state.expect(hyper, row, loadings, item);
            take(row, seen);
            state.learn(hyper, row, loadings, item, seen);
            loading_at = row.loadings_end;
        }
        row_at = pupil.rows_end;
    }
}
