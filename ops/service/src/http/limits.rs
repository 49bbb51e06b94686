//! What the requests of a process share, and are bounded by: room for bodies, requests of a caller.

use actix_web::web;

use crate::budget::Budget;
use crate::config::HttpSettings;
use crate::pace::Pace;

/// Made once a process, and given to the application of each of its threads.
#[derive(Clone, Debug)]
pub struct Limits {
    bodies: web::Data<Budget>,
    pace: Option<web::Data<Pace>>,
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
        }
    }

    /// Gives them to an application.
    pub fn give(&self, cfg: &mut web::ServiceConfig) {
        cfg.app_data(self.bodies.clone());
        if let Some(pace) = &self.pace {
            cfg.app_data(pace.clone());
        }
    }
}
