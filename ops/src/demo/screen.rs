//! The one screen at the end: how much and how fast, a class, a pupil's next activities, and how to
//! ask for each oneself. Everything but the first part is read back from the service.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{Attribute, Cell, CellAlignment, Table, TableComponent, presets};
use serde_json::{Value, json};

use super::Counts;
use super::api::{self, ClassMastery, NextActivities};
use super::delivery::Sent;
use super::lycee::{HOME_PAGE, Lycee, Person};
use crate::client::Client;
use crate::output;

/// Activities in the list that is shown.
const LIST: u8 = 5;

/// The pupil whose list is shown: the seventh of the first class, or the last of a smaller one.
const PUPIL: usize = 7;

/// Longest line in the head of a column, longer words are cut: seven domains fit 110 columns.
const WORD_MAX: usize = 14;

/// Short names of the six degrees, for the cells of the table.
const DEGREES: [&str; 6] = [
    "insuff.",
    "fragile",
    "satisf. 1",
    "satisf. 2",
    "satisf. 3",
    "très b.",
];

/// What is written where the service does not know enough to show a degree.
const UNKNOWN: &str = "–";

const LEGEND: &str = "insuff. : maîtrise insuffisante · fragile · satisf. 1, 2, 3 : satisfaisante, paliers 1 à 3 · très b. : très bonne\n– : pas encore assez de réponses";

/// What the demo itself did.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) counts: Counts,
    pub(crate) exercises: usize,
    pub(crate) sent: Sent,
    /// Requests sent again for want of an acknowledgement.
    pub(crate) repeated: u64,
    /// Time from the last acknowledgement until everything was computed.
    pub(crate) ready_after_s: f64,
}

/// What the service answers about it.
#[derive(Debug)]
pub(crate) struct Shown {
    as_of: DateTime<Utc>,
    endpoint: String,
    class: (String, ClassMastery),
    pupil: (String, NextActivities),
    /// Paths of the three: positions, class, list.
    paths: [String; 3],
}

impl Shown {
    /// Asks the service for the first class and one of its pupils.
    pub(crate) async fn read(
        client: &Client,
        as_of: DateTime<Utc>,
        lycee: &Lycee,
    ) -> anyhow::Result<Self> {
        let class = lycee.classes.first().context("there is no class")?;
        let pupil = class
            .pupils
            .get(PUPIL - 1)
            .or(class.pupils.last())
            .context("there is no pupil")?;
        let class_key = class_key(client, &class.label).await?;
        let mastery = api::class_mastery(client, &class_key, as_of).await?;
        ensure!(
            mastery.pupils.len() == class.pupils.len(),
            "class {} has {} pupils, the service shows {}",
            class.label,
            class.pupils.len(),
            mastery.pupils.len()
        );
        let (pupil_key, list) = list(client, pupil, as_of).await?;
        Ok(Self {
            as_of,
            endpoint: client.endpoint().to_owned(),
            class: (class.label.clone(), mastery),
            pupil: (pupil.label(), list),
            paths: [
                "/api/v1/status".to_owned(),
                api::class_mastery_path(&class_key, Some(as_of)),
                api::next_activities_path(&pupil_key, Some((LIST, as_of))),
            ],
        })
    }

    fn command(&self, which: usize) -> String {
        format!(
            "curl -su \"$SILLAGE_KEY:$SILLAGE_SECRET\" \"{}{}\"",
            self.endpoint, self.paths[which]
        )
    }

    fn as_of(&self) -> String {
        self.as_of.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

async fn class_key(client: &Client, label: &str) -> anyhow::Result<String> {
    let classes = api::classes(client).await?;
    let found = classes.into_iter().find(|class| class.label == label);
    Ok(found
        .with_context(|| format!("the service does not know class {label}"))?
        .key)
}

async fn list(
    client: &Client,
    pupil: &Person,
    as_of: DateTime<Utc>,
) -> anyhow::Result<(String, NextActivities)> {
    let key = api::resolve(client, HOME_PAGE, &pupil.account).await?;
    let list = api::next_activities(client, &key, Some((LIST, as_of))).await?;
    Ok((key, list))
}

/// The screen.
pub(crate) fn print(told: &Told, shown: &Shown) -> anyhow::Result<()> {
    let mut out = String::new();
    let (counts, sent) = (&told.counts, &told.sent);
    writeln!(
        out,
        "Deux semaines dans un lycée inventé, vues au {}",
        shown.as_of()
    )?;
    writeln!(
        out,
        "\n1. {} traces ({} réponses) de {} élèves de {} classes, {} activités au catalogue",
        counts.statements, counts.answers, counts.pupils, counts.classes, told.exercises
    )?;
    writeln!(
        out,
        "   {} envois acquittés en {:.1} s : {:.0} traces/s ; calculées {:.1} s après le dernier envoi",
        sent.requests,
        sent.seconds,
        per_second(sent),
        told.ready_after_s
    )?;
    writeln!(
        out,
        "   dont {} arrivées en retard, dans le désordre et deux fois ; une annulée ; {} envois répétés faute d'acquittement",
        counts.late_and_twice, told.repeated
    )?;
    writeln!(out, "   {}", shown.command(0))?;
    writeln!(out, "\n2. La classe {}, domaine par domaine", shown.class.0)?;
    writeln!(out, "{}\n{LEGEND}", class_table(&shown.class.1))?;
    writeln!(out, "   {}", shown.command(1))?;
    writeln!(
        out,
        "\n3. {} : les {} prochaines activités",
        shown.pupil.0,
        shown.pupil.1.activities.len()
    )?;
    for (n, next) in shown.pupil.1.activities.iter().enumerate() {
        writeln!(
            out,
            "   {}. {}\n      {}",
            n + 1,
            next.activity.title,
            next.reason
        )?;
    }
    writeln!(out, "   {}", shown.command(2))?;
    Ok(output::lines(&out)?)
}

/// The same as one JSON object.
pub(crate) fn print_json(told: &Told, shown: &Shown) -> anyhow::Result<()> {
    let pupils: Vec<Value> = shown.class.1.pupils.iter().map(pupil_json).collect();
    let object = json!({
        "as_of": shown.as_of(),
        "played": told.counts,
        "catalogue_items": told.exercises,
        "sent": {
            "statements": told.sent.statements, "requests": told.sent.requests, "requests_repeated": told.repeated,
            "seconds": told.sent.seconds, "statements_per_second": per_second(&told.sent), "computed_after_seconds": told.ready_after_s,
            "command": shown.command(0),
        },
        "class": { "label": shown.class.0, "pupils": pupils, "command": shown.command(1) },
        "next_activities": { "pupil": shown.pupil.0, "activities": shown.pupil.1.activities, "command": shown.command(2) },
    });
    Ok(output::json(&object)?)
}

fn pupil_json(pupil: &api::PupilMastery) -> Value {
    let domains = pupil
        .domains
        .iter()
        .map(|domain| json!({ "uri": domain.uri, "label": domain.label, "degree": domain.degree }));
    json!({ "key": pupil.key, "label": pupil.label, "domains": domains.collect::<Vec<_>>() })
}

fn class_table(class: &ClassMastery) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─');
    let heads = class.pupils.first().map(|pupil| {
        pupil
            .domains
            .iter()
            .map(|domain| head(&domain.label))
            .collect::<Vec<_>>()
    });
    let mut header = vec![Cell::new("")];
    header.extend(
        heads
            .into_iter()
            .flatten()
            .map(|head| Cell::new(head).add_attribute(Attribute::Bold)),
    );
    table.set_header(header);
    for pupil in &class.pupils {
        let mut row = vec![Cell::new(&pupil.label)];
        row.extend(
            pupil.domains.iter().map(|domain| {
                Cell::new(degree(domain.degree)).set_alignment(CellAlignment::Center)
            }),
        );
        table.add_row(row);
    }
    table
}

fn degree(degree: Option<u8>) -> &'static str {
    degree
        .and_then(|degree| DEGREES.get(usize::from(degree).checked_sub(1)?))
        .copied()
        .unwrap_or(UNKNOWN)
}

/// The label over several lines, with long words cut, so that the table stays narrow.
fn head(label: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in label.split_whitespace().map(cut) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WORD_MAX => {
                *line = format!("{line} {word}")
            }
            _ => lines.push(word),
        }
    }
    lines.join("\n")
}

fn cut(word: &str) -> String {
    if word.chars().count() <= WORD_MAX {
        return word.to_owned();
    }
    let kept: String = word.chars().take(WORD_MAX - 1).collect();
    format!("{kept}.")
}

fn per_second(sent: &Sent) -> f64 {
    if sent.seconds > 0.0 {
        sent.statements as f64 / sent.seconds
    } else {
        0.0
    }
}
