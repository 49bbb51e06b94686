//! The constants: of the model ([`Hyper`]) and of what is shown of it ([`Scale`]).

use serde::{Deserialize, Serialize};

pub use schemas::framework::Scale;

/// Hyper-parameters of the model, on the logit scale.
///
/// The defaults were tuned on three public sets of answers and rounded. They do not travel by
/// themselves: fit them as soon as a subject has some 50,000 answers, and watch the calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hyper {
    /// Variance of the general ability before any answer.
    pub vg: f64,
    /// Variance of a domain's deviation before any answer.
    pub vd: f64,
    /// Variance of a competency's deviation before any answer.
    pub vk: f64,
    /// Variance of the form of a session.
    pub vs: f64,
    /// Variance of the memory of an item before it was met.
    pub vi: f64,
    /// Variance that an answer adds to the general ability.
    pub qg: f64,
    /// Variance that an answer adds to its domains.
    pub qd: f64,
    /// Variance that an answer adds to its competencies.
    pub qk: f64,
    /// Variance that an answer adds to the memory of its item.
    pub qi: f64,
    /// How much of the session's form stays from an answer to the next.
    pub phi: f64,
    /// Practice: weight of `ln(1 + answers)` of a competency.
    pub lam: f64,
    /// Practice: what having met a competency once brings.
    pub kap: f64,
    /// Forgetting: weight of `ln(1 + time since practice / tau)` of a competency.
    pub rho: f64,
    /// Fading of a competency's deviation.
    pub rk: f64,
    /// Fading of the memory of an item.
    pub ri: f64,
    /// What a right answer leaves in the memory of its item.
    pub gi1: f64,
    /// What a wrong answer leaves in the memory of its item.
    pub gi0: f64,
    /// The same item again at once, after a wrong answer.
    pub rw: f64,
    /// The same item again at once, after a right answer.
    pub rr: f64,
    /// The share in which ability, difficulty and memory count in the same item again at once, after a wrong
    /// answer: 1 as in any answer; 0 where success has nothing to do with them, because the correction was
    /// shown.
    #[serde(default = "whole")]
    pub kw: f64,
    /// The same after a right answer.
    #[serde(default = "whole")]
    pub kr: f64,
    /// Variance between pupils of what a retry at once brings, before any: some think again, some click.
    #[serde(default)]
    pub vr: f64,
    /// Another item of the same main competency at once, after a wrong answer.
    #[serde(default)]
    pub sw: f64,
    /// Another item of the same main competency at once, after a right answer.
    #[serde(default)]
    pub sr: f64,
    /// An item of another main competency, after a wrong answer; after a right one nothing changes: that
    /// is what the others are measured against.
    #[serde(default)]
    pub ow: f64,
    /// Practice of an item: weight of `ln(1 + right answers)` to it before.
    #[serde(default)]
    pub er: f64,
    /// Practice of an item: weight of `ln(1 + wrong answers)` to it before.
    #[serde(default)]
    pub ew: f64,
    /// Unit of time of forgetting, in seconds.
    pub tau: f64,
    /// Time without an answer after which a new session begins, in hours.
    pub gap: f64,
}

/// The share where a retry is an answer as any.
fn whole() -> f64 {
    1.0
}

impl Default for Hyper {
    fn default() -> Self {
        Self {
            vg: 1.7,
            vd: 0.4,
            vk: 0.25,
            vs: 0.275,
            vi: 0.003,
            qg: 0.0,
            qd: 0.0005,
            qk: 0.006,
            qi: 0.57,
            phi: 0.93,
            lam: 0.29,
            kap: 0.58,
            rho: 0.11,
            rk: 0.0025,
            ri: 0.15,
            gi1: 1.55,
            gi0: 1.10,
            rw: -0.40,
            rr: -0.33,
            kw: 1.0,
            kr: 1.0,
            vr: 0.0,
            sw: 0.0,
            sr: 0.0,
            ow: 0.0,
            er: 0.0,
            ew: 0.0,
            tau: 60.0,
            gap: 4.0,
        }
    }
}

impl Hyper {
    /// Every constant in a fixed order: that of the fields.
    #[must_use]
    pub fn values(&self) -> [f64; 29] {
        [
            self.vg, self.vd, self.vk, self.vs, self.vi, self.qg, self.qd, self.qk, self.qi,
            self.phi, self.lam, self.kap, self.rho, self.rk, self.ri, self.gi1, self.gi0, self.rw,
            self.rr, self.kw, self.kr, self.vr, self.sw, self.sr, self.ow, self.er, self.ew,
            self.tau, self.gap,
        ]
    }

    /// The constants of [`Hyper::values`].
    #[must_use]
    pub fn from_values(values: [f64; 29]) -> Self {
        let [
            vg,
            vd,
            vk,
            vs,
            vi,
            qg,
            qd,
            qk,
            qi,
            phi,
            lam,
            kap,
            rho,
            rk,
            ri,
            rest @ ..,
        ] = values;
        let [gi1, gi0, rw, rr, kw, kr, vr, sw, sr, ow, er, ew, tau, gap] = rest;
        Self {
            vg,
            vd,
            vk,
            vs,
            vi,
            qg,
            qd,
            qk,
            qi,
            phi,
            lam,
            kap,
            rho,
            rk,
            ri,
            gi1,
            gi0,
            rw,
            rr,
            kw,
            kr,
            vr,
            sw,
            sr,
            ow,
            er,
            ew,
            tau,
            gap,
        }
    }

    /// [`Hyper::gap`] in seconds.
    #[must_use]
    pub fn gap_s(&self) -> f64 {
        self.gap * 3600.0
    }
}
