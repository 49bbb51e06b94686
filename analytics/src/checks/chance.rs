//! How far a sum of prediction errors may be off by chance.
//!
//! Where predictions are right, what came less what was expected is, answer after answer, a martingale
//! difference: whatever happened before, it is nought on the mean. Freedman's inequality (1975, *On tail
//! probabilities for martingales*) bounds its sum S by the sum V of the variances that were predicted, for
//! steps of at most m: P(S ≥ x) ≤ exp(−x² / 2(V + m·x/3)). It asks for no normal law, so it holds for bins of
//! three answers, too; and not for independent answers, so a pupil's may hang together. V is taken as what it
//! came to.

/// Chance that any false alarm is raised in a year of daily checks.
pub const FALSE_ALARMS_A_YEAR: f64 = 0.05;

/// Checks in a year.
pub const CHECKS_A_YEAR: f64 = 365.0;

/// Minus the logarithm of the chance that one test of so many a day may have: the year's chance is shared
/// among all tests of all days, half of it to those of calibration, half to those of drift.
#[must_use]
pub fn share(tests: usize) -> f64 {
    let all = tests.max(1) as f64 * CHECKS_A_YEAR;
    mastery::maths::ln(2.0 * all / FALSE_ALARMS_A_YEAR)
}

/// The x that a sum stays below but for a chance of `exp(-log)`: of variance `variance`, of steps of at most
/// `most`.
#[must_use]
pub fn bound(log: f64, variance: f64, most: f64) -> f64 {
    let third = most * log / 3.0;
    third + (third * third + 2.0 * log * variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_solves_the_inequality() {
        for (log, variance, most) in [(3.0, 10.0, 1.0), (14.0, 0.2, 1.0), (9.0, 5_000.0, 0.02)] {
            let x = bound(log, variance, most);
            let exponent = x * x / (2.0 * (variance + most * x / 3.0));
            assert!((exponent - log).abs() < 1e-9, "{exponent} {log}");
        }
    }

    #[test]
    fn more_tests_allow_each_less() {
        assert!(share(100) > share(10));
        assert!((share(1) - (2.0_f64 * 365.0 / 0.05).ln()).abs() < 1e-12);
    }
}
