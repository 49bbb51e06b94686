//! Timestamps and durations of xAPI (1.0.3 Data 4.5 and 4.6), read by hand: nothing is allocated,
//! and each way of being wrong has a name.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};

/// A timestamp as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// The instant, to the microsecond; what was finer is cut off.
    pub utc: DateTime<Utc>,
    /// Whether an offset from UTC was written; without one the time was read as UTC.
    pub has_offset: bool,
    /// Whether it is written as RFC 3339 asks, and not only as ISO 8601 allows.
    pub is_rfc3339: bool,
}

/// Why a text is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not a date and time of ISO 8601 in the extended format.
    #[error("not a date and time of ISO 8601, such as 2026-10-05T18:42:11.250+02:00")]
    Format,
    /// An offset of minus zero, which RFC 3339 gives another meaning than UTC.
    #[error("an offset of minus zero: write Z or +00:00")]
    MinusZeroOffset,
}

/// Reads a timestamp; none when it is not one.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    check_timestamp(text).ok()
}

/// Reads `YYYY-MM-DDThh:mm:ss`, a fraction of a second, and an offset: the profile of RFC 3339,
/// except that ISO 8601 lets the offset be absent, and be written `+02` or `+0200`.
///
/// A leap second is read as the first instant after it, and is refused where UTC has none: anywhere
/// but at the end of a month.
///
/// # Errors
///
/// When the text has another form, or names a day or a time that does not exist.
pub fn check_timestamp(text: &str) -> Result<Timestamp, TimestampError> {
    read_timestamp(text.as_bytes()).ok_or(TimestampError::Format)?
}

/// The outer absence is a wrong form; the inner error an offset of minus zero.
fn read_timestamp(text: &[u8]) -> Option<Result<Timestamp, TimestampError>> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let digits = |range: std::ops::Range<usize>| number(date_time.get(range)?);
    let separators = [date_time[4], date_time[7], date_time[13], date_time[16]];
    if separators != *b"--::" || !matches!(date_time[10], b'T' | b't') {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(
        i32::try_from(digits(0..4)?).ok()?,
        digits(5..7)?,
        digits(8..10)?,
    )?;
    let second = digits(17..19)?;
    let time = day.and_hms_opt(digits(11..13)?, digits(14..16)?, second.min(59))?;
    if second > 60 {
        return None;
    }
    let (micros, rest) = fraction_micros(rest)?;
    let Some((minutes_east, is_rfc3339)) = (if rest.is_empty() {
        Some((0, false))
    } else {
        offset(rest)?
    }) else {
        return Some(Err(TimestampError::MinusZeroOffset));
    };
    let after_59 = if second == 60 {
        TimeDelta::seconds(1)
    } else {
        TimeDelta::microseconds(micros)
    };
    let utc = time
        .and_utc()
        .checked_add_signed(after_59)?
        .checked_sub_signed(TimeDelta::minutes(minutes_east))?;
    // RFC 3339 5.7: leap seconds end a month of UTC. Where no offset is told, nobody can say.
    if second == 60 && !rest.is_empty() && (utc.day(), utc.time()) != (1, NaiveTime::MIN) {
        return None;
    }
    Some(Ok(Timestamp {
        utc,
        has_offset: !rest.is_empty(),
        is_rfc3339: is_rfc3339 && !text.contains(&b','),
    }))
}

/// A fraction of a second after `.` or `,`, in microseconds, and what follows it.
fn fraction_micros(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let length = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    let micros = (0..6).fold(0, |sum, i| {
        sum * 10 + i64::from(digits[..length].get(i).map_or(0, |c| c - b'0'))
    });
    (length > 0).then_some((micros, &digits[length..]))
}

/// Minutes east of Greenwich, and whether the form is that of RFC 3339; inside, none for an offset
/// of minus zero.
fn offset(text: &[u8]) -> Option<Option<(i64, bool)>> {
    if matches!(text, b"Z" | b"z") {
        return Some(Some((0, true)));
    }
    let (sign, rest) = text.split_first()?;
    let (hours, minutes, is_rfc3339) = match rest.len() {
        2 => (number(rest)?, 0, false),
        4 => (number(&rest[..2])?, number(&rest[2..])?, false),
        5 if rest[2] == b':' => (number(&rest[..2])?, number(&rest[3..])?, true),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let total = i64::from(hours * 60 + minutes);
    match sign {
        b'+' => Some(Some((total, is_rfc3339))),
        b'-' if total == 0 => Some(None),
        b'-' => Some(Some((-total, is_rfc3339))),
        _ => None,
    }
}

/// A number of ASCII digits only, few enough for it to fit.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, c| {
        c.is_ascii_digit().then(|| sum * 10 + u32::from(c - b'0'))
    })
}

/// An instant as Sillage writes it: RFC 3339, in UTC, with six decimals and `Z`.
#[must_use]
pub fn format_timestamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A duration as ISO 8601 writes it (xAPI 1.0.3 Data 4.6): `P3Y1M29DT4H35M59.14S` or `P4W`.
///
/// Kept unit by unit, since months, years and even minutes have no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Each unit in thousandths, in the order years, months, weeks, days, hours, minutes, seconds;
    /// none where it was not written. Only the smallest one may have a fraction.
    thousandths: [Option<u64>; 7],
}

const UNITS: [char; 7] = ['Y', 'M', 'W', 'D', 'H', 'M', 'S'];
const WEEKS: usize = 2;
const FIRST_OF_TIME: usize = 4;

impl Duration {
    /// Reads a duration; none when it is not one. A fraction finer than a thousandth of its unit
    /// is cut off, and each unit may count up to a thousand million million.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('P')?.as_bytes();
        let mut duration = Self::default();
        let mut next = 0;
        let mut in_time = false;
        let mut had_fraction = false;
        while !rest.is_empty() {
            if rest[0] == b'T' && !in_time {
                in_time = true;
                next = FIRST_OF_TIME;
                rest = &rest[1..];
                // A `T` must have something after it.
                if rest.is_empty() {
                    return None;
                }
                continue;
            }
            if had_fraction {
                return None;
            }
            let (thousandths, fraction, after) = thousandths(rest)?;
            let (letter, after) = after.split_first()?;
            let last = if in_time { UNITS.len() } else { FIRST_OF_TIME };
            let unit = (next..last).find(|unit| UNITS[*unit] == char::from(*letter))?;
            duration.thousandths[unit] = Some(thousandths);
            had_fraction = fraction;
            next = unit + 1;
            rest = after;
        }
        duration.is_written().then_some(duration)
    }

    /// Something is written, and weeks stand alone.
    fn is_written(&self) -> bool {
        let units = self.thousandths.iter().flatten().count();
        units == 1 || (units > 1 && self.thousandths[WEEKS].is_none())
    }

    /// Its length in milliseconds; none when it has years or months, or is too long to say.
    #[must_use]
    pub fn millis(&self) -> Option<i64> {
        const SECONDS: [u64; 7] = [0, 0, 604_800, 86_400, 3_600, 60, 1];
        if self.thousandths[0].or(self.thousandths[1]).is_some() {
            return None;
        }
        let mut millis = 0_u64;
        for (unit, thousandths) in self.thousandths.iter().enumerate() {
            millis = millis.checked_add(thousandths.unwrap_or(0).checked_mul(SECONDS[unit])?)?;
        }
        i64::try_from(millis).ok()
    }

    /// A duration of so many milliseconds, told in seconds.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        let mut duration = Self::default();
        duration.thousandths[6] = Some(millis);
        duration
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        let mut in_time = false;
        for (unit, thousandths) in self.thousandths.iter().enumerate() {
            let Some(thousandths) = thousandths else {
                continue;
            };
            if unit >= FIRST_OF_TIME && !in_time {
                in_time = true;
                f.write_str("T")?;
            }
            write!(f, "{}", thousandths / 1000)?;
            let fraction = thousandths % 1000;
            if fraction != 0 {
                let digits = format!("{fraction:03}");
                write!(f, ".{}", digits.trim_end_matches('0'))?;
            }
            write!(f, "{}", UNITS[unit])?;
        }
        Ok(())
    }
}

/// A number with an optional fraction, in thousandths; whether it had one; what follows.
fn thousandths(text: &[u8]) -> Option<(u64, bool, &[u8])> {
    let whole_length = digits_length(text);
    if whole_length == 0 {
        return None;
    }
    // Leading zeros cost nothing; fifteen digits of thousandths and seconds still fit in 64 bits.
    let whole = text[..whole_length].iter().skip_while(|c| **c == b'0');
    if whole.clone().count() > 15 {
        return None;
    }
    let whole = whole.fold(0_u64, |sum, c| sum * 10 + u64::from(c - b'0'));
    let rest = &text[whole_length..];
    let Some((b'.' | b',', rest)) = rest.split_first() else {
        return Some((whole * 1000, false, rest));
    };
    let fraction_length = digits_length(rest);
    if fraction_length == 0 {
        return None;
    }
    let digits = &rest[..fraction_length];
    let fraction = (0..3).fold(0_u64, |sum, i| {
        sum * 10 + u64::from(digits.get(i).map_or(0, |c| c - b'0'))
    });
    Some((whole * 1000 + fraction, true, &rest[fraction_length..]))
}

fn digits_length(text: &[u8]) -> usize {
    text.iter().take_while(|c| c.is_ascii_digit()).count()
}

/// The length of a duration in milliseconds; none when it is not one, or has years or months.
#[must_use]
pub fn duration_ms(text: &str) -> Option<i64> {
    Duration::parse(text)?.millis()
}

/// So many milliseconds as a duration of ISO 8601, such as `PT12.4S`.
#[must_use]
pub fn format_duration_ms(millis: u64) -> String {
    Duration::from_millis(millis).to_string()
}

#[cfg(test)]
mod tests;
