//! The `more` of a page: a position in a selection, signed, so that it can be taken at its word.
//!
//! `base64url(payload ‖ tag)`: the payload is JSON with the version of the format, the selection,
//! the position, the rows a page and how statements are shown; the tag the first 16 bytes of its HMAC-SHA-256 under a key
//! derived from the installation's secret. It holds no identifier: agents are integers of our own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::filter::Shown;
use super::plan::Selection;

/// What the key is derived for; another format would be another purpose.
const PURPOSE: &[u8] = b"sillage lrs more";
const TAG_BYTES: usize = 16;
const VERSION: u8 = 2;

/// The format before there was anything to choose about how statements are shown.
const FORMER_VERSION: u8 = 1;

/// Where the next page starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "f")]
    version: u8,
    /// Which statements.
    #[serde(rename = "q")]
    pub selection: Selection,
    /// The position of the last statement given.
    #[serde(rename = "p")]
    pub after: i64,
    /// Statements a page.
    #[serde(rename = "n")]
    pub rows: u32,
    /// How statements are shown; format 1 did not say.
    #[serde(rename = "w", default)]
    pub shown: Shown,
}

/// A text that is no cursor of this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that this LRS gave out")]
pub struct NotACursor;

impl Cursor {
    /// The place after a statement.
    #[must_use]
    pub fn new(selection: Selection, after: i64, rows: u32, shown: Shown) -> Self {
        Self {
            version: VERSION,
            selection,
            after,
            rows,
            shown,
        }
    }

    /// The cursor as it stands in a URL.
    ///
    /// # Panics
    /// Never: integers and times are always JSON.
    #[must_use]
    pub fn sign(&self, secret: &[u8]) -> String {
        let mut bytes = serde_json::to_vec(self).expect("integers and times are always JSON");
        let tag = mac(secret, &bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::sign`] wrote.
    pub fn read(text: &str, secret: &[u8]) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let (payload, tag) = bytes
            .len()
            .checked_sub(TAG_BYTES)
            .map(|length| bytes.split_at(length))
            .ok_or(NotACursor)?;
        mac(secret, payload)
            .verify_truncated_left(tag)
            .map_err(|_| NotACursor)?;
        let cursor: Self = serde_json::from_slice(payload).map_err(|_| NotACursor)?;
        match cursor.version {
            VERSION | FORMER_VERSION => Ok(Self {
                version: VERSION,
                ..cursor
            }),
            _ => Err(NotACursor),
        }
    }
}

fn mac(secret: &[u8], payload: &[u8]) -> Hmac<Sha256> {
    let keyed =
        |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let key = keyed(secret).chain_update(PURPOSE).finalize().into_bytes();
    keyed(&key).chain_update(payload)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::statement::format::Format;

    /// A cursor of format 1, as it was given out: clients may hold one across an upgrade.
    const GOLDEN_1: &str = "eyJmIjoxLCJxIjp7ImciOjcsInYiOjEsInMiOjE3ODAwMDAwMDAwMDA1MDAsIm8iOnRydWV9LCJwIjoxMjM0NSwibiI6MTAwfZkjjTCfde9PclVGsfJLsA8";

    /// A cursor of format 2.
    const GOLDEN_2: &str = "eyJmIjoyLCJxIjp7ImciOjcsImdnIjp0cnVlLCJ2IjoxLCJhIjo5LCJhYSI6dHJ1ZSwicyI6MTc4MDAwMDAwMDAwMDUwMCwibyI6dHJ1ZX0sInAiOjEyMzQ1LCJuIjoxMDAsInciOnsiZiI6ImNhbm9uaWNhbCIsImEiOnRydWV9fZi74ewuf7HIqe5AKakvkD4";

    fn cursor() -> Cursor {
        let selection = Selection {
            agent: Some(7),
            verb: Some(1),
            since: DateTime::from_timestamp_micros(1_780_000_000_000_500),
            ascending: true,
            ..Selection::default()
        };
        Cursor::new(selection, 12_345, 100, Shown::default())
    }

    fn new_cursor() -> Cursor {
        let selection = Selection {
            related_agents: true,
            activity: Some(9),
            related_activities: true,
            ..cursor().selection
        };
        let shown = Shown {
            format: Format::Canonical,
            attachments: true,
        };
        Cursor::new(selection, 12_345, 100, shown)
    }

    #[test]
    fn a_cursor_comes_back_and_old_ones_are_read() {
        assert_eq!(new_cursor().sign(b"secret"), GOLDEN_2);
        assert_eq!(Cursor::read(GOLDEN_2, b"secret"), Ok(new_cursor()));
        assert_eq!(Cursor::read(GOLDEN_1, b"secret"), Ok(cursor()));
        let again = Cursor::read(&cursor().sign(b"secret"), b"secret");
        assert_eq!(again, Ok(cursor()));
    }

    #[test]
    fn a_cursor_that_was_touched_is_none() {
        let good = cursor().sign(b"secret");
        assert_eq!(Cursor::read(&good, b"another"), Err(NotACursor));
        for place in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(
                Cursor::read(&touched, b"secret"),
                Err(NotACursor),
                "{touched}"
            );
        }
        for bad in ["", "A", "%", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Cursor::read(bad, b"secret"), Err(NotACursor), "{bad}");
        }
    }
}
