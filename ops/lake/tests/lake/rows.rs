//! Made-up rows of the table `answers`, and what a table holds.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, ListBuilder,
    RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::Int64Type;
use lake::{Lake, LakeTable, register, session};
use schemas::tables::{ColumnType, Table, answers};
use tempfile::TempDir;

/// The application id of these tests.
pub(crate) const APP: &str = "sillage:1-1:answers";

/// The table of these tests.
pub(crate) const TABLE: &Table = &answers::TABLE;

pub(crate) struct Place {
    folder: TempDir,
    pub(crate) lake: Lake,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::at(folder.path().to_str().unwrap());
        Self { folder, lake }
    }

    pub(crate) async fn open(&self) -> LakeTable {
        LakeTable::open(&self.lake, TABLE).await.unwrap()
    }

    /// The entries of the table's log.
    pub(crate) fn commits(&self) -> Vec<String> {
        let log = self.folder.path().join(TABLE.name).join("_delta_log");
        let mut names: Vec<_> = std::fs::read_dir(log)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect();
        names.sort();
        names
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// The positions in the table's newest version, in order, each as often as it is there.
    pub(crate) async fn seqs(&self) -> Vec<i64> {
        seqs(&self.open().await).await
    }
}

pub(crate) async fn seqs(table: &LakeTable) -> Vec<i64> {
    let session = session(64 << 20).unwrap();
    register(&session, table).await.unwrap();
    let rows = session
        .sql("select seq from answers order by seq")
        .await
        .unwrap();
    rows.collect()
        .await
        .unwrap()
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect()
}

/// The id of the answer at a position.
pub(crate) fn id(seq: i64) -> String {
    format!("00000000-0000-4000-8000-{seq:012}")
}

/// The bucket of the answer at a position: few of them, so that files meet in them.
pub(crate) fn bucket(seq: i64) -> i32 {
    i32::try_from(seq % 3).unwrap()
}

/// Answers at these positions.
pub(crate) fn batch(seqs: &[i64]) -> RecordBatch {
    let rows = seqs.len();
    let time = |at: i64| -> ArrayRef {
        let at = TimestampMicrosecondArray::from_iter_values(seqs.iter().map(|seq| at + seq));
        Arc::new(at.with_timezone("UTC"))
    };
    let columns = answers::schema()
        .fields()
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "bucket" => Arc::new(Int32Array::from_iter_values(
                    seqs.iter().map(|seq| bucket(*seq)),
                )),
                "seq" => Arc::new(Int64Array::from(seqs.to_vec())),
                "id" => Arc::new(StringArray::from_iter_values(
                    seqs.iter().map(|seq| id(*seq)),
                )),
                "stored" | "answered_at" => time(1_780_000_000_123_456),
                "account" | "activity" => Arc::new(StringArray::from_iter_values(
                    seqs.iter()
                        .map(|seq| format!("{}-{}", field.name(), seq % 7)),
                )),
                "outcome" => Arc::new(Float64Array::from_iter_values(
                    seqs.iter().map(|seq| 1.0 / (*seq as f64 + 1.0)),
                )),
                "correct" | "invented_time" | "flag_no_offset" | "flag_old" => Arc::new(
                    BooleanArray::from_iter(seqs.iter().map(|seq| Some(seq % 2 == 0))),
                ),
                // The optional ones: there in every other row.
                "device_id" => Arc::new(StringArray::from_iter(
                    seqs.iter()
                        .map(|seq| (seq % 2 == 0).then(|| format!("é\u{1F600}{seq}"))),
                )),
                "skew_ms" => Arc::new(Int64Array::from_iter(
                    seqs.iter()
                        .map(|seq| (seq % 2 == 1).then_some(i64::MIN + seq)),
                )),
                "competencies" => {
                    let mut lists =
                        ListBuilder::new(StringBuilder::new()).with_field(ColumnType::element());
                    for seq in seqs {
                        let uris = (0..seq % 3).map(|n| Some(format!("competency-{n}")));
                        lists.append_option((seq % 2 == 0).then(|| uris.collect::<Vec<_>>()));
                    }
                    Arc::new(lists.finish())
                }
                _ => arrow::array::new_null_array(field.data_type(), rows),
            }
        })
        .collect();
    RecordBatch::try_new(answers::schema(), columns).unwrap()
}
