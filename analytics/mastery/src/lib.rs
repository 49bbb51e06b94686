#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! 1. [`hyper`]: the constants of the model ([`Hyper`]) and of what is shown ([`Scale`]).
//! 2. [`model`]: framework and catalogue become a [`Model`]: keys resolved, references computed,
//!    a fingerprint over all that changes a state.
//! 3. [`state`]: [`PupilState`], the fold of one answer ([`PupilState::answer`]), a prediction
//!    ([`PupilState::predict`]), the level of a competency.
//! 4. [`shown`]: [`Mastery`] of a competency or a domain, degrees, and when they may be shown.
//!    `quick`: whether a degree stays, mostly found out with less.
//!    [`before`]: what the answer before changes in the next one's chance.
//!    [`prior`]: what is expected of an item before anybody has answered it.
//! 5. [`declared`]: what a pupil said before the first answer. [`evaluation`]: what was found outside.
//! 6. [`trace`]: what one answer did to a state. [`explain`]: a mean as the sum of what moved it.
//! 7. [`codec`]: a state as bytes and back.
//! 8. [`maths`]: the only place that names `libm`.

pub mod before;
pub mod codec;
pub mod declared;
pub mod evaluation;
pub mod explain;
pub mod hyper;
pub mod maths;
pub mod model;
pub mod prior;
mod quick;
pub mod shown;
pub mod state;
pub mod trace;
pub mod voie;

pub use before::{Before, beside};
pub use codec::DecodeError;
pub use evaluation::Finding;
pub use explain::{Added, Explanation};
pub use hyper::{Hyper, Scale};
pub use model::{
    Calibration, Competency, Domain, Item, ItemParams, Loading, Model, Reference, Subject,
};
pub use prior::{ItemPriors, LevelScale, SetPrior};
pub use shown::{Degree, Mastery};
pub use state::{ItemMemory, Node, PupilState, Shared, Step};
pub use trace::Trace;
pub use voie::{Guess, Voie, VoieWeight};

/// Seconds since the Unix epoch, as the model counts time, from microseconds.
///
/// Microseconds since 1970 stay below 2^53 until the year 2255, so the division is the only
/// rounding; both ways to a state (the feed and the lake) must come through here.
#[must_use]
pub fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 microseconds")]
    let micros = micros as f64;
    micros / 1e6
}
