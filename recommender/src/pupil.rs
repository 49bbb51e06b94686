//! All that a policy may know of a pupil.

use mastery::{Model, PupilState};

/// A pupil's states, one for each subject of the model, in its order: the prior where nothing was
/// answered yet. No name, no key, no class: a policy cannot look at what it is not given.
#[derive(Debug, Clone)]
pub struct PupilView {
    states: Vec<PupilState>,
}

impl PupilView {
    /// A pupil with these states by subject; subjects that the model does not know are left out.
    #[must_use]
    pub fn new(model: &Model, states: impl IntoIterator<Item = (String, PupilState)>) -> Self {
        let mut view: Vec<PupilState> = model.subjects().iter().map(PupilState::new).collect();
        for (name, state) in states {
            let place = model
                .subjects()
                .iter()
                .position(|subject| subject.name() == name);
            if let Some(place) = place {
                view[place] = state;
            }
        }
        Self { states: view }
    }

    /// The state in the subject of this index in [`Model::subjects`].
    #[must_use]
    pub fn state(&self, subject: usize) -> &PupilState {
        &self.states[subject]
    }

    /// Answers folded, all subjects together.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.states.iter().map(PupilState::answers).sum()
    }

    /// Time of the last answer whose time is known, in seconds.
    #[must_use]
    pub fn last_answer(&self) -> Option<f64> {
        self.states
            .iter()
            .filter_map(PupilState::last)
            .reduce(f64::max)
    }
}
