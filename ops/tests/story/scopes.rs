//! Every resource × every kind of caller, as a table over the routes of the real binary. What the
//! description lists and the table has no row for fails.

use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};
use service::identity::Scope;
use service::identity::Scope::{
    All, AllRead, Profile, State, StatementsRead, StatementsReadMine, StatementsWrite,
};
use service::testkit::{Algorithm, TestIssuer};

use crate::harness::Installation;

/// The methods that the description may list.
const METHODS: [&str; 8] = [
    "get", "head", "put", "post", "delete", "patch", "options", "trace",
];

/// A key that nobody has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
/// An account of the person whose token is used.
const AGENT: (&str, &str) = (
    "agent",
    r#"{"account":{"homePage":"https://school.example.org","name":"p"}}"#,
);
/// An activity under the prefix that a bound credential has.
const ACTIVITY: (&str, &str) = ("activityId", "https://example.org/activities/o");
const PREFIX: &str = "https://example.org/activities/";
const STATE: &[(&str, &str)] = &[ACTIVITY, AGENT, ("stateId", "x")];
const OF_ACTIVITY: &[(&str, &str)] = &[ACTIVITY, ("profileId", "x")];
const OF_AGENT: &[(&str, &str)] = &[AGENT, ("profileId", "x")];

const DECLARED: &str = "/api/v1/pupils/{key}/declared-profile";
const EVALUATIONS: &str = "/api/v1/pupils/{key}/evaluations";

const ADMINISTRATORS: &[Scope] = &[All];
const READERS: &[Scope] = &[All, AllRead];

/// An operation and who gets past the door. What comes of it there is for other tests: here it is
/// enough that the answer is neither 401 nor 403.
struct Row {
    method: Method,
    /// As the description has it.
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    who: Who,
}

#[derive(Clone, Copy)]
enum Who {
    Everybody,
    Those {
        scopes: &'static [Scope],
        /// A person, by her token.
        person: bool,
        /// A credential with `all` that is bound to a school.
        school: bool,
    },
}

impl Row {
    fn open(path: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            query: &[],
            who: Who::Everybody,
        }
    }

    /// For applications, those that are bound to a school among them.
    fn new(method: Method, path: &'static str, scopes: &'static [Scope]) -> Self {
        Self {
            method,
            path,
            query: &[],
            who: Who::Those {
                scopes,
                person: false,
                school: true,
            },
        }
    }

    /// It concerns every school.
    fn of_every_school(method: Method, path: &'static str, scopes: &'static [Scope]) -> Self {
        Self {
            who: Who::Those {
                scopes,
                person: false,
                school: false,
            },
            ..Self::new(method, path, scopes)
        }
    }

    /// A person may, too, as far as it is her own.
    fn of_persons(method: Method, path: &'static str, scopes: &'static [Scope]) -> Self {
        Self {
            who: Who::Those {
                scopes,
                person: true,
                school: true,
            },
            ..Self::new(method, path, scopes)
        }
    }

    /// A person may, as far as it is her own; a school may not for its pupils.
    fn own(method: Method, path: &'static str, scopes: &'static [Scope]) -> Self {
        Self {
            who: Who::Those {
                scopes,
                person: true,
                school: false,
            },
            ..Self::new(method, path, scopes)
        }
    }

    fn with(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

fn table() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        "/health/live",
        "/health/ready",
        "/schemas",
        "/schemas/xapi/{name}",
        "/schemas/profile/sillage.jsonld",
        "/schemas/framework/seconde.json",
        "/api",
        "/api/openapi.json",
        "/xapi/about",
    ]
    .into_iter()
    .map(Row::open)
    .collect();
    rows.extend(xapi());
    rows.extend(api());
    // Whoever may read may ask whether it is there.
    let heads: Vec<Row> = rows
        .iter()
        .filter(|row| row.method == Method::GET && row.path.starts_with("/xapi/"))
        .map(|row| Row {
            method: Method::HEAD,
            path: row.path,
            query: row.query,
            who: row.who,
        })
        .collect();
    rows.extend(heads);
    rows
}

fn xapi() -> Vec<Row> {
    let statements = "/xapi/statements";
    let readers: &[Scope] = &[All, AllRead, StatementsRead, StatementsReadMine];
    let writers: &[Scope] = &[All, StatementsWrite];
    let mut rows = vec![
        Row::of_persons(Method::GET, statements, readers),
        Row::of_persons(Method::POST, statements, writers),
        Row::of_persons(Method::PUT, statements, writers).with(&[("statementId", NOBODY)]),
        Row::of_every_school(Method::GET, "/xapi/agents", READERS).with(&[AGENT]),
        Row::new(Method::GET, "/xapi/activities", READERS).with(&[ACTIVITY]),
    ];
    let state = "/xapi/activities/state";
    rows.push(Row::of_persons(Method::GET, state, &[All, AllRead, State]).with(STATE));
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        rows.push(Row::of_persons(method, state, &[All, State]).with(STATE));
    }
    for (path, query) in [
        ("/xapi/activities/profile", OF_ACTIVITY),
        ("/xapi/agents/profile", OF_AGENT),
    ] {
        rows.push(Row::new(Method::GET, path, &[All, AllRead, Profile]).with(query));
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            rows.push(Row::new(method, path, &[All, Profile]).with(query));
        }
    }
    rows
}

fn api() -> Vec<Row> {
    vec![
        Row::of_every_school(Method::GET, "/api/v1/credentials", ADMINISTRATORS),
        Row::of_every_school(Method::POST, "/api/v1/credentials", ADMINISTRATORS),
        Row::of_every_school(
            Method::POST,
            "/api/v1/credentials/{key}/rotate",
            ADMINISTRATORS,
        ),
        Row::of_every_school(Method::PATCH, "/api/v1/credentials/{key}", ADMINISTRATORS),
        Row::of_every_school(Method::DELETE, "/api/v1/credentials/{key}", ADMINISTRATORS),
        Row::of_persons(
            Method::POST,
            "/api/v1/statements/validate",
            &[All, AllRead, StatementsWrite],
        ),
        Row::of_every_school(Method::GET, "/api/v1/statements/profile-warnings", READERS),
        Row::new(Method::GET, "/api/v1/framework", READERS),
        Row::of_every_school(Method::PUT, "/api/v1/framework", ADMINISTRATORS),
        Row::of_every_school(Method::PUT, "/api/v1/roster", ADMINISTRATORS),
        Row::new(Method::GET, "/api/v1/classes", READERS),
        Row::new(Method::GET, "/api/v1/classes/{key}/mastery", READERS),
        Row::new(Method::POST, "/api/v1/pupils/resolve", READERS),
        Row::new(Method::GET, "/api/v1/pupils/{key}/mastery", READERS),
        Row::new(
            Method::GET,
            "/api/v1/pupils/{key}/mastery/{competency}/why",
            READERS,
        ),
        Row::new(Method::GET, "/api/v1/pupils/{key}/odd-answers", READERS),
        // A pupil what is her own; a teacher and a school what is of their pupils. Of others it is 404.
        Row::of_persons(Method::GET, DECLARED, READERS),
        Row::own(Method::PUT, DECLARED, ADMINISTRATORS),
        Row::own(Method::DELETE, DECLARED, ADMINISTRATORS),
        Row::of_persons(Method::GET, EVALUATIONS, READERS),
        Row::of_persons(Method::POST, EVALUATIONS, ADMINISTRATORS),
        Row::of_persons(
            Method::DELETE,
            "/api/v1/pupils/{key}/evaluations/{evaluation}",
            ADMINISTRATORS,
        ),
        Row::new(Method::GET, "/api/v1/pupils/{key}/next-activities", READERS),
        Row::of_every_school(Method::GET, "/api/v1/fits", READERS),
        Row::of_every_school(Method::GET, "/api/v1/fits/{fit}", READERS),
        Row::of_every_school(Method::GET, "/api/v1/checks/last", READERS),
        Row::of_every_school(Method::GET, "/api/v1/checks/last/reliability", READERS)
            .with(&[("subject", "maths")]),
        Row::of_every_school(Method::GET, "/api/v1/totals", READERS),
        Row::of_every_school(Method::GET, "/api/v1/status", READERS),
        Row::of_every_school(Method::POST, "/api/v1/jobs/mastery", ADMINISTRATORS),
        Row::of_every_school(Method::POST, "/api/v1/jobs/mastery-as-of", ADMINISTRATORS),
        Row::new(Method::GET, "/api/v1/catalogue", READERS),
        Row::of_every_school(Method::PUT, "/api/v1/catalogue", ADMINISTRATORS),
    ]
}

/// What a caller shows.
enum Shown {
    Nothing,
    Basic(Value),
    Bearer(String),
}

#[derive(Clone, Copy)]
enum Kind {
    Nobody,
    With(Scope),
    Person,
    /// With `all`, bound to a school.
    OfSchool,
    /// With `all`, bound to activities.
    OfPrefix,
}

struct Caller {
    name: String,
    shown: Shown,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Unknown,
    Forbidden,
    LetIn,
}

impl Row {
    fn wanted(&self, kind: Kind) -> Verdict {
        let Who::Those {
            scopes,
            person,
            school,
        } = self.who
        else {
            return Verdict::LetIn;
        };
        let let_in = match kind {
            Kind::Nobody => return Verdict::Unknown,
            Kind::With(scope) => scopes.contains(&scope),
            Kind::Person => person,
            Kind::OfSchool => school,
            // The table's activity is under its prefix.
            Kind::OfPrefix => scopes != ADMINISTRATORS,
        };
        if let_in {
            Verdict::LetIn
        } else {
            Verdict::Forbidden
        }
    }

    fn request(&self, http: &Client, endpoint: &str, version: &str) -> RequestBuilder {
        let path = self
            .path
            .replace("{key}", NOBODY)
            .replace("{evaluation}", NOBODY)
            .replace("{fit}", "1")
            .replace("{competency}", "https%3A%2F%2Fexample.org%2Fc")
            .replace("{name}", "statement-2.0.0.json");
        let mut url = Url::parse(&format!("{endpoint}{path}")).unwrap();
        for (name, value) in self.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let request = http
            .request(self.method.clone(), url)
            .header("X-Experience-API-Version", version);
        if [Method::PUT, Method::POST, Method::PATCH].contains(&self.method) {
            request
                .header("Content-Type", "application/json")
                .body("{}")
        } else {
            request
        }
    }
}

impl Caller {
    fn asks(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.shown {
            Shown::Nothing => request,
            Shown::Basic(made) => request.basic_auth(
                made["key"].as_str().unwrap(),
                Some(made["secret"].as_str().unwrap()),
            ),
            Shown::Bearer(token) => request.bearer_auth(token),
        }
    }
}

/// Every kind of caller.
async fn callers(sillage: &Installation, issuer: &TestIssuer) -> Vec<Caller> {
    let made =
        async |wanted: Value| Shown::Basic(sillage.post("/api/v1/credentials", &wanted).await);
    let mut callers = vec![
        Caller {
            name: "no credential".to_owned(),
            shown: Shown::Nothing,
            kind: Kind::Nobody,
        },
        Caller {
            name: "an unknown credential".to_owned(),
            shown: Shown::Basic(json!({ "key": "nobody", "secret": "nothing" })),
            kind: Kind::Nobody,
        },
        Caller {
            name: "a token of nobody we know".to_owned(),
            shown: Shown::Bearer(TestIssuer::start().token(Algorithm::Es256, &issuer.claims("p"))),
            kind: Kind::Nobody,
        },
        Caller {
            name: "a credential of a school".to_owned(),
            shown: made(json!({ "scopes": ["all"], "school": "0750655E" })).await,
            kind: Kind::OfSchool,
        },
        Caller {
            name: "a credential of activities".to_owned(),
            shown: made(json!({ "scopes": ["all"], "activity_prefix": PREFIX })).await,
            kind: Kind::OfPrefix,
        },
    ];
    for scope in Scope::EVERY {
        callers.push(Caller {
            name: scope.to_string(),
            shown: made(json!({ "scopes": [scope.as_str()] })).await,
            kind: Kind::With(scope),
        });
    }
    // Under the default settings a token's own claim gives no scope.
    let mut claims = issuer.claims("p");
    claims["scope"] = json!("all openid");
    for (name, claims) in [
        ("a person", issuer.claims("p")),
        ("a person whose token says all", claims),
    ] {
        callers.push(Caller {
            name: name.to_owned(),
            shown: Shown::Bearer(issuer.token(Algorithm::Es256, &claims)),
            kind: Kind::Person,
        });
    }
    callers
}

/// What the description lists and the table has no row for.
fn without_a_row(document: &Value, table: &[Row]) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20, "{paths:?}");
    paths
        .iter()
        .flat_map(|(path, item)| {
            METHODS
                .iter()
                .filter(move |method| item.get(**method).is_some())
                .map(move |method| (path, method.to_uppercase()))
        })
        .filter(|(path, method)| {
            !table
                .iter()
                .any(|row| row.path == *path && row.method.as_str() == method)
        })
        .map(|(path, method)| format!("{method} {path} has no row"))
        .collect()
}

#[actix_web::test]
async fn each_resource_lets_in_whom_the_table_says() {
    let issuer = TestIssuer::start();
    let name = issuer.issuer().to_owned();
    let sillage = Installation::with(|_| {
        vec![
            ("SILLAGE_OIDC_ISSUER", name),
            ("SILLAGE_OIDC_AUDIENCE", "sillage".to_owned()),
            (
                "SILLAGE_OIDC_SUBJECT_HOME_PAGE",
                "https://school.example.org".to_owned(),
            ),
        ]
    })
    .await;
    let (table, callers) = (table(), callers(&sillage, &issuer).await);
    let mut faults = without_a_row(&sillage.get("/api/openapi.json").await, &table);
    let (http, endpoint) = (Client::new(), sillage.endpoint());
    for row in &table {
        let versions: &[&str] = if row.path.starts_with("/xapi/") {
            &["1.0.3", "2.0.0"]
        } else {
            &["2.0.0"]
        };
        for version in versions {
            for caller in &callers {
                let request = caller.asks(row.request(&http, &endpoint, version));
                let answer = request.send().await.unwrap();
                let status = answer.status().as_u16();
                let found = match status {
                    401 => Verdict::Unknown,
                    403 => Verdict::Forbidden,
                    _ => Verdict::LetIn,
                };
                let wanted = row.wanted(caller.kind);
                if found != wanted || (status >= 500 && status != 503) {
                    let body = answer.text().await.unwrap();
                    faults.push(format!(
                        "{} {} under {version} with {}: {status}, wanted {wanted:?}: {body}",
                        row.method, row.path, caller.name
                    ));
                } else if status == 401 {
                    let headers = answer.headers();
                    assert!(headers.contains_key("www-authenticate"), "{}", row.path);
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
