//! The reliability plot of a subject, from a check as it was kept.

use fit::plot::{Dot, reliability};
use serde_json::Value;

use super::Dimension;

/// The plot of a whole subject over a window, in SVG; none where the check has no answers of it there.
#[must_use]
pub fn of(report: &Value, subject: &str, days: u32) -> Option<String> {
    let slices = report["slices"].as_array()?;
    let slice = slices.iter().find(|slice| {
        slice["dimension"] == Dimension::Subject.as_str()
            && slice["subject"] == subject
            && slice["days"] == days
    })?;
    let bins = slice["reliability"].as_array()?.iter();
    let dots: Option<Vec<Dot>> = bins
        .map(|bin| {
            let figure = |place: usize| bin[place].as_f64();
            Some(Dot {
                answers: figure(0)?,
                expected: figure(1)?,
                came: figure(2)?,
            })
        })
        .collect();
    let heading = format!(
        "{subject}, {days} days to {}: ECE {:.4} of {} answers",
        report["day"].as_str()?,
        slice["ece"].as_f64()?,
        slice["answers"].as_i64()?,
    );
    Some(reliability(&heading, &dots?))
}
