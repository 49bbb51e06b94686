//! All that is folded of one person: pure, and the same for both ways.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mastery::{Item, Model, PupilState};
use schemas::profile::FoldKey;

use super::inputs::{Evaluation, Inputs};

/// An answer, as the fold needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its place in the order.
    pub key: FoldKey,
    /// `key64` of the activity.
    pub item: u64,
    /// IRI of the activity.
    pub activity: Arc<str>,
    /// Whether it was right.
    pub correct: bool,
    /// The y of the model, 0 to 1.
    pub outcome: f64,
    /// Whether its time was made up from its order.
    pub invented_time: bool,
}

impl Answer {
    /// The model's time: none where it was made up, so that no time passes.
    #[must_use]
    pub fn time_s(&self) -> Option<f64> {
        (!self.invented_time).then(|| mastery::seconds(self.key.answered_at))
    }
}

/// What of an answer moves a state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// `key64` of the activity.
    pub item: u64,
    /// Whether it was right.
    pub correct: bool,
    /// The y of the model, 0 to 1.
    pub outcome: f64,
    /// The model's time: none where it was made up.
    pub time_s: Option<f64>,
}

/// Who looks on while a person's answers are folded, and folds each into the state of its subject.
pub trait Observer {
    /// Folds an answer by [`PupilState::step`], or by what does the same and tells more.
    fn answer(&mut self, model: &Model, state: &mut PupilState, item: &Item, answer: &Answer);

    /// Folds an evaluation by [`PupilState::evaluate`], or by what does the same and tells more.
    fn evaluation(
        &mut self,
        model: &Model,
        state: &mut PupilState,
        item: &Item,
        evaluation: &Evaluation,
    );
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn answer(&mut self, model: &Model, state: &mut PupilState, item: &Item, answer: &Answer) {
        state.step(model, item, answer.outcome, answer.correct, answer.time_s());
    }

    fn evaluation(
        &mut self,
        model: &Model,
        state: &mut PupilState,
        item: &Item,
        evaluation: &Evaluation,
    ) {
        state.evaluate(model, item, evaluation.finding, evaluation.time_s());
    }
}

/// How often an item was answered by one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Answers.
    pub answers: u32,
    /// Right ones.
    pub correct: u32,
}

/// What was folded of one person: a state a subject, and what the model does not know of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonFold {
    /// States by subject.
    pub states: BTreeMap<String, PupilState>,
    /// Items that the model does not know: answered, left out of mastery.
    pub others: BTreeMap<u64, Count>,
    /// Answers folded or left out.
    pub answers: i64,
    /// Right ones among them.
    pub correct: i64,
    /// Key of the last of them, or of an evaluation after it.
    pub last: Option<FoldKey>,
}

impl PersonFold {
    /// The fold of these answers, in whatever order they come, and of what else is known.
    #[must_use]
    pub fn of(model: &Model, inputs: Inputs, answers: Vec<Answer>) -> Self {
        Self::observed(model, inputs, answers, &mut Unobserved)
    }

    /// The same while somebody looks on.
    pub fn observed(
        model: &Model,
        inputs: Inputs,
        mut answers: Vec<Answer>,
        observer: &mut impl Observer,
    ) -> Self {
        answers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let mut folding = Folding::start(model, inputs);
        for answer in &answers {
            folding.push_observed(model, answer, observer);
        }
        folding.finish_observed(model, observer)
    }

    /// Folds the next answer; its key is later than [`PersonFold::last`].
    pub fn push(&mut self, model: &Model, answer: &Answer) {
        self.push_observed(model, answer, &mut Unobserved);
    }

    fn push_observed(&mut self, model: &Model, answer: &Answer, observer: &mut impl Observer) {
        debug_assert!(self.last.as_ref() < Some(&answer.key), "answers in order");
        if let Some((state, item)) = self.count(model, answer.item, answer.correct) {
            observer.answer(model, state, item, answer);
        }
        self.last = Some(answer.key.clone());
    }

    /// Counts an answer; the state that it moves, and by which item, if the model knows the item.
    fn count<'a>(
        &'a mut self,
        model: &'a Model,
        item: u64,
        correct: bool,
    ) -> Option<(&'a mut PupilState, &'a Item)> {
        self.answers += 1;
        self.correct += i64::from(correct);
        if let Some(item) = model.item(item) {
            return Some((self.state_of(model, item), item));
        }
        let count = self.others.entry(item).or_default();
        count.answers += 1;
        count.correct += u32::from(correct);
        None
    }

    /// Folds the next evaluation; one of a competency that the framework does not know counts for
    /// nothing, but keeps its place.
    fn push_evaluation(
        &mut self,
        model: &Model,
        evaluation: Evaluation,
        observer: &mut impl Observer,
    ) {
        if let Some(item) = model.reference_item(evaluation.competency) {
            let state = self.state_of(model, &item);
            observer.evaluation(model, state, &item, &evaluation);
        }
        self.last = Some(evaluation.key);
    }

    fn state_of(&mut self, model: &Model, item: &Item) -> &mut PupilState {
        let subject = model.subject_of(item);
        if !self.states.contains_key(subject.name()) {
            let state = PupilState::new(subject);
            self.states.insert(subject.name().to_owned(), state);
        }
        self.states
            .get_mut(subject.name())
            .expect("it is there now")
    }

    /// How often the person answered each item, known to the model or not.
    pub fn items(&self) -> impl Iterator<Item = (u64, Count)> + '_ {
        let known = self.states.values().flat_map(PupilState::items);
        let known = known.map(|(item, memory)| {
            let count = Count {
                answers: memory.answers,
                correct: memory.correct,
            };
            (item, count)
        });
        known.chain(self.others.iter().map(|(&item, &count)| (item, count)))
    }

    /// [`PersonFold::others`] as bytes: by rising item, 16 bytes each, little endian.
    #[must_use]
    pub fn encode_others(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.others.len() * OTHER_LEN);
        for (item, count) in &self.others {
            out.extend_from_slice(&item.to_le_bytes());
            out.extend_from_slice(&count.answers.to_le_bytes());
            out.extend_from_slice(&count.correct.to_le_bytes());
        }
        out
    }

    /// The items that these bytes are; none when [`PersonFold::encode_others`] did not write them.
    #[must_use]
    pub fn decode_others(bytes: &[u8]) -> Option<BTreeMap<u64, Count>> {
        let (records, []) = bytes.as_chunks::<OTHER_LEN>() else {
            return None;
        };
        let read = |record: &[u8; OTHER_LEN]| {
            let (item, rest) = record.split_first_chunk::<8>()?;
            let (answers, rest) = rest.split_first_chunk::<4>()?;
            let correct = rest.first_chunk::<4>()?;
            let count = Count {
                answers: u32::from_le_bytes(*answers),
                correct: u32::from_le_bytes(*correct),
            };
            Some((u64::from_le_bytes(*item), count))
        };
        records.iter().map(read).collect()
    }
}

/// A person's fold from the first answer on, while answers come in order: evaluations are folded where
/// their time is.
#[derive(Clone, Debug)]
pub struct Folding {
    fold: PersonFold,
    evaluations: VecDeque<Evaluation>,
}

impl Folding {
    /// Before the first answer. A subject that starts from something known has a state at once.
    #[must_use]
    pub fn start(model: &Model, inputs: Inputs) -> Self {
        let subjects = model.subjects().iter();
        let known = subjects.filter(|subject| inputs.tells_of(model, subject));
        let states = known.map(|s| (s.name().to_owned(), inputs.start(model, s)));
        Self {
            fold: PersonFold {
                states: states.collect(),
                ..PersonFold::default()
            },
            evaluations: inputs.evaluations.into(),
        }
    }

    /// Folds the next answer, and the evaluations before it.
    pub fn push(&mut self, model: &Model, answer: &Answer) {
        self.push_observed(model, answer, &mut Unobserved);
    }

    /// Folds all answers of the person, which are in order; `key` is that of the n-th, and is asked for where
    /// it is needed alone: it holds texts, and answers are many.
    #[must_use]
    pub fn all(
        mut self,
        model: &Model,
        answers: impl ExactSizeIterator<Item = Move>,
        key: impl Fn(usize) -> FoldKey,
    ) -> PersonFold {
        let last = answers.len().checked_sub(1);
        for (n, answer) in answers.enumerate() {
            if !self.evaluations.is_empty() {
                self.evaluate_before(model, &key(n), &mut Unobserved);
            }
            if let Some((state, item)) = self.fold.count(model, answer.item, answer.correct) {
                state.step(model, item, answer.outcome, answer.correct, answer.time_s);
            }
        }
        self.fold.last = last.map(key).or(self.fold.last);
        self.finish(model)
    }

    /// Folds what is left.
    #[must_use]
    pub fn finish(self, model: &Model) -> PersonFold {
        self.finish_observed(model, &mut Unobserved)
    }

    fn push_observed(&mut self, model: &Model, answer: &Answer, observer: &mut impl Observer) {
        self.evaluate_before(model, &answer.key, observer);
        self.fold.push_observed(model, answer, observer);
    }

    fn evaluate_before(&mut self, model: &Model, key: &FoldKey, observer: &mut impl Observer) {
        let before = |evaluation: &mut Evaluation| evaluation.key < *key;
        while let Some(evaluation) = self.evaluations.pop_front_if(before) {
            self.fold.push_evaluation(model, evaluation, observer);
        }
    }

    fn finish_observed(mut self, model: &Model, observer: &mut impl Observer) -> PersonFold {
        for evaluation in self.evaluations {
            self.fold.push_evaluation(model, evaluation, observer);
        }
        self.fold
    }
}

/// Length of a record of [`PersonFold::encode_others`].
const OTHER_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_does_not_know_goes_through_bytes() {
        let count = |answers, correct| Count { answers, correct };
        let fold = PersonFold {
            others: BTreeMap::from([(7, count(3, 1)), (u64::MAX, count(1, 0))]),
            ..PersonFold::default()
        };
        let bytes = fold.encode_others();
        assert_eq!(PersonFold::decode_others(&bytes), Some(fold.others));
        assert_eq!(PersonFold::decode_others(&bytes[1..]), None);
        assert_eq!(PersonFold::decode_others(&[]), Some(BTreeMap::new()));
    }
}
