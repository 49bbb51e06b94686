//! The same LRS, spoken to by another caller.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::app::{Answer, App};
use crate::documents::with_query;

pub(crate) struct As<'a> {
    pub(crate) app: &'a App,
    pub(crate) authorization: String,
}

impl As<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app
            .bare(method, path)
            .header("Authorization", &self.authorization)
            .header("X-Experience-API-Version", "1.0.3")
    }

    /// A request without a body.
    pub(crate) async fn ask(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(method, &with_query(path, query))).await
    }

    /// A request with a JSON body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let request = self
            .request(method, &with_query(path, query))
            .header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string())).await
    }

    pub(crate) async fn post(&self, body: &Value) -> Answer {
        self.send(Method::POST, "/statements", &[], body).await
    }

    pub(crate) async fn get(&self, query: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, "/statements", query).await
    }

    /// The ids of all statements that a query finds, page after page.
    pub(crate) async fn all(&self, query: &[(&str, &str)]) -> Vec<String> {
        let mut page = self.get(query).await.is(200);
        let mut ids = page.ids();
        while page.body["more"] != "" {
            let more = page.body["more"].as_str().expect("text");
            let path = more.strip_prefix("/xapi").expect("relative to the server");
            page = Answer::of(self.request(Method::GET, path)).await.is(200);
            ids.extend(page.ids());
        }
        ids
    }
}
