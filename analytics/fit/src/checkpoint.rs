//! Where a fit stands between two searches, as bytes: a fit that was stopped goes on from there, and gives
//! the bits that it would have given.

use mastery::Hyper;

use crate::fitting::Attempt;

/// Searches that are done, and what they came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// A search from each start that had its turn.
    pub(crate) ends: Vec<Ended>,
    /// Rounds after these, from the better end.
    pub(crate) rounds: usize,
    /// Whether no round is to follow.
    pub(crate) settled: bool,
}

/// A search with its items, as numbers ([`crate::items::Items::numbers`]).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    pub(crate) start: Hyper,
    pub(crate) attempt: Attempt,
    pub(crate) items: Vec<f64>,
}

/// How far a fit is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Searches done.
    pub searches: usize,
    /// Searches at most.
    pub of: usize,
    /// The least log loss over the held-out pupils so far.
    pub log_loss: f64,
    /// How often the filter was run.
    pub evaluations: usize,
}

impl Checkpoint {
    /// How far this is, of so many searches at most.
    pub(crate) fn progress(&self, of: usize) -> Progress {
        let attempts = || self.ends.iter().map(|end| &end.attempt);
        Progress {
            searches: if self.settled {
                of
            } else {
                self.ends.len() + self.rounds
            },
            of,
            log_loss: attempts().map(|one| one.log_loss).fold(f64::NAN, f64::min),
            evaluations: attempts().map(|one| one.evaluations).sum(),
        }
    }

    /// As bytes: 64-bit numbers, little endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut numbers = vec![
            self.ends.len() as f64,
            self.rounds as f64,
            f64::from(u8::from(self.settled)),
        ];
        for Ended {
            start,
            attempt,
            items,
        } in &self.ends
        {
            numbers.extend(start.values());
            numbers.extend(attempt.hyper.values());
            numbers.extend([attempt.log_loss, attempt.evaluations as f64]);
            numbers.push(items.len() as f64);
            numbers.extend(items);
        }
        numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    /// What these bytes say; none when [`Checkpoint::encode`] of this program did not write them.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let mut numbers = Numbers(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        let (ends, rounds, settled) = (numbers.count()?, numbers.count()?, numbers.count()?);
        let ends: Option<Vec<Ended>> = (0..ends).map(|_| numbers.ended()).collect();
        let checkpoint = Self {
            ends: ends?,
            rounds,
            settled: settled == 1,
        };
        numbers.0.next().is_none().then_some(checkpoint)
    }
}

/// Numbers that are read one after another.
struct Numbers<I>(I);

impl<I: Iterator<Item = f64>> Numbers<I> {
    fn count(&mut self) -> Option<usize> {
        let number = self.0.next()?;
        let whole = number >= 0.0 && number.fract() == 0.0 && number < 2_f64.powi(52);
        whole.then_some(number as usize)
    }

    fn hyper(&mut self) -> Option<Hyper> {
        let mut values = Hyper::default().values();
        for value in &mut values {
            *value = self.0.next()?;
        }
        Some(Hyper::from_values(values))
    }

    fn ended(&mut self) -> Option<Ended> {
        let (start, hyper) = (self.hyper()?, self.hyper()?);
        let attempt = Attempt {
            hyper,
            log_loss: self.0.next()?,
            evaluations: self.count()?,
        };
        let count = self.count()?;
        // Collected one by one: a count that is no count of ours asks for no memory.
        let items: Option<Vec<f64>> = (0..count).map(|_| self.0.next()).collect();
        Some(Ended {
            start,
            attempt,
            items: items?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_through_bytes() {
        let checkpoint = Checkpoint {
            ends: vec![Ended {
                start: Hyper::default(),
                attempt: Attempt {
                    hyper: crate::low(),
                    log_loss: 0.1 + 0.2,
                    evaluations: 71,
                },
                items: vec![1.0, f64::MIN_POSITIVE, -0.3],
            }],
            rounds: 2,
            settled: true,
        };
        let bytes = checkpoint.encode();
        assert_eq!(Checkpoint::decode(&bytes), Some(checkpoint));
        assert_eq!(Checkpoint::decode(&bytes[8..]), None);
        assert_eq!(Checkpoint::decode(&bytes[..bytes.len() - 8]), None);
        assert_eq!(Checkpoint::decode(&[]), None);
    }
}
