//! A state as bytes, and back: the same state gives the same bytes.
//!
//! Layout, all little endian: the magic `SLG` and the version byte; answers `u64`, correct `u64`,
//! session `u32`; last, session start `f64` (NaN: none); previous item `u64` and `u8` (0 none, 1
//! wrong, 2 right); g, s and h as (mean, variance); then domains, competencies and items, each a count
//! `u32` and that many records by rising key.

use thiserror::Error;

use crate::quick::Note;
use crate::shown::Degree;
use crate::state::{CompetencyNode, DomainNode, Gauss, ItemNode, KeyMap, Moment, PupilState};

/// First bytes of every state, with the version of the layout.
const MAGIC: [u8; 4] = *b"SLG\x02";

const HEADER_LEN: usize = 4 + 8 + 8 + 4 + 8 + 8 + 8 + 1 + 16 + 16 + 16;
const DOMAIN_LEN: usize = 8 + 16 + 4 + 1;
const COMPETENCY_LEN: usize = 8 + 16 + 4 + 8 + 1 + 8 + 8 + 4;
const ITEM_LEN: usize = 8 + 16 + 8 + 4 + 4 + 4;

/// Why bytes are not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Another format, or a version of it that this code does not know.
    #[error("not a mastery state of a known version")]
    Format,
    /// The bytes end before the state does, or go on after it.
    #[error("a mastery state of another length than it announces")]
    Length,
    /// A value that no fold can have written.
    #[error("a mastery state with an impossible value in its {0}")]
    Value(&'static str),
}

impl PupilState {
    /// The state as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let records = 12
            + self.d.len() * DOMAIN_LEN
            + self.c.len() * COMPETENCY_LEN
            + self.e.len() * ITEM_LEN;
        let mut out = Writer(Vec::with_capacity(HEADER_LEN + records));
        out.0.extend_from_slice(&MAGIC);
        out.u64(self.answers);
        out.u64(self.correct);
        out.u32(self.session);
        out.moment(self.last);
        out.moment(self.session_start);
        out.u64(self.prev.map_or(0, |(item, _)| item));
        out.u8(self.prev.map_or(0, |(_, right)| 1 + u8::from(right)));
        out.gauss(self.g);
        out.gauss(self.s);
        out.gauss(self.h);
        out.records(&self.d, Writer::domain);
        out.records(&self.c, Writer::competency);
        out.records(&self.e, Writer::item);
        out.0
    }

    /// The state that these bytes are.
    ///
    /// # Errors
    ///
    /// Bytes that [`PupilState::encode`] of this version cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            return Err(DecodeError::Format);
        };
        let mut input = Reader(rest);
        let state = Self {
            answers: input.u64()?,
            correct: input.u64()?,
            session: input.u32()?,
            last: input.moment()?,
            session_start: input.moment()?,
            prev: input.prev()?,
            g: input.gauss()?,
            s: input.gauss()?,
            h: input.gauss()?,
            d: input.records(DOMAIN_LEN, Reader::domain)?,
            c: input.records(COMPETENCY_LEN, Reader::competency)?,
            e: input.records(ITEM_LEN, Reader::item)?,
        };
        if input.0.is_empty() {
            Ok(state)
        } else {
            Err(DecodeError::Length)
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    fn moment(&mut self, value: Moment) {
        // One NaN for all: NaNs of other bits would make equal states unequal.
        self.f64(value.get().unwrap_or(f64::NAN));
    }

    fn gauss(&mut self, value: Gauss) {
        self.f64(value.m);
        self.f64(value.v);
    }

    fn degree(&mut self, value: Option<Degree>) {
        self.u8(value.map_or(0, Degree::number));
    }

    fn records<V>(&mut self, map: &KeyMap<V>, write: impl Fn(&mut Self, &V)) {
        let mut sorted: Vec<(u64, &V)> = map.iter().map(|(&key, value)| (key, value)).collect();
        sorted.sort_unstable_by_key(|&(key, _)| key);
        self.u32(u32::try_from(sorted.len()).expect("a pupil does fewer than 2^32 items"));
        for (key, value) in sorted {
            self.u64(key);
            write(self, value);
        }
    }

    fn domain(&mut self, value: &DomainNode) {
        self.gauss(value.node);
        self.u32(value.n);
        self.degree(value.degree);
    }

    fn competency(&mut self, value: &CompetencyNode) {
        self.gauss(value.node);
        self.u32(value.n);
        self.moment(value.at);
        self.degree(value.degree);
        self.f64(value.recent);
        self.u64(value.recent_at);
        self.u32(value.session);
    }

    fn item(&mut self, value: &ItemNode) {
        self.gauss(value.node);
        self.moment(value.at);
        self.u32(value.n);
        self.u32(value.correct);
        self.u32(value.session);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, DecodeError> {
        self.u64().map(f64::from_bits)
    }

    fn moment(&mut self) -> Result<Moment, DecodeError> {
        let value = self.f64()?;
        if value.is_finite() {
            Ok(Moment::new(Some(value)))
        } else if value.to_bits() == f64::NAN.to_bits() {
            Ok(Moment::NONE)
        } else {
            Err(DecodeError::Value("times"))
        }
    }

    fn gauss(&mut self) -> Result<Gauss, DecodeError> {
        let (m, v) = (self.f64()?, self.f64()?);
        if m.is_finite() && v.is_finite() && v >= 0.0 {
            Ok(Gauss { m, v })
        } else {
            Err(DecodeError::Value("nodes"))
        }
    }

    fn degree(&mut self) -> Result<Option<Degree>, DecodeError> {
        match self.u8()? {
            0 => Ok(None),
            number => Degree::new(number)
                .map(Some)
                .ok_or(DecodeError::Value("degrees")),
        }
    }

    fn prev(&mut self) -> Result<Option<(u64, bool)>, DecodeError> {
        match (self.u64()?, self.u8()?) {
            (0, 0) => Ok(None),
            (item, 1) => Ok(Some((item, false))),
            (item, 2) => Ok(Some((item, true))),
            _ => Err(DecodeError::Value("previous answer")),
        }
    }

    fn records<V>(
        &mut self,
        len: usize,
        read: impl Fn(&mut Self) -> Result<V, DecodeError>,
    ) -> Result<KeyMap<V>, DecodeError> {
        let count = self.u32()? as usize;
        // Before anything is allocated: the count comes from the bytes.
        if count
            .checked_mul(len)
            .is_none_or(|bytes| bytes > self.0.len())
        {
            return Err(DecodeError::Length);
        }
        let mut map = KeyMap::with_capacity_and_hasher(count, <_>::default());
        let mut last = None;
        for _ in 0..count {
            let key = self.u64()?;
            if last.is_some_and(|last| last >= key) {
                return Err(DecodeError::Value("order of keys"));
            }
            last = Some(key);
            map.insert(key, read(self)?);
        }
        Ok(map)
    }

    fn domain(&mut self) -> Result<DomainNode, DecodeError> {
        Ok(DomainNode {
            node: self.gauss()?,
            n: self.u32()?,
            degree: self.degree()?,
            note: Note::default(),
        })
    }

    fn competency(&mut self) -> Result<CompetencyNode, DecodeError> {
        let node = CompetencyNode {
            node: self.gauss()?,
            n: self.u32()?,
            at: self.moment()?,
            degree: self.degree()?,
            recent: self.f64()?,
            recent_at: self.u64()?,
            session: self.u32()?,
        };
        if node.recent.is_finite() {
            Ok(node)
        } else {
            Err(DecodeError::Value("recent exercises"))
        }
    }

    fn item(&mut self) -> Result<ItemNode, DecodeError> {
        Ok(ItemNode {
            node: self.gauss()?,
            at: self.moment()?,
            n: self.u32()?,
            correct: self.u32()?,
            session: self.u32()?,
        })
    }
}
