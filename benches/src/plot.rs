//! The figures of a run as a picture: bars in SVG, no script, readable without colours.
//!
//! On top what has to meet a bar, all on one scale: the value over its bar, so that the bar is one line
//! for all. Below, a panel a unit, the other figures.

use std::fmt::Write as _;

use fit::plot::escaped;

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
    fn a_long_heading_goes_on_in_the_next_line() {
        let lines = wrapped(&"word ".repeat(60));
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(lines.join(" ").split(' ').count(), 60);
    }
}
