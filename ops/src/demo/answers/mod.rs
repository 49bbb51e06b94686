//! `sillage demo --answers FILE`: every answer of the file posted, stored, shipped and folded, a
//! list for every pupil, and the totals of each place compared with the file's; in the lake, success by
//! skill too.

mod content;
pub(crate) mod file;
mod steps;
mod stored;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use schemas::framework::SECONDE_JSON;
use serde_json::Value;

use self::content::Names;
use self::file::AnswersFile;
use self::steps::{Compared, Report, Step};
use super::delivery::{Request, progress, send_lanes};
use super::{DemoArgs, api, ready};
use crate::client::{Body, Client};

/// Statements in one request.
const BATCH: usize = 500;

/// Connections; all answers of one pupil go over the same one, in order.
const CONNECTIONS: usize = 4;

/// Runs the replay; an error if any total differs.
pub(crate) async fn replay(client: &Client, path: &Path, args: &DemoArgs) -> anyhow::Result<()> {
    let mut report = Report::new(path, args.json);
    let begun = Instant::now();
    let file = AnswersFile::read(path)?;
    report.step(Step::new(
        "read from the file",
        file.rows.len() as u64,
        "answers",
        begun,
    ))?;
    report.file(&file, args.times_from)?;
    let plan = Plan::new(&file, args)?;

    let begun = Instant::now();
    plan.set_up(client).await?;
    report.step(Step::new(
        "loaded as framework and catalogue",
        file.items.len() as u64,
        "items",
        begun,
    ))?;
    let begun = Instant::now();
    let posted = plan.post(client).await?;
    report.step(Step::new(
        "posted and acknowledged",
        posted,
        "answers",
        begun,
    ))?;
    let begun = Instant::now();
    let positions = ready::folded(client).await?;
    report.step(Step::new("folded into mastery", posted, "answers", begun))?;
    let begun = Instant::now();
    ready::shipped(client, positions).await?;
    report.step(Step::new("shipped to the lake", posted, "answers", begun))?;
    let begun = Instant::now();
    let lists = plan.lists(client).await?;
    report.step(Step::new("next-activity lists", lists, "pupils", begun))?;

    let mut compared = Compared::new(file.totals());
    compared.place("PostgreSQL", stored::in_postgresql(client, &plan).await?);
    if let Some(data) = &args.data {
        let lake = data.join("lake");
        let statements = stored::in_lake_statements(&lake, &plan).await?;
        compared.place("lake, statements", statements);
        compared.place(
            "lake, answers",
            stored::in_lake_answers(&lake, &plan).await?,
        );
        compared.skills(&plan.by_skill(), &stored::by_skill(&lake, &plan).await?);
    }
    compared.place("aggregates", api::totals(client).await?);
    report.end(&compared)
}

/// What is posted, laid out so that each statement is made when its turn comes: a file of a few
/// hundred thousand answers never stands in memory as JSON.
pub(crate) struct Plan<'a> {
    pub(crate) file: &'a AnswersFile,
    pub(crate) names: Names,
    start: DateTime<Utc>,
}

impl<'a> Plan<'a> {
    fn new(file: &'a AnswersFile, args: &DemoArgs) -> anyhow::Result<Self> {
        let plan = Self {
            file,
            names: Names::new(file, &args.subject),
            start: args.times_from,
        };
        let now = service::clock::now();
        for row in &file.rows {
            let at = file.at(row, plan.start)?;
            // The fold key would pull it back to the time of receipt, and with it the pupil's order.
            ensure!(
                at <= now,
                "counted from {}, the file's answers reach {at}, which is yet to come: name an earlier --times-from",
                plan.start
            );
        }
        Ok(plan)
    }

    /// Answers and right ones of the file, by the URI of the competency.
    fn by_skill(&self) -> BTreeMap<String, (u64, u64)> {
        let counts = self.file.by_skill().into_iter();
        counts
            .map(|(skill, counted)| (self.names.competency(skill), counted))
            .collect()
    }

    async fn set_up(&self, client: &Client) -> anyhow::Result<()> {
        let default: Value =
            serde_json::from_str(SECONDE_JSON).context("the default framework is not JSON")?;
        let framework = self
            .names
            .framework(self.file, &default["levels"], self.start);
        client
            .put("/api/v1/framework", Body::json(&framework))
            .await
            .context("could not load the skills as a framework")?;
        client
            .put(
                "/api/v1/catalogue",
                Body::json(&self.names.catalogue(self.file)),
            )
            .await
            .context("could not load the items as a catalogue")?;
        Ok(())
    }

    async fn post(&self, client: &Client) -> anyhow::Result<u64> {
        let mut lanes: Vec<Vec<usize>> = vec![Vec::new(); CONNECTIONS];
        for (n, row) in self.file.rows.iter().enumerate() {
            lanes[usize::try_from(row.student.unsigned_abs())? % CONNECTIONS].push(n);
        }
        let lanes = lanes.into_iter().map(|rows| Requests {
            plan: self,
            rows: rows.into_iter(),
        });
        let bar = progress(self.file.rows.len() as u64, "answers");
        let sent = send_lanes(lanes, client, &bar).await;
        bar.finish_and_clear();
        let sent = sent.context("could not post the answers (a conflict: the file was replayed here before, counted from another date)")?;
        Ok(sent.statements)
    }

    /// Asks for every pupil's list. An empty one is an error: the catalogue holds what the pupil did.
    async fn lists(&self, client: &Client) -> anyhow::Result<u64> {
        let students: Vec<i64> = self.file.students().into_iter().collect();
        let bar = progress(students.len() as u64, "lists");
        let lane = |students: Vec<i64>| {
            let bar = &bar;
            async move {
                for student in students {
                    let (home_page, name) = self.names.account(student);
                    let key = api::resolve(client, &home_page, &name).await?;
                    if api::next_activities(client, &key, None)
                        .await?
                        .activities
                        .is_empty()
                    {
                        bail!("pupil {student} of the file got an empty list");
                    }
                    bar.inc(1);
                }
                Ok(())
            }
        };
        let share = students.len().div_ceil(CONNECTIONS);
        try_join_all(students.chunks(share).map(|part| lane(part.to_vec()))).await?;
        bar.finish_and_clear();
        Ok(students.len() as u64)
    }
}

/// The requests of one connection, made as they are sent.
struct Requests<'a> {
    plan: &'a Plan<'a>,
    rows: std::vec::IntoIter<usize>,
}

impl Iterator for Requests<'_> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let Plan { file, names, start } = self.plan;
        let statement = |n: usize| {
            let row = &file.rows[n];
            // Every time was looked at when the plan was made.
            let at = file.at(row, *start).unwrap_or(*start);
            names.statement(n, row, at, file.times)
        };
        let batch: Vec<_> = self.rows.by_ref().take(BATCH).map(statement).collect();
        (!batch.is_empty())
            .then(|| Request::array(batch.iter().map(|(id, json)| (id.as_str(), json.as_ref()))))
    }
}
