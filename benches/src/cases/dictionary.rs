//! `dictionary`: what a zstd dictionary saves of the statements that are kept, against no dictionary; and
//! how a new one is trained.
//!
//! It is trained on statements by the *plan de marquage* in many vocabularies (hosts, subjects, phrases,
//! platforms), their members in alphabetical or any other order. It is measured on vocabularies that it was
//! not trained on, in either order, and on the statements of `ingest`: what all of them share is the
//! profile and the specification.

use std::fs;
use std::hint::black_box;

use anyhow::Context as _;
use lrs::statement::payload;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use zstd::bulk::Compressor;

use super::Arguments;
use crate::data::{Size, Statements};
use crate::report::{Report, median, micros};
use crate::workspace_root;

/// Statements of a vocabulary.
const STATEMENTS: usize = 60;

/// Vocabularies to train on, and to measure on.
const VOCABULARIES: u64 = 120;

/// The size of a dictionary: half of a first cache of 32 kB, beside what is compressed.
const BYTES: usize = 16 * 1024;

/// Words to make vocabularies of.
const WORDS: &[&str] = &[
    "lecture",
    "grammaire",
    "fonctions",
    "calcul",
    "orthographe",
    "probabilites",
    "vecteurs",
    "argumentation",
    "lexique",
    "proportionnalite",
    "geometrie",
    "conjugaison",
    "statistiques",
    "fractions",
    "recit",
    "poesie",
    "equations",
    "puissances",
    "accords",
    "syntaxe",
    "inferences",
    "resume",
    "volumes",
    "pourcentages",
];

/// One way to compress a statement.
type Compress<'a> = &'a mut dyn FnMut(&[u8]) -> Vec<u8>;

/// Measures, and trains one beside.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let training: Vec<Vec<u8>> = (0..VOCABULARIES)
        .flat_map(|seed| vocabulary(seed, Order::of(seed)))
        .collect();
    let others = |order| -> Vec<Vec<u8>> {
        (VOCABULARIES..VOCABULARIES * 2)
            .flat_map(|seed| vocabulary(seed, order))
            .collect()
    };
    let measured = [
        ("dictionary_sorted", others(Order::Sorted)),
        ("dictionary_shuffled", others(Order::Shuffled)),
        (
            "dictionary_ingest",
            text_of(Statements::new(1, Size::default()), Order::Sorted, 0),
        ),
    ];
    let trained =
        zstd::dict::from_samples(&training, BYTES).context("could not train a dictionary")?;
    let path = workspace_root().join("benches/results/statements.zdict");
    fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
    fs::write(&path, &trained)?;

    let heading = format!(
        "dictionary: trained on {} statements, {BYTES} bytes, into {}",
        training.len(),
        path.display()
    );
    let mut report = Report::new("dictionary", heading);
    for (case, statements) in &measured {
        let mut plain = Compressor::new(payload::LEVEL)?;
        let mut with_trained = Compressor::with_dictionary(payload::LEVEL, &trained)?;
        report.add(case, "sent", mean(statements, Vec::len), "byte/statement");
        let sides: [(&str, Compress<'_>); 3] = [
            ("plain", &mut |sent| {
                plain.compress(sent).unwrap_or_default()
            }),
            ("trained_now", &mut |sent| {
                with_trained.compress(sent).unwrap_or_default()
            }),
            ("kept", &mut payload::compress),
        ];
        for (name, compress) in sides {
            report.add(
                case,
                name,
                mean(statements, |sent| compress(sent).len()),
                "byte/statement",
            );
            let times: Vec<f64> = (0..arguments.rounds)
                .map(|_| micros(statements, |sent| _ = black_box(compress(sent))))
                .collect();
            report.add(
                case,
                &format!("{name}_time"),
                median(&times),
                "µs/statement",
            );
        }
    }
    Ok(report)
}

/// The order of members.
#[derive(Clone, Copy, Debug)]
enum Order {
    Sorted,
    Shuffled,
}

impl Order {
    /// Half of the vocabularies are in either.
    fn of(seed: u64) -> Self {
        if seed.is_multiple_of(2) {
            Self::Sorted
        } else {
            Self::Shuffled
        }
    }
}

/// Statements in words of their own.
fn vocabulary(seed: u64, order: Order) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut word = || WORDS[random.random_range(0..WORDS.len())];
    let host = format!("{}.{}-{}.example", word(), word(), word());
    let replaced = [
        ("ent.example.org", host),
        ("calcul-litteral", format!("{}-{}", word(), word())),
        ("maths", word().to_owned()),
        ("Développer", format!("{} : {}", word(), word())),
        ("Série", word().to_owned()),
        ("Exerciseur 0.1", format!("{} {seed}.{}", word(), seed % 10)),
        ("/ido", format!("/{}", word())),
    ];
    let size = Size {
        pupils: 20,
        series: 10,
    };
    text_of(Statements::new(1_000 + seed, size), order, seed)
        .into_iter()
        .map(|text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            let replace = |text: String, (from, to): &(&str, String)| text.replace(from, to);
            replaced.iter().fold(text, replace).into_bytes()
        })
        .collect()
}

/// Statements as they are sent. The members of each object stand in the same order in all of them, as in
/// what one program writes.
fn text_of(statements: Statements, order: Order, seed: u64) -> Vec<Vec<u8>> {
    statements
        .take(STATEMENTS)
        .map(|one| match order {
            Order::Sorted => one.to_string(),
            Order::Shuffled => shuffled(&one, seed),
        })
        .map(String::into_bytes)
        .collect()
}

/// JSON with the members of each object in an order that the seed says.
fn shuffled(value: &Value, seed: u64) -> String {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            let members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| {
                    format!("{}:{}", Value::from(key.as_str()), shuffled(value, seed))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| shuffled(value, seed)).collect();
            format!("[{}]", values.join(","))
        }
        other => other.to_string(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn mean(statements: &[Vec<u8>], mut length: impl FnMut(&Vec<u8>) -> usize) -> f64 {
    statements.iter().map(&mut length).sum::<usize>() as f64 / statements.len() as f64
}
