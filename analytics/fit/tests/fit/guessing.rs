//! What guessing on multiple choice costs, since no term of the model stands for it: pupils answer by the
//! 3PL with a known chance level, items and constants are fitted as always, and fresh pupils, whose true
//! chances are known, are predicted.

use fit::sequences::Sequences;
use fit::{Answers, Pupil, Settings, Start, filter, fit};
use mastery::maths::{exp, ln, sigmoid};

use crate::common::{Chance, answer};

const ITEMS: usize = 40;

/// Answers of a pupil from which on predictions are looked at.
const AFTER: usize = 10;

/// How predictions of fresh pupils stand to their true chances.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Log loss beyond that of who knows the true chances, in nats an answer.
    beyond: f64,
    /// The same of who knows the true items, guessing included, and infers the ability from the answers before:
    /// no filter does better.
    ideal: f64,
    /// Mean distance of prediction and true chance, over 20 bins of the prediction.
    ece: f64,
    /// Mean of prediction less true chance at items to choose in: the weakest third of the pupils, the strongest.
    weak: f64,
    strong: f64,
}

/// Success at an item: every other one is to be chosen in, with this chance of a hit by guessing.
fn success(ability: f64, item: usize, chance_level: f64) -> f64 {
    let b = -1.8 + 3.6 * item as f64 / (ITEMS - 1) as f64;
    let a = [0.8, 1.0, 1.3][item / 2 % 3];
    let c = if is_choice(item) { chance_level } else { 0.0 };
    c + (1.0 - c) * sigmoid(a * ability - b)
}

fn is_choice(item: usize) -> bool {
    item.is_multiple_of(2)
}

/// Pupils who answer in an order of their own, and the true chances of their answers.
fn pupils(number: u64, seed: u64, chance_level: f64) -> (Vec<Pupil>, Vec<(f64, Vec<f64>)>) {
    let mut chance = Chance::new(seed);
    let mut truths = Vec::new();
    let pupil = |key: u64| {
        let ability = 1.2 * chance.normal();
        let mut truth = Vec::new();
        let answers = (0..ITEMS).map(|n| {
            let item = chance.below(ITEMS);
            let p = success(ability, item, chance_level);
            truth.push(p);
            answer(item, chance.unit() < p, Some(3_600.0 * n as f64))
        });
        let answers = answers.collect();
        truths.push((ability, truth));
        Pupil {
            key,
            answers,
            start: Start::default(),
        }
    };
    let pupils = (0..number).map(pupil).collect();
    (pupils, truths)
}

/// What is known of an ability: its weights at points of the logit scale.
struct Posterior([f64; POINTS]);

const POINTS: usize = 81;

impl Posterior {
    fn ability(point: usize) -> f64 {
        -6.0 + 12.0 * point as f64 / (POINTS - 1) as f64
    }

    fn new() -> Self {
        let weight = |point| {
            let z = Self::ability(point) / 1.2;
            exp(-z * z / 2.0)
        };
        Self(std::array::from_fn(weight))
    }

    /// The success to expect of an item, then what its answer leaves.
    fn expect(&mut self, item: usize, chance_level: f64, correct: bool) -> f64 {
        let (mut sum, mut right) = (0.0, 0.0);
        for (point, weight) in self.0.iter_mut().enumerate() {
            let p = success(Self::ability(point), item, chance_level);
            sum += *weight;
            right += *weight * p;
            *weight *= if correct { p } else { 1.0 - p };
        }
        right / sum
    }
}

fn cost(chance_level: f64) -> Cost {
    let tags: Vec<Vec<usize>> = (0..ITEMS).map(|item| vec![item % 3]).collect();
    let (seen, _) = pupils(1_500, 1, chance_level);
    let seen = Answers::new(tags, vec![0; 3], seen).expect("well formed");
    let settings = Settings {
        evaluations: 200,
        rounds: 2,
        ..Settings::default()
    };
    let fitted = fit(&seen, &settings);
    let (fresh, truths) = pupils(1_500, 2, chance_level);
    let fresh = seen.with_pupils(fresh).expect("well formed");
    let everybody: Vec<usize> = (0..fresh.pupils().len()).collect();
    let sequences = Sequences::new(&fresh, &everybody, &fitted.hyper);
    let predicted = filter::predictions(&sequences, &fitted.items, &fitted.hyper, 2);
    let mut abilities: Vec<f64> = truths.iter().map(|(ability, _)| *ability).collect();
    abilities.sort_unstable_by(f64::total_cmp);
    let thirds = [
        abilities[abilities.len() / 3],
        abilities[2 * abilities.len() / 3],
    ];
    let (mut beyond, mut ideal, mut count) = (0.0, 0.0, 0.0);
    let loss = |p: f64, q: f64| p * (ln(p) - ln(q)) + (1.0 - p) * (ln(1.0 - p) - ln(1.0 - q));
    let mut bins = [(0.0, 0.0); 20];
    let (mut weak, mut strong) = ((0.0, 0.0), (0.0, 0.0));
    let mut rows = predicted.iter();
    for (pupil, (ability, truth)) in fresh.pupils().iter().zip(&truths) {
        let mut posterior = Posterior::new();
        for (n, (answer, p)) in pupil.answers.iter().zip(truth).enumerate() {
            let q = rows.next().expect("as many").expected;
            let best = posterior.expect(answer.item, chance_level, answer.correct);
            if n < AFTER {
                continue;
            }
            beyond += loss(*p, q);
            ideal += loss(*p, best);
            count += 1.0;
            let bin = &mut bins[((q * 20.0) as usize).min(19)];
            *bin = (bin.0 + q - p, bin.1 + 1.0);
            let of = match *ability {
                ability if ability < thirds[0] => &mut weak,
                ability if ability > thirds[1] => &mut strong,
                _ => continue,
            };
            if is_choice(answer.item) {
                *of = (of.0 + q - p, of.1 + 1.0);
            }
        }
    }
    Cost {
        beyond: beyond / count,
        ideal: ideal / count,
        ece: bins.iter().map(|bin| bin.0.abs()).sum::<f64>() / count,
        weak: weak.0 / weak.1,
        strong: strong.0 / strong.1,
    }
}

#[test]
fn guessing_costs_next_to_nothing_where_difficulty_and_discrimination_take_it_up() {
    let costs = [0.0, 0.25, 0.5].map(|level| (level, cost(level)));
    for (level, cost) in costs {
        let Cost {
            beyond,
            ideal,
            ece,
            weak,
            strong,
        } = cost;
        println!(
            "chance level {level}: beyond {beyond:.4}, ideal {ideal:.4}, ECE {ece:.4}, \
             weakest third {weak:+.3}, strongest {strong:+.3}"
        );
    }
    let without = costs[0].1;
    for (level, cost) in &costs[1..] {
        // What is lost against the best there is grows by less than two thousandths of a nat.
        let more = (cost.beyond - cost.ideal) - (without.beyond - without.ideal);
        assert!(more < 0.002, "{level}: {cost:?}, {without:?}");
        assert!(cost.ece < 0.02, "{level}: {cost:?}");
    }
}
