//! `GET /api/v1/pupils/{key}/next-activities`.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use schemas::ids::PersonKey;
use serde::{Deserialize, Serialize};
use service::error::Problem;
use service::identity::{Action, Caller};
use utoipa::ToSchema;

use super::problems;
use crate::catalogue::Index;
use crate::policy::{Factors, Policy, Recommendation, Rule};
use crate::{LIST_MAX, List, NoList, Recommender, reasons};

/// The parameters, as text: each is read here, so that what is wrong is told by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// Activities at most, 1 to 50; the service's default where it is left out.
    limit: Option<String>,
    /// The time for which the list is made (RFC 3339), not before the pupil's last answer; now
    /// where it is left out.
    as_of: Option<String>,
}

/// A list of next activities.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextActivities)]
pub(super) struct Answer {
    /// The pupil's key.
    pupil: String,
    /// The time for which the list was made.
    as_of: DateTime<Utc>,
    /// The policy that made it.
    policy: PolicyName,
    /// Version of the catalogue that it was made from; null before one was loaded.
    catalogue: Option<i64>,
    /// The pupil's answers that are folded into the states it was made from.
    answers: u64,
    /// The activities, the first to be done first.
    activities: Vec<Entry>,
}

/// A policy by name and version.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyName {
    name: &'static str,
    version: &'static str,
}

/// One activity of a list, and why it is there.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// Its place, from 1.
    rank: usize,
    /// The activity.
    activity: ActivityName,
    /// Its subject.
    subject: String,
    /// Its main competency.
    competency: CompetencyName,
    /// The pupil's level in that competency.
    level: Level,
    /// M: how likely is success on an ordinary exercise of the competency.
    mastery: f64,
    /// How likely is success on this activity.
    expected_success: f64,
    /// What its score is made of.
    factors: Factors,
    /// What made the policy choose it.
    rule: Rule,
    /// Why, in a sentence for the pupil.
    reason: String,
}

/// An activity by IRI and title.
#[derive(Debug, Serialize, ToSchema)]
struct ActivityName {
    id: String,
    title: String,
}

/// A competency by URI and French label.
#[derive(Debug, Serialize, ToSchema)]
struct CompetencyName {
    uri: String,
    label: String,
}

/// A level, where there is enough evidence to show one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LevelInList)]
struct Level {
    /// 1 to 6; null without enough evidence.
    degree: Option<u8>,
    /// Its name in French, or that there are not enough answers yet.
    label: String,
    /// Whether there is enough evidence.
    shown: bool,
}

/// The next activities of a pupil, each with its reason in data and in a French sentence.
#[utoipa::path(
    get,
    path = "/api/v1/pupils/{key}/next-activities",
    tag = "recommender",
    params(
        ("key" = String, Path, description = "the pupil's key"),
        ("limit" = Option<u32>, Query, description = "activities at most, 1 to 50"),
        ("as_of" = Option<String>, Query, description = "the time for which the list is made (RFC 3339); now where it is left out"),
    ),
    responses(
        (status = 200, body = Answer),
        (status = 400, description = "a parameter that cannot be taken"),
        (status = 404, description = "no pupil has this key"),
        (status = 409, description = "as_of lies before the pupil's last answer"),
    ),
)]
pub(super) async fn get(
    caller: Caller,
    recommender: web::Data<Recommender>,
    key: web::Path<String>,
    parameters: web::Query<Parameters>,
) -> Result<HttpResponse, Problem> {
    caller.require(Action::ReadAll)?;
    let person = person(&key)?;
    let limit = limit(
        parameters.limit.as_deref(),
        recommender.config().list_default,
    )?;
    let as_of = as_of(parameters.as_of.as_deref())?;
    if let Some(school) = caller.school() {
        // A pupil of another school is told of as nobody is.
        let is_its = recommender.is_pupil_of(person, school).await?;
        is_its.then_some(()).ok_or(NoList::Unknown)?;
    }
    let list = recommender.next_activities(person, as_of, limit).await?;
    let answer = answer(person, as_of, recommender.policy(), &list);
    // A list is one pupil's, and old after the next answer.
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(answer))
}

fn person(key: &str) -> Result<PersonKey, Problem> {
    key.parse().map_err(|_| {
        problems::parameter(
            "key",
            "pupil-key",
            "a pupil's key is a UUID of 36 characters",
        )
    })
}

fn limit(given: Option<&str>, default: usize) -> Result<usize, Problem> {
    let Some(text) = given else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=LIST_MAX).contains(limit))
        .ok_or_else(|| {
            problems::parameter(
                "limit",
                "limit-range",
                "limit is a whole number from 1 to 50",
            )
        })
}

fn as_of(given: Option<&str>) -> Result<DateTime<Utc>, Problem> {
    let Some(text) = given else {
        return Ok(service::clock::now());
    };
    let read = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    read.map_err(|_| {
        let detail = "as_of is a time of RFC 3339 with its offset, such as \
                      2026-01-31T17:00:00Z; a + in it is written %2B in a query";
        problems::parameter("as_of", "as_of-rfc3339", detail)
    })
}

fn answer(person: PersonKey, as_of: DateTime<Utc>, policy: &dyn Policy, list: &List) -> Answer {
    Answer {
        pupil: person.to_string(),
        as_of,
        policy: PolicyName {
            name: policy.name(),
            version: policy.version(),
        },
        catalogue: list.index.version(),
        answers: list.pupil.answers(),
        activities: list
            .entries
            .iter()
            .zip(1..)
            .map(|(recommendation, rank)| entry(rank, recommendation, &list.index))
            .collect(),
    }
}

fn entry(rank: usize, recommendation: &Recommendation, index: &Index) -> Entry {
    let activity = index.activity(recommendation.activity);
    let competency = index.competency_of(activity);
    let mastery = &recommendation.mastery;
    let shown = mastery.shown;
    Entry {
        rank,
        activity: ActivityName {
            id: activity.id.clone(),
            title: activity.title.clone(),
        },
        subject: index.subject_of(activity).name().to_owned(),
        competency: CompetencyName {
            uri: competency.uri().to_owned(),
            label: competency.label().to_owned(),
        },
        level: Level {
            degree: shown.then(|| mastery.degree.number()),
            label: match shown {
                true => index.model().degree_label(mastery.degree).to_owned(),
                false => reasons::NOT_ENOUGH.to_owned(),
            },
            shown,
        },
        mastery: mastery.m,
        expected_success: recommendation.expected_success,
        factors: recommendation.factors,
        rule: recommendation.rule,
        reason: reasons::pupil(recommendation, index),
    }
}
