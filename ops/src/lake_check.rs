//! `sillage lake verify` and `sillage lake rebuild`: the lake's tables against the database, and made anew
//! from it, beside whatever runs.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use analytics::lake::AnswerSource;
use lake::{Lake, Progress, Source, Verified};
use lrs::lake::Statements;
use schemas::tables::{Table, answers, statements};
use serde_json::{Value, json};
use service::Context;

use crate::cli::{LakeArgs, LakeTables};
use crate::database::Database;
use crate::exit::{Code, Failure};
use crate::output;

/// Rows of the feed of answers that are in memory at once.
const PIECE_ROWS: i64 = 5_000;

/// Time between two lines that tell how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// `sillage lake verify`.
pub(crate) async fn verify(args: LakeArgs) -> anyhow::Result<()> {
    let at = At::open(&args).await?;
    let verified = at.verify(args.table).await;
    at.database.stop().await?;
    let verified = verified?;
    if args.installation.common.json {
        let tables: Vec<_> = verified.iter().map(as_json).collect();
        output::json(&json!({ "tables": tables }))?;
    } else {
        let lines: Vec<_> = verified.iter().map(as_text).collect();
        output::lines(&lines.concat())?;
    }
    if verified.iter().all(Verified::is_equal) {
        return Ok(());
    }
    let message = "the lake and the database differ (sillage lake rebuild mends it)";
    Err(Failure::new(Code::Differs, message).into())
}

/// `sillage lake rebuild`.
pub(crate) async fn rebuild(args: LakeArgs) -> anyhow::Result<()> {
    let at = At::open(&args).await?;
    let json = args.installation.common.json;
    let rebuilt = at.rebuild(args.table, json).await;
    at.database.stop().await?;
    for (table, done) in rebuilt? {
        let Progress { position, rows, .. } = done;
        if json {
            output::json(&json!({ "table": table, "rows": rows, "position": position }))?;
        } else {
            output::lines(&format!(
                "{table}: {rows} rows, up to position {position}, made anew"
            ))?;
        }
    }
    Ok(())
}

/// The lake and the database of an installation.
struct At {
    lake: Lake,
    database: Database,
    statements: Statements,
    answers: AnswerSource,
}

impl At {
    async fn open(args: &LakeArgs) -> anyhow::Result<Self> {
        let settings = args.installation.settings()?;
        let database = Database::for_a_moment(&settings).await?;
        let pool = database.pool().clone();
        let context = match Context::open(pool.clone(), Duration::ZERO).await {
            Ok(context) => context,
            Err(error) => {
                database.stop().await?;
                return Err(error.into());
            }
        };
        Ok(Self {
            lake: Lake::at(&settings.lake_root()),
            database,
            statements: Statements::new(context),
            answers: AnswerSource::new(pool, PIECE_ROWS),
        })
    }

    async fn verify(&self, which: LakeTables) -> anyhow::Result<Vec<Verified>> {
        let mut verified = Vec::new();
        if which.has(&statements::TABLE) {
            verified.push(lake::verify(&self.lake, &statements::TABLE, &self.statements).await?);
        }
        if which.has(&answers::TABLE) {
            verified.push(lake::verify(&self.lake, &answers::TABLE, &self.answers).await?);
        }
        Ok(verified)
    }

    async fn rebuild(
        &self,
        which: LakeTables,
        json: bool,
    ) -> anyhow::Result<Vec<(&'static str, Progress)>> {
        let mut rebuilt = Vec::new();
        if which.has(&statements::TABLE) {
            rebuilt.push(
                self.rebuild_one(&statements::TABLE, &self.statements, json)
                    .await?,
            );
        }
        if which.has(&answers::TABLE) {
            rebuilt.push(
                self.rebuild_one(&answers::TABLE, &self.answers, json)
                    .await?,
            );
        }
        Ok(rebuilt)
    }

    async fn rebuild_one(
        &self,
        table: &'static Table,
        source: &impl Source,
        json: bool,
    ) -> anyhow::Result<(&'static str, Progress)> {
        let mut told = Instant::now();
        let done = lake::rebuild(&self.lake, table, source, |progress| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                tell(table.name, progress, json);
            }
        });
        Ok((table.name, done.await?))
    }
}

/// One line on standard error: standard output is for what came of it.
fn tell(table: &str, progress: Progress, as_json: bool) {
    let Progress {
        position,
        stored,
        rows,
    } = progress;
    let line = if as_json {
        json!({ "progress": { "table": table, "rows": rows, "position": position, "stored": stored } })
            .to_string()
    } else {
        format!("{table}: {rows} rows, position {position} of {stored}")
    };
    // Nobody may be looking, which is no reason to stop.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn as_json(verified: &Verified) -> Value {
    let differences = verified.differences.iter().map(|difference| {
        json!({
            "day": difference.day,
            "bucket": difference.bucket,
            "database": difference.database,
            "lake": difference.lake,
        })
    });
    let files = verified.files.iter().map(
        |bad| json!({ "file": bad.file, "rows": bad.rows, "bucket": bad.bucket, "why": bad.why }),
    );
    json!({
        "table": verified.table,
        "equal": verified.is_equal(),
        "version": verified.version,
        "rows": verified.rows,
        "position": verified.position,
        "stored": verified.stored,
        "differences": differences.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
    })
}

fn as_text(verified: &Verified) -> String {
    let Verified {
        table,
        version,
        position,
        stored,
        rows,
        ..
    } = verified;
    let verdict = if verified.is_equal() {
        "equal".to_owned()
    } else {
        format!(
            "{} days and buckets differ, {} files are at fault",
            verified.differences.len(),
            verified.files.len()
        )
    };
    let head = format!(
        "{table}: {rows} rows up to position {position} of {stored}, version {version}: {verdict}\n"
    );
    let differences = verified.differences.iter().map(|difference| {
        format!(
            "  {}, bucket {}: {} rows in the database, {} in the lake{}\n",
            difference.day,
            difference.bucket,
            difference.database,
            difference.lake,
            if difference.database == difference.lake {
                ", with other contents"
            } else {
                ""
            }
        )
    });
    let files = verified.files.iter().map(|bad| {
        let bucket = match bad.bucket {
            Some(bucket) => format!("bucket {bucket}"),
            None => "several buckets".to_owned(),
        };
        format!("  {} ({bucket}): {}\n", bad.file, bad.why)
    });
    head + &differences.chain(files).collect::<String>()
}
