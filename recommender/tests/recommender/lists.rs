//! Pupils' states → lists with their reasons, as golden files.

use std::fmt::Write;

use recommender::catalogue::Index;
use recommender::policy::{self, Policy, ZoneProximale};
use recommender::pupil::PupilView;
use recommender::reasons;

use crate::common::{DAY_S, MINUTE_S, Story, index, items};

const LEVELS: [u8; 5] = [1, 2, 3, 4, 5];

fn list(policy: &dyn Policy, index: &Index, pupil: &PupilView, now: f64, limit: usize) -> String {
    let seed = policy::seed([7; 16], 20_362);
    let mut text = String::new();
    for (entry, rank) in policy.next(pupil, index, now, limit, seed).iter().zip(1..) {
        let f = entry.factors;
        writeln!(
            text,
            "{rank}. {}\n   {:?}: M {:.3}, P {:.3}; pre {:.3} gap {:.3} review {:.3} variety {:.3} fit {:.3} new {:.1} → {:.4}\n   {}",
            index.activity(entry.activity).title,
            entry.rule,
            entry.mastery.m,
            entry.expected_success,
            f.pre,
            f.gap,
            f.review,
            f.variety,
            f.fit,
            f.new,
            f.score,
            reasons::pupil(entry, index).replace('\u{a0}', "~"),
        )
        .expect("a String takes everything");
    }
    text
}

#[test]
fn a_pupil_who_never_answered() {
    let index = index(&items(&LEVELS));
    let story = Story::new(index.model());
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 8));
}

#[test]
fn a_pupil_who_learnt_and_forgot() {
    let index = index(&items(&LEVELS));
    let story = Story::new(index.model())
        .answers("ordre de grandeur et calcul mental", &LEVELS, true)
        .answers("calculer avec des puissances", &LEVELS, true)
        .answers("théorème de Pythagore", &[1, 2, 3], true)
        .answers("calculer avec des fractions", &LEVELS, false)
        .answers("orthographe lexicale", &[1, 2], false)
        .wait(12.0 * DAY_S);
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 8));
}

#[test]
fn a_pupil_in_the_middle_of_a_session() {
    let index = index(&items(&LEVELS));
    let story = Story::new(index.model())
        .answers("ordre de grandeur et calcul mental", &[3, 4], true)
        .answers("lire un tableau ou un graphique", &[1, 2, 3], false)
        .wait(MINUTE_S);
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 8));
}

#[test]
fn a_pupil_who_is_good_at_nearly_everything() {
    let index = index(&items(&LEVELS));
    let labels: Vec<String> = index.model().subjects()[1]
        .competencies()
        .iter()
        .map(|competency| competency.label().to_owned())
        .collect();
    let mut story = Story::new(index.model());
    for label in labels.iter().filter(|label| *label != "trigonométrie") {
        story = story.answers(label, &LEVELS, true).wait(DAY_S);
    }
    let story = story.wait(40.0 * DAY_S);
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 8));
}

#[test]
fn a_pupil_ready_for_what_comes_next() {
    let index = index(&items(&LEVELS));
    let story = Story::new(index.model())
        .answers("ordre de grandeur et calcul mental", &LEVELS, true)
        .answers("calculer avec des puissances", &LEVELS, true)
        .answers("théorème de Pythagore", &LEVELS, true)
        .wait(MINUTE_S);
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 8));
}

#[test]
fn a_pupil_with_enough_answers_to_show_a_figure() {
    let two = [
        "ordre de grandeur et calcul mental",
        "lire un tableau ou un graphique",
    ];
    let mut of_two = items(&LEVELS);
    of_two.retain(|item| two.iter().any(|label| item.title["fr"].starts_with(label)));
    let index = index(&of_two);
    let mut story = Story::new(index.model());
    for _ in 0..6 {
        story = story
            .answers(two[0], &[1, 2], true)
            .answers(two[0], &[3, 4, 5], false)
            .answers(two[1], &[1, 2, 3], true)
            .answers(two[1], &[4, 5], false)
            .wait(2.0 * DAY_S);
    }
    insta::assert_snapshot!(list(&ZoneProximale, &index, &story.view(), story.clock, 5));
}

#[test]
fn the_plain_policy_goes_through_the_programme() {
    let index = index(&items(&LEVELS));
    let story = Story::new(index.model()).answers(
        "prélever une information explicite à l'oral",
        &LEVELS,
        true,
    );
    let plain = policy::by_name("seuil").expect("a policy");
    insta::assert_snapshot!(list(&*plain, &index, &story.view(), story.clock, 8));
}
