//! The explanation in French: for the pupil, a parent, a teacher and an auditor. Pure.
//!
//! Spaces before `:`, `;` and `%` and inside « » are no-break ones, as French typography has them. No
//! sentence says the gender of the pupil: nobody told it.

use chrono::{Datelike, NaiveDate};
use mastery::Added;
use mastery::explain::rounded;

use super::told::StartedFrom;
use super::{Audience, UNIT};
use crate::aggregates::{Level, NOT_ENOUGH};

/// No-break space.
const NB: char = '\u{a0}';

/// What the sentences are made of.
#[derive(Debug)]
pub(super) struct Facts {
    /// The competency, as it is shown.
    pub(super) level: Level,
    /// Answers on a competency before a degree may be shown.
    pub(super) answers_needed: u32,
    /// Seconds since the last practice of the competency.
    pub(super) since_practice_s: Option<f64>,
    /// Where the fold started from.
    pub(super) from: StartedFrom,
}

/// What is told of one by one.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    /// An answer, with the title of the exercise where the catalogue has it.
    Answer(Option<&'a str>),
    /// An evaluation made outside, with the *niveau* where a degree was entered.
    Evaluation(Option<&'a str>),
}

/// An answer or an evaluation that is told of.
#[derive(Debug)]
pub(super) struct Moved<'a> {
    /// Which of them.
    pub(super) what: What<'a>,
    /// The y of the model.
    pub(super) outcome: f64,
    /// Success that was expected.
    pub(super) expected: f64,
    /// What it practised.
    pub(super) relation: Relation,
    /// Seconds before the time of the evaluation, and the day; none where its time was made up.
    pub(super) when: Option<(f64, NaiveDate)>,
    /// What it adds.
    pub(super) added: Added,
    /// The same in printed units.
    pub(super) units: i64,
}

/// What an exercise has to do with the competency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It practises it.
    Own,
    /// It practises another competency of its domain.
    Domain,
    /// It practises another domain of its subject.
    Subject,
}

/// What is told first: where the pupil stands, or that there are not enough answers yet.
pub(super) fn summary(audience: Audience, facts: &Facts) -> Vec<String> {
    let label = quoted(&facts.level.label);
    if facts.level.degree.is_none() {
        return not_enough(audience, facts, &label);
    }
    let level = &facts.level.level;
    let times = times_of_ten(facts.level.mastery);
    match audience {
        Audience::Pupil => vec![
            format!("Pour {label}, ton niveau estimé est{NB}: {level}."),
            format!("Sur un exercice ordinaire de cette compétence, tu réussirais {times}."),
        ],
        Audience::Parent => vec![
            format!("Pour {label}, le niveau estimé de votre enfant est{NB}: {level}."),
            format!(
                "Sur un exercice ordinaire de cette compétence, la réussite serait attendue {times}. \
                 C'est une estimation, qui change avec les réponses."
            ),
        ],
        Audience::Teacher | Audience::Auditor => vec![format!(
            "{label}{NB}: {level} (degré {} sur 6){NB}; réussite attendue sur l'exercice de \
             référence{NB}: {}{NB}; confiance à un degré près{NB}: {}{NB}; {}.",
            facts.level.degree.unwrap_or_default(),
            percent(facts.level.mastery),
            percent(facts.level.confidence),
            answers(facts.level.answers),
        )],
    }
}

fn not_enough(audience: Audience, facts: &Facts, label: &str) -> Vec<String> {
    let n = facts.level.answers;
    let needed = facts.answers_needed;
    let few = n < u64::from(needed);
    match audience {
        Audience::Pupil => vec![
            format!("Pour {label}, il n'y a {NOT_ENOUGH} pour dire où tu en es."),
            match n {
                0 => "Tu n'as encore répondu à aucun exercice de cette compétence.".to_owned(),
                _ if few => format!(
                    "Tu as donné {} sur cette compétence{NB}; il en faut au moins {needed}.",
                    answers(n)
                ),
                _ => format!(
                    "Tes réponses ne permettent pas encore de trancher{NB}: quelques exercices de \
                     plus y aideront."
                ),
            },
        ],
        Audience::Parent => vec![
            format!("Pour {label}, il n'y a {NOT_ENOUGH} pour estimer un niveau."),
            match n {
                0 => "Votre enfant n'a encore répondu à aucun exercice de cette compétence."
                    .to_owned(),
                _ if few => format!(
                    "Votre enfant a donné {} sur cette compétence{NB}; il en faut au moins {needed}.",
                    answers(n)
                ),
                _ => format!(
                    "Les réponses ne permettent pas encore de trancher{NB}: quelques exercices de \
                     plus y aideront."
                ),
            },
        ],
        Audience::Teacher | Audience::Auditor => vec![format!(
            "{label}{NB}: {NOT_ENOUGH} pour un degré ({}{NB}; il en faut {needed}, et une \
             confiance suffisante{NB}: {} à un degré près).",
            answers(n),
            percent(facts.level.confidence),
        )],
    }
}

/// Where the fold started from.
pub(super) fn start(audience: Audience, facts: &Facts, units: i64) -> String {
    let figure = figure(units);
    match (audience, facts.from) {
        (Audience::Pupil, StartedFrom::Profile) => format!(
            "Au départ, l'estimation s'appuie sur le profil que tu as déclaré{NB}: ce n'est qu'une \
             supposition, qui compte de moins en moins à mesure que tu réponds."
        ),
        (Audience::Parent, StartedFrom::Profile) => format!(
            "Au départ, l'estimation s'appuie sur le profil déclaré{NB}: ce n'est qu'une \
             supposition, qui compte de moins en moins à mesure que les réponses arrivent."
        ),
        (Audience::Teacher | Audience::Auditor, StartedFrom::Profile) => format!(
            "Point de départ, d'après le profil déclaré (une supposition, dont le poids diminue \
             avec les réponses){NB}: {figure}."
        ),
        (Audience::Pupil, StartedFrom::Voie(voie, _)) => format!(
            "Au départ, l'estimation s'appuie sur les résultats de l'ensemble des élèves de la voie \
             {}{NB}: c'est une supposition, qui ne dit rien de toi et compte de moins en moins à \
             mesure que tu réponds.",
            voie.label()
        ),
        (Audience::Parent, StartedFrom::Voie(voie, _)) => format!(
            "Au départ, l'estimation s'appuie sur les résultats de l'ensemble des élèves de la voie \
             {}{NB}: c'est une supposition, qui ne dit rien de votre enfant en particulier et compte \
             de moins en moins à mesure que les réponses arrivent.",
            voie.label()
        ),
        (Audience::Teacher | Audience::Auditor, StartedFrom::Voie(voie, _)) => format!(
            "Point de départ, d'après l'ensemble des élèves de la voie {} (une supposition, dont le \
             poids diminue avec les réponses){NB}: {figure}.",
            voie.label()
        ),
        (Audience::Pupil | Audience::Parent, StartedFrom::Nothing) => {
            "Au départ, sans aucune réponse, l'estimation est la même pour tout le monde."
                .to_owned()
        }
        (Audience::Teacher | Audience::Auditor, StartedFrom::Nothing) => {
            format!("Point de départ, le même pour tous les élèves{NB}: {figure}.")
        }
    }
}

/// One answer, and what it did.
pub(super) fn moved(audience: Audience, moved: &Moved<'_>) -> String {
    if matches!(audience, Audience::Teacher | Audience::Auditor) {
        return moved_in_figures(moved);
    }
    let pupil = audience == Audience::Pupil;
    let title = match moved.what {
        What::Answer(title) => title.map_or(String::new(), |title| format!("{}, ", quoted(title))),
        What::Evaluation(level) => return evaluated(pupil, level, moved),
    };
    let exercise = format!(
        "{title}un exercice {}{}",
        difficulty(pupil, moved.expected),
        relation(moved.relation),
    );
    let did = match (pupil, moved.outcome) {
        (true, y) if y >= 1.0 => format!("tu as réussi {exercise}"),
        (true, y) if y <= 0.0 => format!("tu n'as pas encore réussi {exercise}"),
        (true, y) => format!("tu as réussi en partie ({}) {exercise}", percent(y)),
        (false, y) if y >= 1.0 => format!("votre enfant a réussi {exercise}"),
        (false, y) if y <= 0.0 => format!("votre enfant n'a pas encore réussi {exercise}"),
        (false, y) => format!(
            "votre enfant a réussi en partie ({}) {exercise}",
            percent(y)
        ),
    };
    let much = much(moved.added.total());
    let up = moved.added.total() >= 0.0;
    let despite = moved.outcome <= 0.0;
    let effect = match (pupil, up) {
        (true, true) if despite => format!("t'exercer t'a tout de même fait {much} avancer"),
        (true, true) => format!("cela t'a fait {much} avancer"),
        (true, false) => format!("ton niveau estimé a {much} baissé"),
        (false, true) if despite => {
            format!("cet entraînement a tout de même fait {much} monter l'estimation")
        }
        (false, true) => format!("cela a fait {much} monter l'estimation"),
        (false, false) => format!("l'estimation a {much} baissé"),
    };
    let when = moved
        .when
        .map_or(String::new(), |(seconds, _)| format!("{}, ", ago(seconds)));
    format!("{}{NB}: {effect}.", capitalized(&format!("{when}{did}")))
}

fn evaluated(pupil: bool, level: Option<&str>, moved: &Moved<'_>) -> String {
    let when = moved
        .when
        .map_or(String::new(), |(seconds, _)| format!("{}, ", ago(seconds)));
    let total = moved.added.total();
    let way = if total >= 0.0 { "monter" } else { "baisser" };
    let whose = if pupil {
        "ton niveau estimé"
    } else {
        "l'estimation"
    };
    format!(
        "{} a fait {} {way} {whose}.",
        capitalized(&format!(
            "{when}une évaluation faite hors de l'application{} ({})",
            relation(moved.relation),
            found(level, moved.outcome)
        )),
        much(total),
    )
}

/// What an evaluation found, as it was entered.
fn found(level: Option<&str>, outcome: f64) -> String {
    level.map_or_else(
        || format!("réussite{NB}: {}", percent(outcome)),
        |level| format!("niveau{NB}: {level}"),
    )
}

fn moved_in_figures(moved: &Moved<'_>) -> String {
    let when = moved.when.map_or(String::new(), |(_, day)| {
        format!("{:02}/{:02}/{}, ", day.day(), day.month(), day.year())
    });
    let title = match moved.what {
        What::Answer(title) => title.map_or("exercice".to_owned(), quoted),
        What::Evaluation(_) => "évaluation saisie".to_owned(),
    };
    let outcome = match (moved.what, moved.outcome) {
        (What::Evaluation(level), y) => found(level, y),
        (_, y) if y >= 1.0 => "réussi".to_owned(),
        (_, y) if y <= 0.0 => "non réussi".to_owned(),
        (_, y) => format!("réussi à {}", percent(y)),
    };
    let names = ["compétence", "domaine", "niveau général", "pratique"];
    let Added {
        general,
        domain,
        competency,
        practice,
    } = moved.added;
    #[expect(
        clippy::cast_precision_loss,
        reason = "logits in hundredths: far below 2^53"
    )]
    let printed = moved.units as f64 * UNIT;
    let (units, _) = rounded(&[competency, domain, general, practice], printed, UNIT);
    let shares: Vec<String> = names
        .iter()
        .zip(&units)
        .filter(|(_, units)| **units != 0)
        .map(|(name, units)| format!("{name} {}", figure(*units)))
        .collect();
    let shares = if shares.is_empty() {
        String::new()
    } else {
        format!(", dont {}", shares.join(", "))
    };
    format!(
        "{}{NB}: {}{shares}.",
        capitalized(&format!(
            "{when}{title}{}, {outcome} (réussite attendue{NB}: {})",
            relation(moved.relation),
            percent(moved.expected)
        )),
        figure(moved.units),
    )
}

/// The answers that are not told of one by one.
pub(super) fn others(audience: Audience, count: usize, units: i64) -> String {
    let one = count == 1;
    match audience {
        Audience::Pupil if one => "Ton autre réponse a compté aussi.".to_owned(),
        Audience::Pupil => format!("Tes {count} autres réponses ont compté aussi."),
        Audience::Parent if one => "Une autre réponse a compté aussi.".to_owned(),
        Audience::Parent => format!("Les {count} autres réponses ont compté aussi."),
        _ if one => format!("Une autre réponse{NB}: {}.", figure(units)),
        _ => format!("{count} autres réponses{NB}: {}.", figure(units)),
    }
}

/// The time since the last practice; none where it took nothing.
pub(super) fn time(audience: Audience, facts: &Facts, units: i64) -> Option<String> {
    let since = lasting(facts.since_practice_s.filter(|seconds| *seconds > 0.0)?);
    Some(match audience {
        Audience::Pupil => format!(
            "Dernier exercice de cette compétence il y a {since}{NB}: l'estimation compte une \
             part d'oubli, que refaire un exercice aide à rattraper."
        ),
        Audience::Parent => format!(
            "Dernier exercice de cette compétence il y a {since}{NB}: l'estimation compte une \
             part d'oubli, qu'un nouvel exercice aide à rattraper."
        ),
        Audience::Teacher | Audience::Auditor => {
            format!("Temps sans pratique, {since}{NB}: {}.", figure(units))
        }
    })
}

/// What rounding left; for whom figures are told.
pub(super) fn rounding(audience: Audience) -> Option<String> {
    matches!(audience, Audience::Auditor)
        .then(|| format!("Arrondi des sommes en virgule flottante{NB}: moins d'un milliardième."))
}

/// Units as a signed figure with a comma: `+0,21`.
pub(super) fn figure(units: i64) -> String {
    let sign = if units < 0 { '−' } else { '+' };
    let size = units.unsigned_abs();
    format!("{sign}{},{:02}", size / 100, size % 100)
}

fn quoted(label: &str) -> String {
    format!("«{NB}{label}{NB}»")
}

fn percent(p: f64) -> String {
    format!("{:.0}{NB}%", p * 100.0)
}

fn answers(n: u64) -> String {
    match n {
        0 => "aucune réponse".to_owned(),
        1 => "1 réponse".to_owned(),
        n => format!("{n} réponses"),
    }
}

/// How often out of ten, as one says it.
fn times_of_ten(p: f64) -> String {
    match (p * 10.0).round() {
        n if n < 1.0 => "moins d'une fois sur 10".to_owned(),
        n if n > 9.0 => "plus de 9 fois sur 10".to_owned(),
        n => format!("environ {n:.0} fois sur 10"),
    }
}

/// An amount of logits, as one says it. The bounds are ours: an ordinary right answer to an exercise
/// of middling difficulty is around the third.
fn much(total: f64) -> &'static str {
    match total.abs() {
        size if size < 0.05 => "à peine",
        size if size < 0.2 => "un peu",
        size if size < 0.5 => "nettement",
        _ => "beaucoup",
    }
}

/// How hard an exercise was for this pupil at that time, by the success that was expected.
fn difficulty(pupil: bool, expected: f64) -> &'static str {
    match (pupil, expected) {
        (true, p) if p < 0.45 => "difficile pour toi",
        (true, p) if p <= 0.8 => "à ta portée",
        (true, _) => "facile pour toi",
        (false, p) if p < 0.45 => "difficile à ce moment-là",
        (false, p) if p <= 0.8 => "à sa portée",
        (false, _) => "facile à ce moment-là",
    }
}

fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Own => "",
        Relation::Domain => " (autre compétence du même domaine)",
        Relation::Subject => " (autre domaine)",
    }
}

fn ago(seconds: f64) -> String {
    format!("il y a {}", lasting(seconds))
}

/// A lapse of time in the unit that one would say it in.
fn lasting(seconds: f64) -> String {
    const HOUR_S: f64 = 3_600.0;
    const DAY_S: f64 = 86_400.0;
    let (hours, days) = ((seconds / HOUR_S).floor(), (seconds / DAY_S).floor());
    let months = (days / 30.44).floor();
    match () {
        () if hours < 1.0 => "moins d'une heure".to_owned(),
        () if hours < 2.0 => "une heure".to_owned(),
        () if days < 1.0 => format!("{hours:.0} heures"),
        () if days < 2.0 => "un jour".to_owned(),
        () if days < 61.0 => format!("{days:.0} jours"),
        () if months < 24.0 => format!("{months:.0} mois"),
        () => format!("{:.0} ans", (days / 365.25).floor()),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_sign_and_a_comma() {
        for (units, text) in [(21, "+0,21"), (-15, "−0,15"), (0, "+0,00"), (-203, "−2,03")] {
            assert_eq!(figure(units), text);
        }
    }

    #[test]
    fn time_is_told_in_the_unit_that_one_would_use() {
        const DAY_S: f64 = 86_400.0;
        for (seconds, text) in [
            (0.0, "moins d'une heure"),
            (3_600.0, "une heure"),
            (7_300.0, "2 heures"),
            (DAY_S, "un jour"),
            (12.5 * DAY_S, "12 jours"),
            (70.0 * DAY_S, "2 mois"),
            (800.0 * DAY_S, "2 ans"),
        ] {
            assert_eq!(lasting(seconds), text);
        }
    }
}
