//! Why an exercise is in the list, in a French sentence for the pupil.
//!
//! Spaces before `:`, `;` and `%` and inside « » are no-break ones, as French typography has them.

use mastery::Mastery;

use crate::catalogue::Index;
use crate::policy::{Recommendation, Rule};

/// No-break space.
const NB: char = '\u{a0}';

/// What is said of a level for which there is not enough evidence.
pub const NOT_ENOUGH: &str = "pas encore assez de réponses";

/// The reason of one recommendation, such as « À consolider : « théorème de Pythagore » (58 %) ;
/// environ 3 chances sur 4 de réussir. »
#[must_use]
pub fn pupil(recommendation: &Recommendation, index: &Index) -> String {
    let activity = index.activity(recommendation.activity);
    let competency = index.competency_of(activity);
    let label = quoted(competency.label());
    let what = match recommendation.rule {
        Rule::Review => review(&label, recommendation.since_practice_s),
        Rule::Gap => gap(&label, &recommendation.mastery),
        Rule::Prerequisite => {
            let competencies = index.subject_of(activity).competencies();
            let needed: Vec<String> = competency
                .prerequisites()
                .iter()
                .map(|&index| quoted(competencies[index].label()))
                .collect();
            prerequisite(&label, &needed)
        }
        Rule::Difficulty => {
            return format!(
                "À la bonne difficulté{NB}: {label}, {}.",
                chances(recommendation.expected_success)
            );
        }
    };
    format!("{what}{NB}; {}.", chances(recommendation.expected_success))
}

fn quoted(label: &str) -> String {
    format!("«{NB}{label}{NB}»")
}

fn review(label: &str, since_practice_s: Option<f64>) -> String {
    let seen = since_practice_s.map_or_else(String::new, |s| format!(" vu {},", ago(s)));
    format!("À revoir{NB}: {label},{seen} risque d'oubli")
}

fn gap(label: &str, mastery: &Mastery) -> String {
    if mastery.answers == 0 {
        format!("À découvrir{NB}: {label}")
    } else if mastery.shown {
        format!("À consolider{NB}: {label} ({:.0}{NB}%)", mastery.m * 100.0)
    } else {
        format!("À consolider{NB}: {label} ({NOT_ENOUGH} pour un niveau)")
    }
}

fn prerequisite(label: &str, needed: &[String]) -> String {
    match needed {
        [one] => format!("Le moment d'aborder {label}{NB}: le prérequis {one} est assez solide"),
        several => format!(
            "Le moment d'aborder {label}{NB}: les prérequis {} sont assez solides",
            enumeration(several)
        ),
    }
}

/// « a, b et c »
fn enumeration(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} et {last}", first.join(", ")),
    }
}

/// An expected success as chances: the nearest of the fractions that one says.
fn chances(p: f64) -> String {
    const SAID: [(f64, &str); 9] = [
        (0.1, "1 chance sur 10"),
        (0.2, "1 chance sur 5"),
        (0.25, "1 chance sur 4"),
        (1.0 / 3.0, "1 chance sur 3"),
        (0.5, "1 chance sur 2"),
        (2.0 / 3.0, "2 chances sur 3"),
        (0.75, "3 chances sur 4"),
        (0.8, "4 chances sur 5"),
        (0.9, "9 chances sur 10"),
    ];
    if p < 0.05 {
        return "moins d'une chance sur 10 de réussir".to_owned();
    }
    if p > 0.95 {
        return "plus de 9 chances sur 10 de réussir".to_owned();
    }
    let distance = |fraction: f64| (fraction - p).abs();
    let nearest = SAID
        .iter()
        .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
    let said = nearest.map_or("1 chance sur 2", |(_, said)| said);
    format!("environ {said} de réussir")
}

/// How long ago, in the unit that one would say it in.
fn ago(seconds: f64) -> String {
    const DAY_S: f64 = 86_400.0;
    let days = (seconds / DAY_S).floor();
    let months = (days / 30.44).floor();
    let years = (days / 365.25).floor();
    if days < 1.0 {
        "il y a moins d'un jour".to_owned()
    } else if days < 2.0 {
        "il y a un jour".to_owned()
    } else if days < 61.0 {
        format!("il y a {days} jours")
    } else if years < 1.0 {
        format!("il y a {months} mois")
    } else if years < 2.0 {
        "il y a un an".to_owned()
    } else {
        format!("il y a {years} ans")
    }
}

#[cfg(test)]
mod tests {
    use mastery::Degree;

    use super::*;

    fn plain(text: &str) -> String {
        text.replace(NB, " ")
    }

    #[test]
    fn chances_are_the_nearest_fraction() {
        let said: Vec<String> = [0.01, 0.12, 0.3, 0.34, 0.5, 0.6, 0.72, 0.78, 0.86, 0.97]
            .into_iter()
            .map(chances)
            .collect();
        assert_eq!(
            said,
            [
                "moins d'une chance sur 10 de réussir",
                "environ 1 chance sur 10 de réussir",
                "environ 1 chance sur 3 de réussir",
                "environ 1 chance sur 3 de réussir",
                "environ 1 chance sur 2 de réussir",
                "environ 2 chances sur 3 de réussir",
                "environ 3 chances sur 4 de réussir",
                "environ 4 chances sur 5 de réussir",
                "environ 9 chances sur 10 de réussir",
                "plus de 9 chances sur 10 de réussir",
            ]
        );
    }

    #[test]
    fn a_time_is_told_in_its_unit() {
        let told: Vec<String> = [0.3, 1.5, 12.0, 60.9, 61.0, 364.0, 400.0, 800.0]
            .into_iter()
            .map(|days| ago(days * 86_400.0))
            .collect();
        assert_eq!(
            told,
            [
                "il y a moins d'un jour",
                "il y a un jour",
                "il y a 12 jours",
                "il y a 60 jours",
                "il y a 2 mois",
                "il y a 11 mois",
                "il y a un an",
                "il y a 2 ans",
            ]
        );
    }

    #[test]
    fn each_rule_has_its_sentence() {
        let label = quoted("théorème de Pythagore");
        assert_eq!(
            plain(&review(&label, Some(12.5 * 86_400.0))),
            "À revoir : « théorème de Pythagore », vu il y a 12 jours, risque d'oubli"
        );
        assert_eq!(
            plain(&review(&label, None)),
            "À revoir : « théorème de Pythagore », risque d'oubli"
        );
        let needed = ["a", "b", "c"].map(quoted);
        assert_eq!(
            plain(&prerequisite(&label, &needed)),
            "Le moment d'aborder « théorème de Pythagore » : les prérequis « a », « b » et « c » sont assez solides"
        );
        assert_eq!(
            plain(&prerequisite(&label, &needed[..1])),
            "Le moment d'aborder « théorème de Pythagore » : le prérequis « a » est assez solide"
        );
    }

    #[test]
    fn a_figure_is_told_only_with_evidence() {
        let mut mastery = Mastery {
            mean: 0.3,
            variance: 0.4,
            m: 0.577,
            degree: Degree::new(3).expect("a degree"),
            confidence: 0.9,
            answers: 4,
            shown: true,
            last: None,
        };
        let label = quoted("syntaxe");
        assert_eq!(
            plain(&gap(&label, &mastery)),
            "À consolider : « syntaxe » (58 %)"
        );
        mastery.shown = false;
        assert_eq!(
            plain(&gap(&label, &mastery)),
            "À consolider : « syntaxe » (pas encore assez de réponses pour un niveau)"
        );
        mastery.answers = 0;
        assert_eq!(plain(&gap(&label, &mastery)), "À découvrir : « syntaxe »");
    }
}
