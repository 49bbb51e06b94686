//! What is expected of an item before anybody has answered it.
//!
//! A fit places items on one scale with the pupils, and learns on the way how hard and how telling items of a set of
//! competencies are ([`SetPrior`]), and what a level that somebody judged says on that scale ([`LevelScale`]). An item that
//! came since, or that nobody has answered yet, starts from there: a difficulty `N(β, σ²)` of its set, in which a
//! level is one more observation, as noisy as levels were found to be.

use schemas::catalogue::{CatalogueItem, VARIANCE_OF_LEVEL};
use serde::{Deserialize, Serialize};

use crate::model::ItemParams;

/// What the assumed variance of a level weighs beside those that were measured, in items.
const ASSUMED_ITEMS: f64 = 10.0;

/// Variance of the offset of levels before any item shows it: no more than a subject's items spread.
const OFFSET_VARIANCE: f64 = 1.0;

/// The least variance of a level: no judgement is better than a fit.
const LEAST_VARIANCE: f64 = 0.05;

/// What a fit of a subject says of items that nobody has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemPriors {
    /// By sets of competencies that were answered, in the order of the sets.
    pub sets: Vec<SetPrior>,
    /// Of an item of any other set.
    pub other: ItemParams,
    /// What a level says.
    pub level: LevelScale,
}

/// What is expected of an item of a set of competencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetPrior {
    /// Keys of the competencies, rising.
    pub competencies: Vec<u64>,
    /// α, β and the variance of difficulties around β.
    pub params: ItemParams,
}

/// A level on the scale of a fit: its item's difficulty is `N(difficulty of the level + offset, variance)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelScale {
    /// How much harder items are than their levels say, in logits.
    pub offset: f64,
    /// How far off a level is: variance of the difficulty that it leaves.
    pub variance: f64,
}

impl Default for LevelScale {
    /// As the catalogue assumes it: pupils stand around 0 on every scale, and levels around pupils.
    fn default() -> Self {
        Self {
            offset: 0.0,
            variance: VARIANCE_OF_LEVEL,
        }
    }
}

impl LevelScale {
    /// From items that have both: the difficulty that their level says, and the parameters that were fitted.
    ///
    /// Mean equating, shrunk: the offset towards 0 (`OFFSET_VARIANCE`), the variance towards the assumed one
    /// (`ASSUMED_ITEMS`). Without items it is the default.
    #[must_use]
    pub fn of(items: &[(f64, ItemParams)]) -> Self {
        let (mut sum, mut weight) = (0.0, 1.0 / OFFSET_VARIANCE);
        for (level, item) in items {
            let precision = 1.0 / (VARIANCE_OF_LEVEL + item.s2);
            sum += precision * (item.b - level);
            weight += precision;
        }
        let offset = sum / weight;
        let (mut squares, mut count) = (ASSUMED_ITEMS * VARIANCE_OF_LEVEL, ASSUMED_ITEMS);
        for (level, item) in items {
            let off = item.b - level - offset;
            squares += off * off + item.s2;
            count += 1.0;
        }
        Self {
            offset,
            variance: (squares / count).max(LEAST_VARIANCE),
        }
    }
}

impl ItemPriors {
    /// The parameters that an item of the catalogue starts from, of these competencies (keys, in any order): the
    /// declared ones, else those of its set, with its level as one more observation where it has one.
    #[must_use]
    pub fn params(&self, item: &CatalogueItem, competencies: &[u64]) -> ItemParams {
        if item.item.is_some() {
            return item.params().into();
        }
        let prior = self.of_set(competencies);
        let Some(level) = item.level_difficulty() else {
            return prior;
        };
        let (of_set, of_level) = (1.0 / prior.s2, 1.0 / self.level.variance);
        let s2 = 1.0 / (of_set + of_level);
        ItemParams {
            a: prior.a,
            b: s2 * (of_set * prior.b + of_level * (level + self.level.offset)),
            s2,
        }
    }

    /// What is expected of an item of these competencies (keys, in any order).
    #[must_use]
    pub fn of_set(&self, competencies: &[u64]) -> ItemParams {
        let mut set = competencies.to_vec();
        set.sort_unstable();
        let known = self
            .sets
            .binary_search_by(|known| known.competencies.cmp(&set));
        known.map_or(self.other, |place| self.sets[place].params)
    }
}
