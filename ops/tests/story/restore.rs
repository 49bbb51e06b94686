//! A base backup, made under load, is restored under a lake that went on: what was acknowledged after it
//! comes back from the lake, as it was and where it was, before anything new is stored.

use std::cell::{Cell, RefCell};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use schemas::tables;
use serde_json::{Value, json};
use service::pg::cluster::Cluster;
use uuid::Uuid;

use crate::harness::{Installation, succeeded, within};
use crate::seen;

const PATIENCE: Duration = Duration::from_secs(120);

/// Requests that are acknowledged while the backup is made, at least, and as many after it.
const REQUESTS: usize = 25;

/// What the log says once it is done.
const TOGETHER: &str = "lake and database are together again";

/// Of a statement: position, id, when it was stored, who vouches for it.
type Place = (i64, Uuid, DateTime<Utc>, i32);

/// What clients see and what the database holds.
#[derive(Debug, PartialEq)]
struct Whole {
    places: Vec<Place>,
    statements: Vec<Value>,
}

/// PostgreSQL's folder, and the process that runs on it.
struct Server {
    pgdata: PathBuf,
    pid: Pid,
    programs: PathBuf,
}

impl Server {
    fn of(installation: &Installation) -> Self {
        let inside = installation.data().join("postgres/data");
        let pid = std::fs::read_to_string(inside.join("postmaster.pid")).unwrap();
        let pid: i32 = pid.lines().next().unwrap().trim().parse().unwrap();
        let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        Self {
            pgdata: inside,
            pid: Pid::from_raw(pid).unwrap(),
            programs: program.parent().unwrap().to_owned(),
        }
    }

    /// Makes a base backup.
    async fn back_up(&self, installation: &Installation, to: &Path) {
        let data = installation.data();
        let access = tokio::task::spawn_blocking(move || Cluster::attach(&data)).await;
        let mut backup = tokio::process::Command::new(self.programs.join("pg_basebackup"));
        backup
            .args([
                "--dbname",
                &access.unwrap().unwrap().superuser_url("postgres"),
            ])
            .args(["--wal-method", "stream", "--checkpoint", "fast", "--pgdata"])
            .arg(to);
        succeeded(backup.output().await.unwrap());
    }

    /// The disk is lost, and the backup put in its place: as a recovery, which begins a new timeline, or as files
    /// that are copied back, which leaves no trace.
    async fn restore(&self, backup: &Path, is_recovery: bool) {
        kill_process(self.pid, Signal::KILL).unwrap();
        within("PostgreSQL is gone", PATIENCE, async || {
            (!is_anybody_in(&self.pgdata)).then_some(())
        })
        .await;
        let owner = std::fs::metadata(&self.pgdata).unwrap();
        std::fs::remove_dir_all(&self.pgdata).unwrap();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(backup)
            .arg(&self.pgdata)
            .output();
        succeeded(copied.unwrap());
        if is_recovery {
            std::fs::write(self.pgdata.join("recovery.signal"), "").unwrap();
            // All there is lies in the backup.
            let setting = "restore_command = 'false'\n";
            std::fs::write(self.pgdata.join("postgresql.auto.conf"), setting).unwrap();
        }
        let given = Command::new("chown")
            .args(["-R", &format!("{}:{}", owner.uid(), owner.gid())])
            .arg(&self.pgdata)
            .output();
        succeeded(given.unwrap());
    }
}

/// Whether a process stands in the folder.
fn is_anybody_in(folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap();
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        std::fs::read_link(process.path().join("cwd")).is_ok_and(|stands| stands == folder)
    })
}

/// Statements of many shapes, and what identifies people in each place where xAPI has them.
struct Load<'a> {
    sillage: &'a Installation,
    number: Cell<usize>,
    sent: RefCell<Vec<Value>>,
}

impl Load<'_> {
    /// Posts until this many requests more are acknowledged and it is over.
    async fn until(&self, requests: usize, is_over: &Cell<bool>) {
        let end = self.number.get() + requests;
        while self.number.get() < end || !is_over.get() {
            let number = self.number.get();
            let batch = self.statements(number);
            self.sillage.post("/xapi/statements", &json!(batch)).await;
            self.sent.borrow_mut().extend(batch);
            self.number.set(number + 1);
        }
    }

    fn statements(&self, number: usize) -> Vec<Value> {
        let pupil = |n: usize| match n % 4 {
            0 => {
                json!({ "objectType": "Agent", "mbox": format!("mailto:eleve.{n}@Ecole.Example.org"), "name": format!("Élève {n}") })
            }
            1 => json!({ "objectType": "Agent", "openid": format!("https://id.example.org/{n}") }),
            2 => json!({ "objectType": "Agent", "mbox_sha1sum": format!("{n:040x}") }),
            _ => {
                json!({ "objectType": "Agent", "account": { "homePage": "https://ent.example.org/", "name": format!("e-{n}") }, "name": "É" })
            }
        };
        let who = number % 13;
        let mut statements = vec![
            json!({
                "id": Uuid::new_v4(),
                "actor": pupil(who),
                "verb": { "id": "http://adlnet.gov/expapi/verbs/answered", "display": { "fr": "a répondu" } },
                "object": { "id": format!("https://example.org/item/{}", number % 7), "definition": { "name": { "fr": "Exercice" } } },
                "result": { "success": number.is_multiple_of(3), "score": { "scaled": 0.125, "raw": 12.5 }, "response": "x² = 4 \u{1F600}" },
                "timestamp": "2026-10-05T18:42:11.250+02:00",
                "context": {
                    "registration": Uuid::new_v4(),
                    "instructor": pupil(who + 1),
                    "team": { "objectType": "Group", "mbox": "mailto:2nde4@example.org", "name": "2de 4", "member": [pupil(who + 2), pupil(who + 3)] },
                    "contextAgents": [{ "objectType": "contextAgent", "agent": pupil(who + 4), "relevantTypes": ["https://example.org/tutor"] }],
                    "extensions": { "https://example.org/ext": { "a": [1, null, "b"], "c": 1e-7 } },
                },
            }),
            // Without an id, a time or a version: the LRS sets them.
            json!({
                "actor": { "objectType": "Group", "member": [pupil(who), pupil(who + 5)] },
                "verb": { "id": "https://example.org/met" },
                "object": {
                    "objectType": "SubStatement",
                    "actor": pupil(who + 6),
                    "verb": { "id": "https://example.org/asked" },
                    "object": pupil(who + 7),
                },
            }),
        ];
        // Most of those that are voided were stored before the backup, some after it.
        if number % 5 == 4 {
            let sent = self.sent.borrow();
            let mut answers = sent.iter().rev().filter(|one| one.get("result").is_some());
            let target = &answers.nth(3).unwrap()["id"];
            statements.push(json!({
                "id": Uuid::new_v4(),
                "actor": pupil(who),
                "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" },
                "object": { "objectType": "StatementRef", "id": target },
            }));
        }
        statements
    }
}

async fn whole(sillage: &Installation) -> Whole {
    let database = sillage.database().await.get().await.unwrap();
    let rows = database
        .query(
            "select seq, id, stored, authority from lrs.statements order by seq",
            &[],
        )
        .await
        .unwrap();
    let places: Vec<Place> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    let mut statements = Vec::new();
    for (_, id, ..) in &places {
        let mut found = None;
        for name in ["statementId", "voidedStatementId"] {
            let path = format!("/xapi/statements?{name}={id}");
            let request = sillage
                .request(Method::GET, &path)
                .header("X-Experience-API-Version", "2.0.0");
            let answer = request.send().await.unwrap();
            if answer.status() == 200 {
                let statement: Value = answer.json().await.unwrap();
                found = Some(json!({ name: statement }));
            }
        }
        statements.push(found.unwrap_or_else(|| panic!("{id} is not found")));
    }
    Whole { places, statements }
}

async fn a_backup_is_restored(is_recovery: bool) {
    let mut sillage = Installation::new().await;
    let backup = sillage.scratch().join("backup");
    let server = Server::of(&sillage);
    let load = Load {
        sillage: &sillage,
        number: Cell::new(0),
        sent: RefCell::default(),
    };
    let is_made = Cell::new(false);
    let backing_up = async {
        server.back_up(&sillage, &backup).await;
        is_made.set(true);
    };
    tokio::join!(backing_up, load.until(REQUESTS, &is_made));
    let sent_before = load.sent.borrow().len();
    load.until(REQUESTS, &is_made).await;
    let sent = load.sent.take();
    seen::settled(&sillage).await;
    let before = whole(&sillage).await;
    assert_eq!(before.places.len(), sent.len());

    sillage.kill();
    server.restore(&backup, is_recovery).await;
    sillage.start().await;
    if !is_recovery {
        // Without a trace in the database it is the shippers that find it out, at their first look.
        together(&sillage).await;
    }
    // After a recovery nothing new is stored before what was lost is back.
    let new = &load_again();
    within("statements are stored again", PATIENCE, async || {
        let request = sillage
            .request(Method::POST, "/xapi/statements")
            .header("X-Experience-API-Version", "2.0.0");
        let answer = request.json(new).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([200, 503].contains(&status), "{status}");
        (status == 200).then_some(())
    })
    .await;
    together(&sillage).await;
    seen::settled(&sillage).await;
    let mut after = whole(&sillage).await;
    let (added, stored_new) = (after.places.pop().unwrap(), after.statements.pop().unwrap());
    assert_eq!(stored_new["statementId"]["id"], new["id"]);
    assert!(
        before
            .places
            .iter()
            .all(|place| place.0 < added.0 && place.2 < added.2)
    );
    assert_eq!(after.places, before.places);
    for (now, then) in after.statements.iter().zip(&before.statements) {
        assert_eq!(now, then);
    }
    // Who got no answer sends again: it is the same statement.
    let again = sent[sent_before..]
        .iter()
        .filter(|one| one.get("id").is_some());
    for statement in again {
        sillage.post("/xapi/statements", statement).await;
    }
    seen::settled(&sillage).await;
    succeeded(sillage.command(&["lake", "verify"]));
    let mut ids = seen::lake_ids(&sillage, &tables::statements::TABLE).await;
    ids.sort_unstable();
    let mut wanted: Vec<_> = after
        .places
        .iter()
        .map(|place| place.1.to_string())
        .collect();
    wanted.push(added.1.to_string());
    wanted.sort_unstable();
    assert_eq!(ids, wanted, "each once");
}

/// Waits until both tables, statements and answers, are in line with the database.
async fn together(sillage: &Installation) {
    within(
        "lake and database are together again",
        PATIENCE,
        async || (sillage.log().matches(TOGETHER).count() == 2).then_some(()),
    )
    .await;
}

fn load_again() -> Value {
    json!({
        "id": Uuid::new_v4(),
        "actor": { "mbox": "mailto:later@example.org" },
        "verb": { "id": "https://example.org/came" },
        "object": { "id": "https://example.org/later" },
    })
}

#[tokio::test]
async fn what_a_recovery_has_lost_comes_back_from_the_lake() {
    a_backup_is_restored(true).await;
}

#[tokio::test]
async fn what_files_that_were_copied_back_have_lost_comes_back_from_the_lake() {
    a_backup_is_restored(false).await;
}
