//! A statement that refers to others is found by what finds them (xAPI 1.0.3 Communication 2.1.3,
//! "Filter Conditions for `StatementRefs`"; docs/decisions/0016).
//!
//! What a statement inherits is written by one worker of all copies, behind the commits: neither many
//! references to one statement nor a target that comes late hold a commit up. It goes over the
//! statements in their final order, a [`Range`] at a time:
//!
//! 1. each statement of the range that refers to another inherits from the whole chain behind it, as
//!    far as it is stored up to the end of the range (`inherit`);
//! 2. where the range holds a statement that earlier ones waited for, those, and those that refer to
//!    them, inherit from what their chains have become;
//! 3. targets of the range that are not stored are noted as waited for, and the position moves on.
//!
//! A new link between two statements is seen with the later of the two, so none is missed. Until the
//! position has moved, all of it may be done again: what is there already stays.
//! `published.consistent_through()` is held back to what is not done.

mod inherit;
mod vouching;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use service::Context;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::dictionaries::Dictionaries;
use crate::store::references::{self, Following, Range};

pub use vouching::Vouching;

/// How many steps a chain of references is followed.
///
/// With it a circle ends, and a chain of n statements costs no more than 32 n rows. The deepest chain that we can think of (a comment on a correction of a
/// confirmation) has four.
pub const STEPS_MAX: i32 = 32;

/// References in one range, and in one look at those that refer to a statement: a transaction stays
/// in the tens of milliseconds.
const REFERENCES: i64 = 1_000;

/// Statements in one range while any of them may be waited for.
const STATEMENTS: i64 = 10_000;

/// Between two looks while nothing waits: what bounds how late another copy's statements are followed.
const EVERY: Duration = Duration::from_millis(75);

/// Between two looks while a reference waits for the order to be final, which takes a commit.
const SOON: Duration = Duration::from_millis(10);

/// Between two tries to become the worker, or to reach the database again.
const AGAIN: Duration = Duration::from_millis(500);

/// What the worker needs.
#[derive(Debug)]
pub struct Follower {
    context: Context,
    dictionaries: Arc<Dictionaries>,
    vouching: Arc<Vouching>,
    committed: Arc<Notify>,
}

/// What is left to do.
enum Next {
    /// More, at once.
    More,
    /// A reference whose order is not final yet.
    Soon,
    /// Nothing.
    Nothing,
}

impl Follower {
    /// A worker that is told by `committed` of references that this process stored.
    #[must_use]
    pub fn new(
        context: Context,
        dictionaries: Arc<Dictionaries>,
        vouching: Arc<Vouching>,
        committed: Arc<Notify>,
    ) -> Self {
        Self {
            context,
            dictionaries,
            vouching,
            committed,
        }
    }

    /// Follows references for ever, while no other copy does.
    pub async fn run(&self) {
        loop {
            if let Err(error) = self.follow().await {
                tracing::warn!(error = %service::error::chain(&error), "following references goes again");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// `Ok` when another copy has the right.
    async fn follow(&self) -> Result<(), StoreError> {
        let Some(following) = references::lock(&self.context.pool).await? else {
            return Ok(());
        };
        self.vouching
            .complete(&self.context.pool, &self.dictionaries)
            .await?;
        loop {
            match self.step(&following).await? {
                Next::More => {}
                Next::Soon => tokio::time::sleep(SOON).await,
                Next::Nothing => {
                    // Woken or not: another copy may have stored something.
                    let _ = tokio::time::timeout(EVERY, self.committed.notified()).await;
                }
            }
        }
    }

    /// Does one range.
    async fn step(&self, following: &Following) -> Result<Next, StoreError> {
        let range = following.range(REFERENCES, STATEMENTS).await?;
        if range.upto <= range.position || !(range.waiting || range.dangling) {
            return Ok(if range.waiting {
                Next::Soon
            } else {
                Next::Nothing
            });
        }
        let referring = following.within(range).await?;
        self.inherit(following, &referring, range.upto).await?;
        let arrived = if range.dangling {
            following.arrived(range).await?
        } else {
            Vec::new()
        };
        for target in &arrived {
            self.pass_on(following, *target, range).await?;
        }
        following.advance(range, &arrived).await?;
        Ok(Next::More)
    }

    /// A statement has come that earlier ones refer to: they, and those that refer to them, inherit
    /// from what their chains have become.
    async fn pass_on(
        &self,
        following: &Following,
        target: Uuid,
        range: Range,
    ) -> Result<(), StoreError> {
        let mut known = HashSet::from([target]);
        let mut targets = vec![target];
        for _ in 0..STEPS_MAX {
            let mut next = Vec::new();
            for target in targets {
                let mut after = 0;
                loop {
                    let referrers = following
                        .referrers(target, after, range.upto, REFERENCES)
                        .await?;
                    let Some(last) = referrers.last() else { break };
                    after = last.seq;
                    let seqs: Vec<i64> = referrers.iter().map(|referrer| referrer.seq).collect();
                    self.inherit(following, &seqs, range.upto).await?;
                    next.extend(
                        referrers
                            .iter()
                            .filter(|referrer| referrer.is_target && known.insert(referrer.id))
                            .map(|referrer| referrer.id),
                    );
                }
            }
            targets = next;
        }
        Ok(())
    }
}
