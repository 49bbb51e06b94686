//! Simulated pupils who answer by the Rasch model, at lessons spread over days.

use chrono::{DateTime, TimeDelta, Utc};
use fit::mixed;
use mastery::maths::sigmoid;

use crate::world::{Flooded, noon};

/// Chance that depends on its seed alone.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mixed(seed))
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

/// Pupils with their abilities, and how likely each is to succeed at an item on a day.
#[derive(Debug)]
pub(crate) struct School {
    chance: Chance,
    abilities: Vec<f64>,
    given: u64,
}

impl School {
    /// So many pupils, of abilities with standard deviation 1.2.
    pub(crate) fn new(pupils: usize, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let abilities = (0..pupils).map(|_| 1.2 * chance.normal()).collect();
        Self {
            chance,
            abilities,
            given: 0,
        }
    }

    /// A lesson on a day: every pupil answers `each` of `items` items, drawn, with a chance that `success`
    /// gives of ability and item.
    pub(crate) fn lesson(
        &mut self,
        day: i64,
        items: usize,
        each: usize,
        success: impl Fn(f64, usize) -> f64,
    ) -> Vec<Flooded> {
        let mut answers = Vec::new();
        let at = noon() + TimeDelta::days(day);
        for pupil in 0..self.abilities.len() {
            for n in 0..each {
                let item = self.chance.below(items);
                let correct = self.chance.unit() < success(self.abilities[pupil], item);
                self.given += 1;
                answers.push(Flooded {
                    id: self.given,
                    account: format!("p{pupil}"),
                    item,
                    correct,
                    at: moment(at, n),
                });
            }
        }
        answers
    }
}

fn moment(at: DateTime<Utc>, n: usize) -> DateTime<Utc> {
    at + TimeDelta::seconds(60 * i64::try_from(n).unwrap_or(0))
}

/// Success by the Rasch model.
pub(crate) fn rasch(ability: f64, difficulty: f64) -> f64 {
    sigmoid(ability - difficulty)
}
