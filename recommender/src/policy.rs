//! Which exercises next: policies are pure, named, versioned, seeded, chosen by configuration.

mod factors;
mod seuil;
mod zone_proximale;

pub use factors::Factors;
pub use seuil::Seuil;
pub use zone_proximale::ZoneProximale;

use std::fmt::Debug;
use std::sync::Arc;

use mastery::Mastery;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::catalogue::Index;
use crate::pupil::PupilView;

/// A policy: what is known of a pupil and a catalogue in, a list out. The same arguments give the
/// same list, on every machine.
pub trait Policy: Debug + Send + Sync {
    /// Its name in the settings and in answers.
    fn name(&self) -> &'static str;

    /// Its version: raised by hand whenever it gives another list for the same arguments.
    fn version(&self) -> &'static str;

    /// At most `limit` exercises, the first to be done first. `now` is in
    /// [`mastery::seconds`]; `seed` stands for the pupil and the day ([`seed`]).
    fn next(
        &self,
        pupil: &PupilView,
        index: &Index,
        now: f64,
        limit: usize,
        seed: u64,
    ) -> Vec<Recommendation>;
}

/// The names that [`by_name`] knows.
pub const NAMES: [&str; 2] = [ZoneProximale::NAME, Seuil::NAME];

/// The policy of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<dyn Policy>> {
    match name {
        ZoneProximale::NAME => Some(Arc::new(ZoneProximale)),
        Seuil::NAME => Some(Arc::new(Seuil)),
        _ => None,
    }
}

/// What made a policy choose an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Its competency was mastered and is being forgotten.
    Review,
    /// Its competency is not mastered yet.
    Gap,
    /// What its competency rests on is there.
    Prerequisite,
    /// Its difficulty fits.
    Difficulty,
}

/// One exercise of a list, with all that a reason needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// Index of the activity in the catalogue's [`Index`].
    pub activity: usize,
    /// Mastery of its main competency.
    pub mastery: Mastery,
    /// Success to expect.
    pub expected_success: f64,
    /// Seconds since the competency was last practised.
    pub since_practice_s: Option<f64>,
    /// What its score is made of.
    pub factors: Factors,
    /// What made the policy choose it.
    pub rule: Rule,
}

/// The seed of a pupil's day, days counted from 1970 in UTC: ties fall the same way all day long,
/// and another way for another pupil or on another day.
#[must_use]
pub fn seed(pupil: [u8; 16], day: i64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(pupil);
    hash.update(day.to_be_bytes());
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |seed, &byte| (seed << 8) | u64::from(byte))
}

/// The hash of an item under a seed that ties are broken by: `splitmix64`.
pub(crate) fn tie(seed: u64, item: u64) -> u64 {
    let mut z = (seed ^ item).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
