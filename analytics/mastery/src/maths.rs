//! The functions that must give the same bits everywhere: the only place that names `libm`.

use std::f64::consts::PI;

/// `π/8`, the constant of the probit approximation to the logistic function.
const PI_8: f64 = PI / 8.0;

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

/// Distribution function of the standard normal law.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
}
