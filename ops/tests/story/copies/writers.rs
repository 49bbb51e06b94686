//! Those who write: singly, in batches, twice to different copies, against each other; a whole class
//! at once; voidings and references, of what is there and of what is still to come.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Stage;

/// A copy is killed and back within seconds; whoever sends again is answered long before this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pupils whom everybody writes about.
const ACTORS: u32 = 40;

/// Activities that everybody writes about.
const ACTIVITIES: u32 = 12;

pub(super) const ANSWERED: &str = "http://adlnet.gov/expapi/verbs/answered";
const COMMENTED: &str = "http://adlnet.gov/expapi/verbs/commented";
const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// What came of a request in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stored,
    Conflict,
}

/// One who writes.
pub(super) struct Writer<'a> {
    stage: &'a Stage,
    number: u64,
    rng: ChaCha8Rng,
    /// What this writer had acknowledged and may void or refer to.
    own: Vec<Uuid>,
}

/// A statement under its id; the mark tells apart what is sent under one id.
#[derive(Clone)]
struct Told {
    id: Uuid,
    mark: String,
    json: Value,
}

impl Told {
    fn new(id: Uuid, actor: &str, activity: &str, mark: &str) -> Self {
        let json = json!({
            "id": id,
            "actor": { "account": { "homePage": "https://copies.example.org", "name": actor } },
            "verb": { "id": ANSWERED, "display": { "fr": "a répondu à" } },
            "object": { "id": activity, "definition": { "name": { "fr": "exercice" } } },
            "result": { "response": mark },
            "context": { "contextActivities": {
                "parent": [{ "id": "https://copies.example.org/activity/series" }],
            } },
        });
        let mark = mark.to_owned();
        Self { id, mark, json }
    }

    /// About another statement.
    fn about(id: Uuid, actor: &str, verb: &str, target: Uuid) -> Self {
        let mut told = Self::new(
            id,
            actor,
            "https://copies.example.org/activity/none",
            "about",
        );
        told.json["verb"] = json!({ "id": verb });
        told.json["object"] = json!({ "objectType": "StatementRef", "id": target });
        told
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(stage: &'a Stage, number: u64) -> Self {
        Self {
            stage,
            number,
            rng: stage.chance(number),
            own: Vec::new(),
        }
    }

    /// Writes until it is over, and waits for every answer.
    pub(super) async fn write(&mut self) {
        while !self.stage.is_over() {
            match self.rng.random_range(0..100) {
                0..30 => self.single().await,
                30..55 => self.batch().await,
                55..67 => self.duplicate().await,
                67..79 => self.conflict().await,
                79..83 => self.class().await,
                83..91 => self.voiding().await,
                _ => self.reference().await,
            }
        }
    }

    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    fn copy(&mut self) -> usize {
        self.rng.random_range(0..self.stage.copies.count())
    }

    fn actor(&mut self) -> String {
        format!("pupil-{}", self.rng.random_range(0..ACTORS))
    }

    fn told(&mut self, mark: &str) -> Told {
        let activity = self.rng.random_range(0..ACTIVITIES);
        let activity = format!("https://copies.example.org/activity/{activity}");
        let (id, actor) = (self.id(), self.actor());
        Told::new(id, &actor, &activity, mark)
    }

    async fn single(&mut self) {
        let told = self.told("single");
        let copy = self.copy();
        self.must_be_stored(copy, &[told]).await;
    }

    /// About people and activities that others write about in another order at the same time.
    async fn batch(&mut self) {
        let count = self.rng.random_range(2..=25);
        let mut batch: Vec<Told> = (0..count).map(|_| self.told("batch")).collect();
        batch.shuffle(&mut self.rng);
        let copy = self.copy();
        self.must_be_stored(copy, &batch).await;
    }

    /// The same statements to several copies at once, in another order.
    async fn duplicate(&mut self) {
        let count = self.rng.random_range(1..=8);
        let batch: Vec<Told> = (0..count).map(|_| self.told("duplicate")).collect();
        let copies = self.stage.copies.count();
        let first = self.copy();
        let times = self.rng.random_range(2..=copies);
        let sent: Vec<(usize, Vec<Told>)> = (0..times)
            .map(|n| {
                let mut again = batch.clone();
                again.shuffle(&mut self.rng);
                ((first + n) % copies, again)
            })
            .collect();
        let stage = self.stage;
        stage.ledger.borrow_mut().duplicates += times as u64 - 1;
        let verdicts = join_all(sent.iter().map(|(copy, batch)| send(stage, *copy, batch))).await;
        assert_eq!(verdicts, vec![Verdict::Stored; times], "{:?}", batch[0].id);
        self.own.extend(batch.iter().map(|told| told.id));
    }

    /// Different statements under one id to several copies at once, each beside one of its own: one
    /// request is stored, whole, and nothing of the others.
    async fn conflict(&mut self) {
        let shared = self.told("conflict");
        let copies = self.stage.copies.count();
        let first = self.copy();
        let sent: Vec<(usize, [Told; 2])> = (0..copies)
            .map(|n| {
                let mut one = shared.clone();
                one.mark = format!("conflict {n}");
                one.json["result"]["response"] = json!(one.mark);
                ((first + n) % copies, [one, self.told("beside a conflict")])
            })
            .collect();
        let stage = self.stage;
        let requests = sent.iter().map(|(copy, batch)| send(stage, *copy, batch));
        let verdicts = join_all(requests).await;
        let stored = verdicts.iter().filter(|one| **one == Verdict::Stored);
        assert_eq!(stored.count(), 1, "{}: {verdicts:?}", shared.id);
        let mut ledger = stage.ledger.borrow_mut();
        for ((_, [_, beside]), verdict) in sent.iter().zip(&verdicts) {
            if *verdict == Verdict::Conflict {
                ledger.refuses(beside.id);
            }
        }
    }

    /// A class of 36 answers an exercise that nobody has seen before, in the same second.
    async fn class(&mut self) {
        let exercise = format!("https://copies.example.org/exercise/{}", self.id());
        let class = format!("class-{}-{}", self.number, self.rng.random_range(0..3));
        let pupils: Vec<(usize, [Told; 1])> = (0..36)
            .map(|pupil| {
                let told = Told::new(self.id(), &format!("{class}-{pupil}"), &exercise, "class");
                (self.copy(), [told])
            })
            .collect();
        let requests = pupils
            .iter()
            .map(|(copy, told)| send(self.stage, *copy, told));
        let verdicts = join_all(requests).await;
        assert_eq!(verdicts, vec![Verdict::Stored; pupils.len()]);
    }

    /// Of one's own, or of one that is still to come.
    async fn voiding(&mut self) {
        let is_early = self.rng.random_bool(0.3);
        let target = if is_early {
            self.told("voided before")
        } else if self.own.is_empty() {
            return;
        } else {
            // Once alone.
            let at = self.rng.random_range(0..self.own.len());
            let id = self.own.swap_remove(at);
            Told::new(id, "", "", "")
        };
        let (id, actor, copy) = (self.id(), self.actor(), self.copy());
        {
            let mut ledger = self.stage.ledger.borrow_mut();
            ledger.voids(target.id);
            ledger.refers(id, target.id, is_early);
        }
        let voiding = Told::about(id, &actor, VOIDED, target.id);
        assert_eq!(send(self.stage, copy, &[voiding]).await, Verdict::Stored);
        if is_early {
            let copy = self.copy();
            assert_eq!(send(self.stage, copy, &[target]).await, Verdict::Stored);
        }
    }

    /// To one's own, or to one that is still to come.
    async fn reference(&mut self) {
        let is_early = self.rng.random_bool(0.3);
        let later = is_early.then(|| self.told("referred to before"));
        let known = self.own.choose(&mut self.rng).copied();
        let Some(target) = later.as_ref().map(|told| told.id).or(known) else {
            return;
        };
        let (id, actor, copy) = (self.id(), self.actor(), self.copy());
        self.stage.ledger.borrow_mut().refers(id, target, is_early);
        let reference = Told::about(id, &actor, COMMENTED, target);
        assert_eq!(send(self.stage, copy, &[reference]).await, Verdict::Stored);
        if let Some(later) = later {
            let copy = self.copy();
            self.must_be_stored(copy, &[later]).await;
        }
    }

    async fn must_be_stored(&mut self, copy: usize, statements: &[Told]) {
        let verdict = send(self.stage, copy, statements).await;
        assert_eq!(verdict, Verdict::Stored, "{}", statements[0].id);
        self.own.extend(statements.iter().map(|told| told.id));
    }
}

/// Sends a request until it is answered with a verdict: what got no answer, or was not taken now, goes
/// to the next copy. Notes the verdict.
async fn send(stage: &Stage, first: usize, statements: &[Told]) -> Verdict {
    let ids: Vec<Uuid> = statements.iter().map(|told| told.id).collect();
    stage.ledger.borrow_mut().sends(ids.iter().copied());
    let begun = Instant::now();
    let mut copy = first;
    loop {
        if let Some(verdict) = once(stage, copy, statements).await {
            let mut ledger = stage.ledger.borrow_mut();
            match verdict {
                Verdict::Stored => {
                    for told in statements {
                        ledger.acknowledges(told.id, &told.mark);
                    }
                }
                Verdict::Conflict => ledger.conflicts += 1,
            }
            return verdict;
        }
        stage.ledger.borrow_mut().repeated += 1;
        assert!(begun.elapsed() < PATIENCE, "no verdict on {ids:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
        copy = (copy + 1) % stage.copies.count();
    }
}

/// One try; none where it got no verdict.
async fn once(stage: &Stage, copy: usize, statements: &[Told]) -> Option<Verdict> {
    let ids: Vec<Uuid> = statements.iter().map(|told| told.id).collect();
    let (method, path, body) = match statements {
        [only] if only.id.as_u128() % 2 == 0 => {
            let path = format!("/xapi/statements?statementId={}", only.id);
            (Method::PUT, path, only.json.clone())
        }
        [only] => (
            Method::POST,
            "/xapi/statements".to_owned(),
            only.json.clone(),
        ),
        some => {
            let body = some.iter().map(|told| told.json.clone()).collect();
            (Method::POST, "/xapi/statements".to_owned(), body)
        }
    };
    let request = stage.copies.request(copy, method, &path).json(&body);
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    // An answer that was cut off by a kill is none.
    let text = answer.text().await.ok()?;
    match status {
        200 => {
            let told: Vec<Uuid> = serde_json::from_str(&text).unwrap();
            assert_eq!(told, ids, "the ids of a request in their order");
            Some(Verdict::Stored)
        }
        204 => Some(Verdict::Stored),
        409 => Some(Verdict::Conflict),
        503 => None,
        _ => panic!("copy {copy} answered {status}: {text}"),
    }
}
