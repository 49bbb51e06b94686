//! Committed statements are carried to the lake's table `statements`.
//!
//! In the final order, none skipped, none twice (docs/decisions/0006). [`::lake::Relay`] has the loop and the
//! position; here stands what it reads, and how a statement becomes a row.

mod pseudonym;
mod rows;

use std::time::Duration;

use ::lake::{Gone, Lake, Pace, Piece, Relay, Source};
use schemas::tables;
use service::Context;
use service::config::LakeSettings;

use crate::store::relay::{self, Limits};

/// Compressed bytes of statements in one commit at most; with what they unpack to, a relay stays
/// under some 200 MB.
const PIECE_MAX_BYTES: i64 = 16 << 20;

/// The relay of one process.
pub type StatementRelay = Relay<Statements>;

/// The relay to a lake, at the pace of the settings.
#[must_use]
pub fn statement_relay(context: Context, lake: Lake, settings: &LakeSettings) -> StatementRelay {
    let limits = Limits {
        rows: i64::try_from(settings.commit_max_rows).unwrap_or(i64::MAX),
        bytes: PIECE_MAX_BYTES,
    };
    let pace = Pace {
        every: Duration::from_millis(settings.commit_every_ms),
        compact_every: settings.compact_every_commits,
    };
    let source = Statements { context, limits };
    Relay::new(lake, &tables::statements::TABLE, source, pace)
}

/// The statements of the database, read up to its horizon.
#[derive(Debug)]
pub struct Statements {
    context: Context,
    limits: Limits,
}

impl Source for Statements {
    async fn epoch(&self) -> anyhow::Result<String> {
        Ok(relay::epoch(&self.context.pool).await?)
    }

    async fn stored(&self) -> anyhow::Result<i64> {
        Ok(relay::stored(&self.context.pool).await?)
    }

    async fn read(&self, after: i64) -> anyhow::Result<Piece> {
        let statements = relay::read(&self.context.pool, after, self.limits).await?;
        let Some(last) = statements.last() else {
            return Ok(Piece::nothing_after(after));
        };
        let position = last.statement.seq;
        let rows = rows::rows(&statements, self.context.secret.as_bytes())?;
        Ok(Piece {
            rows: Some(rows),
            gone: Gone::default(),
            position,
            // A look that finds nothing costs less than to tell which limit ended this one.
            more: true,
        })
    }
}
