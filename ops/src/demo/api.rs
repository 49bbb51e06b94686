//! The resources of `/api/v1` that the demo reads, as far as it reads them.

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answers::file::Totals;
use crate::client::{Body, Client};

/// How far the service is.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Positions {
    /// Of the last statement stored.
    pub(crate) stored_seq: i64,
    /// Up to which answers are folded, by the current model.
    pub(crate) folded_seq: i64,
    /// Whether a new framework or catalogue is still being taken up.
    #[serde(default)]
    pub(crate) rebuilding: bool,
    /// Up to which each table of the lake was shipped.
    pub(crate) lake: LakePositions,
}

/// Positions of the lake's tables.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct LakePositions {
    pub(crate) statements: i64,
    pub(crate) answers: i64,
}

/// A class, as the list of classes has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ClassRef {
    pub(crate) key: String,
    pub(crate) label: String,
}

/// A class's mastery.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ClassMastery {
    pub(crate) pupils: Vec<PupilMastery>,
}

/// One pupil of a class.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PupilMastery {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) domains: Vec<DomainMastery>,
}

/// One domain of a pupil.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DomainMastery {
    pub(crate) uri: String,
    pub(crate) label: String,
    /// Absent where there are not enough answers yet.
    pub(crate) degree: Option<u8>,
}

/// A next-activity list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NextActivities {
    pub(crate) activities: Vec<NextActivity>,
}

/// One activity of a list, with its reason.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct NextActivity {
    pub(crate) activity: Activity,
    pub(crate) competency: Competency,
    pub(crate) expected_success: f64,
    pub(crate) rule: String,
    pub(crate) reason: String,
}

/// An activity by its IRI and title.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) title: String,
}

/// A competency by its URI and label.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Competency {
    pub(crate) uri: String,
    pub(crate) label: String,
}

/// The key of the pupil whose account that is.
pub(crate) async fn resolve(
    client: &Client,
    home_page: &str,
    name: &str,
) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Resolved {
        key: String,
    }
    let account = Body::json(&json!({ "homePage": home_page, "name": name }));
    let answer = client.post("/api/v1/pupils/resolve", account).await?;
    Ok(serde_json::from_value::<Resolved>(answer)
        .context("could not understand the answer to /pupils/resolve")?
        .key)
}

/// How far the service is.
pub(crate) async fn positions(client: &Client) -> anyhow::Result<Positions> {
    read(client, "/api/v1/status").await
}

/// Totals of the aggregates.
pub(crate) async fn totals(client: &Client) -> anyhow::Result<Totals> {
    read(client, "/api/v1/totals").await
}

/// The classes of the roster.
pub(crate) async fn classes(client: &Client) -> anyhow::Result<Vec<ClassRef>> {
    #[derive(Deserialize)]
    struct Classes {
        classes: Vec<ClassRef>,
    }
    Ok(read::<Classes>(client, "/api/v1/classes").await?.classes)
}

/// Path of a class's mastery as of an instant, which is now if not given.
pub(crate) fn class_mastery_path(key: &str, as_of: Option<DateTime<Utc>>) -> String {
    let query = as_of.map(|as_of| format!("?as_of={}", instant(as_of)));
    format!("/api/v1/classes/{key}/mastery{}", query.unwrap_or_default())
}

/// Path of a pupil's next activities, `limit` and instant being the service's choice if not given.
pub(crate) fn next_activities_path(key: &str, at: Option<(u8, DateTime<Utc>)>) -> String {
    let query = at.map(|(limit, as_of)| format!("?limit={limit}&as_of={}", instant(as_of)));
    format!(
        "/api/v1/pupils/{key}/next-activities{}",
        query.unwrap_or_default()
    )
}

/// A class's mastery.
pub(crate) async fn class_mastery(
    client: &Client,
    key: &str,
    as_of: DateTime<Utc>,
) -> anyhow::Result<ClassMastery> {
    read(client, &class_mastery_path(key, Some(as_of))).await
}

/// A pupil's next activities.
pub(crate) async fn next_activities(
    client: &Client,
    key: &str,
    at: Option<(u8, DateTime<Utc>)>,
) -> anyhow::Result<NextActivities> {
    read(client, &next_activities_path(key, at)).await
}

async fn read<T: DeserializeOwned>(client: &Client, path: &str) -> anyhow::Result<T> {
    let answer = client.get(path).await?;
    let route = path.split('?').next().unwrap_or(path);
    ensure!(!answer.is_null(), "{route} gave an empty answer");
    serde_json::from_value(answer)
        .with_context(|| format!("could not understand the answer of {route}"))
}

/// In UTC with a Z: a plus sign in a query string would be read as a space.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
