//! Who calls, and what they may do: HTTP Basic credentials with xAPI scopes (xAPI 1.0.3
//! Communication 4.0; docs/decisions/0014), and tokens of an `OpenID` provider (docs/decisions/0019).
//!
//! [`Caller`] is what a handler takes: an application, or a person. [`Credentials`] says who has a
//! secret; [`watch()`] keeps what it remembers true; [`oidc`] reads tokens.

mod caller;
mod credentials;
mod grant;
pub mod oidc;
mod profile_mode;
mod scope;
mod secret;
mod watch;

pub use caller::{Application, Caller, Consumer, Person, Who};
pub use credentials::{BLIND, Credentials};
pub use grant::{ActivityPrefix, Binding, Grant, NotAPrefix, NotASchool, School, fault_of_end};
pub use profile_mode::{ProfileMode, UnknownMode};
pub use scope::{Action, Scope, UnknownScope};
pub use secret::{NewCredential, SecretHash};
pub use watch::watch;
