//! Bayesian Knowledge Tracing (Corbett and Anderson 1995): a competency is known or not.
//!
//! Four probabilities a competency (known before, learnt at a step, guessed, slipped) by
//! expectation–maximisation over the training pupils. An item of several competencies is expected at
//! their mean and is evidence for each by itself.

use std::collections::HashMap;

use fit::{Answers, Predicted};

/// Passes of expectation–maximisation.
const PASSES: usize = 30;

/// Probabilities stay this far from 0 and 1.
const EDGE: f64 = 0.001;

/// The parameters of a competency.
#[derive(Clone, Copy, Debug)]
struct Skill {
    known: f64,
    learnt: f64,
    guess: f64,
    slip: f64,
}

impl Skill {
    /// Where the search begins, as pyBKT's documentation has it.
    const START: Self = Self {
        known: 0.4,
        learnt: 0.1,
        guess: 0.2,
        slip: 0.1,
    };

    /// Probability of a right answer when it is known with `p`.
    fn right(&self, p: f64) -> f64 {
        p * (1.0 - self.slip) + (1.0 - p) * self.guess
    }

    /// Likelihoods of an answer: when not known, when known.
    fn likelihoods(&self, right: bool) -> [f64; 2] {
        if right {
            [self.guess, 1.0 - self.slip]
        } else {
            [1.0 - self.guess, self.slip]
        }
    }

    /// How surely it is known after an answer and the step that follows.
    fn after(&self, p: f64, right: bool) -> f64 {
        let [not, yes] = self.likelihoods(right);
        let posterior = p * yes / (p * yes + (1.0 - p) * not);
        posterior + (1.0 - posterior) * self.learnt
    }
}

/// Sums of one pass.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    sequences: f64,
    known_first: f64,
    could_learn: f64,
    learnt: f64,
    unknown: f64,
    guessed: f64,
    known: f64,
    slipped: f64,
}

/// Learns and predicts.
pub(super) fn predict(train: &Answers, test: &Answers) -> Vec<Predicted> {
    let skills: Vec<Skill> = sequences(train).iter().map(|of| learn(of)).collect();
    let mut told = Vec::new();
    for pupil in test.pupils() {
        let mut known: HashMap<usize, f64> = HashMap::new();
        for answer in &pupil.answers {
            let competencies = &test.items()[answer.item];
            let mut sum = 0.0;
            for &competency in competencies {
                let skill = &skills[competency];
                let p = known.entry(competency).or_insert(skill.known);
                sum += skill.right(*p);
                *p = skill.after(*p, answer.correct);
            }
            told.push(Predicted {
                expected: sum / competencies.len() as f64,
                correct: answer.correct,
            });
        }
    }
    told
}

/// The answers of each pupil on each competency, by competency.
fn sequences(train: &Answers) -> Vec<Vec<Vec<bool>>> {
    let mut by_competency = vec![Vec::new(); train.domains().len()];
    for pupil in train.pupils() {
        let mut order: Vec<usize> = Vec::new();
        let mut own: HashMap<usize, Vec<bool>> = HashMap::new();
        for answer in &pupil.answers {
            for &competency in &train.items()[answer.item] {
                let sequence = own.entry(competency).or_default();
                if sequence.is_empty() {
                    order.push(competency);
                }
                sequence.push(answer.correct);
            }
        }
        for competency in order {
            by_competency[competency].extend(own.remove(&competency));
        }
    }
    by_competency
}

fn learn(sequences: &[Vec<bool>]) -> Skill {
    let mut skill = Skill::START;
    for _ in 0..PASSES {
        let mut sums = Sums::default();
        for sequence in sequences {
            sums.add(&skill, sequence);
        }
        skill = sums.skill();
    }
    skill
}

impl Sums {
    /// Forwards and backwards through one pupil's answers.
    fn add(&mut self, skill: &Skill, sequence: &[bool]) {
        // Before each answer: probabilities of not known and known, given the answers up to it.
        let mut forward = Vec::with_capacity(sequence.len());
        let mut p = skill.known;
        for &right in sequence {
            forward.push(p);
            p = skill.after(p, right);
        }
        // Likelihood of what follows, scaled, by state.
        let mut later = [1.0, 1.0];
        for (index, &right) in sequence.iter().enumerate().rev() {
            let [not, yes] = skill.likelihoods(right);
            let p = forward[index];
            let stay = (1.0 - p) * not * (1.0 - skill.learnt) * later[0];
            let learn = (1.0 - p) * not * skill.learnt * later[1];
            let known = p * yes * later[1];
            let all = stay + learn + known;
            let (stay, learn, known) = (stay / all, learn / all, known / all);
            if index + 1 < sequence.len() {
                self.could_learn += stay + learn;
                self.learnt += learn;
            }
            self.unknown += stay + learn;
            self.guessed += (stay + learn) * f64::from(u8::from(right));
            self.known += known;
            self.slipped += known * f64::from(u8::from(!right));
            if index == 0 {
                self.known_first += known;
            }
            let before = [
                not * ((1.0 - skill.learnt) * later[0] + skill.learnt * later[1]),
                yes * later[1],
            ];
            let scale = before[0] + before[1];
            later = [before[0] / scale, before[1] / scale];
        }
        self.sequences += 1.0;
    }

    fn skill(&self) -> Skill {
        let share = |part: f64, whole: f64, otherwise: f64| {
            let share = if whole > 0.0 { part / whole } else { otherwise };
            share.clamp(EDGE, 1.0 - EDGE)
        };
        let start = Skill::START;
        Skill {
            known: share(self.known_first, self.sequences, start.known),
            learnt: share(self.learnt, self.could_learn, start.learnt),
            guess: share(self.guessed, self.unknown, start.guess),
            slip: share(self.slipped, self.known, start.slip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_parameters_that_made_the_answers() {
        use rand::{Rng as _, SeedableRng as _};
        let truth = Skill {
            known: 0.3,
            learnt: 0.15,
            guess: 0.2,
            slip: 0.1,
        };
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let sequences: Vec<Vec<bool>> = (0..3_000)
            .map(|_| {
                let mut known = random.random_bool(truth.known);
                let mut answer = || {
                    let right = random.random_bool(if known { 0.9 } else { 0.2 });
                    known |= random.random_bool(truth.learnt);
                    right
                };
                (0..12).map(|_| answer()).collect()
            })
            .collect();
        let found = learn(&sequences);
        for (found, truth) in [
            (found.known, truth.known),
            (found.learnt, truth.learnt),
            (found.guess, truth.guess),
            (found.slip, truth.slip),
        ] {
            assert!((found - truth).abs() < 0.03, "{found} is not {truth}");
        }
    }
}
