//! What is kept of a statement: the bytes that were sent, compressed by zstd, a frame each.
//!
//! With a dictionary of what statements by the *plan de marquage* share (docs/decisions/0026): most of a
//! statement is IRIs that stand in every other one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{get_dict_id_from_dict, get_dict_id_from_frame, get_frame_content_size};

/// Higher levels gain a few per cent for several times the time.
pub const LEVEL: i32 = 1;

/// The most that a statement may take, uncompressed: no body is larger.
const LARGEST: usize = 1 << 30;

/// The dictionary of what is written now.
const NEWEST: &[u8] = include_bytes!("payload/1.zdict");

/// Every dictionary that there was, since what was written with one is read with it for ever. A frame
/// names the one it needs.
const ALL: &[&[u8]] = &[NEWEST];

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(NEWEST, LEVEL));

static DECODERS: LazyLock<HashMap<u32, DecoderDictionary<'static>>> = LazyLock::new(|| {
    ALL.iter()
        .map(|bytes| {
            let id = get_dict_id_from_dict(bytes).map_or(NONE, u32::from);
            (id, DecoderDictionary::copy(bytes))
        })
        .collect()
});

/// What stands for no dictionary, where an id of one is expected (RFC 8878 3.1.1.1.3).
const NONE: u32 = 0;

/// A payload that is not what [`compress`] makes: the database was changed by another hand.
#[derive(Debug, thiserror::Error)]
#[error("a stored statement cannot be read")]
pub struct Unreadable(#[source] Option<std::io::Error>);

thread_local! {
    // A context is some hundred kilobytes: made once a thread, not once a statement.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSORS: RefCell<HashMap<u32, Decompressor<'static>>> = RefCell::default();
}

/// The frame of some bytes; it tells their length.
///
/// # Panics
/// When memory is out, as any allocation would.
#[must_use]
pub fn compress(sent: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|kept| {
        kept.get_or_insert_with(|| {
            Compressor::with_prepared_dictionary(&ENCODER).expect("the dictionary is one")
        })
        .compress(sent)
        .expect("the buffer is as large as zstd asks")
    })
}

/// The bytes of a frame.
pub fn decompress(payload: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let length = get_frame_content_size(payload)
        .ok()
        .flatten()
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= LARGEST)
        .ok_or(Unreadable(None))?;
    let dictionary = get_dict_id_from_frame(payload).map_or(NONE, u32::from);
    DECOMPRESSORS.with_borrow_mut(|kept| {
        let decompressor = match kept.entry(dictionary) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(place) => place.insert(decompressor(dictionary)?),
        };
        decompressor
            .decompress(payload, length)
            .map_err(|error| Unreadable(Some(error)))
    })
}

fn decompressor(dictionary: u32) -> Result<Decompressor<'static>, Unreadable> {
    if dictionary == NONE {
        return Decompressor::new().map_err(|error| Unreadable(Some(error)));
    }
    let dictionary = DECODERS.get(&dictionary).ok_or(Unreadable(None))?;
    Decompressor::with_prepared_dictionary(dictionary).map_err(|error| Unreadable(Some(error)))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for sent in [&b""[..], b"{}", &[b'x'; 100_000]] {
            assert_eq!(decompress(&compress(sent)).unwrap(), sent);
        }
        for bad in [&b""[..], b"{}", &compress(b"hello")[..5]] {
            assert!(decompress(bad).is_err());
        }
    }

    #[test]
    fn a_frame_names_its_dictionary_and_one_without_is_read_too() {
        let sent = br#"{"verb":{"id":"http://adlnet.gov/expapi/verbs/answered"}}"#;
        let plain = zstd::bulk::compress(sent, LEVEL).unwrap();
        let ours = compress(sent);
        assert!(ours.len() < plain.len());
        assert_eq!(get_dict_id_from_frame(&ours), get_dict_id_from_dict(NEWEST));
        assert_eq!(decompress(&plain).unwrap(), sent);
        // A dictionary that never was.
        let mut unknown = ours;
        let id = u32::from(get_dict_id_from_dict(NEWEST).unwrap()).to_le_bytes();
        let place = unknown.windows(4).position(|four| four == id).unwrap();
        unknown[place] ^= 1;
        assert!(decompress(&unknown).is_err());
    }

    /// What is in a database is read with the dictionary that it was written with: none may change.
    #[test]
    fn dictionaries_stay_as_they_are() {
        let hashes: Vec<_> = ALL
            .iter()
            .map(|bytes| hex::encode(Sha256::digest(bytes)))
            .collect();
        assert_eq!(
            hashes,
            ["bc781c1fcf86a9736324f1e8dbb4696c7ccdf97e6b0c25788335cefd9e0644a7"]
        );
        assert_eq!(DECODERS.len(), ALL.len(), "each has an id of its own");
    }
}
