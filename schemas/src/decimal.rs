//! JSON numbers by their value, all digits counted: what `serde_json`'s 64-bit floats do not tell
//! apart.

use std::cmp::Ordering;
use std::fmt;

/// A JSON number by its value: sign, digits without zeros at either end, power of ten.
///
/// Shown as `-12e3`, the same for each way of writing the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a number as JSON writes it. None for what is no number, and when the exponent is beyond
    /// 64 bits: such numbers are the same when written alike only.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let (negative, json) = json
            .strip_prefix('-')
            .map_or((false, json), |json| (true, json));
        if !json.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (mantissa, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let trailing = all.len() - all.trim_end_matches('0').len();
        let shift = i64::try_from(trailing)
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
        Some(Self {
            negative,
            digits: digits.to_owned(),
            exponent,
        })
    }

    /// Whether it is greater than 1 or less than -1.
    #[must_use]
    pub fn is_beyond_one(&self) -> bool {
        self.size() > (1, "1")
    }

    /// What orders numbers of one sign other than zero: how many digits stand before the point (none
    /// and less for small ones), then the digits themselves.
    fn size(&self) -> (i128, &str) {
        let before_point = i128::from(self.exponent) + self.digits.len() as i128;
        (before_point, &self.digits)
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = || match self.sign() {
            -1 => other.size().cmp(&self.size()),
            _ => self.size().cmp(&other.size()),
        };
        self.sign().cmp(&other.sign()).then_with(by_size)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}e{}", self.digits, self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Decimal {
        Decimal::read(json).unwrap_or_else(|| panic!("{json}"))
    }

    #[test]
    fn numbers_have_an_order_whatever_their_digits_and_powers() {
        let ascending = [
            "-1e9223372036854775000",
            "-12",
            "-1.1",
            "-1.00000000000000000001",
            "-1",
            "-0.99999999999999999999",
            "-1e-400",
            "0",
            "1e-9223372036854775000",
            "1e-400",
            "0.1",
            "0.10000000000000000001",
            "0.5",
            "1",
            "1.00000000000000000001",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e400",
        ];
        for (place, one) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                let wanted = place.cmp(&other_place);
                assert_eq!(read(one).cmp(&read(other)), wanted, "{one} {other}");
            }
        }
        for (json, beyond) in [
            ("1", false),
            ("-1.0", false),
            ("10e-1", false),
            ("0.9999", false),
            ("0", false),
            ("1.00000000000000000001", true),
            ("-1.00000000000000000001", true),
            ("2e0", true),
            ("-1e1", true),
        ] {
            assert_eq!(read(json).is_beyond_one(), beyond, "{json}");
        }
        assert_eq!(read("-0.0e7"), read("0"));
        assert_eq!(read("-120e-1").to_string(), "-12e0");
        for none in ["", "-", "null", "\"1\"", "1e99999999999999999999"] {
            assert_eq!(Decimal::read(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_itself_however_written(digits in 0_u64.., shift in 0_usize..30, negative: bool) {
            let sign = if negative { "-" } else { "" };
            let plain = format!("{sign}{digits}");
            let shifted = format!("{sign}{digits}{}e-{shift}", "0".repeat(shift));
            let fraction = format!("{sign}{digits}.{}", "0".repeat(shift + 1));
            prop_assert_eq!(read(&plain), read(&shifted));
            prop_assert_eq!(read(&plain), read(&fraction));
            let other = format!("{sign}{}", u128::from(digits) + 1);
            prop_assert_ne!(read(&plain), read(&other));
        }

        #[test]
        fn whole_numbers_are_in_the_order_of_whole_numbers(a: i64, b: i64, shift in 0_i32..40) {
            let of = |n: i64| read(&format!("{n}e-{shift}"));
            prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
        }
    }
}
