//! The constants that a fit searches, as variables without bounds.

use mastery::Hyper;
use mastery::maths::{exp, ln, logit, sigmoid};

/// The least that a constant above 0 is searched at: below, it makes no difference.
const LEAST: f64 = 1e-6;

/// How a constant becomes a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Above 0: its logarithm.
    Log,
    /// Between 0 and 1: its logit.
    Logit,
    /// Any number.
    Plain,
}

/// What has to be in the answers for a constant to matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// More than one domain.
    Domains,
    /// A pupil who meets an item again.
    Repeats,
    /// A pupil who practises a competency again, with times.
    Times,
    /// A pupil who meets an item again, with times.
    TimesAndRepeats,
    /// The same item at once, after a right or a wrong answer.
    Retry(bool),
    /// The same competency at once, after a right or a wrong answer.
    Same(bool),
    /// Another competency, after a right or a wrong answer.
    Other(bool),
}

/// A constant of the model that can be searched or held.
#[derive(Clone, Copy)]
pub struct Constant {
    name: &'static str,
    measure: Measure,
    needs: Needs,
    get: fn(&Hyper) -> f64,
    set: fn(&mut Hyper, f64),
}

macro_rules! constants {
    ($($field:ident $measure:ident $needs:expr;)*) => {
        [$(Constant {
            name: stringify!($field),
            measure: Measure::$measure,
            needs: $needs,
            get: |hyper| hyper.$field,
            set: |hyper, value| hyper.$field = value,
        }),*]
    };
}

/// Every constant that a fit may search. `qg` is not among them (it brings nothing and is 0), nor are the
/// units `tau` and `gap`.
pub const CONSTANTS: [Constant; 26] = constants! {
    vg Log Needs::Nothing;
    vd Log Needs::Domains;
    vk Log Needs::Nothing;
    vs Log Needs::Nothing;
    vi Log Needs::Repeats;
    qd Log Needs::Domains;
    qk Log Needs::Nothing;
    qi Log Needs::Repeats;
    phi Logit Needs::Nothing;
    lam Log Needs::Nothing;
    kap Plain Needs::Nothing;
    rho Log Needs::Times;
    rk Log Needs::Times;
    ri Log Needs::TimesAndRepeats;
    gi1 Plain Needs::Repeats;
    gi0 Plain Needs::Repeats;
    rw Plain Needs::Retry(false);
    rr Plain Needs::Retry(true);
    kw Log Needs::Retry(false);
    kr Log Needs::Retry(true);
    vr Log Needs::Retry(false);
    sw Plain Needs::Same(false);
    sr Plain Needs::Same(true);
    ow Plain Needs::Other(false);
    er Plain Needs::Repeats;
    ew Plain Needs::Repeats;
};

impl Constant {
    /// The constant of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        CONSTANTS.into_iter().find(|constant| constant.name == name)
    }

    /// Its name, as the model has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its value.
    #[must_use]
    pub fn get(&self, hyper: &Hyper) -> f64 {
        (self.get)(hyper)
    }

    /// Gives it a value.
    pub fn set(&self, hyper: &mut Hyper, value: f64) {
        (self.set)(hyper, value);
    }

    pub(crate) fn needs(&self) -> Needs {
        self.needs
    }

    /// The variable that stands for its value.
    pub(crate) fn variable(&self, hyper: &Hyper) -> f64 {
        let value = self.get(hyper);
        match self.measure {
            Measure::Log => ln(value.max(LEAST)),
            Measure::Logit => logit(value.clamp(LEAST, 1.0 - LEAST)),
            Measure::Plain => value,
        }
    }

    /// Gives it the value that a variable stands for.
    pub(crate) fn set_variable(&self, hyper: &mut Hyper, variable: f64) {
        let value = match self.measure {
            Measure::Log => exp(variable),
            Measure::Logit => sigmoid(variable),
            Measure::Plain => variable,
        };
        self.set(hyper, value);
    }
}

impl std::fmt::Debug for Constant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Constant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_stands_for_its_value() {
        for constant in CONSTANTS {
            // A start of a search: all that is searched by logarithm is above 0 there.
            let mut hyper = crate::usual();
            let value = constant.get(&hyper);
            let variable = constant.variable(&hyper);
            constant.set(&mut hyper, 0.123);
            constant.set_variable(&mut hyper, variable);
            let back = constant.get(&hyper);
            assert!((back - value).abs() < 1e-12, "{constant:?}: {back}");
            assert_eq!(Constant::named(constant.name()), Some(constant));
        }
    }
}
