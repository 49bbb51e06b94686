//! Versions: another model, a switch while others read, what is left behind.

use std::sync::Arc;

use analytics::store::runs::Cause;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::why::time;
use crate::world::{World, given};

async fn some_answers(world: &World) {
    for n in 0..24 {
        let account = ["a", "b", "c"][n as usize % 3];
        world
            .answer(&given(
                n,
                account,
                n as usize % 8,
                n % 3 != 0,
                600 * n as i64,
            ))
            .await;
    }
    world.fold().await;
}

#[actix_web::test]
async fn another_catalogue_makes_another_version() {
    let world = World::new().await;
    some_answers(&world).await;
    let before = world.served().await;
    world.set_catalogue(2).await;
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["rebuilding"], true);
    // Until it is there, the former version is served and goes on.
    world.answer(&given(30, "a", 1, true, 90_000)).await;
    world.fold().await;
    assert_ne!(world.served().await["states"], before["states"]);

    let report = world
        .analytics
        .recompute(Cause::Model)
        .await
        .expect("recomputed");
    assert_eq!(
        (report.answers, report.caught_up),
        (0, 25),
        "nothing was shipped yet"
    );
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(
        (&status["rebuilding"], &status["model"]),
        (&json!(false), &json!(report.model))
    );
    let (_, totals) = world.get("/api/v1/totals").await;
    assert_eq!(totals["answers"], 25);
    assert_eq!(totals["items"], 8);
    assert_eq!(totals["left_out"]["item_not_in_catalogue"], 18);
    // What was served before is gone, rows and all.
    for table in ["versions", "models"] {
        let made = world
            .text(&format!("select count(*) from analytics.{table}"))
            .await;
        let expected = if table == "models" { "2" } else { "1" };
        assert_eq!(made, expected, "{table}: a young model is spared");
    }
    assert_eq!(
        world
            .text("select count(distinct version) from analytics.pupil_states")
            .await,
        "1"
    );
    assert_eq!(
        world.text("select status from analytics.runs").await,
        "done"
    );
}

#[actix_web::test]
async fn other_thresholds_take_effect_by_a_recomputation_and_never_silently() {
    let world = World::new().await;
    some_answers(&world).await;
    let before = world.served().await;
    let key = world.account("a");
    let path = format!("/api/v1/pupils/{key}/mastery?as_of={}", time(86_400));
    let first = async || {
        let (status, body) = world.get(&path).await;
        assert_eq!(status, 200, "{body}");
        let mut subjects = body["subjects"].as_array().expect("subjects").iter();
        let maths = subjects.find(|subject| subject["subject"] == "maths");
        maths.expect("maths")["domains"][0]["competencies"][0].clone()
    };
    let shown = first().await;
    assert_eq!(shown["degree"], Value::Null, "{shown}");
    let put = async |scale: Value| {
        let mut framework: Value =
            serde_json::from_str(schemas::framework::SECONDE_JSON).expect("JSON");
        framework["levels"]["scale"] = scale;
        let bytes = framework.to_string().into_bytes();
        world
            .put("/api/v1/framework", "application/json", bytes)
            .await
    };
    let (status, told) = put(json!({ "cuts": [0.4, 0.3, 0.65, 0.75, 0.85] })).await;
    assert_eq!(
        (status, &told["pointer"], &told["rule"]),
        (
            400,
            &json!("/levels/scale/cuts"),
            &json!("framework-scale-cuts")
        )
    );
    // The rule of evidence alone: no state changes by it.
    let (status, told) = put(json!({ "competency_answers": 1, "confidence": 0.0 })).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["scale"]["competency_answers"], 1);
    assert_eq!(told["scale"]["band"], 0.02, "what is left out is as usual");
    assert_eq!(first().await, shown, "until it is recomputed");
    let (_, status) = world.get("/api/v1/status").await;
    assert_eq!(status["rebuilding"], true);
    let served = "select (document #> '{levels,scale,competency_answers}')::text from published.framework_served";
    assert_eq!(world.text(served).await, "3");
    let report = world.analytics.recompute(Cause::Model).await;
    assert_ne!(json!(report.expect("recomputed").model), status["model"]);
    assert_eq!(world.served().await, before);
    let relaxed = first().await;
    assert!(relaxed["degree"].is_u64(), "{relaxed}");
    assert_eq!(relaxed["mean"], shown["mean"]);
    assert_eq!(world.text(served).await, "1");
    // Another copy makes the same model of what is kept.
    let copy = world.copy().await;
    copy.recompute(Cause::Request).await.expect("recomputed");
    assert_eq!(first().await, relaxed);
    // Cuts change degrees, which are part of the states.
    let low = json!({ "cuts": [0.001, 0.002, 0.003, 0.004, 0.005], "band": 0.0001, "competency_answers": 1,
                      "confidence": 0.0 });
    assert_eq!(put(low).await.0, 200);
    let report = world.analytics.recompute(Cause::Model).await;
    report.expect("recomputed");
    assert_ne!(world.served().await["states"], before["states"]);
    assert_eq!(first().await["degree"], 6);
}

#[actix_web::test]
async fn the_worker_sees_by_itself_that_the_model_is_another() {
    let world = World::new().await;
    some_answers(&world).await;
    let stop = CancellationToken::new();
    let background = tokio::spawn(analytics::run_background(
        Arc::clone(&world.analytics),
        stop.clone(),
    ));
    world.set_catalogue(3).await;
    while world
        .text("select count(*) from analytics.runs where status = 'done' and cause = 'model'")
        .await
        == "0"
    {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    stop.cancel();
    background.await.expect("no panic").expect("stopped");
    // The last look shipped what was folded.
    let report = world
        .analytics
        .recompute(Cause::Request)
        .await
        .expect("recomputed");
    assert_eq!((report.answers, report.caught_up), (24, 0));
    assert!(report.mastery_rows > 0);
}

#[actix_web::test]
async fn readers_see_one_version_or_the_other() {
    let world = World::new().await;
    some_answers(&world).await;
    analytics::lake::relay(&world.analytics)
        .ship()
        .await
        .expect("shipped");
    let folded = world.served().await;
    let stop = CancellationToken::new();
    let (pool, until) = (world.db.pool().clone(), stop.clone());
    let reader = tokio::spawn(async move {
        let (mut reads, mut wrong) = (0, 0);
        while !until.is_cancelled() {
            let client = pool.get().await.expect("a connection");
            let sql = "select count(*), count(distinct person) from published.pupil_states";
            let row = client.query_one(sql, &[]).await.expect("states");
            let seen: (i64, i64) = (row.get(0), row.get(1));
            reads += 1;
            wrong += usize::from(seen != (3, 3));
        }
        (reads, wrong)
    });
    for _ in 0..4 {
        world
            .analytics
            .recompute(Cause::Request)
            .await
            .expect("recomputed");
        assert_eq!(world.served().await, folded);
    }
    stop.cancel();
    let (reads, wrong) = reader.await.expect("no panic");
    assert!(reads > 0);
    assert_eq!(wrong, 0);
}

#[actix_web::test]
async fn one_recomputation_runs_at_a_time_and_a_dead_one_is_cleared() {
    let world = World::new().await;
    some_answers(&world).await;
    // What a copy left behind that was killed.
    world
        .sql(
            "insert into analytics.versions (model, status) select model, 'building' from analytics.versions;
             insert into analytics.runs (cause, version, model) select 'request', max(version), 'x' from analytics.versions",
        )
        .await;
    let lock = analytics::store::runs::lock(world.db.pool())
        .await
        .expect("asked")
        .expect("free");
    let (status, body) = world.post("/api/v1/jobs/mastery", &json!({})).await;
    assert_eq!((status, &body["rule"]), (409, &json!("one-job-at-a-time")));
    drop(lock);
    let mut answer = (409, json!(null));
    while answer.0 == 409 {
        answer = world.post("/api/v1/jobs/mastery", &json!({})).await;
    }
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert_eq!(answer.1["caught_up"], 24);
    assert_eq!(
        world
            .text("select string_agg(status, ' ' order by run) from analytics.runs")
            .await,
        "failed done"
    );
    assert_eq!(
        world.text("select count(*) from analytics.versions").await,
        "1"
    );
}
