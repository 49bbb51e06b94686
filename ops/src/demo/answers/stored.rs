//! What became of the file's answers, counted where they are kept. Only the file's own statements
//! are counted, by their ids, so that whatever else the service holds does not matter.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt as _;
use lake::{Lake, LakeTable, Limits, Questions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::profile::verbs;
use schemas::tables::{self, Table};
use serde::Deserialize;

use super::Plan;
use super::file::Totals;
use crate::client::Client;
use crate::demo::delivery::progress;

/// Statements asked for in one page.
const PAGE: usize = 500;

/// A count under way.
#[derive(Debug)]
struct Count {
    expected: HashSet<String>,
    item_prefix: String,
    pupils: HashSet<String>,
    items: HashSet<String>,
    totals: Totals,
}

impl Count {
    fn new(plan: &Plan<'_>) -> Self {
        Self {
            expected: (0..plan.file.rows.len())
                .map(|n| plan.names.statement_id(n))
                .collect(),
            item_prefix: plan.names.item_prefix(),
            pupils: HashSet::new(),
            items: HashSet::new(),
            totals: Totals::default(),
        }
    }

    /// Counts an answer if it is one of the file's; a second time is an error.
    fn add(&mut self, id: &str, pupil: &str, item: &str, correct: bool) -> anyhow::Result<()> {
        if !item.starts_with(&self.item_prefix) {
            return Ok(());
        }
        ensure!(
            self.expected.remove(id),
            "statement {id} stands there twice, or is not the file's"
        );
        self.totals.answers += 1;
        self.totals.correct += u64::from(correct);
        if !self.pupils.contains(pupil) {
            self.pupils.insert(pupil.to_owned());
        }
        if !self.items.contains(item) {
            self.items.insert(item.to_owned());
        }
        Ok(())
    }

    fn add_rows(&mut self, batch: &RecordBatch, correct: &str) -> anyhow::Result<()> {
        let column = |name: &str| {
            let column = batch.column_by_name(name);
            column.with_context(|| format!("the lake has no column {name}"))
        };
        let [ids, accounts, activities] = ["id", "account", "activity"].map(column);
        let (ids, accounts, activities) = (
            ids?.as_string_opt::<i32>().context("id is no text")?,
            accounts?
                .as_string_opt::<i32>()
                .context("account is no text")?,
            activities?
                .as_string_opt::<i32>()
                .context("activity is no text")?,
        );
        let correct = column(correct)?
            .as_boolean_opt()
            .context("no truth value")?;
        for n in 0..batch.num_rows() {
            // A statement without account or activity is none of the file's.
            if accounts.is_valid(n) && activities.is_valid(n) {
                let right = correct.is_valid(n) && correct.value(n);
                self.add(ids.value(n), accounts.value(n), activities.value(n), right)?;
            }
        }
        Ok(())
    }

    fn totals(mut self) -> Totals {
        self.totals.pupils = self.pupils.len() as u64;
        self.totals.items = self.items.len() as u64;
        self.totals
    }
}

/// Reads every answer back through the LRS, page after page.
pub(crate) async fn in_postgresql(client: &Client, plan: &Plan<'_>) -> anyhow::Result<Totals> {
    let mut count = Count::new(plan);
    let bar = progress(plan.file.rows.len() as u64, "read back");
    let verb = verbs::ANSWERED.replace(':', "%3A").replace('/', "%2F");
    let mut next = Some(format!(
        "/xapi/statements?verb={verb}&ascending=true&limit={PAGE}"
    ));
    while let Some(path) = next {
        let answer = client
            .get(&path)
            .await
            .context("could not read the statements back")?;
        let page: Page =
            serde_json::from_value(answer).context("could not understand a page of statements")?;
        for statement in &page.statements {
            count.add(
                &statement.id,
                &statement.actor.account.name,
                &statement.object.id,
                statement.result.success,
            )?;
        }
        bar.inc(page.statements.len() as u64);
        next = page.more.filter(|more| !more.is_empty());
    }
    bar.finish_and_clear();
    Ok(count.totals())
}

/// Counts the rows of the lake's table of statements.
pub(crate) async fn in_lake_statements(lake: &Path, plan: &Plan<'_>) -> anyhow::Result<Totals> {
    in_lake(lake, &tables::statements::TABLE, "success", plan).await
}

/// Counts the rows of the lake's table of answers.
pub(crate) async fn in_lake_answers(lake: &Path, plan: &Plan<'_>) -> anyhow::Result<Totals> {
    in_lake(lake, &tables::answers::TABLE, "correct", plan).await
}

/// Answers and right ones by competency, by plain SQL over the lake's answers.
pub(crate) async fn by_skill(
    lake: &Path,
    plan: &Plan<'_>,
) -> anyhow::Result<BTreeMap<String, (u64, u64)>> {
    let lake = lake.to_str().context("the lake's path is not UTF-8")?;
    let limits = Limits {
        memory_bytes: 256 << 20,
        spill_bytes: 1 << 30,
    };
    let question = format!(
        "select cast(competency as varchar) as competency, count(*) as answers, \
         sum(case when correct then 1 else 0 end) as correct \
         from (select unnest(competencies) as competency, correct from answers \
               where starts_with(activity, '{}')) \
         group by 1",
        plan.names.item_prefix()
    );
    let questions = Questions::open(&Lake::at(lake), limits).await?;
    let rows = questions.ask(&question).await?;
    let rows: Vec<RecordBatch> = rows.try_collect().await?;
    let mut counts = BTreeMap::new();
    for batch in rows {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let number = |column: usize, row: usize| {
            u64::try_from(batch.column(column).as_primitive::<Int64Type>().value(row))
        };
        for (row, name) in names.as_string::<i32>().iter().enumerate() {
            let name = name.context("a competency without a name")?;
            counts.insert(name.to_owned(), (number(1, row)?, number(2, row)?));
        }
    }
    Ok(counts)
}

/// Counts the rows in the active files of the newest version of a table.
async fn in_lake(
    lake: &Path,
    table: &'static Table,
    correct: &str,
    plan: &Plan<'_>,
) -> anyhow::Result<Totals> {
    // Opening a table makes it where there is none: a mistyped folder must not become a lake.
    let folder = lake.join(table.name);
    ensure!(
        folder.join("_delta_log").is_dir(),
        "{} is no table of a lake",
        folder.display()
    );
    let lake = lake.to_str().context("the lake's path is not UTF-8")?;
    let open = LakeTable::open(&Lake::at(lake), table).await?;
    let mut count = Count::new(plan);
    for uri in open.files()? {
        for batch in rows(&uri)? {
            count.add_rows(&batch?, correct)?;
        }
    }
    Ok(count.totals())
}

type Rows = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

fn rows(uri: &str) -> anyhow::Result<Rows> {
    let path = reqwest::Url::parse(uri)
        .ok()
        .and_then(|url| url.to_file_path().ok())
        .unwrap_or_else(|| PathBuf::from(uri));
    let file = File::open(&path).with_context(|| format!("could not open {}", path.display()))?;
    Ok(ParquetRecordBatchReaderBuilder::try_new(file)?.build()?)
}

#[derive(Deserialize)]
struct Page {
    statements: Vec<Read>,
    more: Option<String>,
}

/// What is counted of a statement. The parts that another front-end's answers may lack default to
/// nothing, so that they do not stop the count.
#[derive(Deserialize)]
struct Read {
    id: String,
    #[serde(default)]
    actor: Actor,
    #[serde(default)]
    object: Object,
    #[serde(default)]
    result: Outcome,
}

#[derive(Default, Deserialize)]
struct Actor {
    #[serde(default)]
    account: Account,
}

#[derive(Default, Deserialize)]
struct Account {
    name: String,
}

#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
}

#[derive(Default, Deserialize)]
struct Outcome {
    #[serde(default)]
    success: bool,
}
