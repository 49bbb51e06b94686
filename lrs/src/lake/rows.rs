//! Statements as rows of the lake's table `statements`.

use anyhow::Context as _;
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, RecordBatch,
    StringBuilder, TimestampMicrosecondBuilder,
};
use chrono::{DateTime, Utc};
use schemas::tables::{self, NO_ACCOUNT_BUCKET, bucket};
use schemas::time::{duration_ms, parse_timestamp};
use serde_json::Value;
use std::sync::Arc;

use super::identities::Identity;
use super::pseudonym::pseudonymise;
use crate::statement::format::{Kept, exact};
use crate::statement::payload::decompress;
use crate::store::relay::Shippable;

/// How many of some statements are taken, their rows, and whose accounts are in them; `secret` is the installation's. The statement
/// with which they pass `max_bytes` of JSON is the last.
///
/// # Errors
/// When a stored statement is not one: the database was changed by another hand.
pub(super) fn rows(
    statements: &[Shippable],
    secret: &[u8],
    max_bytes: usize,
) -> anyhow::Result<(usize, RecordBatch, Vec<Identity>)> {
    let mut columns = Columns::default();
    let mut taken = 0;
    for statement in statements {
        columns
            .push(statement, secret)
            .with_context(|| format!("statement at position {}", statement.statement.seq))?;
        taken += 1;
        if columns.statement.values_slice().len() >= max_bytes {
            break;
        }
    }
    let identities = std::mem::take(&mut columns.identities);
    let rows = RecordBatch::try_new(tables::statements::schema(), columns.finish())?;
    Ok((taken, rows, identities))
}

/// A builder a column, in the order of the table.
#[derive(Default)]
struct Columns {
    bucket: Int32Builder,
    seq: Int64Builder,
    id: StringBuilder,
    stored: TimestampMicrosecondBuilder,
    timestamp: TimestampMicrosecondBuilder,
    account: StringBuilder,
    verb: StringBuilder,
    object_type: StringBuilder,
    activity: StringBuilder,
    registration: StringBuilder,
    voids: StringBuilder,
    success: BooleanBuilder,
    score_scaled: Float64Builder,
    duration_ms: Int64Builder,
    xapi_version: StringBuilder,
    statement: StringBuilder,
    identities: Vec<Identity>,
}

impl Columns {
    fn push(&mut self, row: &Shippable, secret: &[u8]) -> anyhow::Result<()> {
        let kept = &row.statement;
        let sent = decompress(&kept.payload)?;
        let text = exact(
            &Kept {
                sent: &sent,
                id: kept.id,
                stored: kept.stored,
                version: kept.version,
                authority: &kept.authority,
            },
            kept.version,
        )?;
        let mut statement: Value = serde_json::from_str(&text)?;
        let happened = statement["timestamp"]
            .as_str()
            .and_then(parse_timestamp)
            .map_or(kept.stored, |timestamp| timestamp.utc);
        let object_type = statement["object"]["objectType"]
            .as_str()
            .unwrap_or("Activity");
        let result = &statement["result"];

        self.bucket
            .append_value(row.account.map_or(NO_ACCOUNT_BUCKET, bucket));
        self.seq.append_value(kept.seq);
        self.id.append_value(kept.id.to_string());
        self.stored.append_value(micros(kept.stored));
        self.timestamp.append_value(micros(happened));
        self.account
            .append_option(row.account.map(|account| account.to_string()));
        self.verb.append_value(&row.verb);
        self.object_type.append_value(object_type);
        self.activity.append_option(row.activity.as_deref());
        self.registration
            .append_option(row.registration.map(|id| id.to_string()));
        self.voids.append_option(row.voids.map(|id| id.to_string()));
        self.success.append_option(result["success"].as_bool());
        self.score_scaled
            .append_option(result["score"]["scaled"].as_f64());
        self.duration_ms
            .append_option(result["duration"].as_str().and_then(duration_ms));
        self.xapi_version.append_value(kept.version.to_string());
        pseudonymise(&mut statement, secret, |account, actor| {
            self.identities.push(Identity::of(account, kept.seq, actor));
        });
        self.statement.append_value(statement.to_string());
        Ok(())
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.bucket.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.id.finish()),
            Arc::new(self.stored.finish().with_timezone("UTC")),
            Arc::new(self.timestamp.finish().with_timezone("UTC")),
            Arc::new(self.account.finish()),
            Arc::new(self.verb.finish()),
            Arc::new(self.object_type.finish()),
            Arc::new(self.activity.finish()),
            Arc::new(self.registration.finish()),
            Arc::new(self.voids.finish()),
            Arc::new(self.success.finish()),
            Arc::new(self.score_scaled.finish()),
            Arc::new(self.duration_ms.finish()),
            Arc::new(self.xapi_version.finish()),
            Arc::new(self.statement.finish()),
        ]
    }
}

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
