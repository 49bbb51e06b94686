//! The items' parameters, from the filter's residuals: passes of filter, sums by item, a Newton step.
//!
//! Priors, estimated on the way: `b_i ~ N(β_combo, σb²)`, `β_combo ~ N(β₀, σβ²)`, where a combo is a set
//! of competencies; `a_i ~ N(α_combo, 0.05)`. So an item that few have answered stays near those that ask
//! for the same.

use std::collections::BTreeMap;
use std::ops::Range;

use mastery::maths::{logit, sigmoid};
use mastery::{Hyper, ItemParams};

use crate::filter::{self, Seen};
use crate::sequences::Sequences;
use crate::threads;

/// Answers at its combo's rate that an item is given for its first difficulty.
const FIRST: f64 = 4.0;

/// Variance of an item's difficulty before the first pass.
const FIRST_VARIANCE: f64 = 0.3;

/// Variance of discriminations around their combo's.
const SPREAD_A: f64 = 0.05;

/// Items of discrimination 1 that a combo is given.
const COMBO_PRIOR: f64 = 20.0;

/// Where discriminations end.
const A_RANGE: (f64, f64) = (0.2, 3.0);

/// The least variance of difficulties within a combo, and of combos.
const LEAST_SPREAD: f64 = 0.05;

/// A difficulty moves no further in a step: what is farther comes in the next.
const STEP: f64 = 2.0;

/// Newton steps between two runs of the filter.
const STEPS: usize = 2;

/// What is calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Passes of filter and sums.
    pub passes: usize,
    /// Whether discriminations are fitted; else all are 1.
    pub discrimination: bool,
}

/// Items on their way, with what they have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Items {
    /// The parameters of each item.
    pub params: Vec<ItemParams>,
    /// Answers that each rests on.
    pub answers: Vec<u64>,
    combo: Vec<usize>,
    combos: Vec<Combo>,
    /// σb².
    spread: f64,
    /// β₀ and σβ².
    centre: (f64, f64),
}

/// What is expected of an item that nobody has answered, with the variance of its difficulty.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// By its set of competencies (indices, rising), where items of that set were answered.
    pub sets: BTreeMap<Vec<usize>, ItemParams>,
    /// By any other.
    pub other: ItemParams,
}

/// A set of competencies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Combo {
    alpha: f64,
    beta: f64,
    answered: bool,
}

/// How the log likelihood of the answers to an item changes with its parameters: first derivative, and the second
/// without its sign, which is never positive.
#[derive(Debug, Clone, Copy, Default)]
struct Slope {
    /// As the difficulty falls.
    b: (f64, f64),
    /// As the discrimination grows.
    a: (f64, f64),
}

impl Items {
    /// What counts alone say: items as they stand before the first pass.
    #[must_use]
    pub fn start(sequences: &Sequences, tags: &[Box<[usize]>]) -> Self {
        let (combo, count) = combos(tags);
        let mut of_item = vec![(0.0, 0.0); tags.len()];
        for row in sequences.rows() {
            let (right, answers) = &mut of_item[row.item];
            *right += row.outcome;
            *answers += 1.0;
        }
        let mut of_combo = vec![(0.0, 0.0); count];
        let mut all = (1.0, 2.0);
        for (&(right, answers), &combo) in of_item.iter().zip(&combo) {
            of_combo[combo].0 += right;
            of_combo[combo].1 += answers;
            all = (all.0 + right, all.1 + answers);
        }
        let rate = all.0 / all.1;
        let shrunk =
            |(right, answers): (f64, f64), rate: f64| (right + FIRST * rate) / (answers + FIRST);
        let rates: Vec<f64> = of_combo.iter().map(|sums| shrunk(*sums, rate)).collect();
        let params = of_item.iter().zip(&combo).map(|(sums, combo)| ItemParams {
            a: 1.0,
            b: -logit(shrunk(*sums, rates[*combo])),
            s2: FIRST_VARIANCE,
        });
        let combos = rates.iter().zip(&of_combo).map(|(rate, sums)| Combo {
            alpha: 1.0,
            beta: -logit(*rate),
            answered: sums.1 > 0.0,
        });
        Self {
            params: params.collect(),
            answers: of_item.iter().map(|(_, answers)| *answers as u64).collect(),
            combos: combos.collect(),
            combo,
            spread: 1.0,
            centre: (-logit(rate), 1.0),
        }
    }

    /// What [`Items::start`] does not say, as numbers.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        let params = self
            .params
            .iter()
            .flat_map(|item| [item.a, item.b, item.s2]);
        let combos = self.combos.iter().flat_map(|one| [one.alpha, one.beta]);
        let common = [self.spread, self.centre.0, self.centre.1];
        params.chain(combos).chain(common).collect()
    }

    /// Takes the numbers of [`Items::numbers`]; false where they are of other items.
    #[must_use]
    pub fn restore(&mut self, numbers: &[f64]) -> bool {
        let (of_params, of_combos) = (3 * self.params.len(), 2 * self.combos.len());
        if numbers.len() != of_params + of_combos + 3 {
            return false;
        }
        let (params, rest) = numbers.split_at(of_params);
        let (combos, common) = rest.split_at(of_combos);
        for (item, of) in self.params.iter_mut().zip(params.chunks_exact(3)) {
            (item.a, item.b, item.s2) = (of[0], of[1], of[2]);
        }
        for (combo, of) in self.combos.iter_mut().zip(combos.chunks_exact(2)) {
            (combo.alpha, combo.beta) = (of[0], of[1]);
        }
        self.spread = common[0];
        self.centre = (common[1], common[2]);
        true
    }

    /// Passes over the answers, each beginning with the parameters that the one before left.
    pub fn calibrate(
        &mut self,
        sequences: &Sequences,
        hyper: &Hyper,
        how: Calibration,
        workers: usize,
    ) {
        let by_item = ByItem::new(sequences, self.params.len());
        for _ in 0..how.passes {
            let seen = filter::seen(sequences, &self.params, hyper, workers);
            for _ in 0..STEPS {
                self.step(sequences, &seen, &by_item, how, workers);
            }
            self.spread_again();
        }
        self.fill();
    }

    fn step(
        &mut self,
        sequences: &Sequences,
        seen: &[Seen],
        by_item: &ByItem,
        how: Calibration,
        workers: usize,
    ) {
        let slopes = by_item.slopes(sequences, seen, &self.params, workers);
        for (item, slope) in slopes.iter().enumerate() {
            let beta = self.combos[self.combo[item]].beta;
            let item = &mut self.params[item];
            let bend = slope.b.1 + 1.0 / self.spread;
            let down = slope.b.0 + (item.b - beta) / self.spread;
            item.b -= (down / bend).clamp(-STEP, STEP);
            item.s2 = 1.0 / bend;
        }
        self.centre_combos();
        if !how.discrimination {
            return;
        }
        let slopes = by_item.slopes(sequences, seen, &self.params, workers);
        for (item, slope) in slopes.iter().enumerate() {
            let alpha = self.combos[self.combo[item]].alpha;
            let item = &mut self.params[item];
            let up = slope.a.0 - (item.a - alpha) / SPREAD_A;
            let moved = item.a + up / (slope.a.1 + 1.0 / SPREAD_A);
            item.a = moved.clamp(A_RANGE.0, A_RANGE.1);
        }
        let mut sums = vec![(COMBO_PRIOR, COMBO_PRIOR); self.combos.len()];
        for (item, combo) in self.answered() {
            sums[combo].0 += item.a;
            sums[combo].1 += 1.0;
        }
        for (combo, (sum, count)) in self.combos.iter_mut().zip(sums) {
            combo.alpha = sum / count;
        }
    }

    /// β of each combo, from its items' difficulties.
    fn centre_combos(&mut self) {
        let (beta_0, spread_0) = self.centre;
        let mut sums = vec![(beta_0 / spread_0, 1.0 / spread_0); self.combos.len()];
        for (item, combo) in self.answered() {
            let weight = 1.0 / (self.spread + item.s2);
            sums[combo].0 += weight * item.b;
            sums[combo].1 += weight;
        }
        for (combo, (sum, weight)) in self.combos.iter_mut().zip(sums) {
            combo.beta = sum / weight;
        }
    }

    /// σb², β₀ and σβ² from what stands now.
    fn spread_again(&mut self) {
        let (mut sum, mut count) = (0.0, 0.0);
        for (item, combo) in self.answered() {
            let off = item.b - self.combos[combo].beta;
            sum += off * off + item.s2;
            count += 1.0;
        }
        self.spread = (sum / count).max(LEAST_SPREAD);
        let answered = self.combos.iter().filter(|combo| combo.answered);
        let betas: Vec<f64> = answered.map(|combo| combo.beta).collect();
        let count = betas.len() as f64;
        let mean = betas.iter().sum::<f64>() / count;
        let square = betas.iter().map(|beta| (beta - mean) * (beta - mean));
        self.centre = (mean, (square.sum::<f64>() / count).max(LEAST_SPREAD));
    }

    /// An item that nobody answered is one of its combo, and that is all that is known of it.
    fn fill(&mut self) {
        for (item, params) in self.params.iter_mut().enumerate() {
            if self.answers[item] == 0 {
                let combo = self.combos[self.combo[item]];
                *params = ItemParams {
                    a: combo.alpha,
                    b: combo.beta,
                    s2: self.spread,
                };
            }
        }
    }

    /// What is expected of an item that nobody has answered. `tags` are those that the items were started with.
    ///
    /// Of a combo that nobody has answered nothing is known but how combos spread: that comes on top of how items
    /// spread within one.
    #[must_use]
    pub fn expected(&self, tags: &[Box<[usize]>]) -> Expected {
        let mut sets = BTreeMap::new();
        for (competencies, &combo) in tags.iter().zip(&self.combo) {
            let Combo {
                alpha,
                beta,
                answered,
            } = self.combos[combo];
            if answered {
                let params = ItemParams {
                    a: alpha,
                    b: beta,
                    s2: self.spread,
                };
                let mut set = competencies.to_vec();
                set.sort_unstable();
                sets.insert(set, params);
            }
        }
        Expected {
            sets,
            other: ItemParams {
                a: 1.0,
                b: self.centre.0,
                s2: self.spread + self.centre.1,
            },
        }
    }

    /// The items that somebody answered, each with its combo.
    fn answered(&self) -> impl Iterator<Item = (ItemParams, usize)> {
        let items = self.params.iter().zip(&self.combo).zip(&self.answers);
        items
            .filter(|(_, answers)| **answers > 0)
            .map(|((params, combo), _)| (*params, *combo))
    }
}

/// The combo of each item, and how many there are.
fn combos(tags: &[Box<[usize]>]) -> (Vec<usize>, usize) {
    let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut combo = Vec::with_capacity(tags.len());
    for competencies in tags {
        let mut set = competencies.to_vec();
        set.sort_unstable();
        let next = known.len();
        combo.push(*known.entry(set).or_insert(next));
    }
    (combo, known.len())
}

/// The rows of each item, in their order.
#[derive(Debug)]
pub(crate) struct ByItem {
    ends: Vec<usize>,
    rows: Vec<usize>,
}

impl ByItem {
    pub(crate) fn new(sequences: &Sequences, items: usize) -> Self {
        let mut next = vec![0; items + 1];
        for row in sequences.rows() {
            next[row.item + 1] += 1;
        }
        for item in 0..items {
            next[item + 1] += next[item];
        }
        let mut rows = vec![0; sequences.rows().len()];
        for (index, row) in sequences.rows().iter().enumerate() {
            rows[next[row.item]] = index;
            next[row.item] += 1;
        }
        next.truncate(items);
        Self { ends: next, rows }
    }

    /// The rows of an item.
    pub(crate) fn of(&self, item: usize) -> &[usize] {
        let start = item.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[start..self.ends[item]]
    }

    /// The slopes of every item. Each is a sum in the order of its rows: as many workers as there may be
    /// change no bit of it.
    fn slopes(
        &self,
        sequences: &Sequences,
        seen: &[Seen],
        params: &[ItemParams],
        workers: usize,
    ) -> Vec<Slope> {
        let shares = threads::shares(self.ends.iter().copied(), workers);
        let of_share = |items: Range<usize>| -> Vec<Slope> {
            let answer = |row: &usize| (seen[*row], sequences.rows()[*row].outcome);
            items
                .map(|item| Slope::of(self.of(item).iter().map(answer), params[item]))
                .collect()
        };
        threads::each(shares, of_share).concat()
    }
}

impl Slope {
    /// Of answers: what was seen before each, and its outcome.
    fn of(answers: impl Iterator<Item = (Seen, f64)>, item: ItemParams) -> Self {
        let mut slope = Self::default();
        for (seen, outcome) in answers {
            let shrunk = seen.shrunk();
            let p = sigmoid(shrunk * seen.logits(item));
            let k = shrunk * seen.factor;
            let residual = k * (outcome - p);
            let weight = k * k * p * (1.0 - p);
            slope.b.0 += residual;
            slope.b.1 += weight;
            slope.a.0 += residual * seen.theta;
            slope.a.1 += weight * seen.theta * seen.theta;
        }
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log likelihood of the answers.
    fn likelihood(answers: &[(Seen, f64)], a: f64, b: f64) -> f64 {
        let item = ItemParams { a, b, s2: 0.0 };
        let of = |(seen, outcome): &(Seen, f64)| {
            let p = sigmoid(seen.shrunk() * seen.logits(item));
            outcome * p.ln() + (1.0 - outcome) * (1.0 - p).ln()
        };
        answers.iter().map(of).sum()
    }

    #[test]
    fn slopes_are_those_of_the_likelihood() {
        // Retries count in part, some outcomes are partial.
        let answer = |n: u32| {
            let x = f64::from(n);
            let seen = Seen {
                factor: [1.0, 0.4][usize::from(n.is_multiple_of(3))],
                theta: (x * 0.7).sin() * 2.0,
                offset: (x * 1.3).cos(),
                v: 0.1 + (x * 0.9).sin().abs(),
                expected: 0.5,
            };
            (seen, [0.0, 1.0, 0.6, 1.0][n as usize % 4])
        };
        let answers: Vec<_> = (0..30).map(answer).collect();
        for (a, b) in [(1.0, 0.0), (0.4, -1.5), (1.9, 0.8)] {
            let item = ItemParams { a, b, s2: 0.3 };
            let slope = Slope::of(answers.iter().copied(), item);
            let h = 1e-4;
            let at = |da: f64, db: f64| likelihood(&answers, a + da * h, b + db * h);
            let first = |da: f64, db: f64| (at(da, db) - at(-da, -db)) / (2.0 * h);
            let second =
                |da: f64, db: f64| (at(da, db) + at(-da, -db) - 2.0 * at(0.0, 0.0)) / (h * h);
            for (told, found) in [
                (slope.b.0, -first(0.0, 1.0)),
                (slope.b.1, -second(0.0, 1.0)),
                (slope.a.0, first(1.0, 0.0)),
                (slope.a.1, -second(1.0, 0.0)),
            ] {
                assert!(
                    (told - found).abs() < 1e-5,
                    "{told} for {found} at {a}, {b}"
                );
            }
        }
    }
}
