//! The catalogue in memory, sorted for the policies.

use std::collections::HashMap;

use mastery::{Calibration, Competency, Item, Model, Subject};
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;

/// An activity that may be recommended.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Its IRI.
    pub id: String,
    /// Its title, in French where it has one.
    pub title: String,
    /// What the model knows of it.
    pub item: Item,
}

/// Framework and catalogue, made ready for the policies. The order of the catalogue changes
/// nothing here.
#[derive(Debug)]
pub struct Index {
    version: Option<i64>,
    model: Model,
    activities: Vec<Activity>,
    /// By subject, then by main competency: indices of `activities`.
    by_competency: Vec<Vec<Vec<usize>>>,
}

impl Index {
    /// The index of a catalogue's version, over the model that the served states were made by. Items whose competencies the framework does not know
    /// are left out: nothing could be said of them.
    #[must_use]
    pub fn new(
        version: Option<i64>,
        framework: &Framework,
        items: &[CatalogueItem],
        calibration: &Calibration,
    ) -> Self {
        let model = Model::calibrated(framework, items, calibration);
        let by_key: HashMap<u64, &CatalogueItem> = items
            .iter()
            .rev()
            .map(|item| (item.id.key64(), item))
            .collect();
        let mut activities: Vec<Activity> = model
            .items()
            .map(|item| Activity {
                id: by_key[&item.key()].id.as_str().to_owned(),
                title: by_key[&item.key()].title_fr().to_owned(),
                item: item.clone(),
            })
            .collect();
        activities.sort_unstable_by_key(|activity| activity.item.key());
        let mut by_competency: Vec<Vec<Vec<usize>>> = model
            .subjects()
            .iter()
            .map(|subject| vec![Vec::new(); subject.competencies().len()])
            .collect();
        for (index, activity) in activities.iter().enumerate() {
            by_competency[activity.item.subject()][activity.item.main()].push(index);
        }
        Self {
            version,
            model,
            activities,
            by_competency,
        }
    }

    /// The catalogue's version; `None` before one was loaded.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// The model of mastery over this framework and catalogue.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// An activity by its index.
    #[must_use]
    pub fn activity(&self, index: usize) -> &Activity {
        &self.activities[index]
    }

    /// Every activity.
    #[must_use]
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// Indices of the activities whose main competency is this one.
    #[must_use]
    pub fn of_competency(&self, subject: usize, competency: usize) -> &[usize] {
        &self.by_competency[subject][competency]
    }

    /// The subject of an activity.
    #[must_use]
    pub fn subject_of(&self, activity: &Activity) -> &Subject {
        &self.model.subjects()[activity.item.subject()]
    }

    /// The main competency of an activity.
    #[must_use]
    pub fn competency_of(&self, activity: &Activity) -> &Competency {
        &self.subject_of(activity).competencies()[activity.item.main()]
    }
}
