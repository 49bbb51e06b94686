//! Documents that clients keep here: State, Activity Profile, Agent Profile (xAPI 1.0.3
//! Communication 2.2, 2.3, 2.6, 2.7 and 3.1). Pure: no clock, no database, no HTTP.
//!
//! [`query::read`] turns the parameters into an [`Address`] or tells every fault;
//! [`decide::decide`] says what becomes of the document that is there, given the
//! [`Preconditions`]; `store/documents.rs` asks it while it holds the document.

pub mod decide;
pub mod digest;
pub mod precondition;
pub mod query;

use schemas::ids::Registration;

use crate::statement::keys::{Identified, Iri};

pub use digest::Digest;
pub use precondition::Preconditions;

/// The three resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `/activities/state`.
    State,
    /// `/activities/profile`.
    ActivityProfile,
    /// `/agents/profile`.
    AgentProfile,
}

impl Kind {
    /// The parameter that names a document.
    #[must_use]
    pub fn id_parameter(self) -> &'static str {
        match self {
            Self::State => "stateId",
            Self::ActivityProfile | Self::AgentProfile => "profileId",
        }
    }

    /// Where the specification describes the resource.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::State => "xAPI 1.0.3 Communication 2.3",
            Self::ActivityProfile => "xAPI 1.0.3 Communication 2.7",
            Self::AgentProfile => "xAPI 1.0.3 Communication 2.6",
        }
    }
}

/// What documents belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The resource.
    pub kind: Kind,
    /// The activity, but for an agent's profile.
    pub activity: Option<Iri>,
    /// The agent, but for an activity's profile.
    pub agent: Option<Identified>,
    /// The registration, where a State has one.
    pub registration: Option<Registration>,
}

/// Where one document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What it belongs to.
    pub place: Place,
    /// Its name there: any text, of any length.
    pub id: String,
}
