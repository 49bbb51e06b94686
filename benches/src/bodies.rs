//! Bodies of requests, without end: those that were made come again and again, each time with new
//! statement ids.
//!
//! A minute of load has a million statements. Made one by one they would fill the memory, or take the
//! processors while they are measured; with new ids alone they cost the load a copy.

use bytes::Bytes;
use uuid::Uuid;

use crate::data::{Size, Statements};

/// The bits of a UUID that say its version and its variant.
const FIXED: u128 = 0xf000_c000_0000_0000_0000;

/// How the ids of one time differ from those of the next: an odd number without a pattern.
const STRIDE: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Bodies that were made, and where their ids are.
#[derive(Debug)]
pub struct Bodies(Vec<Made>);

#[derive(Debug)]
struct Made {
    text: Bytes,
    ids: Vec<Place>,
}

/// A statement's id, and where it stands in the body.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    id: u128,
}

impl Bodies {
    /// So many different bodies, each of one statement or an array of `batch`. Two seeds share no id.
    #[must_use]
    pub fn make(seed: u64, batch: usize, count: usize) -> Self {
        let mut statements = Statements::new(seed, Size::default());
        let made = (0..count).map(|_| {
            let some = statements.by_ref().take(batch).map(|one| {
                let id = one["id"].as_str().unwrap_or_default().to_owned();
                (one.to_string(), id)
            });
            Made::of(some, batch > 1)
        });
        Self(made.collect())
    }

    /// The bodies as they were made.
    #[must_use]
    pub fn made(&self) -> Vec<Bytes> {
        self.0.iter().map(|made| made.text.clone()).collect()
    }

    /// Bytes of the body of a number.
    #[must_use]
    pub fn length(&self, number: usize) -> usize {
        self.of(number).0.text.len()
    }

    /// Appends the body of a number.
    pub fn write(&self, number: usize, into: &mut Vec<u8>) {
        let (made, time) = self.of(number);
        let start = into.len();
        into.extend_from_slice(&made.text);
        if time > 0 {
            for place in &made.ids {
                let at = start + place.at;
                place
                    .id_of(time)
                    .hyphenated()
                    .encode_lower(&mut into[at..at + uuid::fmt::Hyphenated::LENGTH]);
            }
        }
    }

    /// The statement ids in the body of a number.
    pub fn ids(&self, number: usize) -> impl Iterator<Item = Uuid> + '_ {
        let (made, time) = self.of(number);
        made.ids.iter().map(move |place| place.id_of(time))
    }

    /// The body of a number as it was made, and how often it came before.
    fn of(&self, number: usize) -> (&Made, u128) {
        let count = self.0.len();
        (&self.0[number % count], (number / count) as u128)
    }
}

impl Made {
    fn of(statements: impl Iterator<Item = (String, String)>, is_array: bool) -> Self {
        let mut text = String::new();
        let mut ids = Vec::new();
        for (statement, id) in statements {
            if is_array {
                text.push(if text.is_empty() { '[' } else { ',' });
            }
            if let (Some(at), Ok(id)) = (statement.find(&id), Uuid::parse_str(&id)) {
                ids.push(Place {
                    at: text.len() + at,
                    id: id.as_u128(),
                });
            }
            text += &statement;
        }
        if is_array {
            text.push(']');
        }
        Self {
            text: text.into(),
            ids,
        }
    }
}

impl Place {
    /// The id when the body comes again after so many times. Ids that differ once differ always.
    fn id_of(self, time: u128) -> Uuid {
        Uuid::from_u128(self.id ^ (time.wrapping_mul(STRIDE) & !FIXED))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::data;

    /// The ids that the LRS reads in the body of a number.
    fn read(bodies: &Bodies, number: usize) -> Vec<Uuid> {
        let mut text = b"x".to_vec();
        bodies.write(number, &mut text);
        let body = Bytes::from(text).slice(1..);
        assert_eq!(body.len(), bodies.length(number));
        let statements = data::parsed(&body).expect("statements that break no rule");
        let ids = statements.iter().map(|one| one.id().expect("an id"));
        ids.map(|id| id.as_uuid()).collect()
    }

    #[test]
    fn a_body_comes_again_with_other_ids() {
        for batch in [1, 50] {
            let bodies = Bodies::make(7, batch, 3);
            let mut all = HashSet::new();
            for number in 0..12 {
                let ids = read(&bodies, number);
                assert_eq!(ids.len(), batch);
                assert_eq!(ids, bodies.ids(number).collect::<Vec<_>>());
                assert!(ids.iter().all(|id| id.get_version_num() == 4));
                all.extend(ids);
            }
            assert_eq!(all.len(), 12 * batch);
        }
    }

    #[test]
    fn the_first_time_they_are_as_they_were_made() {
        let bodies = Bodies::make(7, 1, 2);
        let mut text = Vec::new();
        bodies.write(1, &mut text);
        assert_eq!(bodies.made()[1], text);
        assert!(text.starts_with(b"{"));
    }
}
