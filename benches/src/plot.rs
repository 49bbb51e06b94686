//! The figures of a run as a picture: bars in SVG, no script, readable without colours.
//!
//! On top what has to meet a bar, all on one scale: the value over its bar, so that the bar is one line
//! for all. Below, a panel a unit, the other figures.

use std::fmt::Write as _;

use fit::Reliability;

use crate::report::{Bar, Row, figure};

/// Widths of the picture: of the names, of the longest bar, of the values beside them.
const NAMES: f64 = 330.0;
const BARS: f64 = 420.0;
const VALUES: f64 = 240.0;

/// The height of a row, and of what stands in it.
const ROW: f64 = 22.0;

/// How often the bar fits into the longest: what goes further is cut off, its figure tells it.
const TIMES: f64 = 2.0;

/// Letters of the heading in a line.
const LINE: usize = 110;

/// What has met its bar, what has missed it, what has none. They differ in brightness, too.
const MET: &str = "#2f7d5b";
const MISSED: &str = "#e0803a";
const PLAIN: &str = "#6c8ebf";

/// A picture that is being drawn, from top to bottom.
struct Drawing {
    body: String,
    y: f64,
}

/// The picture.
#[must_use]
pub fn svg(heading: &str, rows: &[Row]) -> String {
    let mut drawing = Drawing {
        body: String::new(),
        y: ROW,
    };
    for line in wrapped(heading) {
        drawing.text(10.0, "start", &line, "font-weight=\"bold\"");
        drawing.y += ROW;
    }
    drawing.held(rows.iter().filter_map(|row| Some((row, row.bar?))));
    let mut units: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.bar.is_none()) {
        if !units.contains(&row.unit.as_str()) {
            units.push(&row.unit);
        }
    }
    for unit in units {
        drawing.panel(
            unit,
            rows.iter()
                .filter(|row| row.bar.is_none() && row.unit == unit),
        );
    }
    drawing.whole()
}

impl Drawing {
    /// Values over their bars.
    fn held<'a>(&mut self, rows: impl Iterator<Item = (&'a Row, Bar)>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        self.title("against the bars (the line)");
        let top = self.y;
        for (row, bar) in rows {
            let met = bar.is_met(row.value);
            let share = row.value / bar.line() / TIMES;
            let unit = if row.unit == "1" {
                ""
            } else {
                row.unit.as_str()
            };
            let says = format!("{} {unit} ({})", figure(row.value), bar.verdict(row.value));
            self.bar(row, share, if met { MET } else { MISSED }, &says);
        }
        let x = NAMES + BARS / TIMES;
        let _ = writeln!(
            self.body,
            "<line x1=\"{x}\" y1=\"{:.0}\" x2=\"{x}\" y2=\"{:.0}\" stroke=\"#000\" stroke-width=\"2\"/>",
            top - ROW * 0.7,
            self.y - ROW * 0.7,
        );
    }

    /// Values of one unit, beside the greatest of them.
    fn panel<'a>(&mut self, unit: &str, rows: impl Iterator<Item = &'a Row> + Clone) {
        self.title(if unit == "1" { "ratios" } else { unit });
        let most = rows.clone().map(|row| row.value).fold(0.0, f64::max);
        for row in rows {
            self.bar(row, row.value / most, PLAIN, &figure(row.value));
        }
    }

    fn title(&mut self, text: &str) {
        self.y += ROW / 2.0;
        self.text(10.0, "start", text, "font-style=\"italic\"");
        self.y += ROW;
    }

    /// A row: its name, a bar of this share of the longest, what it says.
    fn bar(&mut self, row: &Row, share: f64, colour: &str, says: &str) {
        let name = format!("{} {}", row.case, row.metric);
        self.text(NAMES - 8.0, "end", &name, "");
        // Not a number: a share of nothing.
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        let _ = writeln!(
            self.body,
            "<rect x=\"{NAMES}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>",
            self.y - ROW * 0.6,
            BARS * share,
            ROW * 0.75,
        );
        self.text(NAMES + BARS + 8.0, "start", says, "");
        self.y += ROW;
    }

    fn text(&mut self, x: f64, anchor: &str, text: &str, style: &str) {
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{:.0}\" text-anchor=\"{anchor}\" {style}>{}</text>",
            self.y,
            escaped(text),
        );
    }

    fn whole(self) -> String {
        let (width, height) = (NAMES + BARS + VALUES, self.y);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height:.0}\" width=\"{width}\" \
             height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// Sides of a reliability plot, and the edge around it.
const SIDE: f64 = 360.0;
const EDGE: f64 = 46.0;

/// Expected success against success that came, a dot a bin: on the line where predictions can be trusted.
/// Below it how many answers are in each bin.
#[must_use]
pub fn reliability(heading: &str, reliability: &Reliability) -> String {
    let most = reliability.bins.iter().map(|bin| bin.answers).max();
    let most = (most.unwrap_or(0) as f64).max(1.0);
    let (x, y) = (|p: f64| EDGE + SIDE * p, |p: f64| EDGE + SIDE * (1.0 - p));
    let (floor, height) = (EDGE + SIDE + 110.0, 64.0);
    let width = SIDE / reliability.bins.len() as f64;
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
    for (index, bin) in reliability.bins.iter().enumerate() {
        if bin.answers == 0 {
            continue;
        }
        let count = bin.answers as f64;
        let bar = height * count / most;
        let _ = writeln!(
            body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{MET}\"/>\n\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{bar:.1}\" fill=\"{PLAIN}\"/>",
            x(bin.expected / count),
            y(bin.correct as f64 / count),
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

/// A text in lines, broken at spaces.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines
            .last_mut()
            .filter(|line| line.len() + word.len() < LINE);
        match last {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                *line += word;
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(metric: &str, value: f64, unit: &str, bar: Option<Bar>) -> Row {
        Row {
            case: "single".to_owned(),
            metric: metric.to_owned(),
            value,
            unit: unit.to_owned(),
            bar,
        }
    }

    #[test]
    fn a_bar_stands_at_half_of_the_longest() {
        let rows = [
            row("ratio", 0.25, "1", Some(Bar::AtLeast(0.5))),
            row("p99", 500.0, "ms", Some(Bar::AtMost(50.0))),
            row("rate", 7.0, "statement/s", None),
        ];
        let text = svg("two < three & more", &rows);
        assert!(text.contains("two &lt; three &amp; more"));
        // Half of its bar, which is half of the longest; what is beyond is cut off; the only one of
        // its unit is the longest.
        for (width, colour) in [(BARS / 4.0, MISSED), (BARS, MISSED), (BARS, PLAIN)] {
            let bar = format!("width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"");
            assert!(text.contains(&bar), "{bar} is not in {text}");
        }
        assert!(text.contains("500 ms (≤ 50.0, missed)"));
    }

    #[test]
    fn a_figure_that_is_none_draws_nothing() {
        let text = svg("", &[row("x", f64::NAN, "1", None)]);
        assert!(text.contains("width=\"0.0\"") && !text.contains("width=\"NaN"));
    }

    #[test]
    fn a_bin_is_a_dot_at_what_was_expected_and_what_came() {
        let mut all = Reliability::default();
        all.bins[15] = fit::scores::Bin {
            answers: 4,
            expected: 3.0,
            correct: 2,
        };
        let text = reliability("a & b", &all);
        let (x, y) = (EDGE + SIDE * 0.75, EDGE + SIDE * 0.5);
        assert!(
            text.contains(&format!("cx=\"{x:.1}\" cy=\"{y:.1}\"")),
            "{text}"
        );
        assert_eq!(text.matches("<circle").count(), 1);
        assert!(text.contains("a &amp; b"));
    }

    #[test]
    fn a_long_heading_goes_on_in_the_next_line() {
        let lines = wrapped(&"word ".repeat(60));
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(lines.join(" ").split(' ').count(), 60);
    }
}
