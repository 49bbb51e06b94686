//! Where a pupil starts of whom nothing but the *voie* is known: a guess with a derivation, which fades.

use mastery::maths::{normal_cdf, sigmoid};
use mastery::{Guess, Hyper, Model, PupilState, Voie, VoieWeight};
use schemas::framework::SECONDE_JSON;
use serde_json::Value;

use crate::common::item_key;
use crate::properties::model;

fn weight(weight: f64) -> VoieWeight {
    VoieWeight::try_from(weight).expect("a weight")
}

fn guess(subject: &str, voie: Voie, of: f64) -> Guess {
    Guess::of(subject, voie, weight(of)).expect("figures and a weight")
}

/// Published shares of the framework: of pupils found satisfactory, by *voie* and subject, and of the general
/// and technological *voie* among all.
fn published() -> (Value, f64) {
    let framework: Value = serde_json::from_str(SECONDE_JSON).expect("JSON");
    let find = |value: &Value, name: &str| -> Vec<Value> {
        let mut found = Vec::new();
        let mut left = vec![value.clone()];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(map) => {
                    found.extend(map.get(name).cloned());
                    left.extend(map.into_values());
                }
                Value::Array(list) => left.extend(list),
                _ => {}
            }
        }
        found
    };
    let shares = find(&framework, "share_satisfaisante_or_tres_bonne");
    let gt = find(&framework, "share_gt");
    assert_eq!((shares.len(), gt.len()), (1, 1), "said once");
    (shares[0].clone(), gt[0].as_f64().expect("a share"))
}

#[test]
fn whole_weight_gives_back_the_published_shares_and_leaves_all_pupils_as_they_were() {
    let (shares, gt) = published();
    let hyper = Hyper::default();
    for subject in ["maths", "francais"] {
        let share = |voie: Voie| shares[voie.as_str()][subject].as_f64().expect("a share");
        let start = |voie| guess(subject, voie, 1.0).start(&hyper);
        let [one, other] = Voie::ALL.map(start);
        assert_eq!(one.1.to_bits(), other.1.to_bits(), "the same spread");
        // One cut is passed by the published share of each.
        let passing =
            |(mean, variance): (f64, f64), cut: f64| normal_cdf((mean - cut) / f64::sqrt(variance));
        let (mut low, mut high) = (-9.0, 9.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if passing(one, middle) > share(Voie::GeneraleTechnologique) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let of_other = passing(other, low);
        assert!(
            (of_other - share(Voie::Professionnelle)).abs() < 1e-6,
            "{subject}: {of_other}"
        );
        for part in [1.0, 0.5] {
            let start = |voie| guess(subject, voie, part).start(&hyper);
            let [(one, within), (other, _)] = Voie::ALL.map(start);
            let mean = gt * one + (1.0 - gt) * other;
            let spread = within + gt * one * one + (1.0 - gt) * other * other;
            assert!(mean.abs() < 1e-12, "{mean}");
            assert!((spread - hyper.vg).abs() < 1e-12, "{spread}");
        }
    }
    // With the defaults, in mathematics, in logits.
    let (one, within) = guess("maths", Voie::GeneraleTechnologique, 1.0).start(&hyper);
    let (other, _) = guess("maths", Voie::Professionnelle, 1.0).start(&hyper);
    assert!(
        (one - 0.361).abs() < 5e-4 && (other + 1.082).abs() < 5e-4,
        "{one}, {other}"
    );
    assert!((within - 1.310).abs() < 5e-4, "{within}");
}

#[test]
fn without_weight_or_figures_everybody_starts_from_the_same() {
    for voie in Voie::ALL {
        assert_eq!(Guess::of("maths", voie, weight(0.0)), None);
        assert_eq!(Guess::of("svt", voie, weight(1.0)), None);
        assert_eq!(Voie::parse(voie.as_str()), Some(voie));
    }
    assert_eq!(Voie::parse("GT"), None);
    for no in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(VoieWeight::try_from(no).is_err(), "{no}");
    }
    let plain = model().fingerprint().to_owned();
    let fingerprint = |of| model().weighing_voie(weight(of)).fingerprint().to_owned();
    assert_eq!(fingerprint(-0.0), plain);
    assert_ne!(fingerprint(0.5), plain);
    assert_ne!(fingerprint(0.5), fingerprint(1.0));
}

#[test]
fn the_guess_fades_with_evidence() {
    let model = model();
    let subject = &model.subjects()[0];
    let competency = &subject.competencies()[0];
    let mut states = Voie::ALL.map(|voie| PupilState::of_voie(subject, guess("maths", voie, 0.5)));
    let apart = |states: &[PupilState; 2]| {
        let [one, other] = states
            .each_ref()
            .map(|s| s.level(&model, competency, None).0);
        one - other
    };
    let first = apart(&states);
    let mut left = Vec::new();
    for n in 0..160_u32 {
        let item = model.item(item_key(n % 12)).expect("an item");
        for state in &mut states {
            state.answer(&model, item, f64::from(n % 2), n % 2 == 1, None);
        }
        if [5, 10, 20, 40, 80, 160].contains(&(n + 1)) {
            left.push(apart(&states) / first);
        }
    }
    assert!(left.is_sorted_by(|a, b| a > b), "{left:?}");
    assert!(left[1] < 0.5 && left[5] < 0.1, "{left:?}");
    println!("share of the guess left after 5, 10, 20, 40, 80, 160 answers: {left:.2?}");
}

/// Chance that depends on its seed alone (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Mean log loss of the first ten answers of pupils of both *voies*, who are as far apart as the share `real` of
/// what the figures say, with each of some weights.
fn first_losses(model: &Model, real: f64, weights: &[f64]) -> Vec<f64> {
    let subject = &model.subjects()[0];
    let mut losses = vec![0.0; weights.len()];
    let (pupils, answers) = (6_000, 10);
    let mut chance = Chance(7);
    for _ in 0..pupils {
        let voie = if chance.unit() < 0.75 {
            Voie::GeneraleTechnologique
        } else {
            Voie::Professionnelle
        };
        let truth = if real > 0.0 {
            PupilState::of_voie(subject, guess("maths", voie, real))
        } else {
            PupilState::new(subject)
        };
        let (mean, variance) = truth.nodes().general;
        let ability = mean + variance.sqrt() * chance.normal();
        let mut states: Vec<PupilState> = weights
            .iter()
            .map(|&of| match Guess::of("maths", voie, weight(of)) {
                Some(guess) => PupilState::of_voie(subject, guess),
                None => PupilState::new(subject),
            })
            .collect();
        for _ in 0..answers {
            let item = model
                .item(item_key((chance.unit() * 12.0) as u32))
                .expect("an item");
            let p = sigmoid(item.params().a * ability - item.params().b);
            let right = chance.unit() < p;
            for (state, loss) in states.iter_mut().zip(&mut losses) {
                let expected = state.answer(model, item, f64::from(u8::from(right)), right, None);
                // Of what could have come, not of what came: less noise.
                *loss -= p * expected.ln() + (1.0 - p) * (1.0 - expected).ln();
            }
        }
    }
    losses
        .iter()
        .map(|loss| loss / f64::from(pupils * answers))
        .collect()
}

#[test]
fn half_the_weight_gains_most_of_what_there_is_to_gain_and_costs_little_where_there_is_nothing() {
    // No practice, no memory, no session: what is compared is the start.
    let hyper = Hyper {
        vd: 0.0,
        vk: 0.0,
        vs: 0.0,
        vi: 0.0,
        qd: 0.0,
        qk: 0.0,
        qi: 0.0,
        lam: 0.0,
        kap: 0.0,
        gi1: 0.0,
        gi0: 0.0,
        rw: 0.0,
        rr: 0.0,
        ..Hyper::default()
    };
    let model = crate::properties::model_with(hyper);
    let weights = [0.0, 0.5, 1.0];
    let real = first_losses(&model, 1.0, &weights);
    let unreal = first_losses(&model, 0.0, &weights);
    let gain = |losses: &[f64], n: usize| losses[0] - losses[n];
    println!(
        "gain of weights .5 and 1 in nats an answer: real {:.5} {:.5}, unreal {:.5} {:.5}",
        gain(&real, 1),
        gain(&real, 2),
        gain(&unreal, 1),
        gain(&unreal, 2)
    );
    assert!(gain(&real, 1) > 0.6 * gain(&real, 2), "{real:?}");
    assert!(
        gain(&unreal, 2) < 0.0 && gain(&unreal, 1) > 0.4 * gain(&unreal, 2),
        "{unreal:?}"
    );
}
