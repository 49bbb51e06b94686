//! A catalogue over the framework that is compiled in, and pupils who answer.

use std::collections::BTreeMap;

use mastery::{Calibration, Model, PupilState};
use recommender::catalogue::Index;
use recommender::pupil::PupilView;
use schemas::catalogue::CatalogueItem;
use schemas::framework::Framework;
use schemas::ids::key64;

pub(crate) const MINUTE_S: f64 = 60.0;
pub(crate) const DAY_S: f64 = 86_400.0;

/// 1 October 2025, 08:00 UTC, in seconds.
pub(crate) const START: f64 = 1_759_305_600.0;

/// For each competency of the framework, an exercise at each of these levels.
pub(crate) fn items(levels: &[u8]) -> Vec<CatalogueItem> {
    let competencies = Framework::seconde().competencies();
    competencies
        .flat_map(|(domain, competency)| {
            levels.iter().map(|&level| CatalogueItem {
                id: id(&competency.label_fr, level).parse().expect("an IRI"),
                title: BTreeMap::from([(
                    "fr".to_owned(),
                    format!("{}, niveau {level}", competency.label_fr),
                )]),
                subject: domain.subject.clone(),
                competencies: vec![competency.uri.clone()],
                intent: None,
                item: None,
                level: Some(level),
            })
        })
        .collect()
}

/// The IRI of the exercise of a competency, by its label, at a level.
pub(crate) fn id(label: &str, level: u8) -> String {
    let slug: String = label
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("https://example.org/exercices/{slug}/{level}")
}

pub(crate) fn index(items: &[CatalogueItem]) -> Index {
    Index::new(
        Some(1),
        Framework::seconde(),
        items,
        &Calibration::default(),
    )
}

/// A pupil who answers exercises, one a minute.
pub(crate) struct Story<'a> {
    pub(crate) model: &'a Model,
    pub(crate) clock: f64,
    states: BTreeMap<usize, PupilState>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(model: &'a Model) -> Self {
        Self {
            model,
            clock: START,
            states: BTreeMap::new(),
        }
    }

    pub(crate) fn wait(mut self, seconds: f64) -> Self {
        self.clock += seconds;
        self
    }

    /// Answers the exercises of a competency at these levels, all rightly or all wrongly.
    pub(crate) fn answers(mut self, label: &str, levels: &[u8], right: bool) -> Self {
        for &level in levels {
            self.clock += MINUTE_S;
            let item = self
                .model
                .item(key64(&id(label, level)))
                .expect("an exercise");
            let state = self
                .states
                .entry(item.subject())
                .or_insert_with(|| PupilState::new(self.model.subject_of(item)));
            state.answer(
                self.model,
                item,
                f64::from(u8::from(right)),
                right,
                Some(self.clock),
            );
        }
        self
    }

    pub(crate) fn states(&self) -> Vec<(String, PupilState)> {
        let subjects = self.model.subjects();
        self.states
            .iter()
            .map(|(&s, state)| (subjects[s].name().to_owned(), state.clone()))
            .collect()
    }

    pub(crate) fn view(&self) -> PupilView {
        PupilView::new(self.model, self.states())
    }
}
