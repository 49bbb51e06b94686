//! What the requests of a process share, and are bounded by: room for bodies, requests of a caller, how
//! late they may be looked at.

use std::time::Duration;

use actix_web::web;

use super::late::Lateness;
use crate::budget::Budget;
use crate::config::HttpSettings;
use crate::pace::Pace;

/// Made once a process, and given to the application of each of its threads.
#[derive(Clone, Debug)]
pub struct Limits {
    bodies: web::Data<Budget>,
    pace: Option<web::Data<Pace>>,
    late_max: Option<Duration>,
}

impl Limits {
    /// As the settings say.
    #[must_use]
    pub fn new(settings: &HttpSettings) -> Self {
        let pace = Pace::new(
            settings.credential_requests_per_s,
            settings.credential_burst,
        );
        Self {
            bodies: web::Data::new(Budget::new(settings.bodies_max_bytes)),
            pace: pace.map(web::Data::new),
            late_max: (settings.late_max_ms > 0)
                .then(|| Duration::from_millis(settings.late_max_ms)),
        }
    }

    /// Gives them to an application, on the thread that it is for: within a
    /// [`tokio::task::LocalSet`], as actix-web calls the factory of an application.
    pub fn give(&self, cfg: &mut web::ServiceConfig) {
        cfg.app_data(self.bodies.clone());
        if let Some(pace) = &self.pace {
            cfg.app_data(pace.clone());
        }
        if let Some(late_max) = self.late_max {
            cfg.app_data(Lateness::of_this_thread(late_max));
        }
    }
}
