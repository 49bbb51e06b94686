//! What a run measured, as Markdown, and its place in a page that is written by hand otherwise.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use super::Outcome;
use super::variants::VARIANTS;
use crate::baselines;

/// Between these lines stands what a run wrote.
const BEGIN: &str = "<!-- written by `cargo bench -p benches -- accuracy --docs` -->\n";
const END: &str = "<!-- end of what was written -->\n";

/// The name of a file's reliability plot.
#[must_use]
pub fn plot_name(file: &str) -> String {
    format!("reliability-{file}.svg")
}

/// The tables of a file: the model beside the baselines, then what each part is worth. Its plot is looked for
/// in the folder `model` beside the page.
#[must_use]
pub fn page(file: &str, about: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("### {file}\n\n{about}\n\n");
    text += "| model | AUC | sd over folds | log loss | RMSE | accuracy | ECE |\n|---|---|---|---|---|---|---|\n";
    let of = |model: &str| outcomes.iter().find(|outcome| outcome.model == model);
    let names = baselines::ALL.iter().map(|(name, _)| *name);
    for outcome in names.chain(["sillage"]).filter_map(of) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.4} | {:.4} | {:.4} | {:.4} |",
            outcome.model,
            figure(outcome.auc.map(|auc| auc.mean)),
            figure(outcome.auc.map(|auc| auc.spread)),
            outcome.log_loss,
            outcome.rmse,
            outcome.accuracy,
            outcome.ece,
        );
    }
    let Some(whole) = of("sillage") else {
        return text;
    };
    text += "\n| without | AUC | AUC lost | log loss gained | ECE |\n|---|---|---|---|---|\n";
    for variant in VARIANTS {
        let Some(part) = of(&format!("sillage-{}", variant.name)) else {
            continue;
        };
        let lost = whole.auc.zip(part.auc);
        let _ = writeln!(
            text,
            "| `{}`: {} | {} | {} | {:+.4} | {:.4} |",
            variant.name,
            variant.without,
            figure(part.auc.map(|auc| auc.mean)),
            lost.map_or_else(none, |(whole, part)| format!(
                "{:+.4}",
                whole.mean - part.mean
            )),
            part.log_loss - whole.log_loss,
            part.ece,
        );
    }
    let _ = writeln!(
        text,
        "\n![Expected success against success that came, {file}](model/{})\n",
        plot_name(file)
    );
    text
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(none, |value| format!("{value:.4}"))
}

/// What stands for a figure that there is not.
fn none() -> String {
    "–".to_owned()
}

/// A page with another text where a run writes.
///
/// # Errors
///
/// The page has no such place.
pub fn placed(page: &str, text: &str) -> anyhow::Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .with_context(|| format!("the page has no line {BEGIN}"))?;
    let (old, after) = rest
        .split_once(END)
        .with_context(|| format!("the page has no line {END}"))?;
    ensure!(!old.contains(BEGIN), "the page has two places to write to");
    Ok(format!("{before}{BEGIN}\n{}\n\n{END}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_wrote_is_written_anew_and_the_rest_stays() {
        let page = format!("# Title\n\nby hand\n\n{BEGIN}old\n{END}\nby hand, too\n");
        let placed = placed(&page, "### new\n\n").unwrap();
        assert_eq!(
            placed,
            format!("# Title\n\nby hand\n\n{BEGIN}\n### new\n\n{END}\nby hand, too\n")
        );
        assert_eq!(super::placed(&placed, "### new").unwrap(), placed);
        super::placed("# Title\n", "").unwrap_err();
    }

    #[test]
    fn the_page_of_the_model_has_its_place() {
        let path = crate::workspace_root().join("docs/model.md");
        let page = std::fs::read_to_string(path).unwrap();
        let placed = placed(&page, "### new").unwrap();
        assert!(placed.len() < page.len() && placed.contains("## Measured"));
    }
}
