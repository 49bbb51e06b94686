//! The functions that must give the same bits everywhere: the only place that names `libm`.

use std::array::from_fn;
use std::f64::consts::PI;
use std::sync::LazyLock;

/// `π/8`, the constant of the probit approximation to the logistic function.
pub const PI_8: f64 = PI / 8.0;

/// `e` to the power of `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `ln(1 + x)`.
#[must_use]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// `ln(1 + n)` of a count: small ones are many, and computed once.
#[must_use]
pub fn ln_1p_of(n: u32) -> f64 {
    static SMALL: LazyLock<[f64; 64]> = LazyLock::new(|| from_fn(|n| ln_1p(n as f64)));
    let small = usize::try_from(n).ok().and_then(|n| SMALL.get(n));
    small.copied().unwrap_or_else(|| ln_1p(f64::from(n)))
}

/// `x` to the power of `y`.
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// The logistic function, from logits to a probability.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// From a probability in `]0, 1[` to logits.
#[must_use]
pub fn logit(p: f64) -> f64 {
    ln(p / (1.0 - p))
}

/// Mean of the logistic function under a Gaussian of mean `x` and variance `v` (probit
/// approximation): an expected probability of success.
#[must_use]
pub fn expected_sigmoid(x: f64, v: f64) -> f64 {
    sigmoid(x / (1.0 + PI_8 * v).sqrt())
}

/// About what [`exp`] gives, for finite numbers: within 2e-7 of it, relatively.
///
/// The `quick` functions decide whether it is worth asking the exact ones, and never go into a state.
#[must_use]
pub fn quick_exp(x: f64) -> f64 {
    use std::f64::consts::{LN_2, LOG2_E};
    // Added to a number, it rounds it to a whole one, which stands in the last bits then.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let power = x.clamp(-700.0, 700.0) * LOG2_E;
    let shifted = power + ROUND;
    let whole = shifted - ROUND;
    let f = (power - whole) * LN_2;
    // Taylor's series up to the sixth power: |f| is at most half of ln 2.
    let series = 1.0
        + f * (1.0
            + f * (1.0 / 2.0
                + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0))))));
    let exponent = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(1023);
    series * f64::from_bits(exponent << 52)
}

/// About what [`ln_1p`] gives, for finite numbers from 0 on: within 1e-7 of it.
#[must_use]
pub fn quick_ln_1p(x: f64) -> f64 {
    use std::f64::consts::{LN_2, SQRT_2};
    let bits = (1.0 + x).to_bits();
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let exponent = f64::from(u16::try_from(bits >> 52).unwrap_or(1023)) - 1023.0;
    let (mantissa, exponent) = if mantissa > SQRT_2 {
        (mantissa / 2.0, exponent + 1.0)
    } else {
        (mantissa, exponent)
    };
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    exponent * LN_2 + 2.0 * s * (1.0 + s2 * (1.0 / 3.0 + s2 * (0.2 + s2 * (1.0 / 7.0))))
}

/// About what [`expected_sigmoid`] gives: within 1e-6 of it.
#[must_use]
pub fn quick_expected_sigmoid(x: f64, v: f64) -> f64 {
    1.0 / (1.0 + quick_exp(-x / (1.0 + PI_8 * v).sqrt()))
}

/// Distribution function of the standard normal law.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_of_a_count_is_that_of_its_number() {
        for n in [0, 1, 63, 64, 1_000, u32::MAX] {
            assert_eq!(ln_1p_of(n).to_bits(), ln_1p(f64::from(n)).to_bits());
        }
    }

    #[test]
    fn what_is_quick_is_near_enough() {
        for n in -40_000..=40_000 {
            let x = f64::from(n) / 1_000.0;
            let (quick, exact) = (quick_exp(x), exp(x));
            assert!(
                (quick / exact - 1.0).abs() < 2e-7,
                "exp({x}): {quick} for {exact}"
            );
            for v in [0.0, 0.3, 5.0] {
                let (quick, exact) = (quick_expected_sigmoid(x, v), expected_sigmoid(x, v));
                assert!((quick - exact).abs() < 1e-6, "sigmoid({x}, {v})");
            }
        }
        for n in 0..60_000 {
            // From nothing to 3 million years, in seconds over a second.
            let x = pow(1.0007, f64::from(n)) - 1.0;
            let (quick, exact) = (quick_ln_1p(x), ln_1p(x));
            assert!(
                (quick - exact).abs() < 1e-7,
                "ln_1p({x}): {quick} for {exact}"
            );
        }
        assert!((quick_exp(-1e9)).abs() < 1e-300);
        assert!(quick_exp(f64::NAN).is_nan() || quick_exp(f64::NAN) >= 0.0);
    }
}
