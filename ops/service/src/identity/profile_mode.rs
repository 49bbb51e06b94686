//! How a credential's statements are checked against Sillage's own xAPI profile.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What becomes of a statement that xAPI accepts and the profile does not.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ProfileMode {
    /// The profile is not looked at.
    #[default]
    Off,
    /// It is stored, and counted by rule and credential.
    Warn,
    /// Its request is refused, whole.
    Refuse,
}

/// A mode that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no mode: use off, warn or refuse")]
pub struct UnknownMode(String);

impl ProfileMode {
    /// Every mode there is.
    pub const EVERY: [Self; 3] = [Self::Off, Self::Warn, Self::Refuse];

    /// Its name in settings, commands and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for ProfileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProfileMode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        Self::EVERY
            .into_iter()
            .find(|mode| mode.as_str() == name)
            .ok_or_else(|| UnknownMode(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_modes_are_one_to_one() {
        for mode in ProfileMode::EVERY {
            assert_eq!(
                mode.as_str().parse::<ProfileMode>().expect("its name"),
                mode
            );
            assert_eq!(serde_json::json!(mode), mode.as_str());
        }
        assert!("Refuse".parse::<ProfileMode>().is_err());
    }
}
