//! Those who read while others write: one walks oldest first, page after page; one goes on from one
//! Consistent-Through to the next, and keeps what it read of each window.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use rand::Rng as _;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::Stage;
use super::writers::ANSWERED;

/// A walk may chase the writers for so long behind its own start, to see what comes then once as well.
const CHASE_S: i64 = 1;

/// As long as a killed copy may take to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page as it was answered.
pub(super) struct Page {
    pub(super) statements: Vec<Value>,
    pub(super) more: Option<String>,
    consistent_through: DateTime<Utc>,
}

/// Reads a page through one copy, and waits for it while it is killed.
pub(super) async fn page(stage: &Stage, copy: usize, path: &str) -> Page {
    let begun = Instant::now();
    loop {
        if let Some(page) = try_page(stage, copy, path).await {
            return page;
        }
        assert!(begun.elapsed() < PATIENCE, "copy {copy} gives no page");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn try_page(stage: &Stage, copy: usize, path: &str) -> Option<Page> {
    let answer = stage.copies.request(copy, Method::GET, path).send().await;
    let answer = answer.ok()?;
    let status = answer.status().as_u16();
    let header = answer.headers().get("X-Experience-API-Consistent-Through");
    let consistent_through = header.map(|value| time(value.to_str().unwrap()));
    let text = answer.text().await.ok()?;
    if status == 503 {
        return None;
    }
    assert_eq!(status, 200, "copy {copy}, {path}: {text}");
    let mut body: Value = serde_json::from_str(&text).unwrap();
    let more = body["more"].as_str().unwrap();
    Some(Page {
        more: (!more.is_empty()).then(|| more.to_owned()),
        statements: body["statements"]
            .as_array_mut()
            .unwrap()
            .drain(..)
            .collect(),
        // A copy that was just started may not have heard yet.
        consistent_through: consistent_through?,
    })
}

pub(super) fn id(statement: &Value) -> Uuid {
    statement["id"].as_str().unwrap().parse().unwrap()
}

pub(super) fn stored(statement: &Value) -> DateTime<Utc> {
    time(statement["stored"].as_str().unwrap())
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Walks again and again, from the beginning or from a Consistent-Through on, through one copy: what
/// was acknowledged before the walk began it sees, and nothing twice. Tells how often it walked.
pub(super) async fn walk(stage: &Stage) -> usize {
    let mut rng = stage.chance(102);
    let mut walks = 0;
    let mut from: Option<(DateTime<Utc>, Instant)> = None;
    while stage.writing.get() > 0 {
        let copy = rng.random_range(0..stage.copies.count());
        let limit = [10, 50, 200][rng.random_range(0..3)];
        let since = from.filter(|_| limit < 200);
        let due = match since {
            // What is sent after an answer is stored after what that answer was consistent through.
            Some((_, heard)) => stage.ledger.borrow().there_sent_after(heard),
            None => stage.ledger.borrow().there(),
        };
        let path = match since {
            Some((at, _)) => format!(
                "/xapi/statements?ascending=true&limit={limit}&since={}",
                text(at)
            ),
            None => format!("/xapi/statements?ascending=true&limit={limit}"),
        };
        let heard = one_walk(stage, copy, &path, since.map(|(at, _)| at), due).await;
        from = Some((heard, Instant::now()));
        walks += 1;
    }
    walks
}

/// One walk; tells what its last answer was consistent through.
async fn one_walk(
    stage: &Stage,
    copy: usize,
    path: &str,
    since: Option<DateTime<Utc>>,
    due: HashSet<Uuid>,
) -> DateTime<Utc> {
    let enough = service::clock::now() + chrono::Duration::seconds(CHASE_S);
    let mut seen = HashSet::new();
    let mut last = since.unwrap_or(DateTime::<Utc>::MIN_UTC);
    let mut next = path.to_owned();
    loop {
        let page = page(stage, copy, &next).await;
        for statement in &page.statements {
            let (id, at) = (id(statement), stored(statement));
            assert!(seen.insert(id), "{id} came twice in {path}");
            assert!(at >= last, "{id}, stored {at}, came after {last}");
            assert!(
                since.is_none_or(|since| at > since),
                "{id} is not after {since:?}"
            );
            last = at;
        }
        match page.more {
            Some(more) if last < enough => next = more,
            _ => {
                let ledger = stage.ledger.borrow();
                let lost: Vec<&Uuid> = due
                    .iter()
                    // A voiding may have been sent during the walk.
                    .filter(|id| !seen.contains(id) && !ledger.may_be_voided(**id))
                    .collect();
                assert!(lost.is_empty(), "{path} passed over {lost:?}");
                return page.consistent_through;
            }
        }
    }
}

/// What was read of a stretch of time that an answer called consistent.
pub(super) struct Window {
    pub(super) since: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
    /// Everything in it, in order.
    pub(super) all: Vec<Uuid>,
    /// What the verb `answered` finds, through references, too.
    pub(super) answered: HashSet<Uuid>,
}

impl Window {
    /// The query of everything in it, or of what a verb finds in it.
    pub(super) fn path(&self, verb: Option<&str>) -> String {
        path(self.since, self.until, verb)
    }
}

fn path(since: DateTime<Utc>, until: DateTime<Utc>, verb: Option<&str>) -> String {
    let verb = verb.map(|verb| format!("&verb={verb}")).unwrap_or_default();
    format!(
        "/xapi/statements?ascending=true&since={}&until={}{verb}",
        text(since),
        text(until)
    )
}

/// The windows, one after another without a gap.
#[derive(Default)]
pub(super) struct Windows(pub(super) Vec<Window>);

impl Windows {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Goes on from one Consistent-Through to the next: told by one copy, read through another at once.
pub(super) async fn follow(stage: &Stage) -> Windows {
    let mut rng = stage.chance(103);
    let mut windows = Windows::default();
    let copies = stage.copies.count();
    let mut told = vec![DateTime::UNIX_EPOCH; copies];
    let mut since = DateTime::UNIX_EPOCH;
    while stage.writing.get() > 0 {
        let copy = rng.random_range(0..copies);
        let until = page(stage, copy, "/xapi/statements?limit=1").await;
        let until = until.consistent_through;
        assert!(
            until >= told[copy],
            "copy {copy} was consistent through {}, now through {until}",
            told[copy]
        );
        told[copy] = until;
        // Another copy may have heard up to a moment later.
        if until > since {
            let other = (copy + rng.random_range(0..copies)) % copies;
            let all = collected(stage, other, &path(since, until, None)).await;
            let answered = path(since, until, Some(ANSWERED));
            let answered = collected(stage, other, &answered).await;
            windows.0.push(Window {
                since,
                until,
                all,
                answered: answered.into_iter().collect(),
            });
            since = until;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..150))).await;
    }
    windows
}

/// The ids of all pages, in their order.
pub(super) async fn collected(stage: &Stage, copy: usize, path: &str) -> Vec<Uuid> {
    let mut ids = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = page(stage, copy, &path).await;
        ids.extend(page.statements.iter().map(id));
        next = page.more;
    }
    ids
}
