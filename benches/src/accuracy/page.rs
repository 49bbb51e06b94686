//! What a run measured, as a section of a page in Markdown.

use std::fmt::Write as _;

use super::Outcome;
use super::variants::VARIANTS;
use crate::baselines;

/// The tables of a file: the model beside the baselines, then what each part is worth.
#[must_use]
pub fn page(file: &str, about: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("### {file}\n\n{about}\n\n");
    text += "| model | AUC | sd over folds | log loss | RMSE | accuracy | ECE |\n|---|---|---|---|---|---|---|\n";
    let of = |model: &str| outcomes.iter().find(|outcome| outcome.model == model);
    let names = baselines::ALL.iter().map(|(name, _)| *name);
    for outcome in names.chain(["sillage"]).filter_map(of) {
        let scores = outcome.scores;
        let _ = writeln!(
            text,
            "| {} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} |",
            outcome.model,
            scores.auc,
            outcome.spread,
            scores.log_loss,
            scores.rmse,
            scores.accuracy,
            scores.ece,
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
        let _ = writeln!(
            text,
            "| `{}`: {} | {:.4} | {:+.4} | {:+.4} | {:.4} |",
            variant.name,
            variant.without,
            part.scores.auc,
            whole.scores.auc - part.scores.auc,
            part.scores.log_loss - whole.scores.log_loss,
            part.scores.ece,
        );
    }
    text.push('\n');
    text
}
