//! Which language of a language map a reader is given (RFC 9110 12.5.4, RFC 4647 3.4).

/// The languages that a reader takes, best first: the header `Accept-Language`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages {
    /// Lower-case ranges, best first; `*` for any.
    wanted: Vec<String>,
    /// Ranges with quality 0: only where there is nothing else.
    unwanted: Vec<String>,
}

impl Languages {
    /// Reads the header; what is not understood in it is left out, as if it were not there.
    #[must_use]
    pub fn read(header: &str) -> Self {
        let mut ranges: Vec<(String, u16)> = header.split(',').filter_map(range).collect();
        // A stable sort: among equals the order of the header counts.
        ranges.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
        let (wanted, unwanted): (Vec<_>, Vec<_>) =
            ranges.into_iter().partition(|(_, quality)| *quality > 0);
        let names = |ranges: Vec<(String, u16)>| ranges.into_iter().map(|(name, _)| name).collect();
        Self {
            wanted: names(wanted),
            unwanted: names(unwanted),
        }
    }

    /// The place of the best tag; none where there are no tags.
    ///
    /// For each range, best first: the tag itself; else a tag that is more precise (`fr` finds
    /// `fr-CA`); else the range without its last subtags (`fr-CA-x-y` finds `fr`). Where no range finds
    /// anything, the first tag that is not refused; the first where all are: what was written first is
    /// what its author put first.
    #[must_use]
    pub fn best(&self, tags: &[&str]) -> Option<usize> {
        let tags: Vec<String> = tags.iter().map(|tag| tag.to_ascii_lowercase()).collect();
        let refused = |tag: &str| {
            let matching = |ranges: &[String]| {
                let ranges = ranges.iter().filter(|range| covers(range, tag));
                ranges.map(String::len).max()
            };
            // The more precise range counts: `fr;q=0, fr-CA` takes fr-CA.
            matching(&self.unwanted)
                .is_some_and(|no| matching(&self.wanted).is_none_or(|yes| yes < no))
        };
        let allowed = |place: &usize| !refused(&tags[*place]);
        self.wanted
            .iter()
            .filter(|range| *range != "*")
            .find_map(|range| find(range, &tags, &allowed))
            .or_else(|| (0..tags.len()).find(allowed))
            .or(if tags.is_empty() { None } else { Some(0) })
    }
}

/// A range and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let is_range = name == "*"
        || name.split('-').all(|subtag| {
            (1..=8).contains(&subtag.len())
                && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if !is_range {
        return None;
    }
    let quality = match parts.next() {
        None => 1_000,
        Some(parameter) => {
            let (key, value) = parameter.split_once('=')?;
            let value: f32 = value.trim().parse().ok()?;
            if !key.trim().eq_ignore_ascii_case("q") || !(0.0..=1.0).contains(&value) {
                return None;
            }
            thousandths(value)
        }
    };
    Some((name, quality))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 1000"
)]
fn thousandths(quality: f32) -> u16 {
    // The smallest quality that is not none is 0.001; less than that is written by nobody.
    (quality * 1_000.0).ceil() as u16
}

/// Whether a tag is of a range: the same, or more precise.
fn covers(range: &str, tag: &str) -> bool {
    range == "*"
        || tag
            .strip_prefix(range)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn find(range: &str, tags: &[String], allowed: &impl Fn(&usize) -> bool) -> Option<usize> {
    let with = |fits: &dyn Fn(&str) -> bool| {
        (0..tags.len()).find(|place| fits(&tags[*place]) && allowed(place))
    };
    let mut shorter = range;
    with(&|tag| tag == range)
        .or_else(|| with(&|tag| covers(range, tag)))
        .or_else(|| {
            while let Some((rest, _)) = shorter.rsplit_once('-') {
                // A single letter announces what comes after it and goes with it.
                shorter = match rest.rsplit_once('-') {
                    Some((before, single)) if single.len() == 1 => before,
                    _ => rest,
                };
                let found = with(&|tag| tag == shorter);
                if found.is_some() {
                    return found;
                }
            }
            None
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_of_each_map_is_given() {
        let map = ["en", "en-GB", "fr-FR", "de-CH"];
        for (header, best) in [
            ("", "en"),
            ("en-GB", "en-GB"),
            ("EN-gb", "en-GB"),
            ("fr", "fr-FR"),
            ("de", "de-CH"),
            ("en-US", "en"),
            ("en-GB-x-twain", "en-GB"),
            ("fr;q=0.4, de-CH;q=0.5", "de-CH"),
            ("ja, *;q=0.1", "en"),
            ("ja", "en"),
            ("en;q=0, fr;q=0", "de-CH"),
            ("en;q=0, en-GB", "en-GB"),
            ("*;q=0", "en"),
            ("fr;q=2, x=1, (), de", "de-CH"),
            ("fr ; q=0.001 , ko;q=0", "fr-FR"),
        ] {
            let found = Languages::read(header).best(&map).map(|place| map[place]);
            assert_eq!(found, Some(best), "{header}");
        }
        assert_eq!(Languages::read("fr").best(&[]), None);
    }
}
