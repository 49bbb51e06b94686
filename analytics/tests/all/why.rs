//! Why a competency stands where it stands: what each audience is told, that it adds up, and that
//! nothing else is explained than what is served.
//!
//! `UPDATE_GOLDEN=1 cargo test --release -p analytics --test all why` writes the golden files.

use std::fmt::Write;
use std::path::Path;

use actix_web::test::TestRequest;
use analytics::aggregates::why::Audience;
use serde_json::{Value, json};
use service::identity::{Binding, Grant, Scope};

use crate::world::{Given, HOME, World, activity, given, noon};

/// What the parts may differ from the figure by.
const TOLERANCE: f64 = 1e-9;

const DAY_S: i64 = 86_400;

/// A URI as one segment of a path.
pub(crate) fn encoded(uri: &str) -> String {
    let mut text = String::new();
    for byte in uri.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The n-th competency of mathematics.
pub(crate) fn competency(n: usize) -> String {
    let framework = schemas::framework::Framework::seconde();
    let mut maths = framework
        .competencies()
        .filter(|(domain, _)| domain.subject == "maths");
    maths.nth(n).expect("of mathematics").1.uri.clone()
}

pub(crate) fn time(after_s: i64) -> String {
    let time = noon() + chrono::TimeDelta::seconds(after_s);
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

pub(crate) async fn key(world: &World, account: &str) -> String {
    let body = json!({ "homePage": HOME, "name": account });
    let (status, body) = world.post("/api/v1/pupils/resolve", &body).await;
    assert_eq!(status, 200, "{body}");
    body["key"].as_str().expect("a key").to_owned()
}

fn path(key: &str, competency: &str, audience: &str, after_s: i64) -> String {
    format!(
        "/api/v1/pupils/{key}/mastery/{}/why?audience={audience}&as_of={}",
        encoded(competency),
        time(after_s)
    )
}

pub(crate) async fn why(
    world: &World,
    key: &str,
    competency: &str,
    audience: &str,
    after_s: i64,
) -> Value {
    let (status, body) = world.get(&path(key, competency, audience, after_s)).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// A service whose catalogue has enough exercises for a degree to show.
async fn world() -> World {
    let world = World::bare().await;
    world.set_catalogue(48).await;
    world.analytics.start().await.expect("started");
    world
}

/// A pupil with a history of everything: right, wrong, in part, hard, easy, own and other competencies,
/// a time that was made up, a session a day.
async fn history(world: &World) {
    let outcomes = [1.0, 0.0, 1.0, 1.0, 0.6, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    for (n, outcome) in outcomes.into_iter().enumerate() {
        let item = [0, 4, 0, 1, 4, 2, 0, 3, 4, 0, 4, 0][n];
        world
            .answer(&Given {
                outcome,
                correct: outcome >= 0.5,
                invented_time: n == 5,
                ..given(n as u64, "a", item, true, n as i64 * DAY_S / 2)
            })
            .await;
    }
    world.answer(&given(50, "b", 0, true, 60)).await;
    // Forty exercises, each once, most of them right.
    for n in 0..40 {
        let at_s = 12 * DAY_S + n as i64 * 3_600;
        let answer = given(100 + n, "c", 8 + n as usize, n % 10 != 3, at_s);
        world.answer(&answer).await;
    }
    world.fold().await;
}

pub(crate) fn lines(body: &Value) -> String {
    let mut text = String::new();
    let shown = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for line in body["summary"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}", shown(line));
    }
    for part in body["parts"].as_array().into_iter().flatten() {
        let statement = part["answer"]["statement"].as_str();
        let statement = statement.map_or(String::new(), |id| format!(" {}", &id[30..]));
        let (printed, kind) = (shown(&part["printed"]), shown(&part["kind"]));
        let _ = writeln!(
            text,
            "{printed} {kind}{statement}: {}",
            shown(&part["sentence"])
        );
    }
    let _ = writeln!(text, "{} in all", shown(&body["printed"]));
    text
}

pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for whoever runs the test, not a setting of the service"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, kept, "{name} differs: UPDATE_GOLDEN=1 writes it");
}

/// The parts sum to the mean, and the printed ones to the printed mean.
pub(crate) fn adds_up(body: &Value) {
    let parts = body["parts"].as_array().expect("parts");
    let mean = body["level"]["mean"].as_f64().expect("a mean");
    let value = |part: &Value| part["value"].as_f64().expect("a value");
    let (rounding, others): (Vec<&Value>, _) = parts.iter().partition(|p| p["kind"] == "rounding");
    let sum: f64 = others.iter().map(|part| value(part)).sum();
    assert!((sum - mean).abs() < TOLERANCE, "{sum} is not {mean}");
    assert!((sum + value(rounding[0]) - mean).abs() < 1e-14, "{body}");
    let units = |text: &Value| -> i64 {
        let text = text
            .as_str()
            .expect("a figure")
            .replace('−', "-")
            .replace(',', "");
        text.parse().expect("hundredths")
    };
    let printed: i64 = parts.iter().map(|part| units(&part["printed"])).sum();
    assert_eq!(printed, units(&body["printed"]), "{body}");
    for answer in parts.iter().filter(|part| part["kind"] == "answer") {
        let of = |name: &str| answer["answer"][name].as_f64().expect("a share");
        let shares = of("general") + of("domain") + of("competency") + of("practice");
        assert!((shares - value(answer)).abs() < TOLERANCE, "{answer}");
    }
}

#[actix_web::test]
async fn each_audience_is_told_in_its_own_words() {
    let world = world().await;
    history(&world).await;
    let (own, other) = (competency(0), competency(5));
    let (a, b) = (key(&world, "a").await, key(&world, "b").await);
    let c = key(&world, "c").await;
    for audience in Audience::ALL {
        let audience = audience.as_str();
        let mut text = String::new();
        for (what, key, competency) in [
            ("enough answers", &c, &own),
            ("answers that do not settle it", &a, &own),
            ("one answer", &b, &own),
            ("none of its own", &a, &other),
        ] {
            let body = why(&world, key, competency, audience, 14 * DAY_S).await;
            adds_up(&body);
            assert_eq!(body["level"]["degree"].is_null(), what != "enough answers");
            assert_eq!(body["audit"].is_object(), audience == "auditor");
            let _ = writeln!(text, "# {what}\n{}", lines(&body));
        }
        golden(&format!("why-{audience}.txt"), &text);
    }
}

#[actix_web::test]
async fn an_auditor_sees_every_figure() {
    let world = world().await;
    history(&world).await;
    let (a, b) = (key(&world, "a").await, key(&world, "b").await);
    let mut body = why(&world, &b, &competency(0), "auditor", 20 * DAY_S).await;
    body["key"] = json!("…");
    body["model"] = json!("…");
    for constants in ["hyper", "scale"] {
        assert!(body["audit"][constants].is_object());
        body["audit"][constants] = json!("…");
    }
    let text = serde_json::to_string_pretty(&body).expect("JSON");
    golden("why-auditor.json", &(text + "\n"));

    let body = why(&world, &a, &competency(0), "auditor", 20 * DAY_S).await;
    let (parts, steps) = (&body["parts"], &body["audit"]["steps"]);
    let statements = |list: &Value, pointer: &str| -> Vec<Value> {
        let list = list.as_array().expect("a list").iter();
        list.filter_map(|one| one.pointer(pointer).cloned())
            .collect()
    };
    assert_eq!(statements(steps, "/statement").len(), 12);
    assert_eq!(
        statements(parts, "/answer/statement"),
        statements(steps, "/statement"),
        "every answer, in the order of the fold"
    );
    // Each step begins where the one before ended, and moves by v·h·ε.
    let figure = |step: &Value, pointer: &str| step.pointer(pointer).and_then(Value::as_f64);
    let mut last = figure(&body["audit"], "/start/general/mean");
    for step in steps.as_array().expect("steps") {
        assert_eq!(figure(step, "/general/before/mean"), last);
        let of = |pointer: &str| figure(step, pointer).expect("a figure");
        let moved = of("/general/before/variance") * of("/item/a") * of("/residual");
        last = figure(step, "/general/after/mean");
        let after = of("/general/before/mean") + moved;
        assert!((after - of("/general/after/mean")).abs() < 1e-12);
        let probit = (1.0 + std::f64::consts::PI / 8.0 * of("/x/variance")).sqrt();
        let expected = 1.0 / (1.0 + (-of("/x/mean") / probit).exp());
        assert!((expected - of("/expected")).abs() < 1e-12);
    }
    assert_eq!(figure(&body["audit"], "/end/general/mean"), last);
}

#[actix_web::test]
async fn what_is_explained_is_what_is_shown_at_any_time() {
    let world = world().await;
    history(&world).await;
    let key = key(&world, "a").await;
    for after_s in [-1, 0, DAY_S, 3 * DAY_S, 6 * DAY_S, 300 * DAY_S] {
        let at = time(after_s);
        let (_, shown) = world
            .get(&format!("/api/v1/pupils/{key}/mastery?as_of={at}"))
            .await;
        let levels = shown["subjects"].as_array().expect("subjects").iter();
        let levels = levels.flat_map(|s| s["domains"].as_array().expect("domains"));
        let levels = levels.flat_map(|d| d["competencies"].as_array().expect("competencies"));
        for level in
            levels.filter(|level| level["uri"].as_str().is_some_and(|u| u.contains("maths")))
        {
            let uri = level["uri"].as_str().expect("a URI");
            let body = why(&world, &key, uri, "teacher", after_s).await;
            assert_eq!(&body["level"], level, "{at}");
            adds_up(&body);
        }
    }
}

#[actix_web::test]
async fn a_voided_answer_explains_nothing_any_more() {
    let world = world().await;
    history(&world).await;
    let key = key(&world, "a").await;
    let told = |body: &Value, id: u64| {
        let id = uuid::Uuid::from_u128(id.into()).to_string();
        body["parts"].to_string().contains(&id)
    };
    let before = why(&world, &key, &competency(0), "auditor", 20 * DAY_S).await;
    assert!(told(&before, 2));
    world.void(2).await;
    world.fold().await;
    let after = why(&world, &key, &competency(0), "auditor", 20 * DAY_S).await;
    assert!(!told(&after, 2) && told(&after, 3));
    adds_up(&after);
}

#[actix_web::test]
async fn nothing_else_is_explained_than_what_is_served() {
    let world = world().await;
    history(&world).await;
    let key = key(&world, "a").await;
    let path = path(&key, &competency(0), "pupil", 20 * DAY_S);
    // A mark that the fold has not seen to yet: accounts changed hands.
    let other = activity(3);
    world
        .sql(&format!(
            "update neighbours.rows set outcome = 1, correct = true where activity = '{other}';
             insert into analytics.refolds (version, person) select version, '{key}' from analytics.current"
        ))
        .await;
    let (status, body) = world.get(&path).await;
    assert_eq!(
        (status, &body["code"]),
        (409, &json!("mastery_behind")),
        "{body}"
    );
    world.fold().await;
    assert_eq!(world.get(&path).await.0, 200);
    // The answers are others than those that were folded, and nobody says so: our fault.
    world
        .sql(&format!(
            "update neighbours.rows set outcome = 0 where activity = '{other}'"
        ))
        .await;
    let (status, body) = world.get(&path).await;
    assert_eq!((status, &body["code"]), (500, &json!("internal")), "{body}");
    // Folded by another version of the program.
    world
        .sql(
            "update analytics.versions set model = 'other' where false;
              insert into analytics.models (fingerprint, framework, catalogue)
                  select 'other', framework, catalogue from analytics.models limit 1;
              update analytics.versions set model = 'other'",
        )
        .await;
    let (status, body) = world.get(&path).await;
    assert_eq!(
        (status, &body["code"]),
        (409, &json!("mastery_behind")),
        "{body}"
    );
}

#[actix_web::test]
async fn who_asks_wrongly_is_told() {
    let world = world().await;
    history(&world).await;
    let key = key(&world, "a").await;
    let own = encoded(&competency(0));
    let nobody = "00000000-0000-4000-8000-000000000000";
    let at = |key: &str, competency: &str, query: &str| {
        format!("/api/v1/pupils/{key}/mastery/{competency}/why{query}")
    };
    for (path, status, rule) in [
        (at(&key, &own, ""), 400, "audience-known"),
        (at(&key, &own, "?audience=everybody"), 400, "audience-known"),
        (
            at(&key, &own, "?audience=pupil&as_of=hier"),
            400,
            "as_of-rfc3339",
        ),
        (
            at(&key, &own, "?audience=pupil&for=me"),
            400,
            "query-parameters",
        ),
        (at("me", &own, "?audience=pupil"), 400, "key-uuid"),
        (at(nobody, &own, "?audience=pupil"), 404, "pupil-unknown"),
        (
            at(&key, "algebre", "?audience=pupil"),
            404,
            "competency-unknown",
        ),
    ] {
        let (found, body) = world.get(&path).await;
        assert_eq!(
            (found, &body["rule"]),
            (status, &json!(rule)),
            "{path}: {body}"
        );
    }
    let path = at(&key, &own, "?audience=pupil");
    assert_eq!(world.call(TestRequest::get().uri(&path), "").await.0, 401);
    let other = world.db.basic(&[Scope::StatementsWrite]).await;
    assert_eq!(
        world.call(TestRequest::get().uri(&path), &other).await.0,
        403
    );
    let (status, _) = world.post(&path, &json!({})).await;
    assert_eq!(status, 405);
    let grant = Grant {
        binding: Binding {
            school: Some("0750655E".parse().expect("a school")),
            ..Binding::default()
        },
        ..Grant::of(&[Scope::AllRead], "of a school")
    };
    let bound = service::testkit::basic(&world.db.granted(&grant).await);
    assert_eq!(
        world.call(TestRequest::get().uri(&path), &bound).await.0,
        404,
        "no pupil of that school"
    );
}
