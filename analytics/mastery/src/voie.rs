//! Where a pupil starts of whom nothing but the *voie* is known: a guess from the whole of its pupils.
//!
//! **Derivation.** Of the pupils of each *voie* a share was found satisfactory or better. Let ability be normal within
//! each, with the same spread `s`, and let *satisfactory* be the same cut for both. Then, with `z = Φ⁻¹(share)`, the
//! means lie `Δ = s·D` apart, `D = z_gt − z_pro`. Let `π` be the share of the general and technological *voie* among all
//! pupils. With the mean of all at 0, where the model has it, and the spread of all as the model has it:
//!
//! ```text
//! mean_gt = (1 − π)·s·D,  mean_pro = −π·s·D
//! vg = s² + π(1 − π)·(s·D)²,  so  s² = vg / T,  T = 1 + π(1 − π)·D²
//! ```
//!
//! A weight `w` takes the share `w` of each mean, and of the spread between them, so that the spread of all stays `vg`:
//! `m = w·mean`, `v = vg·(1 − w²·(1 − 1/T))`. With 0 everybody starts from the same.

use serde::{Deserialize, Serialize};

use crate::hyper::Hyper;
use crate::model::Subject;
use crate::state::{Gauss, PupilState};

/// Normal quantiles of the shares of pupils found satisfactory or better in September 2022, by subject: general and
/// technological (79.1 % in mathematics, 93.1 % in French), professional (32.6 %, 57.8 %). DEPP, *note d'information*
/// 23.02; the shares stand in the framework (`schemas/framework/seconde.json`), with which a test compares.
const QUANTILES: [(&str, [f64; 2]); 2] = [
    ("maths", [0.809_895_915, -0.450_985_499]),
    ("francais", [1.483_280_127, 0.196_779_620]),
];

/// Share of the general and technological *voie* among the pupils of 2022 (the same note).
const SHARE_GT: f64 = 0.75;

/// The *voie* of a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Voie {
    /// *Voie générale et technologique*.
    GeneraleTechnologique,
    /// *Voie professionnelle*.
    Professionnelle,
}

impl Voie {
    /// Both.
    pub const ALL: [Self; 2] = [Self::GeneraleTechnologique, Self::Professionnelle];

    /// Its stable name, in rosters and in the database: the end of its URI in the framework.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GeneraleTechnologique => "gt",
            Self::Professionnelle => "pro",
        }
    }

    /// What it is called in French, after "la voie".
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::GeneraleTechnologique => "générale et technologique",
            Self::Professionnelle => "professionnelle",
        }
    }

    /// The *voie* of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|voie| voie.as_str() == name)
    }
}

/// How much the *voie* weighs, 0 (not at all) to 1 (as much as the shares say).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct VoieWeight(f64);

/// It is no weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the weight of the voie lies between 0 and 1")]
pub struct NoWeight;

impl TryFrom<f64> for VoieWeight {
    type Error = NoWeight;

    fn try_from(weight: f64) -> Result<Self, NoWeight> {
        // −0 as 0, so that equal weights have equal bits.
        let weight = weight + 0.0;
        let within = (0.0..=1.0).contains(&weight);
        within.then_some(Self(weight)).ok_or(NoWeight)
    }
}

impl From<VoieWeight> for f64 {
    fn from(weight: VoieWeight) -> Self {
        weight.0
    }
}

/// What the *voie* makes of the start of a subject, whatever its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess {
    /// Mean of general ability, in spreads (√vg) of all pupils.
    pub shift: f64,
    /// Share of its variance that is left.
    pub kept: f64,
}

impl Guess {
    /// The guess for a subject; none where there are no figures or no weight.
    #[must_use]
    pub fn of(subject: &str, voie: Voie, weight: VoieWeight) -> Option<Self> {
        let (_, [gt, pro]) = QUANTILES.iter().find(|(name, _)| *name == subject)?;
        let weight = Some(weight.0).filter(|weight| *weight > 0.0)?;
        let apart = gt - pro;
        let between = SHARE_GT * (1.0 - SHARE_GT) * apart * apart;
        let mean = match voie {
            Voie::GeneraleTechnologique => (1.0 - SHARE_GT) * apart,
            Voie::Professionnelle => -SHARE_GT * apart,
        };
        Some(Self {
            shift: weight * mean / (1.0 + between).sqrt(),
            kept: 1.0 - weight * weight * between / (1.0 + between),
        })
    }

    /// Mean and variance of general ability before the first answer, on the logit scale.
    #[must_use]
    pub fn start(&self, hyper: &Hyper) -> (f64, f64) {
        (self.shift * hyper.vg.sqrt(), hyper.vg * self.kept)
    }
}

impl PupilState {
    /// A pupil who has not answered yet, of whom the *voie* is known.
    #[must_use]
    pub fn of_voie(subject: &Subject, guess: Guess) -> Self {
        let (m, v) = guess.start(subject.hyper());
        Self {
            g: Gauss { m, v },
            ..Self::new(subject)
        }
    }
}
