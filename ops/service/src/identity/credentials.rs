//! The credentials of the database, remembered.
//!
//! While the database tells of every change ([`super::watch()`]) a credential is remembered for as
//! long as the setting says and forgotten when it changes. A process that does not hear trusts
//! nothing that it read more than [`BLIND`] ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::oidc::Issuer;
use super::{Caller, SecretHash};
use crate::clock;
use crate::pg::Pool;
use crate::store::credentials::Stored;
use crate::store::{StoreError, credentials};

/// For how long a credential is believed by a process that does not hear of changes.
pub const BLIND: Duration = Duration::from_secs(5);

/// Who may call: credentials, and an issuer of tokens if there is one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credentials {
    pool: Pool,
    remember: Duration,
    known: Arc<Mutex<Known>>,
    issuer: Option<Issuer>,
}

#[derive(Debug, Default)]
struct Known {
    /// Only keys that exist are remembered, so the map is as small as their number.
    entries: HashMap<String, (Instant, Arc<Stored>)>,
    /// Counts what may have changed: what was read before it went on is not remembered.
    changes: u64,
    /// Until when it is sure that changes are heard of.
    hears_until: Option<Instant>,
}

impl Credentials {
    /// Credentials read through `pool`, and remembered for `remember` at most.
    #[must_use]
    pub fn new(pool: Pool, remember: Duration) -> Self {
        Self {
            pool,
            remember,
            known: Arc::default(),
            issuer: None,
        }
    }

    /// The same, with tokens of an issuer beside them.
    #[must_use]
    pub fn accepting(self, issuer: Option<Issuer>) -> Self {
        Self { issuer, ..self }
    }

    /// The issuer whose tokens are taken.
    #[must_use]
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Who has this key and secret, if anybody.
    pub async fn check(&self, key: &str, secret: &str) -> Result<Option<Caller>, StoreError> {
        let now = clock::now();
        if let Some(stored) = self.remembered(key)
            && passes(&stored, secret, now)
        {
            return Ok(Some(Caller::credential(key, &stored)));
        }
        // A secret that does not pass may be newer than what is remembered: a rotation is answered
        // before it is heard of.
        let (before, since) = (self.known().changes, Instant::now());
        let Some(stored) = credentials::find(&self.pool, key).await? else {
            return Ok(None);
        };
        let stored = Arc::new(stored);
        self.remember(key, &stored, before, since);
        Ok(passes(&stored, secret, now).then(|| Caller::credential(key, &stored)))
    }

    fn remembered(&self, key: &str) -> Option<Arc<Stored>> {
        let known = self.known();
        let (since, stored) = known.entries.get(key)?;
        let hears = known
            .hears_until
            .is_some_and(|until| Instant::now() < until);
        let trusted = if hears {
            self.remember
        } else {
            self.remember.min(BLIND)
        };
        (since.elapsed() < trusted).then(|| Arc::clone(stored))
    }

    /// Remembers what was read since then: it may be as old as that, however long the answer took.
    fn remember(&self, key: &str, stored: &Arc<Stored>, before: u64, since: Instant) {
        let mut known = self.known();
        // Something changed while it was read: it may be what it was before.
        if known.changes == before {
            known
                .entries
                .insert(key.to_owned(), (since, Arc::clone(stored)));
        }
    }

    /// A credential changed.
    pub(super) fn changed(&self, key: &str) {
        let mut known = self.known();
        known.changes += 1;
        known.entries.remove(key);
    }

    /// From now on changes are heard of, and it is sure until then. What was remembered before may
    /// have changed unheard.
    pub(super) fn hears(&self, until: Instant) {
        let mut known = self.known();
        known.changes += 1;
        known.entries.clear();
        known.hears_until = Some(until);
    }

    /// Changes are still heard of.
    pub(super) fn hears_on(&self, until: Instant) {
        self.known().hears_until = Some(until);
    }

    /// Changes are no longer heard of.
    pub(super) fn is_deaf(&self) {
        self.known().hears_until = None;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a secret lets in: the one in force, or the former one for as long as it passes.
fn passes(stored: &Stored, secret: &str, now: DateTime<Utc>) -> bool {
    if stored.expires.is_some_and(|expires| expires <= now) {
        return false;
    }
    let given = SecretHash::of(secret);
    let former = stored
        .former
        .as_ref()
        .is_some_and(|(former, until)| former.is(&given) & (now < *until));
    stored.hash.is(&given) | former
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Binding, Scope};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + second, 0).expect("in range")
    }

    fn stored() -> Stored {
        Stored {
            hash: SecretHash::of("new"),
            former: Some((SecretHash::of("old"), at(10))),
            expires: Some(at(20)),
            scopes: vec![Scope::All],
            binding: Binding::default(),
            profile_mode: None,
        }
    }

    #[test]
    fn a_secret_passes_until_its_end() {
        for (secret, second, wanted) in [
            ("new", 0, true),
            ("old", 0, true),
            ("other", 0, false),
            ("", 0, false),
            ("new", 15, true),
            ("old", 9, true),
            ("old", 10, false),
            ("new", 20, false),
        ] {
            let found = passes(&stored(), secret, at(second));
            assert_eq!(found, wanted, "{secret} after {second} s");
        }
    }

    fn credentials() -> Credentials {
        let pool = crate::pg::pool("postgres://nobody@127.0.0.1:1/none", 1).expect("a pool");
        Credentials::new(pool, Duration::from_secs(60))
    }

    /// Puts an entry in that was read so long ago.
    fn put(credentials: &Credentials, key: &str, age: Duration) {
        let since = Instant::now()
            .checked_sub(age)
            .expect("the machine is up for longer");
        let entry = (since, Arc::new(stored()));
        credentials.known().entries.insert(key.to_owned(), entry);
    }

    #[tokio::test]
    async fn who_does_not_hear_trusts_nothing_older_than_five_seconds() {
        let credentials = credentials();
        put(&credentials, "fresh", Duration::from_secs(4));
        put(&credentials, "old", Duration::from_secs(6));
        assert!(credentials.remembered("fresh").is_some());
        assert!(credentials.remembered("old").is_none());
        credentials.hears_on(Instant::now() + Duration::from_secs(60));
        assert!(credentials.remembered("old").is_some());
        credentials.is_deaf();
        assert!(credentials.remembered("old").is_none());
    }

    #[tokio::test]
    async fn what_took_long_to_read_is_as_old_as_the_question() {
        let credentials = credentials();
        let before = credentials.known().changes;
        let asked = Instant::now()
            .checked_sub(Duration::from_secs(6))
            .expect("the machine is up for longer");
        credentials.remember("a", &Arc::new(stored()), before, asked);
        assert!(credentials.remembered("a").is_none());
    }

    #[tokio::test]
    async fn what_changed_is_forgotten_and_what_was_read_meanwhile_is_not_kept() {
        let credentials = credentials();
        credentials.hears(Instant::now() + Duration::from_secs(60));
        put(&credentials, "a", Duration::ZERO);
        put(&credentials, "b", Duration::ZERO);
        let before = credentials.known().changes;
        credentials.changed("a");
        assert!(credentials.remembered("a").is_none());
        assert!(credentials.remembered("b").is_some());
        credentials.remember("a", &Arc::new(stored()), before, Instant::now());
        assert!(
            credentials.remembered("a").is_none(),
            "read before the change"
        );
        let before = credentials.known().changes;
        credentials.remember("a", &Arc::new(stored()), before, Instant::now());
        assert!(credentials.remembered("a").is_some());
        credentials.hears(Instant::now() + Duration::from_secs(60));
        assert!(
            credentials.remembered("b").is_none(),
            "heard anew: all is read again"
        );
    }
}
