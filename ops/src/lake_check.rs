//! `sillage lake verify` and `sillage lake rebuild`: the lake's tables against the database, and made anew
//! from it, beside whatever runs.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use analytics::AnalyticsConfig;
use analytics::jobs::service_usage::{self, Days};
use analytics::lake::AnswerSource;
use analytics::lake::copies::{self, Copies, When};
use analytics::store::copies::Copied;
use lake::{Lake, Progress, Source, Verified};
use lrs::lake::Statements;
use schemas::tables::{Table, answers, statements, usage};
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
    for done in rebuilt? {
        let Rebuilt {
            table,
            rows,
            position,
        } = done;
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

/// A table that was made anew.
struct Rebuilt {
    table: &'static str,
    rows: u64,
    position: i64,
}

impl Rebuilt {
    fn of(table: &Table, rows: usize, position: i64) -> Self {
        Self {
            table: table.name,
            rows: rows as u64,
            position,
        }
    }
}

/// The lake and the database of an installation.
struct At {
    lake: Lake,
    database: Database,
    memory: usize,
    statements: Statements,
    answers: AnswerSource,
}

impl At {
    async fn open(args: &LakeArgs) -> anyhow::Result<Self> {
        let settings = args.installation.settings()?;
        let memory = AnalyticsConfig::load(&settings)?
            .analytics
            .recompute_memory_bytes;
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
            memory,
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
        for copied in self.copies(which) {
            verified.push(copies::verify(&self.lake, self.database.pool(), copied).await?);
        }
        Ok(verified)
    }

    async fn rebuild(&self, which: LakeTables, json: bool) -> anyhow::Result<Vec<Rebuilt>> {
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
        let pool = self.database.pool();
        let mut copies = Copies::new(&self.lake, pool);
        for copied in self.copies(which) {
            let made = copies.take(copied, When::Always).await?;
            let made = made.map(|made| Rebuilt::of(copied.table, made.rows, made.edition));
            rebuilt.extend(made);
        }
        // Last: it is counted from the others.
        if which.has(&usage::TABLE) {
            let counted = service_usage::count(&self.lake, pool, self.memory, Days::All).await?;
            let made =
                counted.map(|counted| Rebuilt::of(&usage::TABLE, counted.rows, counted.position));
            rebuilt.extend(made);
        }
        Ok(rebuilt)
    }

    fn copies(&self, which: LakeTables) -> impl Iterator<Item = &'static Copied> {
        let all = analytics::store::copies::ALL.iter();
        all.filter(move |copied| which.has(copied.table))
    }

    async fn rebuild_one(
        &self,
        table: &'static Table,
        source: &impl Source,
        json: bool,
    ) -> anyhow::Result<Rebuilt> {
        let mut told = Instant::now();
        let done = lake::rebuild(&self.lake, table, source, |progress| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                tell(table.name, progress, json);
            }
        });
        let Progress { position, rows, .. } = done.await?;
        Ok(Rebuilt {
            table: table.name,
            rows,
            position,
        })
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
        let day = difference.day.map(|day| format!("{day}, "));
        let bucket = difference.bucket.map(|bucket| format!("bucket {bucket}"));
        format!(
            "  {}{}: {} rows in the database, {} in the lake{}\n",
            day.unwrap_or_default(),
            bucket.unwrap_or_else(|| "all rows".to_owned()),
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
