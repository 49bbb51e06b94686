//! What is known of a pupil besides the answers: the declared profile, and evaluations made outside.

use std::fmt::Write;

use actix_web::test::TestRequest;
use analytics::store::runs::Cause;
use serde_json::{Value, json};
use service::identity::{Binding, Grant, Scope};
use uuid::Uuid;

use crate::roster::{manifest_of, zip};
use crate::why::{adds_up, competency, golden, key, lines, time, why};
use crate::world::{HOME, World, given};

const DAY_S: i64 = 86_400;

/// The n-th domain of mathematics.
pub(crate) fn domain(n: usize) -> String {
    let framework = schemas::framework::Framework::seconde();
    let mut maths = framework.domains.iter().filter(|d| d.subject == "maths");
    maths.nth(n).expect("of mathematics").uri.clone()
}

pub(crate) fn profile(key: &str) -> String {
    format!("/api/v1/pupils/{key}/declared-profile")
}

pub(crate) fn evaluations(key: &str) -> String {
    format!("/api/v1/pupils/{key}/evaluations")
}

async fn declare(world: &World, key: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string().into_bytes();
    world.put(&profile(key), "application/json", body).await
}

/// The levels of mathematics at a time, by URI.
async fn mastery(world: &World, key: &str, after_s: i64) -> Value {
    let path = format!("/api/v1/pupils/{key}/mastery?as_of={}", time(after_s));
    let (status, body) = world.get(&path).await;
    assert_eq!(status, 200, "{body}");
    let subjects = body["subjects"].as_array().expect("subjects");
    let maths = subjects
        .iter()
        .find(|subject| subject["subject"] == "maths");
    maths.expect("maths").clone()
}

fn mean_of_domain(maths: &Value, n: usize) -> f64 {
    maths["domains"][n]["mean"].as_f64().expect("a mean")
}

pub(crate) async fn recomputed_is_the_same(world: &World) {
    let folded = world.served().await;
    // Once from the feed alone, once from the lake.
    for _ in 0..2 {
        let report = world.analytics.recompute(Cause::Request).await;
        report.expect("recomputed");
        assert_eq!(world.served().await, folded);
        let mut relay = analytics::lake::relay(&world.analytics);
        relay.ship().await.expect("shipped");
    }
}

/// Users with these accounts, in place of those before: `(id, accounts)`.
pub(crate) async fn import(world: &World, users: &[(&str, &[&str])]) {
    let users: Vec<_> = users.iter().map(|(id, own)| (*id, *own, "")).collect();
    import_with_voies(world, &users).await;
}

/// The same with the *voie* of each, blank where it is not told.
pub(crate) async fn import_with_voies(world: &World, users: &[(&str, &[&str], &str)]) {
    let mut csv =
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,\
                   metadata.sillage.voie\n"
            .to_owned();
    for (id, accounts, voie) in users {
        let ids: Vec<String> = accounts
            .iter()
            .map(|name| format!("{{{HOME}:{name}}}"))
            .collect();
        csv.push_str(&format!(
            "{id},,,true,{id},\"{}\",Élève,{id},{voie}\n",
            ids.join(",")
        ));
    }
    let manifest = manifest_of(&[("users", "bulk")]);
    let bytes = zip(&[("manifest.csv", &manifest), ("users.csv", &csv)]);
    let (status, body) = world.put("/api/v1/roster", "application/zip", bytes).await;
    assert_eq!(status, 200, "{body}");
}

#[actix_web::test]
async fn a_declared_profile_is_where_the_fold_starts_from_until_it_is_taken_back() {
    let world = World::new().await;
    for n in 0..4 {
        world
            .answer(&given(n, "a", 1, n % 2 == 0, 3_600 * n as i64))
            .await;
    }
    world.answer(&given(9, "b", 1, true, 0)).await;
    world.fold().await;
    let a = key(&world, "a").await;
    let without = world.served().await;
    let before = mastery(&world, &a, DAY_S).await;
    let (status, body) = world.get(&profile(&a)).await;
    assert_eq!(
        (status, &body["rule"]),
        (404, &json!("declared-profile-none"))
    );

    let declared = json!({ "degrees": { domain(0): 6, domain(2): 2 } });
    let (status, body) = declare(&world, &a, &declared).await;
    assert_eq!(status, 200, "{body}");
    let degrees = body["degrees"].as_array().expect("degrees");
    assert_eq!(degrees.len(), 2);
    assert_eq!(
        (
            &degrees[0]["domain"],
            &degrees[0]["degree"],
            &degrees[0]["level"]
        ),
        (&json!(domain(0)), &json!(6), &json!("très bonne maîtrise"))
    );
    assert_eq!(world.get(&profile(&a)).await, (200, body));
    world.fold().await;
    let with = world.served().await;
    assert_ne!(with["states"], without["states"]);
    assert_eq!(with["sums"], without["sums"], "a profile is no answer");
    let maths = mastery(&world, &a, DAY_S).await;
    assert!(mean_of_domain(&maths, 0) > mean_of_domain(&before, 0));
    // Of two domains without answers the one that was declared low is below the other.
    assert!(mean_of_domain(&maths, 2) < mean_of_domain(&maths, 1));
    recomputed_is_the_same(&world).await;

    let told = why(&world, &a, &competency(0), "teacher", DAY_S).await;
    adds_up(&told);
    assert_eq!(told["parts"][0]["kind"], "prior");
    assert!(
        told["parts"][0]["value"]
            .as_f64()
            .is_some_and(|value| value > 0.5)
    );

    // Another one in its place, not beside it.
    let other = json!({ "degrees": { domain(0): 1 } });
    let (_, body) = declare(&world, &a, &other).await;
    assert_eq!(body["degrees"].as_array().map(Vec::len), Some(1));
    world.fold().await;
    let lower = mastery(&world, &a, DAY_S).await;
    assert!(mean_of_domain(&lower, 0) < mean_of_domain(&maths, 0));

    let path = profile(&a);
    assert_eq!(world.delete(&path).await.0, 204);
    world.fold().await;
    assert_eq!(world.served().await, without);
    assert_eq!(world.delete(&path).await.0, 404);
    recomputed_is_the_same(&world).await;
}

#[actix_web::test]
async fn the_voie_is_a_guess_where_the_fold_starts_from_unless_a_profile_is_declared() {
    let world = World::new().await;
    for n in 0..4 {
        let answer = given(n, "a", n as usize, n % 2 == 0, 3_600 * n as i64);
        world.answer(&answer).await;
    }
    world.fold().await;
    let of = |voie| [("u1", ["a"].as_slice(), voie), ("u2", &["b"], "gt")];
    import_with_voies(&world, &of("")).await;
    world.fold().await;
    let without = world.served().await;
    let a = key(&world, "a").await;
    let plain = mastery(&world, &a, DAY_S).await;

    // The roster tells it, tells another one, tells none any more: each time the pupil alone starts anew.
    import_with_voies(&world, &of("gt")).await;
    world.fold().await;
    let gt = mastery(&world, &a, DAY_S).await;
    recomputed_is_the_same(&world).await;
    import_with_voies(&world, &of("pro")).await;
    assert_eq!(
        world.text("select count(*) from analytics.refolds").await,
        "1"
    );
    world.fold().await;
    let pro = mastery(&world, &a, DAY_S).await;
    assert!(mean_of_domain(&pro, 0) < mean_of_domain(&plain, 0));
    assert!(mean_of_domain(&plain, 0) < mean_of_domain(&gt, 0));
    recomputed_is_the_same(&world).await;
    let mut text = String::new();
    for audience in ["pupil", "parent", "teacher", "auditor"] {
        let told = why(&world, &a, &competency(0), audience, 3 * DAY_S).await;
        adds_up(&told);
        assert_eq!(told["parts"][0]["kind"], "prior_of_voie");
        assert!(
            told["parts"][0]["value"]
                .as_f64()
                .is_some_and(|value| value < -0.1)
        );
        let _ = writeln!(text, "# {audience}\n{}", lines(&told));
        let voie = &told["audit"]["voie"];
        assert_eq!(
            voie["voie"].as_str(),
            (audience == "auditor").then_some("pro")
        );
    }
    golden("why-voie.txt", &text);

    // Who declares starts from that alone.
    let declared = json!({ "degrees": { domain(0): 5 } });
    assert_eq!(declare(&world, &a, &declared).await.0, 200);
    world.fold().await;
    let with_both = mastery(&world, &a, DAY_S).await;
    let told = why(&world, &a, &competency(0), "teacher", 3 * DAY_S).await;
    adds_up(&told);
    assert_eq!(told["parts"][0]["kind"], "prior");
    recomputed_is_the_same(&world).await;
    import_with_voies(&world, &of("")).await;
    world.fold().await;
    assert_eq!(mastery(&world, &a, DAY_S).await, with_both);
    assert_eq!(world.delete(&profile(&a)).await.0, 204);
    world.fold().await;
    assert_eq!(world.served().await, without);

    // Of whom the voie alone is known there is a state, from which a list can be made, and no level.
    let b = key(&world, "b").await;
    let of_b = mastery(&world, &b, DAY_S).await;
    assert!(mean_of_domain(&of_b, 0) > 0.1);
    assert_eq!(of_b["domains"][0]["level"], "pas encore assez de réponses");
}

#[actix_web::test]
async fn who_declared_and_never_answered_has_a_state_and_no_level() {
    let world = World::new().await;
    import(&world, &[("u1", &["a"]), ("u2", &["b"])]).await;
    let a = key(&world, "a").await;
    let declared = json!({ "degrees": { domain(0): 6 } });
    assert_eq!(declare(&world, &a, &declared).await.0, 200);
    world.fold().await;
    let published = "select count(*) from published.pupil_states";
    assert_eq!(
        world.text(published).await,
        "1",
        "a list can be made from it"
    );
    assert_eq!(
        world.text("select pupils from analytics.versions").await,
        "0"
    );
    let maths = mastery(&world, &a, DAY_S).await;
    assert!(mean_of_domain(&maths, 0) > 1.0);
    assert_eq!(maths["domains"][0]["level"], "pas encore assez de réponses");
    recomputed_is_the_same(&world).await;
    // Then the first answer comes, without the pupil being folded again.
    world.answer(&given(1, "a", 0, false, 60)).await;
    world.fold().await;
    let after = mastery(&world, &a, DAY_S).await;
    assert!(mean_of_domain(&after, 0) < mean_of_domain(&maths, 0));
    assert_eq!(
        world.text("select pupils from analytics.versions").await,
        "1"
    );
    recomputed_is_the_same(&world).await;
    world.void(1).await;
    world.fold().await;
    assert_eq!(mastery(&world, &a, DAY_S).await, maths);
    recomputed_is_the_same(&world).await;
}

#[actix_web::test]
async fn nothing_but_the_six_degrees_enters_a_profile() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.fold().await;
    let a = key(&world, "a").await;
    let known = domain(0);
    let escaped = format!("/degrees/{}", known.replace('/', "~1"));
    for (body, pointer, rule) in [
        (json!([]), "", "declared-object"),
        (json!({ "degrees": {} }), "/degrees", "declared-degrees"),
        (json!({}), "/degrees", "declared-degrees"),
        (json!({ "degrees": [4] }), "/degrees", "declared-degrees"),
        (
            json!({ "degrees": { known.clone(): 4 }, "score": 271 }),
            "/score",
            "declared-members",
        ),
        (
            json!({ "degrees": { known.clone(): { "degree": 4, "score": 271 } } }),
            &escaped,
            "declared-degree",
        ),
        (
            json!({ "degrees": { known.clone(): 0 } }),
            &escaped,
            "declared-degree",
        ),
        (
            json!({ "degrees": { known.clone(): 7 } }),
            &escaped,
            "declared-degree",
        ),
        (
            json!({ "degrees": { known.clone(): 3.5 } }),
            &escaped,
            "declared-degree",
        ),
        (
            json!({ "degrees": { known.clone(): "4" } }),
            &escaped,
            "declared-degree",
        ),
        (
            json!({ "degrees": { "lecture": 4 } }),
            "/degrees/lecture",
            "declared-domain",
        ),
    ] {
        let (status, told) = declare(&world, &a, &body).await;
        assert_eq!(
            (status, &told["pointer"], &told["rule"]),
            (400, &json!(pointer), &json!(rule)),
            "{body}"
        );
        assert!(!told.to_string().contains("271"), "a value is not repeated");
    }
    assert_eq!(
        world
            .text("select count(*) from analytics.declared_profiles")
            .await,
        "0"
    );
    let good = json!({ "degrees": { known: 4 } });
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(declare(&world, nobody, &good).await.0, 404);
    assert_eq!(declare(&world, "me", &good).await.0, 400);
    let bytes = good.to_string().into_bytes();
    let sent = world.put(&profile(&a), "text/plain", bytes.clone()).await;
    assert_eq!(sent.0, 415);
    let sent = world
        .put_as_reader(&profile(&a), "application/json", bytes)
        .await;
    assert_eq!(sent.0, 403);
}

#[actix_web::test]
async fn what_was_entered_goes_with_the_account_under_whose_key_it_was_entered() {
    let world = World::new().await;
    for n in 0..6 {
        let account = ["a", "b"][n as usize % 2];
        world
            .answer(&given(n, account, n as usize, n % 3 == 0, 3_600 * n as i64))
            .await;
    }
    world.fold().await;
    let a = key(&world, "a").await;
    let declared = json!({ "degrees": { domain(0): 5 } });
    assert_eq!(declare(&world, &a, &declared).await.0, 200);
    let evaluation = json!({
        "id": Uuid::from_u128(500), "competency": competency(0), "at": time(7_200), "share": 0.9,
    });
    assert_eq!(world.post(&evaluations(&a), &evaluation).await.0, 201);
    world.fold().await;
    let apart = world.served().await;

    import(&world, &[("u1", &["b", "a"])]).await;
    world.fold().await;
    let b = key(&world, "a").await;
    assert_ne!(a, b, "the account is the other person's now");
    let (status, body) = world.get(&profile(&b)).await;
    assert_eq!((status, &body["degrees"][0]["degree"]), (200, &json!(5)));
    let (_, listed) = world.get(&evaluations(&b)).await;
    assert_eq!(listed["evaluations"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get(&profile(&a)).await.0, 404, "that key is nobody's");
    let told = why(&world, &b, &competency(0), "auditor", DAY_S).await;
    adds_up(&told);
    let parts = told["parts"].as_array().expect("parts");
    assert_eq!(
        parts
            .iter()
            .filter(|part| part["kind"] == "evaluation")
            .count(),
        1
    );
    assert_eq!(
        parts.iter().filter(|part| part["kind"] == "answer").count(),
        6
    );
    recomputed_is_the_same(&world).await;

    import(&world, &[("u1", &["b"]), ("u2", &["a"])]).await;
    world.fold().await;
    assert_eq!(key(&world, "a").await, a);
    assert_eq!(world.served().await["states"], apart["states"]);
    assert_eq!(world.get(&profile(&b)).await.0, 404);
    recomputed_is_the_same(&world).await;
}

#[actix_web::test]
async fn an_evaluation_counts_as_one_answer_to_an_ordinary_exercise_at_its_time() {
    let world = World::new().await;
    for n in 0..3 {
        world
            .answer(&given(n, "a", 0, n > 0, DAY_S * n as i64))
            .await;
    }
    world.fold().await;
    let a = key(&world, "a").await;
    let without = world.served().await;
    let (own, at) = (competency(0), time(DAY_S / 2));
    let id = Uuid::from_u128(700);
    let evaluation = json!({ "id": id, "competency": own, "at": at, "share": 1.0 });
    let (status, entered) = world.post(&evaluations(&a), &evaluation).await;
    assert_eq!(status, 201, "{entered}");
    assert!(
        entered["entered_by"]
            .as_str()
            .is_some_and(|key| !key.is_empty())
    );
    // The same again is entered once; something else under its id is refused.
    let again = world.post(&evaluations(&a), &evaluation).await;
    assert_eq!(again, (200, entered.clone()));
    for (member, value) in [
        ("share", json!(0.5)),
        ("competency", json!(competency(1))),
        ("at", json!(time(0))),
    ] {
        let mut other = evaluation.clone();
        other[member] = value;
        let (status, told) = world.post(&evaluations(&a), &other).await;
        assert_eq!(
            (status, &told["rule"]),
            (409, &json!("evaluation-id-taken"))
        );
    }
    let (_, listed) = world.get(&evaluations(&a)).await;
    assert_eq!(listed["evaluations"], json!([entered]));
    world.fold().await;
    let with = world.served().await;
    assert_eq!(
        (&with["sums"], &with["items"]),
        (&without["sums"], &without["items"])
    );
    recomputed_is_the_same(&world).await;

    for audience in ["pupil", "parent", "teacher"] {
        let told = why(&world, &a, &own, audience, 3 * DAY_S).await;
        adds_up(&told);
        let parts = told["parts"].as_array().expect("parts");
        let part = parts
            .iter()
            .find(|part| part["kind"] == "evaluation")
            .expect("one");
        assert_eq!(part["answer"]["evaluation"], json!(id));
        assert!(part["value"].as_f64().is_some_and(|value| value > 0.0));
    }
    let before = mastery(&world, &a, DAY_S / 4).await;
    let after = mastery(&world, &a, DAY_S * 3 / 4).await;
    let answers = |maths: &Value| maths["domains"][0]["competencies"][0]["answers"].clone();
    assert_eq!((answers(&before), answers(&after)), (json!(1), json!(2)));
    assert!(mean_of_domain(&after, 0) > mean_of_domain(&before, 0));

    // An answer that comes late, before the evaluation; one after everything.
    world.answer(&given(8, "a", 4, false, DAY_S / 3)).await;
    world.fold().await;
    world.answer(&given(9, "a", 4, true, 4 * DAY_S)).await;
    world.fold().await;
    recomputed_is_the_same(&world).await;
    world.void(8).await;
    world.void(9).await;
    let path = format!("{}/{id}", evaluations(&a));
    assert_eq!(world.delete(&path).await.0, 204);
    assert_eq!(world.delete(&path).await.0, 404);
    world.fold().await;
    assert_eq!(world.served().await, without);
}

#[actix_web::test]
async fn a_degree_is_the_middle_of_its_mastery_and_stands_without_any_answer() {
    let world = World::new().await;
    import(&world, &[("u1", &["a"])]).await;
    let a = key(&world, "a").await;
    let evaluation = json!({
        "id": Uuid::from_u128(1), "competency": competency(0), "at": time(60), "degree": 6,
    });
    let (status, body) = world.post(&evaluations(&a), &evaluation).await;
    assert_eq!(
        (status, &body["degree"], &body["share"]),
        (201, &json!(6), &Value::Null)
    );
    world.fold().await;
    let told = why(&world, &a, &competency(0), "auditor", 61).await;
    assert_eq!(told["audit"]["steps"][0]["y"], json!(0.925));
    recomputed_is_the_same(&world).await;
    // Two evaluations and a profile: what each audience reads of them.
    let lower = json!({
        "id": Uuid::from_u128(2), "competency": competency(0), "at": time(DAY_S), "share": 0.25,
    });
    assert_eq!(world.post(&evaluations(&a), &lower).await.0, 201);
    let declared = json!({ "degrees": { domain(0): 5 } });
    assert_eq!(declare(&world, &a, &declared).await.0, 200);
    world.fold().await;
    let mut text = String::new();
    for audience in ["pupil", "parent", "teacher"] {
        let told = why(&world, &a, &competency(0), audience, 3 * DAY_S).await;
        text.push_str(&format!("# {audience}\n{}\n", lines(&told)));
    }
    golden("why-inputs.txt", &text);
}

#[actix_web::test]
async fn an_evaluation_that_cannot_be_taken_is_told_what_is_wrong() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.fold().await;
    let a = key(&world, "a").await;
    let good = json!({
        "id": Uuid::from_u128(1), "competency": competency(0), "at": time(0), "share": 0.5,
    });
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    for (body, pointer, rule) in [
        (json!("x"), "", "evaluation-object"),
        (with("id", json!("1")), "/id", "evaluation-id"),
        (
            with("competency", json!("algebre")),
            "/competency",
            "evaluation-competency",
        ),
        (with("at", json!("2026-03-02")), "/at", "evaluation-at"),
        (
            with("at", json!("9999-01-01T00:00:00Z")),
            "/at",
            "evaluation-at",
        ),
        (with("share", json!(1.5)), "/share", "evaluation-share"),
        (with("share", json!("A")), "/share", "evaluation-share"),
        (with("degree", json!(3)), "", "evaluation-finding"),
        (
            with("comment", json!("bien")),
            "/comment",
            "evaluation-members",
        ),
    ] {
        let (status, told) = world.post(&evaluations(&a), &body).await;
        assert_eq!(
            (status, &told["pointer"], &told["rule"]),
            (400, &json!(pointer), &json!(rule)),
            "{body}"
        );
    }
    let mut degree = good.clone();
    degree.as_object_mut().expect("an object").remove("share");
    degree["degree"] = json!(9);
    let (_, told) = world.post(&evaluations(&a), &degree).await;
    assert_eq!(told["rule"], "evaluation-degree");
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(world.post(&evaluations(nobody), &good).await.0, 404);
    let path = format!("{}/x", evaluations(&a));
    assert_eq!(world.delete(&path).await.0, 400);
}

#[actix_web::test]
async fn who_reads_may_not_enter_and_a_school_does_not_see_others() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 0)).await;
    world.fold().await;
    let a = key(&world, "a").await;
    let reader = world.db.basic(&[Scope::AllRead]).await;
    let grant = Grant {
        binding: Binding {
            school: Some("0750655E".parse().expect("a school")),
            ..Binding::default()
        },
        ..Grant::of(&[Scope::All], "of a school")
    };
    let bound = service::testkit::basic(&world.db.granted(&grant).await);
    let one = format!("{}/{}", evaluations(&a), Uuid::nil());
    let requests = || {
        let body = json!({ "degrees": {} });
        [
            (TestRequest::get().uri(&profile(&a)), 404, 404),
            (
                TestRequest::put().uri(&profile(&a)).set_json(&body),
                403,
                403,
            ),
            (TestRequest::delete().uri(&profile(&a)), 403, 403),
            (TestRequest::get().uri(&evaluations(&a)), 200, 404),
            (
                TestRequest::post().uri(&evaluations(&a)).set_json(&body),
                403,
                404,
            ),
            (TestRequest::delete().uri(&one), 403, 404),
        ]
    };
    for (request, of_reader, _) in requests() {
        assert_eq!(world.call(request, &reader).await.0, of_reader);
    }
    for (request, _, of_bound) in requests() {
        assert_eq!(world.call(request, &bound).await.0, of_bound);
    }
    for (request, ..) in requests() {
        assert_eq!(world.call(request, "").await.0, 401);
    }
}
