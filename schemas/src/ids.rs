//! The identifiers that several crates pass to each other.
//!
//! Each is parsed once, where it comes in, and trusted from there on: the insides are private, and
//! the only ways in are [`FromStr`] and `from_uuid`.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ifi::Ifi;
use crate::xapi::formats;

/// Why a text is not the identifier it was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a UUID in the 36-character form of RFC 4122.
    #[error("not a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
    NotAUuid,
    /// Not an IRI with a scheme (RFC 3987).
    #[error("not an IRI with a scheme")]
    NotAnIri,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID that is known to be one of these, such as a column of our own tables.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                formats::parse_uuid(text).map(Self).ok_or(IdError::NotAUuid)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

uuid_id! {
    /// The id of a Statement (xAPI 1.0.3 Data 2.4.1). Shown in lower case; compared as 128 bits.
    StatementId
}
uuid_id! {
    /// What stands for an account (an xAPI actor's identifier) inside Sillage: see
    /// [`AccountKey::derive`].
    AccountKey
}
uuid_id! {
    /// A person, who has one account or several over time. An account that no roster announced is
    /// a person of its own, under the same key.
    PersonKey
}
uuid_id! {
    /// `context.registration`: one attempt at one activity (xAPI 1.0.3 Data 2.4.6.1).
    Registration
}

impl AccountKey {
    /// The key of an identifier: a version 8 UUID made from the first 16 bytes of
    /// HMAC-SHA-256(installation secret, canonical identifier).
    ///
    /// Every service that knows the secret finds the same key without asking another, and without
    /// the secret nobody can go from a list of mails to keys.
    #[must_use]
    pub fn derive(secret: &[u8], ifi: &Ifi) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(ifi.canonical().as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl From<AccountKey> for PersonKey {
    /// The person of an account that nobody announced.
    fn from(account: AccountKey) -> Self {
        Self(account.0)
    }
}

/// The IRI of an Activity (xAPI 1.0.3 Data 2.4.4.1), kept as it was written: IRIs are compared
/// character by character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityIri(String);

impl ActivityIri {
    /// The IRI as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The integer under which mastery states know this item: see [`key64`].
    #[must_use]
    pub fn key64(&self) -> u64 {
        key64(&self.0)
    }
}

impl fmt::Display for ActivityIri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActivityIri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActivityIri({})", self.0)
    }
}

impl TryFrom<String> for ActivityIri {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        if formats::is_iri(&text) {
            Ok(Self(text))
        } else {
            Err(IdError::NotAnIri)
        }
    }
}

impl FromStr for ActivityIri {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.to_owned().try_into()
    }
}

impl Serialize for ActivityIri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActivityIri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// The integer under which mastery states know an item, a competency or a domain: the first 8
/// bytes, big endian, of the SHA-256 of its IRI.
///
/// A state is small and sorted by these keys. Among a million IRIs two share a key with a
/// probability of 3e-8; loading a catalogue or a framework looks for that and refuses it.
#[must_use]
pub fn key64(iri: &str) -> u64 {
    let digest = Sha256::digest(iri.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
