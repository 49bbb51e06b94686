//! Hashes of a content while it arrives: the declared one, and our own.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// The hashes of what has arrived so far.
#[derive(Debug)]
pub(super) struct Digests {
    sha256: Sha256,
    /// None when SHA-256 is the declared one.
    declared: Option<Declared>,
    length: u64,
}

#[derive(Debug)]
enum Declared {
    Sha224(Sha224),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// What a content turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digested {
    /// The hash of the declared family, in hexadecimal.
    pub(super) declared: String,
    pub(super) sha256: [u8; 32],
    pub(super) length: u64,
}

impl Digests {
    /// Gets ready for a content of which this hash, in hexadecimal, was declared: its length tells the
    /// family.
    pub(super) fn for_hash(hex: &str) -> Self {
        Self {
            sha256: Sha256::new(),
            declared: match hex.len() {
                56 => Some(Declared::Sha224(Sha224::new())),
                96 => Some(Declared::Sha384(Sha384::new())),
                128 => Some(Declared::Sha512(Sha512::new())),
                _ => None,
            },
            length: 0,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        match &mut self.declared {
            Some(Declared::Sha224(hash)) => hash.update(bytes),
            Some(Declared::Sha384(hash)) => hash.update(bytes),
            Some(Declared::Sha512(hash)) => hash.update(bytes),
            None => {}
        }
        self.length += bytes.len() as u64;
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn finish(self) -> Digested {
        let sha256: [u8; 32] = self.sha256.finalize().into();
        let declared = match self.declared {
            Some(Declared::Sha224(hash)) => hex::encode(hash.finalize()),
            Some(Declared::Sha384(hash)) => hex::encode(hash.finalize()),
            Some(Declared::Sha512(hash)) => hex::encode(hash.finalize()),
            None => hex::encode(sha256),
        };
        Digested {
            declared,
            sha256,
            length: self.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_is_told_by_the_length_of_its_hash() {
        // FIPS 180-4: the hashes of "abc".
        for (hex, family) in [
            (
                "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
                224,
            ),
            (
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                256,
            ),
            (
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
                384,
            ),
            (
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                512,
            ),
        ] {
            let mut digests = Digests::for_hash(hex);
            digests.update(b"a");
            digests.update(b"bc");
            let found = digests.finish();
            assert_eq!(
                (found.declared.as_str(), found.length),
                (hex, 3),
                "SHA-{family}"
            );
            assert_eq!(
                hex::encode(found.sha256),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            );
        }
    }
}
