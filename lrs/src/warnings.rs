//! What credentials in the mode `warn` send against the profile: counted in memory, added to the
//! database every few seconds. What a process counted since then is lost if it is killed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemas::profile::ProfileFault;
use tokio_util::sync::CancellationToken;

use crate::Lrs;
use crate::store::{StoreError, profile_warnings};

/// Between two additions to the database: an operator who looks waits no longer than that, and a
/// thousand posts a second cost one short transaction.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// What is counted: a rule of a template, and who does not follow it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Key of the credential.
    pub credential: String,
    /// Name of the rule.
    pub rule: &'static str,
    /// IRI of the template; empty where none matched.
    pub template: String,
    /// JSONPath of the rule; empty where it has none.
    pub location: String,
}

/// How often, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Statements that did not follow the rule, as often as they were posted.
    pub statements: i64,
    /// The first time.
    pub first: DateTime<Utc>,
    /// The last time.
    pub last: DateTime<Utc>,
}

/// Counts by what is counted; few, since rules and credentials are.
pub type Counts = BTreeMap<Counted, Count>;

/// What this process counted and has not added to the database yet.
#[derive(Debug, Default)]
pub struct Warnings {
    pending: Mutex<Counts>,
}

impl Warnings {
    /// Counts a statement once for each rule that it does not follow.
    pub fn count(&self, credential: &str, faults: &[ProfileFault], now: DateTime<Utc>) {
        let mut rules: Vec<Counted> = faults
            .iter()
            .map(|fault| Counted {
                credential: credential.to_owned(),
                rule: fault.rule,
                template: fault.template.clone().unwrap_or_default(),
                location: fault.location.clone().unwrap_or_default(),
            })
            .collect();
        rules.sort_unstable();
        rules.dedup();
        let once = Count {
            statements: 1,
            first: now,
            last: now,
        };
        self.add(rules.into_iter().map(|rule| (rule, once)));
    }

    fn add(&self, counts: impl IntoIterator<Item = (Counted, Count)>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (counted, more) in counts {
            pending
                .entry(counted)
                .and_modify(|count| {
                    count.statements += more.statements;
                    count.first = count.first.min(more.first);
                    count.last = count.last.max(more.last);
                })
                .or_insert(more);
        }
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds what was counted to the database. What could not be added is kept for the next time.
pub(crate) async fn flush(lrs: &Lrs) -> Result<(), StoreError> {
    let counts = lrs.warnings.take();
    if counts.is_empty() {
        return Ok(());
    }
    let added = profile_warnings::add(&lrs.context.pool, &counts).await;
    if added.is_err() {
        lrs.warnings.add(counts);
    }
    added
}

/// Adds what was counted every few seconds, and once more at the end.
pub(crate) async fn run(lrs: &Lrs, shutdown: CancellationToken) {
    loop {
        let ends = tokio::time::timeout(FLUSH_EVERY, shutdown.cancelled())
            .await
            .is_ok();
        if let Err(error) = flush(lrs).await {
            tracing::warn!(error = %service::error::chain(&error), "warnings of the profile wait: they could not be added");
        }
        if ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::profile::Profile;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_counts_once_for_a_rule() {
        let warnings = Warnings::default();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        let named = json!({ "actor": { "name": "x", "mbox": "mailto:a@example.org" },
            "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced" },
            "object": { "definition": { "type": "http://adlnet.gov/expapi/activities/lesson" } } });
        let faults = Profile::sillage().check(&named).faults;
        for (credential, seconds) in [("a", 2), ("b", 3), ("a", 1)] {
            warnings.count(credential, &faults, at(seconds));
        }
        let counts = warnings.take();
        let of_a: Vec<_> = counts
            .iter()
            .filter(|(counted, _)| counted.credential == "a")
            .collect();
        let rules: Vec<_> = of_a.iter().map(|(counted, _)| counted.rule).collect();
        // Name and mail are one rule of the profile; category and timestamp are missing.
        assert_eq!(
            rules,
            ["profile-excluded", "profile-included", "profile-included"]
        );
        assert!(of_a.iter().all(|(_, count)| **count
            == Count {
                statements: 2,
                first: at(1),
                last: at(2)
            }));
        assert!(warnings.take().is_empty());
        // What could not be added is there again, beside what came since.
        warnings.count("a", &faults, at(9));
        warnings.add(counts);
        let again = warnings.take();
        let count = again.values().next().expect("counted");
        assert_eq!((count.statements, count.last), (3, at(9)));
    }
}
