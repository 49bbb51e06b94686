//! What a pupil declared before the first answer: a degree by domain.

use crate::hyper::Hyper;
use crate::model::{Domain, Subject};
use crate::shown::Degree;
use crate::state::PupilState;

/// Normal score of each degree: the mean of a standard normal within the share of the pupils who have
/// it. Shares of 10, 15, 15, 20, 20 and 20 %: placeholders, until the national ones are known.
const SCORES: [f64; 6] = [-1.75, -0.95, -0.45, 0.0, 0.52, 1.40];

/// Correlation that is assumed between what is declared and what is true. Not measured.
const CORRELATION: f64 = 0.7;

/// What a declared degree says of *general ability + domain*: an observation and its variance, on the
/// logit scale.
#[must_use]
pub fn observation(hyper: &Hyper, degree: Degree) -> (f64, f64) {
    let spread = hyper.vg + hyper.vd;
    let squared = CORRELATION * CORRELATION;
    let score = SCORES[usize::from(degree.number()) - 1];
    (
        spread.sqrt() * score / CORRELATION,
        spread * (1.0 - squared) / squared,
    )
}

/// General ability and domain, each as mean and variance, after an observation of their sum.
#[must_use]
pub fn observe(
    (general, domain): ((f64, f64), (f64, f64)),
    (observed, variance): (f64, f64),
) -> ((f64, f64), (f64, f64)) {
    let total = general.1 + domain.1 + variance;
    let e = observed - general.0 - domain.0;
    let moved = |(m, v): (f64, f64)| {
        let k = v / total;
        (m + k * e, v * (1.0 - k))
    };
    (moved(general), moved(domain))
}

impl PupilState {
    /// A pupil who has not answered yet and declared some degrees of a subject, one a domain at most.
    #[must_use]
    pub fn declared(subject: &Subject, degree_of: impl Fn(&Domain) -> Option<Degree>) -> Self {
        let mut state = Self::new(subject);
        // In the framework's order: each moves the general ability that the next one meets.
        for domain in subject.domains() {
            if let Some(degree) = degree_of(domain) {
                let (observed, variance) = observation(subject.hyper(), degree);
                state.declare(subject, domain.key(), observed, variance);
            }
        }
        state
    }
}
