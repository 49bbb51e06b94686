//! How often items were answered, kept up by differences.

use std::collections::BTreeMap;
use std::sync::Arc;

use mastery::Model;

use super::person::{Answer, PersonFold};

/// Differences of the usage of items, by item: sorted, so that they are written in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    items: BTreeMap<u64, Change>,
}

/// The difference of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// IRI of the activity; absent where answers are only taken away.
    pub activity: Option<Arc<str>>,
    /// Whether the model knows the item.
    pub known: bool,
    /// Answers.
    pub answers: i64,
    /// Right ones.
    pub correct: i64,
}

impl Usage {
    /// One answer more.
    pub fn add(&mut self, model: &Model, answer: &Answer) {
        let change = self.items.entry(answer.item).or_default();
        if change.activity.is_none() {
            change.activity = Some(Arc::clone(&answer.activity));
            change.known = model.item(answer.item).is_some();
        }
        change.answers += 1;
        change.correct += i64::from(answer.correct);
    }

    /// So many answers to an item more, so many of them right.
    pub fn count(
        &mut self,
        model: &Model,
        (item, activity): (u64, &str),
        answers: i64,
        correct: i64,
    ) {
        let change = self.items.entry(item).or_default();
        change.activity.get_or_insert_with(|| activity.into());
        change.known = model.item(item).is_some();
        change.answers += answers;
        change.correct += correct;
    }

    /// All that was counted of a person less.
    pub fn take_away(&mut self, fold: &PersonFold) {
        for (item, count) in fold.items() {
            let change = self.items.entry(item).or_default();
            change.answers -= i64::from(count.answers);
            change.correct -= i64::from(count.correct);
        }
    }

    /// The differences that are not naught, by item.
    pub fn changes(&self) -> impl Iterator<Item = (&u64, &Change)> {
        let naught = |change: &Change| change.answers == 0 && change.correct == 0;
        self.items.iter().filter(move |(_, change)| !naught(change))
    }
}
