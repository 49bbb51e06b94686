//! The whole line on the real binary: a statement is posted, its result shows in the next-activity
//! list, and voiding it takes it back.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::demo;
use crate::harness::{self, Installation, succeeded, within};

/// Promised at the default settings.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// The name of the account of the test's own pupil.
const PUPIL: &str = "line";

#[tokio::test]
async fn a_posted_answer_shows_in_the_list_and_a_voiding_takes_it_back() {
    let installation = Installation::new().await;
    // The small demo brings the framework, the catalogue and a school.
    succeeded(demo::small(&installation).output().unwrap());
    // A person appears with the first answer, here to something that no catalogue holds.
    let pupil = Pupil::new(&installation, "https://example.org/elsewhere").await;

    let first = pupil.list().await;
    let activity = first[0]["activity"]["id"].as_str().unwrap().to_owned();
    let posted = post_answer(&installation, &activity).await;
    within(
        "the answered activity leaves the list",
        SHOWS_WITHIN,
        async || (!holds(&pupil.list().await, &activity)).then_some(()),
    )
    .await;

    void(&installation, &posted).await;
    within("the list is as before", SHOWS_WITHIN, async || {
        (without_times(pupil.list().await) == without_times(first.clone())).then_some(())
    })
    .await;
    let log = installation.log();
    assert!(
        log.contains(" INFO ") && !log.contains('\x1b'),
        "a file has no colours:\n{log}"
    );
}

#[tokio::test]
async fn voiding_every_answer_of_a_domain_empties_its_cell_in_the_class_table() {
    let installation = Installation::new().await;
    let played = succeeded(demo::small(&installation).arg("--json").output().unwrap());
    let played: Value = serde_json::from_slice(&played.stdout).unwrap();
    let pupil = played["class"]["pupils"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pupil| !shown(pupil).is_empty())
        .expect("somebody has a level");
    let domain = shown(pupil)[0].clone();
    let (key, class) = (
        pupil["key"].as_str().unwrap(),
        class_key(&installation, played["class"]["label"].as_str().unwrap()).await,
    );

    let answers = answers_of(&installation, key, &domain).await;
    assert!(
        answers.len() >= 5,
        "a level is shown from {} answers",
        answers.len()
    );
    for id in &answers {
        void(&installation, id).await;
    }
    within("the cell is empty", SHOWS_WITHIN, async || {
        let table = installation
            .get(&format!(
                "/api/v1/classes/{class}/mastery?as_of=2026-03-27T19:00:00Z"
            ))
            .await;
        let row = table["pupils"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["key"] == key)
            .unwrap();
        (!shown(row).contains(&domain)).then_some(())
    })
    .await;
}

/// A pupil of the test's own, whom no roster names.
struct Pupil<'a> {
    installation: &'a Installation,
    key: String,
}

impl<'a> Pupil<'a> {
    async fn new(installation: &'a Installation, first: &str) -> Self {
        post_answer(installation, first).await;
        let key = within("the pupil is known", SHOWS_WITHIN, async || {
            let resolve = installation.request(Method::POST, "/api/v1/pupils/resolve");
            let answer = resolve.json(&account(PUPIL)).send().await.unwrap();
            match answer.status() {
                StatusCode::NOT_FOUND => None,
                _ => harness::json(answer).await["key"]
                    .as_str()
                    .map(str::to_owned),
            }
        })
        .await;
        Self { installation, key }
    }

    async fn list(&self) -> Vec<Value> {
        let path = format!("/api/v1/pupils/{}/next-activities?limit=5", self.key);
        let list = self.installation.get(&path).await;
        list["activities"].as_array().unwrap().clone()
    }
}

fn account(name: &str) -> Value {
    json!({ "homePage": "https://example.org/accounts", "name": name })
}

/// The pupil answers rightly; gives the statement's id.
async fn post_answer(installation: &Installation, activity: &str) -> String {
    let id = Uuid::new_v4().to_string();
    let statement = json!({
        "id": id,
        "actor": { "objectType": "Agent", "account": account(PUPIL) },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/answered" },
        "object": { "objectType": "Activity", "id": activity },
        "result": { "success": true },
    });
    installation.post("/xapi/statements", &statement).await;
    id
}

async fn void(installation: &Installation, id: &str) {
    let statement = json!({
        "actor": { "objectType": "Agent", "account": account("teacher") },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" },
        "object": { "objectType": "StatementRef", "id": id },
    });
    installation.post("/xapi/statements", &statement).await;
}

/// The ids of the answers that a pupil gave to exercises of a domain.
async fn answers_of(installation: &Installation, key: &str, domain: &str) -> Vec<String> {
    let database = installation.database().await;
    let database = database.get().await.unwrap();
    let last = domain.rsplit('/').next().unwrap();
    let rows = database
        .query(
            "select f.id::text from published.answers_feed f join published.account_person a using (account)
             where a.person::text = $1 and f.kind = 'answer' and not f.voided and f.activity like '%/' || $2::text || '/%'",
            &[&key, &last],
        )
        .await
        .unwrap();
    rows.into_iter().map(|row| row.get(0)).collect()
}

async fn class_key(installation: &Installation, label: &str) -> String {
    let classes = installation.get("/api/v1/classes").await;
    let class = classes["classes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|class| class["label"] == label)
        .unwrap();
    class["key"].as_str().unwrap().to_owned()
}

/// The domains in which a row of a class table shows a level.
fn shown(row: &Value) -> Vec<String> {
    let domains = row["domains"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|domain| domain["degree"].is_number());
    domains
        .map(|domain| domain["uri"].as_str().unwrap().to_owned())
        .collect()
}

fn holds(list: &[Value], activity: &str) -> bool {
    list.iter().any(|next| next["activity"]["id"] == activity)
}

/// What a list recommends, without figures that move with the clock.
fn without_times(list: Vec<Value>) -> Vec<Value> {
    list.into_iter()
        .map(|next| next["activity"]["id"].clone())
        .collect()
}
