//! What the file becomes: a framework of its skills, a catalogue of its items, and one statement
//! for each answer, all named after the file's fingerprint.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use schemas::profile::{PROFILE_VERSION, activity_types, extensions, verbs};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::file::{AnswersFile, Row, Times};

/// IRIs of everything that comes from one file.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    base: String,
    ids: Uuid,
    device: Uuid,
    subject: String,
}

impl Names {
    /// Names after the file, under the subject that its pupils were learning.
    pub(crate) fn new(file: &AnswersFile, subject: &str) -> Self {
        let base = format!("https://w3id.org/sillage/replay/{}", file.fingerprint);
        let ids = Uuid::new_v5(&Uuid::NAMESPACE_URL, base.as_bytes());
        let device = Uuid::new_v5(&ids, b"device");
        Self {
            base,
            ids,
            device,
            subject: subject.to_owned(),
        }
    }

    /// The account of a pupil of the file.
    pub(crate) fn account(&self, student: i64) -> (String, String) {
        (format!("{}/pupils", self.base), student.to_string())
    }

    /// The activity that an item is.
    pub(crate) fn item(&self, item: i64) -> String {
        format!("{}{item}", self.item_prefix())
    }

    /// What the activities of this file, and no others, begin with.
    pub(crate) fn item_prefix(&self) -> String {
        format!("{}/item/", self.base)
    }

    /// The competency that a skill is.
    pub(crate) fn competency(&self, skill: i64) -> String {
        format!("{}/skill/{skill}", self.base)
    }

    /// The skills as the competencies of one domain. The scale is the service's default one.
    pub(crate) fn framework(
        &self,
        file: &AnswersFile,
        levels: &Value,
        dated: DateTime<Utc>,
    ) -> Value {
        let competency = |skill: i64| {
            json!({
                "uri": self.competency(skill),
                "label_fr": format!("compétence {skill} du fichier"),
                "status": "from the file",
                "prerequisites": [],
            })
        };
        let competencies: Vec<Value> = file.skills().into_iter().map(competency).collect();
        json!({
            "uri": format!("{}/framework", self.base),
            "version": file.fingerprint,
            "dated": dated.format("%Y-%m-%d").to_string(),
            "language": "fr",
            "levels": levels,
            "domains": [{
                "uri": format!("{}/domain", self.base),
                "subject": self.subject,
                "label_fr": "ensemble du fichier",
                "status": "from the file",
                "competencies": competencies,
            }],
        })
    }

    /// The items, of which nothing is known but their skills: the model gives them a wide prior.
    pub(crate) fn catalogue(&self, file: &AnswersFile) -> Value {
        let item = |(item, skills): (&i64, &Vec<i64>)| {
            json!({
                "id": self.item(*item),
                "title": { "fr": format!("exercice {item} du fichier") },
                "subject": self.subject,
                "competencies": skills.iter().map(|skill| self.competency(*skill)).collect::<Vec<_>>(),
            })
        };
        let items: Vec<Value> = file.items.iter().map(item).collect();
        json!({ "uri": format!("{}/catalogue", self.base), "version": file.fingerprint, "items": items })
    }

    /// The id of the statement of row `n`: the same at every replay of the file.
    pub(crate) fn statement_id(&self, n: usize) -> String {
        Uuid::new_v5(&self.ids, n.to_string().as_bytes()).to_string()
    }

    /// The statement of row `n`. The pupil's counter is the order in the file, so that answers of
    /// one second keep it.
    pub(crate) fn statement(
        &self,
        n: usize,
        row: &Row,
        at: DateTime<Utc>,
        times: Times,
    ) -> (String, Bytes) {
        let id = self.statement_id(n);
        let (home_page, name) = self.account(row.student);
        let mut told = Map::from_iter([
            (extensions::DEVICE_ID.to_owned(), json!(self.device)),
            (extensions::SEQ.to_owned(), json!(row.order)),
        ]);
        if times == Times::Invented {
            told.insert(extensions::INVENTED_TIME.to_owned(), json!(true));
        }
        let statement = json!({
            "id": id,
            "actor": { "objectType": "Agent", "account": { "homePage": home_page, "name": name } },
            "verb": { "id": verbs::ANSWERED, "display": { "fr-FR": "a répondu à" } },
            "object": {
                "objectType": "Activity",
                "id": self.item(row.item),
                "definition": { "type": activity_types::INTERACTION, "interactionType": "other" },
            },
            "result": { "success": row.correct },
            "context": { "contextActivities": { "category": [{ "id": PROFILE_VERSION }] }, "extensions": told },
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        (id, Bytes::from(statement.to_string()))
    }
}
