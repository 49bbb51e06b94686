//! Committed statements are carried to the lake's table `statements`.
//!
//! In the final order, none skipped, none twice (docs/decisions/0006). [`::lake::Relay`] has the loop and the
//! position; here stands what it reads, and how a statement becomes a row.

mod identities;
mod pseudonym;
mod put_back;
mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use ::lake::{Gone, Lake, Pace, Piece, Relay, Source};
use anyhow::Context as _;
use arrow::array::RecordBatch;
use schemas::tables;
use service::Context;
use service::config::LakeSettings;

use crate::store::relay::{self, Limits, Shippable};
use identities::Identities;

/// What is in memory at once: a commit takes several pieces, and what is written of it leaves the memory.
const PIECE: Limits = Limits {
    rows: 2_000,
    bytes: 1 << 20,
};

/// Positions and ids that are read at a time.
const PLACES: i64 = 20_000;

/// Bytes of the statements of a piece, as JSON, after which it ends: zstd may have made a thousandth of
/// them.
const PIECE_MAX_TEXT_BYTES: usize = 4 << 20;

/// The relay of one process.
pub type StatementRelay = Relay<Statements>;

/// The relay to a lake, at the pace of the settings.
#[must_use]
pub fn statement_relay(context: Context, lake: Lake, settings: &LakeSettings) -> StatementRelay {
    let pace = Pace {
        every: Duration::from_millis(settings.commit_every_ms),
        commit_max_rows: settings.commit_max_rows,
        compact_every: settings.compact_every_commits,
    };
    let source = Statements::with_identities(context, &lake);
    Relay::new(lake, &tables::statements::TABLE, source, pace)
}

/// The statements of the database, read up to its horizon.
#[derive(Debug)]
pub struct Statements {
    context: Context,
    /// Of who ships: the others need nobody's.
    identities: Option<Identities>,
}

impl Statements {
    /// The statements of a database.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            identities: None,
        }
    }

    /// The same, for who ships them to a lake.
    fn with_identities(context: Context, lake: &Lake) -> Self {
        Self {
            context,
            identities: Some(Identities::of(lake)),
        }
    }

    /// The piece of what was read after a position.
    async fn piece(&self, after: i64, statements: &[Shippable]) -> anyhow::Result<Piece> {
        let secret = self.context.secret.as_bytes();
        let (taken, rows, who) = rows::rows(statements, secret, PIECE_MAX_TEXT_BYTES)?;
        let Some(last) = statements[..taken].last() else {
            return Ok(Piece::nothing_after(after));
        };
        if let Some(identities) = &self.identities {
            identities.keep(who).await?;
        }
        Ok(Piece {
            rows: Some(rows),
            gone: Gone::default(),
            position: last.statement.seq,
            // A look that finds nothing costs less than to tell which limit ended this one.
            more: true,
        })
    }
}

impl Source for Statements {
    async fn epoch(&self) -> anyhow::Result<String> {
        Ok(relay::epoch(&self.context.pool).await?)
    }

    async fn stored(&self) -> anyhow::Result<i64> {
        Ok(relay::stored(&self.context.pool).await?)
    }

    async fn read(&self, after: i64) -> anyhow::Result<Piece> {
        let statements = relay::read(&self.context.pool, after, PIECE).await?;
        self.piece(after, &statements).await
    }

    async fn as_of(&self, after: i64, through: i64) -> anyhow::Result<Piece> {
        let mut statements = relay::read_any(&self.context.pool, after, PIECE).await?;
        let known = statements.partition_point(|row| row.statement.seq <= through);
        statements.truncate(known);
        self.piece(after, &statements).await
    }

    async fn places(&self, after: i64, through: i64) -> anyhow::Result<(Vec<(i64, String)>, i64)> {
        let rows = relay::places(&self.context.pool, after, through, PLACES).await?;
        let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= PLACES;
        let last = rows.last().map(|(seq, _)| *seq).filter(|_| is_full);
        let rows = rows.into_iter().map(|(seq, id)| (seq, id.to_string()));
        Ok((rows.collect(), last.unwrap_or(through)))
    }

    async fn undecided(&self, _through: i64) -> anyhow::Result<BTreeSet<String>> {
        // A voided statement stays.
        Ok(BTreeSet::new())
    }

    async fn put_back(&self, rows: RecordBatch) -> anyhow::Result<Vec<String>> {
        let identities = self
            .identities
            .as_ref()
            .context("only who ships puts back")?;
        put_back::put_back(&self.context, identities, &rows).await
    }

    async fn in_line(&self) -> anyhow::Result<()> {
        Ok(relay::in_line(&self.context.pool).await?)
    }
}
