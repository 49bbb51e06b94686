//! Who calls, and what they may do: HTTP Basic credentials with xAPI scopes (xAPI 1.0.3
//! Communication 4.0; docs/decisions/0014). People's tokens and roles come beside them.

mod basic;
mod profile_mode;
mod scope;

pub use basic::{Caller, Credentials, NewCredential, SecretHash};
pub use profile_mode::{ProfileMode, UnknownMode};
pub use scope::{Action, Scope, UnknownScope};
