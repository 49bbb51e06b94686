//! The demo in small: played twice it changes nothing, and its screen holds what it promises.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Installation, succeeded};
use crate::seen;

/// Classes and pupils of the small demo.
const SMALL: [&str; 4] = ["--classes", "2", "--pupils", "9"];

/// The command that plays the small demo.
pub(crate) fn small(installation: &Installation) -> Command {
    let mut command = installation.client(&["demo"]);
    command.args(SMALL);
    command
}

#[tokio::test]
async fn the_small_demo_shows_a_class_and_a_list_with_reasons() {
    let installation = Installation::new().await;
    let first = played(&installation);
    let statements = first["played"]["statements"].as_u64().unwrap();
    assert_eq!(
        seen::statements(&installation).await.len() as u64,
        statements
    );

    let pupils = first["class"]["pupils"].as_array().unwrap();
    assert_eq!(pupils.len(), 9);
    assert!(
        pupils
            .iter()
            .all(|pupil| pupil["domains"].as_array().unwrap().len() == 7)
    );
    let degrees = pupils
        .iter()
        .flat_map(|pupil| pupil["domains"].as_array().unwrap())
        .filter(|domain| domain["degree"].is_number());
    assert!(
        degrees.count() > 0,
        "no domain of any pupil has a degree: {first}"
    );
    let activities = first["next_activities"]["activities"].as_array().unwrap();
    assert_eq!(activities.len(), 5);
    assert!(activities.iter().all(|activity| {
        activity["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(' '))
    }));

    // The same seed and date: the same statements, so nothing changes and nothing is refused.
    let second = played(&installation);
    for part in ["played", "class", "next_activities"] {
        assert_eq!(first[part], second[part], "{part} of a second run");
    }
    assert_eq!(
        seen::statements(&installation).await.len() as u64,
        statements
    );
}

#[tokio::test]
async fn the_screen_is_for_people() {
    let installation = Installation::new().await;
    let output = succeeded(small(&installation).output().unwrap());
    let screen = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "Élève 2A-07",
        "pas encore assez de réponses",
        "traces/s",
        "curl -su",
        "as_of=",
    ] {
        assert!(
            screen.contains(expected),
            "the screen lacks {expected:?}:\n{screen}"
        );
    }
    let widest = screen
        .lines()
        .filter(|line| !line.contains("curl"))
        .map(|line| line.chars().count())
        .max()
        .unwrap();
    assert!(widest <= 120, "{widest} columns:\n{screen}");
}

fn played(installation: &Installation) -> Value {
    let output = succeeded(small(installation).arg("--json").output().unwrap());
    serde_json::from_slice(&output.stdout).unwrap()
}
