//! `accuracy`: each answer of every file predicted before it is seen, by items and constants fitted to other
//! pupils, beside the baselines of the literature and the model without each of its parts.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, anyhow, bail, ensure};
use fit::plot;
use fit::sequences::Sequences;
use fit::{Answers, Predicted, Settings, filter, fit};
use mastery::Hyper;

use super::Arguments;
use crate::accuracy::{
    Content, Fold, Outcome, VARIANTS, Variant, files, folded, folds, made_up, page, placed,
    plot_name, read,
};
use crate::report::{Bar, Report, complain, results};
use crate::server::cores;
use crate::{baselines, workspace_root};

/// What the mean AUC has to be on the files we know: the figures of the reference implementation less
/// 0.002, for noise and other folds.
const KNOWN: [(&str, f64); 3] = [
    ("algebra05_part", 0.827),
    ("assist09", 0.784),
    ("statcloze", 0.855),
];

/// Among the results: the tables as Markdown, and the folder of the plots. `docs` has the same folder.
const TABLES: &str = "accuracy.md";
const PLOTS: &str = "model";

/// The calibration error that no file may exceed.
const ECE: f64 = 0.02;

/// Measures every file; made-up answers in the smallest form.
pub fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    if arguments.smoke {
        let settings = Settings {
            evaluations: 30,
            ..Settings::default()
        };
        let mut report = report();
        let outcomes = measure("made-up", &folds(&made_up(60, 1))?, &settings)?;
        add(&mut report, "made-up", &outcomes);
        return Ok(report);
    }
    let Some(folder) = &arguments.reference_data else {
        bail!(
            "set SILLAGE_REFERENCE_DATA to the folder of the reference data, in which *.parquet files of answers are"
        )
    };
    let results = results();
    let report = measure_all(folder, &results, &Settings::default())?;
    if arguments.docs {
        if report.failures().is_empty() {
            document(&results, &workspace_root().join("docs"))?;
        } else {
            complain("docs/model.md stays as it is: not every file was measured");
        }
    }
    Ok(report)
}

fn report() -> Report {
    let heading = format!(
        "accuracy: 5 folds by pupil, items and constants fitted on the other folds; {} processors",
        cores()
    );
    Report::new("accuracy", heading)
}

/// Measures every file of a folder. Rows, tables and plots are written into `results`, over those of an
/// earlier run, after each file. A file that cannot be read or measured is one of the report's failures and
/// stops no other.
fn measure_all(folder: &Path, results: &Path, settings: &Settings) -> anyhow::Result<Report> {
    let mut report = report();
    let mut tables = String::new();
    let write = |report: &Report, tables: &str| {
        report.write(results)?;
        let path = results.join(TABLES);
        fs::write(&path, tables).with_context(|| format!("could not write {}", path.display()))
    };
    write(&report, &tables)?;
    let plots = Plots::emptied(results.join(PLOTS))?;
    for path in files(folder)? {
        let file = path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .context("a file without a name")?;
        match whatever_happens(|| measure_file(&file, &path, settings)) {
            Ok(Measured::Nothing(why)) => complain(&format!("{file}: passed over, {why}")),
            Ok(Measured::Models { about, outcomes }) => {
                add(&mut report, &file, &outcomes);
                tables += &page(&file, &about, &outcomes);
                plots.draw(&file, &outcomes)?;
            }
            Err(error) => report.fail(format!("{file}: {error:#}")),
        }
        write(&report, &tables)?;
    }
    ensure!(
        !report.rows().is_empty() || !report.failures().is_empty(),
        "no file of {} holds answers that can be measured",
        folder.display()
    );
    Ok(report)
}

/// What came of a file.
enum Measured {
    /// It holds nothing that could be measured, and why.
    Nothing(&'static str),
    /// What it holds in a line, and how each model did.
    Models {
        about: String,
        outcomes: Vec<Outcome>,
    },
}

fn measure_file(file: &str, path: &Path, settings: &Settings) -> anyhow::Result<Measured> {
    let (answers, left_out) = match read(path)? {
        Content::Nothing(why) => return Ok(Measured::Nothing(why)),
        Content::Answers(answers, left_out) => (answers, left_out),
    };
    let folds = folds(&answers)?;
    if folds.is_empty() {
        return Ok(Measured::Nothing(
            "it has a single pupil: there is nobody to learn from",
        ));
    }
    Ok(Measured::Models {
        about: about(&answers, left_out),
        outcomes: measure(file, &folds, settings)?,
    })
}

/// A panic is an error like any other: it costs one file.
fn whatever_happens<T>(step: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    panic::catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|payload| {
        let told = payload.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(anyhow!(
            "it broke off: {}",
            told.unwrap_or("no reason told")
        ))
    })
}

/// Every model on a file.
fn measure(file: &str, folds: &[Fold], settings: &Settings) -> anyhow::Result<Vec<Outcome>> {
    let mut predicted: Predictions = BTreeMap::new();
    for (index, fold) in folds.iter().enumerate() {
        complain(&format!("{file}: fold {} of {}", index + 1, folds.len()));
        let hyper = whole(fold, settings, &mut predicted)?;
        for (name, told) in parts(fold, &hyper, settings)? {
            keep(&mut predicted, format!("sillage-{name}"), told);
        }
        for (name, told) in compare(fold)? {
            keep(&mut predicted, name.to_owned(), told);
        }
    }
    let outcomes = predicted
        .into_iter()
        .map(|(model, folds)| Outcome::of(model, &folds));
    Ok(outcomes.collect())
}

/// By model, the predictions of each fold.
type Predictions = BTreeMap<String, Vec<Vec<Predicted>>>;

fn keep(predicted: &mut Predictions, model: String, told: Vec<Predicted>) {
    predicted.entry(model).or_default().push(told);
}

/// The model: fitted as operators fit, predicted by the fold that every statement goes through.
fn whole(fold: &Fold, settings: &Settings, predicted: &mut Predictions) -> anyhow::Result<Hyper> {
    let fitted = fit(&fold.train, settings);
    keep(
        predicted,
        "sillage".to_owned(),
        folded(&fitted, &fold.test)?,
    );
    Ok(fitted.hyper)
}

/// The model without each of its parts: as many at a time as there are workers, each on one thread.
fn parts(
    fold: &Fold,
    whole: &Hyper,
    settings: &Settings,
) -> anyhow::Result<Vec<(&'static str, Vec<Predicted>)>> {
    let alone = Settings {
        workers: 1,
        ..settings.clone()
    };
    let everybody: Vec<usize> = (0..fold.test.pupils().len()).collect();
    let part = |variant: &Variant| {
        let fitted = fit(&fold.train, &variant.settings(whole, &alone));
        let test = Sequences::new(&fold.test, &everybody, &fitted.hyper);
        filter::predictions(&test, &fitted.items, &fitted.hyper, 1)
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(variant) = VARIANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((variant.name, part(variant)));
        }
        done
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..settings.workers).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow!("a part broke off"))?);
        }
        Ok(all)
    })
}

/// The baselines, side by side.
fn compare(fold: &Fold) -> anyhow::Result<Vec<(&'static str, Vec<Predicted>)>> {
    thread::scope(|scope| {
        let workers = baselines::ALL
            .map(|(name, baseline)| (name, scope.spawn(move || baseline(&fold.train, &fold.test))));
        let joined = workers.into_iter().map(|(name, worker)| {
            let told = worker.join().map_err(|_| anyhow!("{name} broke off"))?;
            Ok((name, told))
        });
        joined.collect()
    })
}

fn add(report: &mut Report, file: &str, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let case = format!("{file}/{}", outcome.model);
        let ours = outcome.model == "sillage";
        if let Some(auc) = outcome.auc {
            match KNOWN.iter().find(|(known, _)| *known == file && ours) {
                Some((_, bar)) => {
                    report.add_held_to(&case, "auc", auc.mean, "1", Bar::AtLeast(*bar));
                }
                None => report.add(&case, "auc", auc.mean, "1"),
            }
        }
        report.add(&case, "logloss", outcome.log_loss, "1");
        report.add(&case, "rmse", outcome.rmse, "1");
        report.add(&case, "accuracy", outcome.accuracy, "1");
        if !ours || file == "made-up" {
            report.add(&case, "ece", outcome.ece, "1");
            continue;
        }
        report.add_held_to(&case, "ece", outcome.ece, "1", Bar::AtMost(ECE));
        if let Some(over) = over_best_baseline(outcome, outcomes) {
            report.add_held_to(
                &case,
                "auc_over_best_baseline",
                over,
                "1",
                Bar::AtLeast(1.0),
            );
        }
    }
}

/// A model's AUC over the best baseline's, where both have one.
fn over_best_baseline(ours: &Outcome, outcomes: &[Outcome]) -> Option<f64> {
    let is_baseline =
        |other: &&Outcome| baselines::ALL.iter().any(|(name, _)| *name == other.model);
    let baselines = outcomes.iter().filter(is_baseline);
    let best = baselines.filter_map(|other| Some(other.auc?.mean));
    let best = best.fold(0.0, f64::max);
    (best > 0.0).then_some(ours.auc?.mean / best)
}

/// What a file holds, in a line.
fn about(answers: &Answers, left_out: usize) -> String {
    let count: usize = answers.pupils().iter().map(|p| p.answers.len()).sum();
    let left_out = match left_out {
        0 => String::new(),
        rows => format!("; {rows} rows that tell no outcome left out"),
    };
    format!(
        "{count} answers, {} pupils, {} items, {} competencies, {}{left_out}.",
        answers.pupils().len(),
        answers.items().len(),
        answers.domains().len(),
        if answers.timed() {
            "with times"
        } else {
            "without times"
        },
    )
}

/// The folder of the reliability plots.
struct Plots(PathBuf);

impl Plots {
    /// The folder, without the plots of an earlier run.
    fn emptied(folder: PathBuf) -> anyhow::Result<Self> {
        let empty = || -> std::io::Result<()> {
            fs::create_dir_all(&folder)?;
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|name| name == "svg") {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        };
        empty().with_context(|| format!("could not empty {}", folder.display()))?;
        Ok(Self(folder))
    }

    fn draw(&self, file: &str, outcomes: &[Outcome]) -> anyhow::Result<()> {
        let Some(ours) = outcomes.iter().find(|outcome| outcome.model == "sillage") else {
            return Ok(());
        };
        let path = self.0.join(plot_name(file));
        let title = format!("{file}: expected and come, ECE {:.4}", ours.ece);
        let dots = plot::dots(&ours.reliability);
        fs::write(&path, plot::reliability(&title, &dots))
            .with_context(|| format!("could not write {}", path.display()))
    }
}

/// Puts the tables and plots of a run into the documentation, over those of an earlier run.
fn document(results: &Path, docs: &Path) -> anyhow::Result<()> {
    let told = || format!("could not write into {}", docs.display());
    let tables = fs::read_to_string(results.join(TABLES)).with_context(told)?;
    let measured = format!(
        "Measured {}, {} processors.\n\n{tables}",
        service::clock::now().format("%Y-%m-%d"),
        cores()
    );
    let path = docs.join("model.md");
    let page = fs::read_to_string(&path).with_context(told)?;
    fs::write(&path, placed(&page, &measured)?).with_context(told)?;
    let plots = Plots::emptied(docs.join(PLOTS))?;
    for entry in fs::read_dir(results.join(PLOTS)).with_context(told)? {
        let entry = entry.with_context(told)?;
        fs::copy(entry.path(), plots.0.join(entry.file_name())).with_context(told)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
