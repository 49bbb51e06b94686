//! Files written as others may write them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int8Array, Int32Array, Int64Array, StringArray, new_null_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Int16Type, TimeUnit};
use parquet::arrow::ArrowWriter;

use super::*;

type Columns = Vec<(&'static str, ArrayRef)>;

/// Two pupils, five answers, three items, of two skills each.
fn usual() -> Columns {
    vec![
        (
            "student_id",
            Arc::new(Int32Array::from(vec![4, 4, 4, 9, 9])),
        ),
        ("order", Arc::new(Int32Array::from(vec![0, 1, 2, 0, 1]))),
        ("ts", Arc::new(Int64Array::from(vec![10, 70, 70, 5, 6]))),
        ("item_id", Arc::new(Int32Array::from(vec![2, 7, 2, 7, 1]))),
        (
            "skill_ids",
            skills([&[3, 5][..], &[1, 3], &[3, 5], &[1, 3], &[5, 6]].map(Some)),
        ),
        ("correct", Arc::new(Int8Array::from(vec![1, 0, 0, 1, 1]))),
    ]
}

fn skills<const N: usize>(lists: [Option<&[i16]>; N]) -> ArrayRef {
    let lists = lists.map(|list| list.map(|list| list.iter().copied().map(Some)));
    Arc::new(arrow::array::ListArray::from_iter_primitive::<
        Int16Type,
        _,
        _,
    >(lists))
}

/// The same with another column of this name.
fn with(name: &str, column: impl Array + 'static) -> Columns {
    with_ref(name, Arc::new(column))
}

fn with_ref(name: &str, column: ArrayRef) -> Columns {
    let mut columns = usual();
    let place = columns.iter().position(|(known, _)| *known == name);
    columns[place.unwrap()].1 = column;
    columns
}

fn without(name: &str) -> Columns {
    let mut columns = usual();
    columns.retain(|(known, _)| *known != name);
    columns
}

/// The same with a column of another type.
fn casted(name: &str, kind: &DataType) -> Columns {
    let columns = usual();
    let (_, column) = columns.iter().find(|(known, _)| *known == name).unwrap();
    with_ref(name, cast(column, kind).unwrap())
}

fn read_back(columns: Columns) -> anyhow::Result<Content> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.parquet");
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    read(&path)
}

fn answers(columns: Columns) -> Answers {
    match read_back(columns) {
        Ok(Content::Answers(answers, 0)) => answers,
        other => panic!("{other:?}"),
    }
}

fn items(answers: &Answers) -> Vec<usize> {
    let all = answers.pupils().iter().flat_map(|pupil| &pupil.answers);
    all.map(|answer| answer.item).collect()
}

fn times_of(columns: Columns) -> Vec<Option<f64>> {
    let answers = answers(columns);
    let all = answers.pupils().iter().flat_map(|pupil| &pupil.answers);
    all.map(|answer| answer.time).collect()
}

fn fault(columns: Columns) -> String {
    format!("{:#}", read_back(columns).unwrap_err())
}

#[test]
fn a_file_is_read_by_pupil_in_their_order() {
    let read = answers(usual());
    let keys: Vec<u64> = read.pupils().iter().map(|pupil| pupil.key).collect();
    assert_eq!(keys, [4, 9]);
    assert_eq!(items(&read), [0, 1, 0, 1, 2]);
    let tags: Vec<&[usize]> = read.items().iter().map(|tags| &**tags).collect();
    assert_eq!(tags, [&[0, 1][..], &[2, 0], &[1, 3]]);
    let outcomes: Vec<f64> = read.pupils()[0].answers.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [1.0, 0.0, 0.0]);
    assert_eq!(read.pupils()[0].answers[1].time, Some(70.0));
}

#[test]
fn the_same_values_of_other_types_are_the_same_answers() {
    let usual = answers(usual());
    let seconds = DataType::Timestamp(TimeUnit::Second, None);
    let dictionary = |of: DataType| DataType::Dictionary(Box::new(DataType::Int16), Box::new(of));
    for name in ["student_id", "order", "item_id", "correct"] {
        for kind in [
            DataType::Int16,
            DataType::Int64,
            DataType::UInt8,
            DataType::UInt64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal128(20, 3),
            dictionary(DataType::Int64),
        ] {
            assert_eq!(answers(casted(name, &kind)), usual, "{name} as {kind}");
        }
    }
    assert_eq!(answers(casted("correct", &DataType::Boolean)), usual);
    let of = |kind: DataType| Arc::new(Field::new("element", kind, true));
    for kind in [
        DataType::List(of(DataType::UInt64)),
        DataType::List(of(dictionary(DataType::Int32))),
        DataType::LargeList(of(DataType::Int32)),
        DataType::FixedSizeList(of(DataType::Int8), 2),
        DataType::LargeList(of(DataType::Float64)),
    ] {
        assert_eq!(
            answers(casted("skill_ids", &kind)),
            usual,
            "skills as {kind}"
        );
    }
    for kind in [
        DataType::Int32,
        DataType::UInt64,
        DataType::Float64,
        DataType::Duration(TimeUnit::Second),
        dictionary(DataType::Int64),
        seconds.clone(),
    ] {
        assert_eq!(answers(casted("ts", &kind)), usual, "times as {kind}");
    }
    let with_seconds = cast(&usual_column("ts"), &seconds).unwrap();
    for unit in [
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ] {
        let kind = DataType::Timestamp(unit, Some("UTC".into()));
        let column = cast(&with_seconds, &kind).unwrap();
        assert_eq!(answers(with_ref("ts", column)), usual, "times as {kind}");
    }
}

fn usual_column(name: &str) -> ArrayRef {
    let columns = usual();
    let (_, column) = columns.iter().find(|(known, _)| *known == name).unwrap();
    Arc::clone(column)
}

#[test]
fn rows_may_stand_in_any_order() {
    let places = Int32Array::from(vec![3, 2, 4, 0, 1]);
    let columns = usual().into_iter();
    let mixed = columns.map(|(name, column)| (name, take(&column, &places, None).unwrap()));
    assert_eq!(answers(mixed.collect()), answers(usual()));
}

#[test]
fn of_one_place_in_the_order_the_row_that_comes_first_is_first() {
    let read = answers(with("order", Int32Array::from(vec![7, 7, 7, -3, -3])));
    assert_eq!(read, answers(usual()));
}

#[test]
fn keys_may_be_negative_and_far_apart() {
    let student = Int64Array::from(vec![i64::MIN, i64::MIN, i64::MIN, i64::MAX, i64::MAX]);
    assert_eq!(
        items(&answers(with("student_id", student))),
        [0, 1, 0, 1, 2]
    );
    let far = Int64Array::from(vec![-1, i64::MAX, -1, i64::MAX, 0]);
    assert_eq!(items(&answers(with("item_id", far))), [0, 1, 0, 1, 2]);
    let large = arrow::array::UInt64Array::from(vec![u64::MAX, 7, u64::MAX, 7, u64::MAX - 1]);
    assert_eq!(items(&answers(with("item_id", large))), [0, 1, 0, 1, 2]);
}

#[test]
fn a_time_that_is_not_told_is_none() {
    let some = Int64Array::from(vec![Some(10), None, Some(-1), Some(0), Some(6)]);
    let expected = [Some(10.0), None, None, Some(0.0), Some(6.0)];
    assert_eq!(times_of(with("ts", some)), expected);
    let odd = Float64Array::from(vec![f64::NAN, f64::INFINITY, -1.0, 0.5, 6.0]);
    assert_eq!(
        times_of(with("ts", odd)),
        [None, None, None, Some(0.5), Some(6.0)]
    );
    assert_eq!(times_of(without("ts")), [None; 5]);
    assert_eq!(
        times_of(with_ref("ts", new_null_array(&DataType::Null, 5))),
        [None; 5]
    );
    let days = cast(&Int32Array::from(vec![0, 1, 2, 3, 4]), &DataType::Date32).unwrap();
    assert_eq!(times_of(with_ref("ts", days))[1], Some(86_400.0));
}

#[test]
fn a_set_of_skills_has_no_order() {
    let lists = skills([&[5, 3, 5][..], &[3, 1], &[3, 5], &[1, 3], &[5, 6]].map(Some));
    assert_eq!(answers(with_ref("skill_ids", lists)), answers(usual()));
}

#[test]
fn sets_of_an_item_with_a_skill_in_common_are_one_item_and_others_are_not() {
    let item = Int32Array::from(vec![2; 5]);
    let mut columns = with("item_id", item);
    columns[4].1 = skills([&[3][..], &[8, 9], &[5], &[3, 5], &[9]].map(Some));
    let read = answers(columns);
    assert_eq!(items(&read), [0, 1, 0, 0, 1]);
    let tags: Vec<&[usize]> = read.items().iter().map(|tags| &**tags).collect();
    assert_eq!(tags, [&[0, 1][..], &[2, 3]]);
}

#[test]
fn what_names_no_skill_is_of_one_competency() {
    let lists = skills([None, Some(&[][..]), None, Some(&[1, 3]), Some(&[5, 6])]);
    let read = answers(with_ref("skill_ids", lists));
    // Item 7 comes once without and once with skills: these ask for different things.
    assert_eq!(items(&read), [0, 1, 0, 2, 3]);
    assert_eq!((&*read.items()[0], &*read.items()[1]), (&[0][..], &[0][..]));
    assert_eq!(read.domains().len(), 5);
    let nulls = with_ref("skill_ids", new_null_array(&DataType::Null, 5));
    assert_eq!(answers(nulls).domains().len(), 1);
}

#[test]
fn one_skill_need_not_be_a_list() {
    let alone = Int32Array::from(vec![Some(3), Some(1), Some(3), None, Some(3)]);
    let read = answers(with("skill_ids", alone));
    assert_eq!(items(&read), [0, 1, 0, 2, 3]);
    assert_eq!(read.domains().len(), 3);
}

#[test]
fn a_row_a_skill_is_one_answer_and_the_same_row_again_is_another() {
    let a_row_a_skill = |item: Vec<i32>, lists| -> Columns {
        let mut columns = with("student_id", Int32Array::from(vec![4; 5]));
        columns[1].1 = Arc::new(Int32Array::from(vec![0, 0, 0, 1, 1]));
        columns[2].1 = Arc::new(Int64Array::from(vec![-1; 5]));
        columns[3].1 = Arc::new(Int32Array::from(item));
        columns[4].1 = lists;
        columns[5].1 = Arc::new(Int8Array::from(vec![1; 5]));
        columns
    };
    let each = [&[8][..], &[3], &[5], &[3], &[5]].map(Some);
    let read = answers(a_row_a_skill(vec![2, 2, 2, 7, 7], skills(each)));
    assert_eq!(items(&read), [0, 1]);
    assert_eq!(*read.items()[0], [0, 1, 2]);
    assert_eq!(*read.items()[1], [0, 1]);
    let again = [&[3][..]; 5].map(Some);
    let read = answers(a_row_a_skill(vec![2; 5], skills(again)));
    assert_eq!(items(&read), [0; 5]);
}

#[test]
fn an_outcome_that_is_missing_leaves_its_row_out() {
    let outcomes = Int8Array::from(vec![Some(1), None, Some(0), Some(1), None]);
    let Content::Answers(read, left_out) = read_back(with("correct", outcomes)).unwrap() else {
        panic!("there are answers");
    };
    assert_eq!((items(&read).len(), left_out), (3, 2));
}

#[test]
fn what_would_have_to_be_guessed_is_refused_by_name() {
    let partly = Float64Array::from(vec![1.0, 0.5, 0.0, 1.0, 1.0]);
    assert!(fault(with("correct", partly)).contains("column correct: 0.5 is no whole number"));
    let two = Int8Array::from(vec![1, 2, 0, 1, 1]);
    assert!(fault(with("correct", two)).contains("2, which is neither 0 nor 1"));
    let nobody = Int32Array::from(vec![Some(1), None, Some(1), Some(1), Some(1)]);
    assert!(fault(with("student_id", nobody)).contains("student_id has missing values"));
    let names = StringArray::from(vec!["a", "b", "c", "d", "e"]);
    assert!(fault(with("item_id", names)).contains("column item_id: Utf8 are no whole numbers"));
    let days = StringArray::from(vec!["2026-01-01"; 5]);
    assert!(fault(with("ts", days)).contains("column ts holds Utf8, which is no time"));
    assert!(fault(without("order")).contains("there is no column order"));
}

#[test]
fn a_file_without_answers_is_told_apart_from_a_broken_one() {
    let nothing = |columns| match read_back(columns) {
        Ok(Content::Nothing(why)) => why,
        other => panic!("{other:?}"),
    };
    let other: Columns = without("correct").into_iter().take(3).collect();
    assert_eq!(nothing(other), "it holds no answers");
    let none = usual()
        .into_iter()
        .map(|(name, column)| (name, column.slice(0, 0)));
    assert_eq!(nothing(none.collect()), "it is empty");
    let unknown = with_ref("correct", new_null_array(&DataType::Int8, 5));
    assert_eq!(nothing(unknown), "it is empty");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.parquet");
    fs::write(&path, "no Parquet").unwrap();
    let told = format!("{:#}", read(&path).unwrap_err());
    assert!(
        told.contains("could not read") && told.contains("broken.parquet"),
        "{told}"
    );
}
