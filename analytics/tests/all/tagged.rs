//! What the lake's answers are tagged with: what the catalogue said when they were stored.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::world::{World, activity, given, noon};

/// The competencies in the lake, by the number of the statement.
async fn tagged(world: &World) -> BTreeMap<String, Option<Vec<String>>> {
    let answers = analytics::lake::answers(&world.analytics)
        .await
        .expect("a lake");
    let session = answers.expect("answers in the lake").session;
    let rows = session.sql("select id, competencies from answers").await;
    let mut tagged = BTreeMap::new();
    for rows in rows.expect("a question").collect().await.expect("rows") {
        let ids = cast(rows.column(0), &DataType::Utf8).expect("texts");
        let lists = rows.column(1).as_list::<i32>();
        for (row, id) in ids.as_string::<i32>().iter().enumerate() {
            let list = lists.is_valid(row).then(|| {
                let list = lists.value(row);
                let uris = list.as_string::<i32>().iter().flatten();
                uris.map(str::to_owned).collect()
            });
            tagged.insert(id.expect("an id").to_owned(), list);
        }
    }
    tagged
}

fn of(uris: &[&str]) -> Option<Vec<String>> {
    Some(uris.iter().map(|uri| (*uri).to_owned()).collect())
}

#[tokio::test]
async fn an_answer_keeps_what_its_item_was_tagged_with_when_it_was_stored() {
    let world = World::new().await;
    // Answers are stored ten days after noon and a second apart: item 0 changed after the second of them.
    let change = noon() + chrono::TimeDelta::days(10) + chrono::TimeDelta::milliseconds(2_500);
    let item = activity(0);
    world
        .sql(&format!(
            "update neighbours.items set valid_to = '{change}', document = '{{\"competencies\": [\"a\"]}}' where activity = '{item}';
             insert into neighbours.items values ('{item}', '{{\"competencies\": [\"b\", \"a\"]}}', '{change}')"
        ))
        .await;
    for n in 1..=4 {
        world.answer(&given(n, "ana", 0, true, 60)).await;
    }
    // None of the catalogue's items.
    world.answer(&given(5, "ana", 99, true, 60)).await;
    world.ship().await;
    let id = |n: u128| uuid::Uuid::from_u128(n).to_string();
    let wanted = BTreeMap::from([
        (id(1), of(&["a"])),
        (id(2), of(&["a"])),
        (id(3), of(&["b", "a"])),
        (id(4), of(&["b", "a"])),
        (id(5), None),
    ]);
    assert_eq!(tagged(&world).await, wanted);
}
