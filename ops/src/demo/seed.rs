//! Where the demo's chance comes from: independent streams drawn from one seed.
//!
//! Every stream is named, so that one more pupil or one more draw somewhere moves nothing
//! elsewhere. Nothing here reads the clock or the machine: the same seed gives the same school.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The seed of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The stream of that name.
    pub(crate) fn stream(self, name: &str) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(b"sillage demo\0");
        hash.update(self.0.to_be_bytes());
        hash.update(name.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// The id of a statement, from what it says: another content always gets another id, so that
    /// no two runs, whatever their seeds, dates and versions, contradict each other.
    pub(crate) fn statement_id(self, content: &[u8]) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(b"sillage demo statement\0");
        hash.update(self.0.to_be_bytes());
        hash.update(content);
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(id).into_uuid()
    }
}

/// A UUID of version 4 from the stream.
pub(crate) fn uuid(rng: &mut ChaCha8Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid()
}

/// A draw from N(mean, sd), by Box and Muller; `libm` gives the same bits on every machine.
pub(crate) fn normal(rng: &mut ChaCha8Rng, mean: f64, sd: f64) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    // `random` may give 0 but never 1, so 1 - u has a logarithm.
    let radius = (-2.0 * libm::log(1.0 - u)).sqrt();
    mean + sd * radius * libm::cos(std::f64::consts::TAU * v)
}

/// True with probability `p`.
pub(crate) fn chance(rng: &mut ChaCha8Rng, p: f64) -> bool {
    rng.random::<f64>() < p
}
