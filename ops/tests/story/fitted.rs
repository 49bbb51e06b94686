//! `sillage analytics`: what was fitted on the demo's answers comes into force and is taken back, beside a running
//! service.

use serde_json::{Value, json};

use crate::harness::{Installation, succeeded};
use crate::{demo, seen};

/// What a command of `sillage analytics` answers as JSON.
fn told(installation: &Installation, arguments: &[&str]) -> Value {
    let mut command = vec!["analytics"];
    command.extend(arguments);
    command.push("--json");
    let told = succeeded(installation.command(&command));
    serde_json::from_slice(&told.stdout).unwrap()
}

#[tokio::test]
async fn a_fit_of_the_demo_comes_into_force_and_is_taken_back() {
    let installation = Installation::new().await;
    succeeded(demo::small(&installation).output().unwrap());
    seen::settled(&installation).await;
    let before = installation.get("/api/v1/status").await;
    assert_eq!(before["calibrations"], json!({}));

    let fitted = told(&installation, &["fit"]);
    let proposed = fitted["subjects"].as_array().unwrap();
    assert!(!proposed.is_empty());
    for one in proposed {
        assert_eq!(one["outcome"], "proposed", "{one}");
        assert!(one["report"]["held_out"]["fitted"]["auc"].is_f64(), "{one}");
        let version = one["calibration"].to_string();
        let decided = told(&installation, &["accept", &version]);
        assert_eq!(decided["in_force"], one["calibration"], "{decided}");
    }
    // The running service sees it by itself, makes the states again and serves them.
    seen::settled(&installation).await;
    let after = installation.get("/api/v1/status").await;
    assert_ne!(after["model"], before["model"]);
    for one in proposed {
        let subject = one["subject"].as_str().unwrap();
        assert_eq!(
            after["calibrations"][subject], one["calibration"],
            "{after}"
        );
    }
    let listed = told(&installation, &["fit", "list"]);
    let in_force = listed["fits"].as_array().unwrap().iter();
    assert_eq!(
        in_force.filter(|fit| fit["in_force"] == true).count(),
        proposed.len()
    );
    let first = proposed[0]["calibration"].to_string();
    assert_eq!(
        told(&installation, &["fit", "show", &first])["status"],
        "accepted"
    );
    let shown = succeeded(installation.command(&["analytics", "fit", "show", &first]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("held out") && shown.contains("gain in log loss"),
        "{shown}"
    );

    // It counts what came true, and says so by its exit code.
    let today = service::clock::now().date_naive().to_string();
    let check = ["analytics", "check", "--day", &today, "--json"];
    let checked = installation.command(&check);
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(report["answers"].as_i64().unwrap() > 0, "{report}");
    let alerts = report["alerts"].as_array().unwrap().len();
    let expected = if alerts == 0 { 0 } else { 15 };
    assert_eq!(checked.status.code(), Some(expected), "{report}");

    for one in proposed {
        let subject = one["subject"].as_str().unwrap();
        let back = told(&installation, &["rollback", "--subject", subject]);
        assert_eq!(back["in_force"], Value::Null, "{back}");
    }
    seen::settled(&installation).await;
    let end = installation.get("/api/v1/status").await;
    assert_eq!(end["model"], before["model"]);
    for (arguments, code) in [
        (&["analytics", "accept", "999"][..], 1),
        (&["analytics", "refuse", &first], 1),
        (&["analytics", "rollback"], 1),
        (&["analytics", "fit", "--subject", "latin"], 2),
    ] {
        let refused = installation.command(arguments);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
    }
}
