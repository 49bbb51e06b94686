//! Items of which nobody knows anything yet: what they are no part of, and where they start.

use std::sync::Arc;

use analytics::calibration;
use analytics::store::calibrations::{Begun, FittedItem, Found};
use analytics::store::runs::Cause;
use analytics::store::{self, calibrations};
use mastery::{Hyper, ItemParams, ItemPriors, LevelScale, Model};
use schemas::ids::key64;
use serde_json::{Value, json};

use crate::fit::{fit, options};
use crate::school::{School, rasch};
use crate::why::{competency, key, why};
use crate::world::{World, activity, given};

/// The model in force, whose states are served.
async fn model(world: &World) -> Arc<Model> {
    let fingerprint = world.analytics.models().wanted(world.db.pool()).await;
    let fingerprint = fingerprint.expect("a model");
    let mut client = store::client(world.db.pool()).await.expect("a connection");
    let transaction = store::begin(&mut client).await.expect("begun");
    let model = world
        .analytics
        .models()
        .get(&transaction, &fingerprint)
        .await;
    model.expect("a model")
}

/// Adds an item to the catalogue, which is another one from then on.
async fn add(world: &World, item: usize, competencies: &[usize], level: Option<u8>) {
    let competencies: Vec<String> = competencies.iter().map(|n| competency(*n)).collect();
    let mut document = json!({
        "id": activity(item), "title": {"fr": format!("Exercice {item}")}, "subject": "maths",
        "competencies": competencies,
    });
    if let Some(level) = level {
        document["level"] = json!(level);
    }
    let iri = activity(item);
    world
        .sql(&format!(
            "insert into neighbours.items values ('{iri}', '{document}');
             insert into neighbours.catalogues (fingerprint) values ('with {item}')"
        ))
        .await;
}

async fn recompute(world: &World) {
    let recomputed = world.analytics.recompute(Cause::Model).await;
    recomputed.expect("recomputed");
}

#[actix_web::test]
async fn what_nobody_answered_is_no_part_of_the_scale() {
    let world = World::new().await;
    world.answer(&given(1, "a", 0, true, 60)).await;
    world.fold().await;
    // A fit of before, which kept every item: the first competency has the items 0 and 4.
    let mut client = store::client(world.db.pool()).await.expect("a connection");
    let transaction = store::begin(&mut client).await.expect("begun");
    let begun = Begun {
        subject: "maths".to_owned(),
        model: String::new(),
        asked: String::new(),
        sample: 1.0,
        lake_version: 0,
        lake_seq: 0,
    };
    let number = calibrations::begin(&transaction, &begun).await;
    let number = number.expect("begun");
    let fitted = |item, a, b, answers| FittedItem {
        item: key64(&activity(item)),
        params: ItemParams { a, b, s2: 0.1 },
        answers,
    };
    let other = ItemParams {
        a: 1.0,
        b: 0.3,
        s2: 0.5,
    };
    let found = Found {
        hyper: &Hyper::default(),
        priors: &ItemPriors {
            sets: Vec::new(),
            other,
            level: LevelScale::default(),
        },
        items: &[fitted(0, 1.2, -1.0, 40), fitted(4, 0.8, 3.0, 0)],
        report: &Value::Null,
    };
    let proposed = calibrations::propose(&transaction, number, &found).await;
    assert!(proposed.expect("proposed"));
    store::commit(transaction).await.expect("committed");
    let accepted = calibration::accept(world.db.pool(), number).await;
    accepted.expect("accepted");
    recompute(&world).await;
    let key = key(&world, "a").await;
    let reference = async |n| {
        let told = why(&world, &key, &competency(n), "auditor", 3_600).await;
        let audit = &told["audit"];
        (audit["reference_a"].clone(), audit["reference_b"].clone())
    };
    assert_eq!(reference(0).await, (json!(1.2), json!(-1.0)));
    // Of the second nobody answered anything: an ordinary exercise of it is one of the subject.
    assert_eq!(reference(1).await, (json!(1.0), json!(0.3)));
    let published = "select count(*) from published.calibration_items";
    assert_eq!(world.text(published).await, "1");
}

#[actix_web::test]
async fn an_item_added_after_a_fit_starts_at_the_difficulty_of_its_competency() {
    const EASY: usize = 0;
    const HARD: usize = 1;
    let world = World::bare().await;
    for item in 0..12 {
        add(&world, item, &[[EASY, HARD][item % 2]], None).await;
    }
    world.analytics.start().await.expect("started");
    let mut school = School::new(120, 3);
    let difficulty = |item: usize| [-1.5, 1.5][item % 2] + (item as f64 - 5.5) / 20.0;
    let success = |ability: f64, item: usize| rasch(ability, difficulty(item));
    for day in [0, 3] {
        world.flood(&school.lesson(day, 12, 10, success)).await;
    }
    world.fold().await;
    world.ship().await;
    // Neither practice nor the answer before brings these pupils anything. Where they may, difficulties shift against them by
    // whatever pupils a short search happens to see.
    let nothing = [
        "lam", "kap", "gi1", "gi0", "rr", "rw", "sr", "sw", "ow", "er", "ew",
    ];
    let mut options = options();
    options.settings.held = nothing.map(|name| (name, 0.0)).to_vec();
    let (number, _) = fit(&world, &options).await;
    calibration::accept(world.db.pool(), number)
        .await
        .expect("accepted");
    recompute(&world).await;

    // The day after: of each competency, of both, of another; one with a level.
    add(&world, 20, &[EASY], None).await;
    add(&world, 21, &[HARD], None).await;
    add(&world, 22, &[2], None).await;
    add(&world, 23, &[EASY], Some(6)).await;
    recompute(&world).await;
    let model = model(&world).await;
    let of = |item: usize| {
        let item = model.item(key64(&activity(item)));
        item.expect("in the catalogue").params()
    };
    let mean = |start: usize| {
        let items = (start..12).step_by(2).map(|item| of(item).b);
        items.sum::<f64>() / 6.0
    };
    let (easy, hard) = (mean(0), mean(1));
    assert!(easy < -0.7 && hard > 0.7, "{easy} {hard}");
    assert!((of(20).b - easy).abs() < 0.1, "{:?} {easy}", of(20));
    assert!((of(21).b - hard).abs() < 0.1, "{:?} {hard}", of(21));
    // Of another competency nothing is known but the subject's, and that less surely.
    assert!(of(22).b > easy && of(22).b < hard, "{:?}", of(22));
    assert!(of(22).s2 > of(20).s2, "{:?} {:?}", of(22), of(20));
    // A level is one more observation: harder, as it says, and no farther than the other items let it.
    assert!(of(23).b > of(20).b && of(23).b < 2.029, "{:?}", of(23));
    assert!(of(23).s2 < of(20).s2, "{:?} {:?}", of(23), of(20));
    // Its first answer is folded both ways alike.
    world
        .answer(&given(1_000_000, "p3", 21, true, 90 * 86_400))
        .await;
    world.fold().await;
    let folded = world.served().await;
    world.ship().await;
    let copy = world.copy().await;
    copy.recompute(Cause::Request).await.expect("recomputed");
    assert_eq!(world.served().await, folded);
}
