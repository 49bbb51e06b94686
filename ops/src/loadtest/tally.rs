//! What was seen: answers, latencies, errors, and which statements were acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use service::histogram::Histogram;
use uuid::Uuid;

use super::profile::Phase;
use super::session::Kind;

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered as it should be. A state document that does not exist yet is such an answer.
    Answered,
    /// Refused, failed or lost; of which kind.
    Error(String),
    /// The test ended while it waited for the answer to the request before it.
    Unsent,
}

/// One request, when it is over.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// All from the start of the test.
    pub(crate) due: Duration,
    pub(crate) sent: Duration,
    pub(crate) over: Duration,
    /// The statements that it carried.
    pub(crate) ids: Vec<Uuid>,
    pub(crate) outcome: Outcome,
}

/// Requests of one kind that were due in one phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) due: u64,
    pub(crate) answered: u64,
    /// From when a request was due to its answer, of those that were answered.
    pub(crate) latency: Histogram,
}

/// What happened in a phase, whenever it was due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) requests_due: u64,
    pub(crate) requests_answered: u64,
    pub(crate) statements_due: u64,
    pub(crate) statements_acknowledged: u64,
}

/// Everything that was seen.
#[derive(Debug)]
pub(crate) struct Tally {
    phases: Vec<Phase>,
    pub(crate) counts: BTreeMap<(usize, Kind), Counts>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) unsent: u64,
    /// From when a request was due to when it was sent: the service holds up what follows an answer
    /// that is late, a loaded machine everything.
    pub(crate) lateness: Histogram,
    pub(crate) acknowledged: BTreeSet<Uuid>,
    /// Sent and not acknowledged: they may be there or not.
    pub(crate) unacknowledged: BTreeSet<Uuid>,
}

impl Tally {
    /// Nothing seen yet.
    pub(crate) fn new(phases: Vec<Phase>) -> Self {
        Self {
            counts: BTreeMap::new(),
            flows: vec![Flow::default(); phases.len()],
            errors: BTreeMap::new(),
            unsent: 0,
            lateness: Histogram::default(),
            acknowledged: BTreeSet::new(),
            unacknowledged: BTreeSet::new(),
            phases,
        }
    }

    /// Adds a request that is over.
    pub(crate) fn add(&mut self, seen: Seen) {
        let statements = seen.ids.len() as u64;
        let answered = seen.outcome == Outcome::Answered;
        if let Some(phase) = self.phase_at(seen.due) {
            let flow = &mut self.flows[phase];
            flow.requests_due += 1;
            flow.statements_due += statements;
            let counts = self.counts.entry((phase, seen.kind)).or_default();
            counts.due += 1;
            if answered {
                counts.answered += 1;
                counts.latency.record(seen.over.saturating_sub(seen.due));
            }
        }
        if let Some(phase) = self.phase_at(seen.over).filter(|_| answered) {
            let flow = &mut self.flows[phase];
            flow.requests_answered += 1;
            flow.statements_acknowledged += statements;
        }
        match seen.outcome {
            Outcome::Unsent => {
                self.unsent += 1;
                return;
            }
            Outcome::Answered => self.acknowledged.extend(seen.ids),
            Outcome::Error(error) => {
                *self.errors.entry(error).or_default() += 1;
                self.unacknowledged.extend(seen.ids);
            }
        }
        self.lateness.record(seen.sent.saturating_sub(seen.due));
    }

    /// The phases, in order.
    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// None after the end.
    fn phase_at(&self, at: Duration) -> Option<usize> {
        self.phases.iter().position(|phase| at < phase.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loadtest::profile::Profile;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn seen(due: u64, over: u64, id: u128, outcome: Outcome) -> Seen {
        Seen {
            kind: Kind::Statement,
            due: seconds(due),
            sent: seconds(due),
            over: seconds(over),
            ids: vec![Uuid::from_u128(id)],
            outcome,
        }
    }

    fn tally() -> Tally {
        // Two phases of ten seconds.
        Tally::new(Profile::Ramp.phases(seconds(20), 1.0))
    }

    #[test]
    fn an_answer_counts_where_it_was_due_and_flows_where_it_came() {
        let mut tally = tally();
        tally.add(seen(1, 2, 1, Outcome::Answered));
        tally.add(seen(2, 15, 2, Outcome::Answered));
        tally.add(seen(19, 21, 3, Outcome::Answered));
        let first = &tally.counts[&(0, Kind::Statement)];
        assert_eq!((first.due, first.answered), (2, 2));
        assert!((13_000.0..13_500.0).contains(&first.latency.quantile_ms(1_000)));
        let flows: Vec<_> = tally
            .flows
            .iter()
            .map(|flow| (flow.statements_due, flow.statements_acknowledged))
            .collect();
        // The last one was acknowledged after the end: it was not reached in the second phase.
        assert_eq!(flows, [(2, 1), (1, 1)]);
        assert_eq!(tally.acknowledged.len(), 3);
        assert!(tally.errors.is_empty());
    }

    #[test]
    fn what_failed_is_neither_acknowledged_nor_a_latency() {
        let mut tally = tally();
        tally.add(seen(1, 2, 1, Outcome::Error("503".to_owned())));
        tally.add(seen(1, 2, 2, Outcome::Error("503".to_owned())));
        tally.add(seen(3, 30, 3, Outcome::Unsent));
        let counts = &tally.counts[&(0, Kind::Statement)];
        assert_eq!((counts.due, counts.answered), (3, 0));
        assert_eq!(counts.latency.count(), 0);
        assert_eq!((tally.errors["503"], tally.unsent), (2, 1));
        // What was not sent cannot be there.
        assert_eq!(tally.unacknowledged.len(), 2);
        assert_eq!((tally.acknowledged.len(), tally.lateness.count()), (0, 2));
    }
}
