//! xAPI scopes (xAPI 1.0.3 Communication 4.0, table of scopes) and what each lets its holder do.

use std::fmt;
use std::str::FromStr;

/// What a credential holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, utoipa::ToSchema)]
pub enum Scope {
    /// Everything.
    #[schema(rename = "all")]
    All,
    /// Read everything.
    #[schema(rename = "all/read")]
    AllRead,
    /// Write statements.
    #[schema(rename = "statements/write")]
    StatementsWrite,
    /// Read statements.
    #[schema(rename = "statements/read")]
    StatementsRead,
    /// Read the statements that this credential vouches for.
    #[schema(rename = "statements/read/mine")]
    StatementsReadMine,
    /// Read and write state documents.
    #[schema(rename = "state")]
    State,
    /// Read and write activity and agent profile documents.
    #[schema(rename = "profile")]
    Profile,
    /// Change the definitions of activities by storing statements.
    #[schema(rename = "define")]
    Define,
}

/// What a handler is about to do for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Anything that no other action names: imports, jobs, credentials.
    Administer,
    /// Read what no other action names: aggregates, activities, persons.
    ReadAll,
    /// Store statements.
    WriteStatements,
    /// Read any statement.
    ReadStatements,
    /// Read the statements that the caller vouches for.
    ReadOwnStatements,
    /// Read state documents.
    ReadState,
    /// Write or delete state documents.
    WriteState,
    /// Read activity and agent profile documents.
    ReadProfiles,
    /// Write or delete activity and agent profile documents.
    WriteProfiles,
    /// Change the stored definitions of activities.
    Define,
    /// Void statements that another authority wrote.
    VoidOthers,
    /// Enter what was found of a pupil outside, and take it back.
    EnterEvaluations,
}

/// A scope that does not exist.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a scope: use all, all/read, statements/write, statements/read, statements/read/mine, state, profile or define"
)]
pub struct UnknownScope(String);

impl Scope {
    /// Every scope there is.
    pub const EVERY: [Self; 8] = [
        Self::All,
        Self::AllRead,
        Self::StatementsWrite,
        Self::StatementsRead,
        Self::StatementsReadMine,
        Self::State,
        Self::Profile,
        Self::Define,
    ];

    /// Each of these once, in the order in which they came.
    #[must_use]
    pub fn distinct(scopes: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut known = Vec::new();
        for scope in scopes {
            if !known.contains(&scope) {
                known.push(scope);
            }
        }
        known
    }

    /// The name in the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AllRead => "all/read",
            Self::StatementsWrite => "statements/write",
            Self::StatementsRead => "statements/read",
            Self::StatementsReadMine => "statements/read/mine",
            Self::State => "state",
            Self::Profile => "profile",
            Self::Define => "define",
        }
    }

    /// Whether whoever holds this scope may do this.
    #[must_use]
    pub fn allows(self, action: Action) -> bool {
        use Action as A;
        match self {
            Self::All => true,
            Self::AllRead => matches!(
                action,
                A::ReadAll
                    | A::ReadStatements
                    | A::ReadOwnStatements
                    | A::ReadState
                    | A::ReadProfiles
            ),
            Self::StatementsWrite => action == A::WriteStatements,
            Self::StatementsRead => matches!(action, A::ReadStatements | A::ReadOwnStatements),
            Self::StatementsReadMine => action == A::ReadOwnStatements,
            Self::State => matches!(action, A::ReadState | A::WriteState),
            Self::Profile => matches!(action, A::ReadProfiles | A::WriteProfiles),
            Self::Define => action == A::Define,
        }
    }
}

impl Action {
    /// Every action there is.
    pub const EVERY: [Self; 12] = [
        Self::Administer,
        Self::ReadAll,
        Self::WriteStatements,
        Self::ReadStatements,
        Self::ReadOwnStatements,
        Self::ReadState,
        Self::WriteState,
        Self::ReadProfiles,
        Self::WriteProfiles,
        Self::Define,
        Self::VoidOthers,
        Self::EnterEvaluations,
    ];

    /// The narrowest scope that allows it, as a caller who lacks it is told.
    #[must_use]
    pub fn narrowest_scope(self) -> Scope {
        match self {
            Self::Administer | Self::VoidOthers | Self::EnterEvaluations => Scope::All,
            Self::ReadAll => Scope::AllRead,
            Self::WriteStatements => Scope::StatementsWrite,
            Self::ReadStatements => Scope::StatementsRead,
            Self::ReadOwnStatements => Scope::StatementsReadMine,
            Self::ReadState | Self::WriteState => Scope::State,
            Self::ReadProfiles | Self::WriteProfiles => Scope::Profile,
            Self::Define => Scope::Define,
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
    fn each_scope_allows_what_the_specification_says() {
        use Action as A;
        let every = Action::EVERY.as_slice();
        for (scope, allowed) in [
            (Scope::All, every),
            (
                Scope::AllRead,
                &[
                    A::ReadAll,
                    A::ReadStatements,
                    A::ReadOwnStatements,
                    A::ReadState,
                    A::ReadProfiles,
                ],
            ),
            (Scope::StatementsWrite, &[A::WriteStatements]),
            (
                Scope::StatementsRead,
                &[A::ReadStatements, A::ReadOwnStatements],
            ),
            (Scope::StatementsReadMine, &[A::ReadOwnStatements]),
            (Scope::State, &[A::ReadState, A::WriteState]),
            (Scope::Profile, &[A::ReadProfiles, A::WriteProfiles]),
            (Scope::Define, &[A::Define]),
        ] {
            let found: Vec<_> = every
                .iter()
                .copied()
                .filter(|one| scope.allows(*one))
                .collect();
            assert_eq!(found, allowed, "{scope}");
        }
    }

    #[test]
    fn the_narrowest_scope_allows_its_action() {
        for action in Action::EVERY {
            assert!(action.narrowest_scope().allows(action), "{action:?}");
        }
    }

    #[test]
    fn a_scope_that_is_given_twice_is_had_once() {
        let given = [Scope::State, Scope::All, Scope::State, Scope::State];
        assert_eq!(Scope::distinct(given), [Scope::State, Scope::All]);
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
