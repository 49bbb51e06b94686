//! Fits over a real database and a real lake: what they find, and how they come into force.

use std::sync::{Arc, Mutex};

use analytics::calibration::{self, DecisionError, FitReport};
use analytics::jobs::fit::{FitError, Options, Outcome, Tell, Told, run};
use analytics::people::{declared, evaluations};
use analytics::store::evaluations::Entered;
use analytics::store::runs::Cause;
use mastery::{Degree, Finding};
use schemas::ids::PersonKey;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::inputs::{domain, import_with_voies};
use crate::school::{School, rasch};
use crate::why::competency;
use crate::world::{World, activity, given, noon};

/// Items of the catalogue; the last four are odd.
const ITEMS: usize = 16;
const DRIFTS: usize = 12;
const NEVER_FAILED: usize = 13;
const BACKWARDS: usize = 14;
const HARDLY_SEEN: usize = 15;

fn difficulty(item: usize) -> f64 {
    -1.5 + 3.0 * (item % 12) as f64 / 11.0
}

/// Two months of lessons, with the odd items planted.
async fn taught() -> World {
    let world = World::bare().await;
    world.set_catalogue(ITEMS).await;
    world.analytics.start().await.expect("started");
    let mut school = School::new(160, 7);
    for day in [0, 3, 7, 40, 44, 47] {
        let success = |ability: f64, item: usize| match item {
            DRIFTS if day < 30 => rasch(ability, -1.3),
            DRIFTS => rasch(ability, 1.3),
            NEVER_FAILED => 1.0,
            BACKWARDS => rasch(-ability, 0.0),
            item => rasch(ability, difficulty(item)),
        };
        // The last item is left out, but for one lesson of a few.
        let mut answers = school.lesson(day, HARDLY_SEEN, 8, success);
        if day == 0 {
            // Of twelve pupils: who is held out follows from the keys, which are others in each run.
            for answer in answers.iter_mut().step_by(8).take(12) {
                answer.item = HARDLY_SEEN;
            }
        }
        world.flood(&answers).await;
    }
    world.fold().await;
    world.ship().await;
    world
}

/// A search that ends soon: what is tested is not how well it searches.
pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.settings.evaluations = 90;
    options.settings.rounds = 2;
    options.settings.passes = 3;
    options.settings.workers = 2;
    options
}

fn silent() -> Tell {
    Arc::new(|_| {})
}

pub(crate) async fn fit(world: &World, options: &Options) -> (i64, FitReport) {
    let never = CancellationToken::new();
    let mut outcomes = run(&world.analytics, options, &never, silent())
        .await
        .expect("fitted");
    outcomes.retain(|outcome| matches!(outcome, Outcome::Proposed { .. }));
    match outcomes.pop() {
        Some(Outcome::Proposed {
            calibration,
            report,
            ..
        }) if outcomes.is_empty() => (calibration, *report),
        other => panic!("{other:?}, and {outcomes:?}"),
    }
}

async fn served_model(world: &World) -> String {
    let sql = "select v.model from analytics.current c join analytics.versions v using (version)";
    world.text(sql).await
}

#[actix_web::test]
async fn a_fit_is_proposed_accepted_refused_and_rolled_back() {
    let world = taught().await;
    let (first_model, first_served) = (served_model(&world).await, world.served().await);
    let (one, report) = fit(&world, &options()).await;

    // It finds what was planted.
    let odd = &report.diagnostics;
    assert_eq!(odd.never_failed, [activity(NEVER_FAILED)]);
    let backwards: Vec<&str> = odd.backwards.iter().map(|o| o.activity.as_str()).collect();
    assert_eq!(backwards, [activity(BACKWARDS)]);
    let drifting: Vec<&str> = odd.drifting.iter().map(|o| o.activity.as_str()).collect();
    assert_eq!(drifting, [activity(DRIFTS)]);
    assert_eq!(odd.few_answers, [activity(HARDLY_SEEN)]);
    // And predicts pupils whom it never saw better than levels of the catalogue and defaults do.
    let held_out = &report.held_out;
    assert!(held_out.pupils > 15 && held_out.answers + report.answers == 6 * 8 * 160);
    assert!(held_out.gain > 3.0 * held_out.gain_error, "{held_out:?}");
    assert!(held_out.fitted.auc > held_out.in_force.auc, "{held_out:?}");
    assert_eq!(held_out.in_force_calibration, None);

    // Whoever may read all sees the same.
    let (status, listed) = world.get("/api/v1/fits").await;
    assert_eq!(status, 200, "{listed}");
    let (listed, path) = (&listed["fits"][0], format!("/api/v1/fits/{one}"));
    assert_eq!(
        (&listed["version"], &listed["status"], &listed["in_force"]),
        (&json!(one), &json!("proposed"), &json!(false))
    );
    let (status, shown) = world.get(&path).await;
    assert_eq!((status, &shown["held_out"]), (200, &listed["held_out"]));
    assert_eq!(
        shown["report"],
        serde_json::to_value(&report).expect("JSON")
    );
    let (status, told) = world.get("/api/v1/fits/77").await;
    assert_eq!((status, &told["rule"]), (404, &json!("fit-unknown")));
    let (status, told) = world.get("/api/v1/fits/first").await;
    assert_eq!((status, &told["rule"]), (400, &json!("fit-number")));

    // A proposal changes nothing.
    let wanted = async || world.analytics.models().wanted(world.db.pool()).await;
    assert_eq!(wanted().await.expect("a model"), first_model);
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["rebuilding"], false);

    let decided = calibration::accept(world.db.pool(), one)
        .await
        .expect("accepted");
    assert_eq!(
        (decided.subject.as_str(), decided.in_force),
        ("maths", Some(one))
    );
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["rebuilding"], true, "{status}");
    assert_eq!(
        served_model(&world).await,
        first_model,
        "until it is made again"
    );
    let recomputed = world.analytics.recompute(Cause::Model).await;
    let recomputed = recomputed.expect("recomputed");
    assert_ne!(recomputed.model, first_model);
    assert_eq!(served_model(&world).await, recomputed.model);
    let published =
        "select string_agg(subject || ' ' || calibration, ',') from published.calibrations";
    assert_eq!(world.text(published).await, format!("maths {one}"));
    assert_eq!(
        world
            .text("select count(*) from published.calibration_items")
            .await,
        ITEMS.to_string()
    );
    // The two ways are one by fitted parameters, too; another copy makes the same model of what is kept.
    world
        .answer(&given(1_000_000, "p3", 2, true, 90 * 86_400))
        .await;
    world.fold().await;
    let folded = world.served().await;
    let copy = world.copy().await;
    copy.recompute(Cause::Request).await.expect("recomputed");
    assert_eq!(world.served().await, folded);

    // The next one is compared with it, and refused.
    let (two, report) = fit(&world, &options()).await;
    assert_eq!(report.held_out.in_force_calibration, Some(one));
    assert!(report.held_out.gain.abs() < 0.01, "{:?}", report.held_out);
    let decided = calibration::refuse(world.db.pool(), two)
        .await
        .expect("refused");
    assert_eq!(decided.in_force, Some(one));
    assert_eq!(wanted().await.expect("a model"), recomputed.model);
    let again = calibration::accept(world.db.pool(), one).await;
    assert!(
        matches!(again, Err(DecisionError::Status { .. })),
        "{again:?}"
    );
    let unknown = calibration::accept(world.db.pool(), 77).await;
    assert!(
        matches!(unknown, Err(DecisionError::Unknown(77))),
        "{unknown:?}"
    );

    // Who thinks better of it accepts it all the same; rolled back, the one before is in force, then none.
    calibration::accept(world.db.pool(), two)
        .await
        .expect("accepted");
    let decided = calibration::roll_back(world.db.pool(), None).await;
    let decided = decided.expect("rolled back");
    assert_eq!((decided.calibration, decided.in_force), (two, Some(one)));
    assert_eq!(wanted().await.expect("a model"), recomputed.model);
    let decided = calibration::roll_back(world.db.pool(), Some("maths")).await;
    assert_eq!(decided.expect("rolled back").in_force, None);
    assert_eq!(wanted().await.expect("a model"), first_model);
    let none = calibration::roll_back(world.db.pool(), None).await;
    assert!(
        matches!(none, Err(DecisionError::NoneInForce(_))),
        "{none:?}"
    );
    world.void(1_000_000).await;
    world
        .analytics
        .recompute(Cause::Model)
        .await
        .expect("recomputed");
    assert_eq!(world.served().await, first_served);
    let decisions =
        "select string_agg(verdict, ' ' order by decision) from analytics.calibration_decisions";
    assert_eq!(
        world.text(decisions).await,
        "accept refuse accept roll-back roll-back"
    );
}

#[actix_web::test]
async fn a_fit_that_was_stopped_goes_on_and_gives_the_same() {
    let world = taught().await;
    let stop = CancellationToken::new();
    let (told, stopping) = (Arc::new(Mutex::new(Vec::new())), stop.clone());
    let keep = Arc::clone(&told);
    let tell: Tell = Arc::new(move |one: &Told| {
        keep.lock().expect("no panic").push(one.clone());
        if matches!(one, Told::Search { .. }) {
            stopping.cancel();
        }
    });
    let stopped = run(&world.analytics, &options(), &stop, Arc::clone(&tell)).await;
    assert!(matches!(stopped, Err(FitError::Stopped)), "{stopped:?}");
    let running = "select count(*) from analytics.calibrations where status = 'running' and checkpoint is not null";
    assert_eq!(world.text(running).await, "1");
    // Answers that came since are not its business.
    world
        .answer(&given(1_000_000, "p3", 2, true, 90 * 86_400))
        .await;
    world.ship().await;
    let never = CancellationToken::new();
    let went_on = run(&world.analytics, &options(), &never, tell).await;
    let went_on = went_on.expect("fitted");
    assert!(
        matches!(&went_on[..], [Outcome::Proposed { calibration: 1, .. }]),
        "{went_on:?}"
    );
    let begun = told.lock().expect("no panic").clone();
    let resumed = begun.iter().filter_map(|one| match one {
        Told::Begun { resumed, .. } => Some(*resumed),
        Told::GaveUp { .. } | Told::Search { .. } => None,
    });
    assert_eq!(resumed.collect::<Vec<_>>(), [false, true]);

    // The same from the beginning, over the same answers: the same constants and items, bit for bit.
    world.void(1_000_000).await;
    world.ship().await;
    let whole = Options {
        anew: true,
        ..options()
    };
    let (two, _) = fit(&world, &whole).await;
    let same = format!(
        "select bool_and(o.hyper = t.hyper and o.report = t.report and (
             select json_agg(json_build_array(item, a, b, s2, answers) order by item)::text
             from analytics.calibration_items where calibration = o.calibration
         ) = (
             select json_agg(json_build_array(item, a, b, s2, answers) order by item)::text
             from analytics.calibration_items where calibration = t.calibration
         )) from analytics.calibrations o, analytics.calibrations t where o.calibration = 1 and t.calibration = {two}"
    );
    assert_eq!(world.text(&same).await, "true");
}

/// Forty pupils after their first lesson, folded and shipped.
async fn after_a_lesson() -> World {
    let world = World::bare().await;
    world.set_catalogue(ITEMS).await;
    world.analytics.start().await.expect("started");
    let mut school = School::new(40, 5);
    let success = |ability: f64, item: usize| rasch(ability, difficulty(item));
    world.flood(&school.lesson(0, ITEMS, 8, success)).await;
    world.fold().await;
    world.ship().await;
    world
}

#[actix_web::test]
async fn a_fit_that_was_stopped_goes_on_for_the_same_alone() {
    let world = after_a_lesson().await;
    let mut all = options();
    all.settings.evaluations = 2;
    let maths = Options {
        subjects: vec!["maths".to_owned()],
        ..all.clone()
    };
    let fewer = Options {
        answers_max: 200,
        ..all.clone()
    };
    let more_threads = {
        let mut options = all.clone();
        options.settings.workers = 1;
        options
    };
    // Each time one was stopped; then the other is asked for.
    for (stopped, then, resumed) in [
        (&maths, &all, false),
        (&all, &maths, false),
        (&all, &fewer, false),
        (&all, &more_threads, true),
        (&fewer, &fewer, true),
    ] {
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let tell: Tell = Arc::new(move |one: &Told| {
            if matches!(one, Told::Search { .. }) {
                stopping.cancel();
            }
        });
        let outcome = run(&world.analytics, stopped, &stop, tell).await;
        assert!(matches!(outcome, Err(FitError::Stopped)), "{outcome:?}");
        let told = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&told);
        let tell: Tell =
            Arc::new(move |one: &Told| keep.lock().expect("no panic").push(one.clone()));
        let never = CancellationToken::new();
        let outcomes = run(&world.analytics, then, &never, tell).await;
        let outcomes = outcomes.expect("fitted");
        let told = told.lock().expect("no panic").clone();
        let gave_up = told.iter().any(|one| matches!(one, Told::GaveUp { .. }));
        assert_eq!(gave_up, !resumed, "{told:?}");
        let begun = told.iter().find_map(|one| match one {
            Told::Begun { resumed, .. } => Some(*resumed),
            _ => None,
        });
        assert_eq!(begun, Some(resumed), "{told:?}");
        // Of all subjects French is looked at, too, which nobody has answered.
        let subjects = outcomes.iter().map(|outcome| match outcome {
            Outcome::Proposed { subject, .. } | Outcome::TooFew { subject, .. } => subject.as_str(),
        });
        let subjects: Vec<&str> = subjects.collect();
        if then.subjects.is_empty() && !resumed {
            assert_eq!(subjects, ["francais", "maths"]);
        } else {
            assert_eq!(subjects, ["maths"]);
        }
        let running = "select count(*) from analytics.calibrations where status = 'running'";
        assert_eq!(world.text(running).await, "0");
    }
}

#[actix_web::test]
async fn too_few_pupils_and_an_empty_lake_are_told() {
    let world = World::new().await;
    let never = CancellationToken::new();
    let none = run(&world.analytics, &options(), &never, silent()).await;
    assert!(matches!(none, Err(FitError::NoAnswers)), "{none:?}");
    world.answer(&given(1, "a", 1, true, 60)).await;
    world.ship().await;
    let few = run(&world.analytics, &options(), &never, silent()).await;
    let few = serde_json::to_value(few.expect("told")).expect("JSON");
    assert_eq!(few[0]["outcome"], json!("too-few"), "{few}");
    assert_eq!(
        world
            .text("select count(*) from analytics.calibrations")
            .await,
        "0"
    );
    let nobody = Options {
        subjects: vec!["latin".to_owned()],
        ..options()
    };
    let unknown = run(&world.analytics, &nobody, &never, silent()).await;
    assert!(matches!(unknown, Err(FitError::Subject(_))), "{unknown:?}");
}

#[actix_web::test]
async fn a_fit_starts_from_what_the_fold_starts_from_and_passes_over_evaluations() {
    let world = after_a_lesson().await;
    let mut options = options();
    options.settings.evaluations = 2;
    options.settings.rounds = 1;
    options.settings.passes = 1;
    let fitted = async || {
        let (number, _) = fit(&world, &options).await;
        let items = format!(
            "select json_agg(json_build_array(item, a, b) order by item) from analytics.calibration_items
             where calibration = {number}"
        );
        world.text(&items).await
    };
    let plain = fitted().await;

    // Everybody, so that who is held out changes nothing.
    let accounts: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let users: Vec<(String, [&str; 1])> = accounts
        .iter()
        .map(|name| (format!("u-{name}"), [name.as_str()]))
        .collect();
    let told = async |voie| {
        let users = users
            .iter()
            .map(|(id, own)| (id.as_str(), own.as_slice(), voie));
        import_with_voies(&world, &users.collect::<Vec<_>>()).await;
    };
    told("").await;
    let keys: Vec<_> = accounts
        .iter()
        .map(|a| PersonKey::from(world.account(a)))
        .collect();
    for (n, key) in keys.iter().enumerate() {
        let new = Entered {
            id: uuid::Uuid::from_u128(n as u128),
            key: key.as_uuid(),
            competency: competency(0),
            at: noon(),
            finding: Finding::Share(1.0),
            entered: None,
            entered_by: "test".to_owned(),
            entered_by_person: None,
        };
        evaluations::enter(world.db.pool(), &new)
            .await
            .expect("entered");
    }
    assert_eq!(
        fitted().await,
        plain,
        "an evaluation is no answer to an item"
    );
    told("pro").await;
    let of_voie = fitted().await;
    assert_ne!(of_voie, plain);
    for key in &keys {
        let degree = [(domain(0), Degree::new(6).expect("a degree"))];
        let declared = declared::replace(world.db.pool(), *key, &degree).await;
        declared.expect("declared");
    }
    let of_profile = fitted().await;
    assert_ne!(of_profile, of_voie);
    told("").await;
    assert_eq!(
        fitted().await,
        of_profile,
        "who declares starts from that alone"
    );
}
