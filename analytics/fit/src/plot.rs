//! A reliability plot in SVG: no script, readable without colours.

use std::fmt::Write as _;

use crate::scores::Reliability;

/// Sides of the plot, and the edge around it.
const SIDE: f64 = 360.0;
const EDGE: f64 = 46.0;

/// The height of the bars below.
const BARS: f64 = 64.0;

/// Colours of what came and of how often.
const CAME: &str = "#2f7d5b";
const COUNT: &str = "#6c8ebf";

/// A bin of predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dot {
    /// Answers.
    pub answers: f64,
    /// Mean success expected.
    pub expected: f64,
    /// Mean success that came.
    pub came: f64,
}

/// The bins of a reliability, from 0 to 1.
#[must_use]
pub fn dots(reliability: &Reliability) -> Vec<Dot> {
    let bins = reliability.bins.iter().map(|bin| {
        let answers = bin.answers as f64;
        Dot {
            answers,
            expected: bin.expected / answers.max(1.0),
            came: bin.correct as f64 / answers.max(1.0),
        }
    });
    bins.collect()
}

/// Expected success against success that came, a dot a bin, the bins from 0 to 1: on the line where
/// predictions can be trusted. Below it how many answers are in each bin.
#[must_use]
pub fn reliability(heading: &str, dots: &[Dot]) -> String {
    let most = dots.iter().map(|dot| dot.answers).fold(1.0, f64::max);
    let (x, y) = (|p: f64| EDGE + SIDE * p, |p: f64| EDGE + SIDE * (1.0 - p));
    let floor = EDGE + SIDE + 110.0;
    let width = SIDE / (dots.len() as f64).max(1.0);
    let mut body = format!(
        "<text x=\"{EDGE}\" y=\"24\" font-weight=\"bold\">{}</text>\n\
         <rect x=\"{EDGE}\" y=\"{EDGE}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#999\"/>\n\
         <line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#999\" stroke-dasharray=\"4 3\"/>\n",
        escaped(heading),
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0),
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = writeln!(
            body,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
            EDGE - 6.0,
            y(tick) + 4.0,
            x(tick),
            EDGE + SIDE + 16.0,
        );
    }
    for (index, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.answers > 0.0) {
        let bar = BARS * dot.answers / most;
        let _ = writeln!(
            body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{CAME}\"/>\n\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{bar:.1}\" fill=\"{COUNT}\"/>",
            x(dot.expected),
            y(dot.came),
            EDGE + width * index as f64,
            floor - bar,
            width - 1.0,
        );
    }
    let (whole, tall) = (SIDE + 2.0 * EDGE, floor + 30.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {tall}\" width=\"{whole}\" \
         height=\"{tall}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}\
         <text x=\"{EDGE}\" y=\"{:.1}\">success expected; upwards: success that came; below: answers in \
         each bin</text>\n</svg>\n",
        floor + 18.0,
    )
}

/// A text as XML has it.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_a_dot_at_what_was_expected_and_what_came() {
        let mut all = Reliability::default();
        all.bins[15] = crate::scores::Bin {
            answers: 4,
            expected: 3.0,
            correct: 2,
        };
        let text = reliability("a & b", &dots(&all));
        let (x, y) = (EDGE + SIDE * 0.75, EDGE + SIDE * 0.5);
        assert!(
            text.contains(&format!("cx=\"{x:.1}\" cy=\"{y:.1}\"")),
            "{text}"
        );
        assert_eq!(text.matches("<circle").count(), 1);
        assert!(text.contains("a &amp; b"));
        assert!(!reliability("", &[]).contains("NaN"));
    }
}
