//! Random 256-bit secrets, kept as SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a secret: all that is kept of it.
#[derive(Clone)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret as it was handed out.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// A stored hash; one of another length matches no secret.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or([0; 32]))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the hash of `secret`, in a time that does not tell how nearly.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.is(&Self::of(secret))
    }

    /// Whether both are one, in a time that does not tell how nearly.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}

/// A credential at the only moment when its secret is known.
pub struct NewCredential {
    /// The user name of HTTP Basic: 96 random bits.
    pub key: String,
    secret: String,
}

impl NewCredential {
    /// A fresh random credential; it is nobody's until it is stored.
    #[must_use]
    pub fn random() -> Self {
        loop {
            let key = random::<12>();
            // A key stands in commands, where this would be an option.
            if !key.starts_with('-') {
                return Self::with_key(key);
            }
        }
    }

    /// A fresh random secret for a key: what a rotation gives.
    #[must_use]
    pub fn with_key(key: String) -> Self {
        Self {
            key,
            secret: random::<32>(),
        }
    }

    /// The secret, to be shown once.
    #[must_use]
    pub fn reveal_secret(&self) -> &str {
        &self.secret
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredential")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn random<const BYTES: usize>() -> String {
    let mut bytes = [0_u8; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_hash_and_shows_nowhere() {
        let new = NewCredential::random();
        assert!(new.hash().matches(new.reveal_secret()));
        assert!(!new.hash().matches("another"));
        assert!(!format!("{new:?}{:?}", new.hash()).contains(new.reveal_secret()));
        assert_eq!(new.reveal_secret().len(), 43);
    }

    #[test]
    fn no_key_looks_like_an_option() {
        for _ in 0..1_000 {
            assert!(!NewCredential::random().key.starts_with('-'));
        }
    }

    #[test]
    fn a_rotation_keeps_the_key_and_nothing_else() {
        let new = NewCredential::random();
        let again = NewCredential::with_key(new.key.clone());
        assert_eq!(again.key, new.key);
        assert_ne!(again.reveal_secret(), new.reveal_secret());
    }
}
