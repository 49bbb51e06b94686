//! xAPI scopes (xAPI 1.0.3 Communication 4.0, table of scopes).

use std::fmt;
use std::str::FromStr;

/// What a credential may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything.
    All,
    /// Read everything.
    AllRead,
    /// Write statements.
    StatementsWrite,
    /// Read statements.
    StatementsRead,
}

/// A scope that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a scope: use all, all/read, statements/write or statements/read")]
pub struct UnknownScope(String);

impl Scope {
    /// Every scope there is.
    pub const EVERY: [Self; 4] = [
        Self::All,
        Self::AllRead,
        Self::StatementsWrite,
        Self::StatementsRead,
    ];

    /// The name in the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AllRead => "all/read",
            Self::StatementsWrite => "statements/write",
            Self::StatementsRead => "statements/read",
        }
    }

    /// Whether whoever holds `self` may do what `wanted` names.
    #[must_use]
    pub fn covers(self, wanted: Self) -> bool {
        match self {
            Self::All => true,
            Self::AllRead => matches!(wanted, Self::AllRead | Self::StatementsRead),
            Self::StatementsWrite | Self::StatementsRead => self == wanted,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::EVERY
            .into_iter()
            .find(|scope| scope.as_str() == name)
            .ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_writes() {
        assert!(Scope::All.covers(Scope::StatementsWrite));
        assert!(Scope::AllRead.covers(Scope::StatementsRead));
        assert!(!Scope::AllRead.covers(Scope::StatementsWrite));
        assert!(!Scope::AllRead.covers(Scope::All));
        assert!(!Scope::StatementsRead.covers(Scope::AllRead));
    }

    #[test]
    fn names_and_scopes_are_one_to_one() {
        for scope in Scope::EVERY {
            assert_eq!(
                scope.as_str().parse::<Scope>().expect("its own name"),
                scope
            );
        }
        assert!("ALL".parse::<Scope>().is_err());
    }
}
