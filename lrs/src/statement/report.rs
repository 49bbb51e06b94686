//! What the LRS says of statements without storing them: whether xAPI accepts each, and whether it
//! follows a profile. The words are those of the door, because the rules are.

use std::collections::BTreeMap;

use schemas::Fault;
use schemas::profile::{Profile, ProfileFault};
use schemas::strict_json;
use schemas::xapi::XapiVersion;
use serde::Serialize;
use serde_json::Value;

use super::attachments;
use super::parse::{elements, faults_alone, repeated_ids};

/// How many faults are told at most, over all statements: an answer must not grow to a hundred times
/// the body. Whether a statement is accepted is told of each.
const MOST_FAULTS: usize = 2_000;

/// What is said of a body.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Under which version.
    version: &'static str,
    /// IRI of the profile's version.
    profile: String,
    /// Whether xAPI accepts all of it.
    accepted: bool,
    /// Whether all of it follows the profile.
    follows_profile: bool,
    /// What is wrong with the body itself: it is no JSON, or has too many statements.
    faults: Vec<Fault>,
    /// Each statement, in its order.
    statements: Vec<Verdict>,
    /// What the profile recommends and statements lack.
    advice: Vec<Advice>,
    /// Faults that are not told, beyond the most that are.
    faults_left_out: usize,
}

/// What is said of a statement.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Its place among the statements, from 0.
    index: usize,
    /// Its line, from 1, where each line is a statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Whether xAPI accepts it.
    accepted: bool,
    /// Whether it is accepted only in multipart/mixed: it has an attachment without a `fileUrl`.
    needs_multipart: bool,
    /// Why not.
    faults: Vec<Fault>,
    /// What the profile says of it.
    profile: ByProfile,
}

/// What the profile says of a statement.
#[derive(Debug, Serialize)]
pub struct ByProfile {
    follows: bool,
    /// IRIs of the templates whose determining properties it has.
    templates: Vec<String>,
    /// What it does not follow.
    faults: Vec<ProfileFault>,
}

/// What the profile recommends.
#[derive(Debug, Serialize)]
pub struct Advice {
    /// IRI of the template.
    template: String,
    /// The JSONPath of the rule.
    location: String,
    /// How many statements lack it.
    statements: usize,
}

impl Report {
    /// Looks at a body as a POST would have it: a statement, or an array of at most `most`.
    #[must_use]
    pub fn of_body(body: &[u8], version: XapiVersion, profile: &Profile, most: usize) -> Self {
        let mut writer = Writer::new(version, profile);
        match strict_json::parse(body) {
            Err(fault) => writer.body(fault),
            Ok(Value::Array(statements)) if statements.len() > most => {
                writer.body(too_many(most));
            }
            Ok(Value::Array(statements)) => writer.array(body, &statements),
            Ok(statement) => writer.statement(&statement, text(body), None, "", Vec::new()),
        }
        writer.finish()
    }

    /// Looks at lines that are statements each (NDJSON); empty lines are passed over.
    #[must_use]
    pub fn of_lines(body: &[u8], version: XapiVersion, profile: &Profile) -> Self {
        let mut writer = Writer::new(version, profile);
        for (number, line) in body.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let number = Some(number + 1);
            match strict_json::parse(line) {
                Ok(statement) => {
                    writer.statement(&statement, text(line), number, "", Vec::new());
                }
                Err(fault) => writer.unread(number, fault),
            }
        }
        writer.finish()
    }

    /// A body that is not looked at, because of this.
    #[must_use]
    pub fn of_fault(fault: Fault, version: XapiVersion, profile: &Profile) -> Self {
        let mut writer = Writer::new(version, profile);
        writer.body(fault);
        writer.finish()
    }

    /// Whether xAPI accepts all of it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.accepted
    }

    /// Whether all of it follows the profile.
    #[must_use]
    pub fn follows_profile(&self) -> bool {
        self.follows_profile
    }

    /// What is said of it in lines for people: a line a fault, then the sums.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .faults
            .iter()
            .map(|fault| line("", &fault.pointer, fault.rule, fault.section, &fault.detail))
            .collect();
        for verdict in &self.statements {
            let place = match verdict.line {
                Some(number) => format!("line {number}"),
                None => format!("statement {}", verdict.index),
            };
            let xapi = verdict.faults.iter();
            lines.extend(xapi.map(|fault| {
                line(
                    &place,
                    &fault.pointer,
                    fault.rule,
                    fault.section,
                    &fault.detail,
                )
            }));
            let profile = verdict.profile.faults.iter();
            lines.extend(profile.map(|fault| {
                line(
                    &place,
                    &fault.pointer,
                    fault.rule,
                    fault.section,
                    &fault.detail,
                )
            }));
        }
        lines.extend(self.sums());
        lines
    }

    fn sums(&self) -> Vec<String> {
        let count = |is: fn(&Verdict) -> bool| self.statements.iter().filter(|one| is(one)).count();
        let mut sums = Vec::new();
        if self.faults_left_out > 0 {
            sums.push(format!("{} more faults are not told", self.faults_left_out));
        }
        for advice in &self.advice {
            sums.push(format!(
                "advice: {} of {} statements lack {}, which {} recommends",
                advice.statements,
                self.statements.len(),
                advice.location,
                advice.template
            ));
        }
        let multipart = count(|one| one.needs_multipart);
        if multipart > 0 {
            sums.push(format!(
                "{multipart} with an attachment without fileUrl: send them as multipart/mixed"
            ));
        }
        sums.push(format!(
            "{} statements: xAPI {} accepts {}, {} follow {}",
            self.statements.len(),
            self.version,
            count(|one| one.accepted),
            count(|one| one.profile.follows),
            self.profile
        ));
        sums
    }
}

fn line(place: &str, pointer: &str, rule: &str, section: &str, detail: &str) -> String {
    let place = match (place, pointer) {
        ("", "") => "(whole)".to_owned(),
        ("", pointer) => pointer.to_owned(),
        (place, "") => place.to_owned(),
        (place, pointer) => format!("{place} {pointer}"),
    };
    format!("{place}: {detail} [{rule}, {section}]")
}

fn too_many(most: usize) -> Fault {
    Fault {
        pointer: String::new(),
        rule: "validate-statements-limit",
        section: "xAPI 1.0.3 Communication 2.1.2",
        detail: format!("at most {most} statements are looked at in one request"),
    }
}

/// What [`strict_json`] has accepted, as text.
fn text(json: &[u8]) -> &str {
    std::str::from_utf8(json).unwrap_or_default()
}

/// Makes a report, statement by statement.
struct Writer<'p> {
    profile: &'p Profile,
    version: XapiVersion,
    told: usize,
    advice: BTreeMap<(String, String), usize>,
    report: Report,
}

impl<'p> Writer<'p> {
    fn new(version: XapiVersion, profile: &'p Profile) -> Self {
        Self {
            profile,
            version,
            told: 0,
            advice: BTreeMap::new(),
            report: Report {
                version: version.as_str(),
                profile: profile.version().to_owned(),
                accepted: true,
                follows_profile: true,
                faults: Vec::new(),
                statements: Vec::new(),
                advice: Vec::new(),
                faults_left_out: 0,
            },
        }
    }

    /// A fault of the body as a whole: nothing in it is accepted.
    fn body(&mut self, fault: Fault) {
        self.report.accepted = false;
        self.report.follows_profile = false;
        self.report.faults.push(fault);
    }

    fn array(&mut self, body: &[u8], statements: &[Value]) {
        let texts = match elements(body) {
            Ok(texts) => texts,
            Err(fault) => return self.body(fault),
        };
        let mut repeated: BTreeMap<usize, Fault> = repeated_ids(statements).into_iter().collect();
        for (index, (statement, text)) in statements.iter().zip(texts).enumerate() {
            let more = repeated.remove(&index).into_iter().collect();
            self.statement(statement, text.get(), None, &format!("/{index}"), more);
        }
    }

    /// Takes a statement, read from the text `sent`; `prefix` is the pointer to it in the body, `more`
    /// what is known to be wrong with it there.
    fn statement(
        &mut self,
        statement: &Value,
        sent: &str,
        line: Option<usize>,
        prefix: &str,
        more: Vec<Fault>,
    ) {
        let mut faults: Vec<Fault> = faults_alone(statement, sent, self.version)
            .into_iter()
            .map(|fault| fault.under(prefix))
            .collect();
        faults.extend(more);
        let checked = self.profile.check(statement);
        for advice in &checked.advice {
            let key = (
                advice.template.clone().unwrap_or_default(),
                advice.location.clone().unwrap_or_default(),
            );
            *self.advice.entry(key).or_default() += 1;
        }
        let follows = checked.follows();
        let by_profile = checked.faults.into_iter().map(|fault| fault.under(prefix));
        self.push(Verdict {
            index: 0,
            line,
            accepted: faults.is_empty(),
            needs_multipart: !attachments::without_url(statement).is_empty(),
            faults,
            profile: ByProfile {
                follows,
                templates: checked.templates,
                faults: by_profile.collect(),
            },
        });
    }

    /// A line that is no JSON.
    fn unread(&mut self, line: Option<usize>, fault: Fault) {
        self.push(Verdict {
            index: 0,
            line,
            accepted: false,
            needs_multipart: false,
            faults: vec![fault],
            profile: ByProfile {
                follows: false,
                templates: Vec::new(),
                faults: Vec::new(),
            },
        });
    }

    fn push(&mut self, mut verdict: Verdict) {
        verdict.index = self.report.statements.len();
        self.report.accepted &= verdict.accepted;
        self.report.follows_profile &= verdict.profile.follows;
        self.report.faults_left_out += keep(&mut verdict.faults, &mut self.told);
        self.report.faults_left_out += keep(&mut verdict.profile.faults, &mut self.told);
        self.report.statements.push(verdict);
    }

    fn finish(mut self) -> Report {
        self.report.advice = self
            .advice
            .into_iter()
            .map(|((template, location), statements)| Advice {
                template,
                location,
                statements,
            })
            .collect();
        self.report
    }
}

/// Keeps as many faults as may still be told; answers how many are left out.
fn keep<T>(faults: &mut Vec<T>, told: &mut usize) -> usize {
    let kept = faults.len().min(MOST_FAULTS - *told);
    let left_out = faults.len() - kept;
    faults.truncate(kept);
    *told += kept;
    left_out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: &str = r#"{"actor":{"mbox":"mailto:a@example.org"},"verb":{"id":"https://example.org/v"},"object":{"id":"https://example.org/o"}}"#;

    fn of(body: &str) -> Value {
        let report = Report::of_body(
            body.as_bytes(),
            XapiVersion::V1_0_3,
            Profile::sillage(),
            100,
        );
        serde_json::to_value(report).expect("JSON")
    }

    #[test]
    fn one_statement_is_told_of_by_itself() {
        let report = of(GOOD);
        assert_eq!(report["accepted"], true);
        assert_eq!(report["follows_profile"], false);
        assert_eq!(report["statements"][0]["faults"], json!([]));
        assert_eq!(
            report["statements"][0]["profile"]["faults"][0]["rule"],
            "profile-no-template"
        );
        let bad = of(&GOOD.replace("mailto:", ""));
        assert_eq!(bad["accepted"], false);
        assert_eq!(bad["statements"][0]["faults"][0]["pointer"], "/actor/mbox");
        assert_eq!(bad["statements"][0]["faults"][0]["rule"], "mbox-not-mailto");
    }

    #[test]
    fn in_an_array_pointers_start_with_the_index() {
        let with = |id: &str| GOOD.replacen('{', &format!(r#"{{"id":"{id}","#), 1);
        let id = "7d0c1f3e-5b2a-4f6e-9c51-2f3b8f0a1c22";
        let report = of(&format!(
            "[{},{GOOD},{}]",
            with(id),
            with(&id.to_uppercase())
        ));
        let accepted: Vec<_> = report["statements"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|one| one["accepted"].clone())
            .collect();
        assert_eq!(accepted, [json!(true), json!(true), json!(false)]);
        let fault = &report["statements"][2]["faults"][0];
        assert_eq!(fault["rule"], "statement-id-once-in-batch");
        assert_eq!(fault["pointer"], "/2/id");
        assert_eq!(
            report["statements"][1]["profile"]["faults"][0]["pointer"],
            "/1"
        );
    }

    #[test]
    fn what_is_no_json_is_a_fault_of_the_whole() {
        let report = of("{");
        assert_eq!(report["accepted"], false);
        assert_eq!(report["statements"], json!([]));
        assert_eq!(report["faults"][0]["rule"], "json-syntax");
        let many = format!("[{}]", vec![GOOD; 101].join(","));
        assert_eq!(of(&many)["faults"][0]["rule"], "validate-statements-limit");
    }

    #[test]
    fn lines_are_told_of_by_their_number() {
        let body = format!("{GOOD}\n\n  \r\n{{\n{GOOD}\r\n1");
        let report = Report::of_lines(body.as_bytes(), XapiVersion::V2_0_0, Profile::sillage());
        let told = report.lines();
        assert!(
            told[0].starts_with("line 1: no template of the profile matches"),
            "{told:?}"
        );
        assert!(told[1].starts_with("line 4: not JSON"), "{told:?}");
        assert!(
            told[3].starts_with("line 6: a statement is a JSON object [statement-not-object"),
            "{told:?}"
        );
        assert!(
            told.last()
                .expect("sums")
                .starts_with("4 statements: xAPI 2.0.0 accepts 2, 0 follow "),
            "{told:?}"
        );
        assert!(!report.accepted() && !report.follows_profile());
    }

    #[test]
    fn an_attachment_beside_the_statement_needs_multipart() {
        let attachment = r#""attachments":[{"usageType":"https://example.org/u","display":{"fr":"x"},"contentType":"text/plain","length":1,"sha2":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}]"#;
        let body = GOOD.replacen('{', &format!("{{{attachment},"), 1);
        let report = of(&body);
        assert_eq!(report["accepted"], true);
        assert_eq!(report["statements"][0]["needs_multipart"], true);
    }

    #[test]
    fn advice_is_summed_up() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../schemas/fixtures/valid/answer.json");
        let mut answer: Value =
            serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON");
        answer["context"]
            .as_object_mut()
            .expect("an object")
            .remove("language");
        answer.as_object_mut().expect("an object").remove("id");
        let report = of(&json!([answer, answer]).to_string());
        assert_eq!(report["follows_profile"], true);
        assert_eq!(
            report["advice"],
            json!([{ "template": "https://w3id.org/sillage/profile/templates/answered",
                "location": "$.context.language", "statements": 2 }])
        );
    }

    #[test]
    fn a_body_that_is_wrong_everywhere_gets_an_answer_of_bounded_size() {
        let body = format!("[{}]", vec!["{}"; 5_000].join(","));
        let report = Report::of_body(
            body.as_bytes(),
            XapiVersion::V1_0_3,
            Profile::sillage(),
            5_000,
        );
        assert_eq!(report.statements.len(), 5_000);
        assert_eq!(report.told(), MOST_FAULTS);
        assert_eq!(report.faults_left_out, 4 * 5_000 - MOST_FAULTS);
    }

    impl Report {
        fn told(&self) -> usize {
            let of_one = |one: &Verdict| one.faults.len() + one.profile.faults.len();
            self.statements.iter().map(of_one).sum()
        }
    }
}
