//! The statements of a PUT or POST, with what came beside them.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use schemas::ids::StatementId;
use schemas::xapi::XapiVersion;
use service::error::Problem;
use service::http::body::discard;

use crate::Lrs;
use crate::attachments::intake::Intake;
use crate::http::body::{self, Kind};
use crate::http::{multipart, problems};
use crate::statement::{Body, Stamped, parse};

/// What was sent, checked against the rules, stored nowhere.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// The statements.
    pub(super) body: Body,
    /// Bytes of their JSON: what they count for in the queue.
    pub(super) bytes: usize,
    /// The contents of attachments, when there could be any.
    contents: Option<Intake<'a>>,
}

impl<'a> Sent<'a> {
    /// Reads a request, if what it brings can be stored soon: else nothing is made of it, so that those
    /// who are turned away cost little.
    pub(super) async fn read(
        lrs: &'a Lrs,
        request: &HttpRequest,
        payload: Payload,
        version: XapiVersion,
    ) -> Result<Self, Problem> {
        let kind = body::kind(request.headers())?;
        if let Err(refusal) = lrs.room() {
            discard(payload).await;
            return Err(problems::refusal(&refusal, false));
        }
        match kind {
            Kind::Json => {
                let config = lrs.config();
                let sent = body::read(request, payload, config.body_max_bytes).await?;
                body::bounded(&sent, &config.xapi)?;
                // Bodies that arrived together are not all made statements of: from here to the queue
                // nothing is waited for.
                lrs.room()
                    .map_err(|refusal| problems::refusal(&refusal, false))?;
                Ok(Self {
                    body: parse(&sent, version).map_err(problems::invalid)?,
                    bytes: sent.len(),
                    contents: None,
                })
            }
            Kind::Mixed(boundary) => {
                let received =
                    multipart::receive(lrs, request, payload, &boundary, version).await?;
                Ok(Self {
                    body: received.body,
                    bytes: received.bytes,
                    contents: Some(received.intake),
                })
            }
        }
    }

    /// Matches the contents with the statements, keeps them, and names them in what was stamped: the
    /// last step before the commit. `id` is that of a single statement, given beside it.
    pub(super) async fn attach(
        self,
        lrs: &Lrs,
        id: Option<StatementId>,
        stamped: &mut [Stamped],
    ) -> Result<(), Problem> {
        let Some(contents) = self.contents else {
            return Ok(());
        };
        let matched = contents
            .matched(&self.body, id, service::clock::now())
            .await
            .map_err(problems::invalid)?;
        for (stamped, attached) in stamped.iter_mut().zip(matched) {
            stamped.attachments = attached;
        }
        lrs.keep(contents).await?;
        Ok(())
    }
}
