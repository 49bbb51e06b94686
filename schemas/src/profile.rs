//! Sillage's xAPI Profile (the *plan de marquage*): its IRIs, and the rules by which a statement
//! counts as a pupil's answer.
//!
//! The profile itself is `profile/sillage.jsonld`, valid by the xAPI Profiles specification; the
//! constants here are compared with it in a test. [`Profile::check`] tells whether a statement follows
//! its templates; [`classify`] is the one place where a statement becomes an answer, [`answered_at`] and [`FoldKey`] the one order in which answers are folded.

mod answer;
mod check;
mod document;
mod fold;
mod path;
mod rules;

pub use answer::{AnswerParts, Candidate, Origin, Reason, classify};
pub use check::{ProfileFault, ProfileVerdict};
pub use document::Profile;
pub use fold::{FoldKey, SKEW_BELIEVED_MS, answered_at, is_old};
pub use path::{Found, NotAPath, Path};
pub use rules::{PROFILE_RULES, ProfileRule};

/// The profile as JSON-LD.
pub const PROFILE_JSONLD: &str = include_str!("../profile/sillage.jsonld");

/// IRI of the profile, every version of it.
pub const PROFILE: &str = "https://w3id.org/sillage/profile";
/// IRI of this version of the profile: what a statement names in `contextActivities.category`.
pub const PROFILE_VERSION: &str = "https://w3id.org/sillage/profile/v0.1";

/// IRIs of verbs.
pub mod verbs {
    /// A question was answered: the statement that mastery is computed from.
    pub const ANSWERED: &str = "http://adlnet.gov/expapi/verbs/answered";
    /// An activity was started.
    pub const INITIALIZED: &str = "http://adlnet.gov/expapi/verbs/initialized";
    /// An activity was finished.
    pub const COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";
    /// An activity was judged a success.
    pub const PASSED: &str = "http://adlnet.gov/expapi/verbs/passed";
    /// An activity was judged a failure.
    pub const FAILED: &str = "http://adlnet.gov/expapi/verbs/failed";
    /// A hint or a help was opened.
    pub const INTERACTED: &str = "http://adlnet.gov/expapi/verbs/interacted";
    /// A page, a lesson or a video was read or seen.
    pub const EXPERIENCED: &str = "http://adlnet.gov/expapi/verbs/experienced";
    /// An activity was left.
    pub const TERMINATED: &str = "http://adlnet.gov/expapi/verbs/terminated";
    /// A statement is void: reserved by xAPI.
    pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";
}

/// IRIs of activity types.
pub mod activity_types {
    /// One question.
    pub const INTERACTION: &str = "http://adlnet.gov/expapi/activities/cmi.interaction";
    /// An exercise: several questions.
    pub const ASSESSMENT: &str = "http://adlnet.gov/expapi/activities/assessment";
    /// A page or a lesson.
    pub const LESSON: &str = "http://adlnet.gov/expapi/activities/lesson";
    /// A hint or a help of a question.
    pub const HINT: &str = "https://w3id.org/sillage/activity-types/hint";
}

/// IRIs of the context extensions.
pub mod extensions {
    /// What the IRIs of these extensions begin with.
    pub const PREFIX: &str = "https://w3id.org/sillage/ext/";
    /// Why the pupil is at this item: `recommended`, `prescribed` or `free`.
    pub const ORIGIN: &str = "https://w3id.org/sillage/ext/origin";
    /// The recommendation that was followed.
    pub const RECOMMENDATION_ID: &str = "https://w3id.org/sillage/ext/recommendation-id";
    /// The prescription that was followed.
    pub const PRESCRIPTION_ID: &str = "https://w3id.org/sillage/ext/prescription-id";
    /// Whether the device was offline when it happened.
    pub const OFFLINE: &str = "https://w3id.org/sillage/ext/offline";
    /// Kind of device: `mobile` or `desktop`.
    pub const DEVICE: &str = "https://w3id.org/sillage/ext/device";
    /// Random identifier of the installation.
    pub const DEVICE_ID: &str = "https://w3id.org/sillage/ext/device-id";
    /// Counter of the installation.
    pub const SEQ: &str = "https://w3id.org/sillage/ext/seq";
    /// What the device found its clock to lack at synchronisation, in milliseconds: added to
    /// `timestamp` it gives the true time.
    pub const CLOCK_SKEW_MS: &str = "https://w3id.org/sillage/ext/clock-skew-ms";
    /// Version of the framework that the front-end knew.
    pub const FRAMEWORK_VERSION: &str = "https://w3id.org/sillage/ext/framework-version";
    /// Which attempt at this item, from 1.
    pub const ATTEMPT: &str = "https://w3id.org/sillage/ext/attempt";
    /// How many hints were opened before the answer.
    pub const HINTS: &str = "https://w3id.org/sillage/ext/hints";
    /// Version of the item that was shown.
    pub const ITEM_VERSION: &str = "https://w3id.org/sillage/ext/item-version";
    /// Whether the times of the statement were made up from the order of the answers.
    pub const INVENTED_TIME: &str = "https://w3id.org/sillage/ext/invented-time";
}

#[cfg(test)]
mod tests;
