//! Attachments and the lake in a bucket, over the protocol of S3.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::attached::{self, body, id, noise, post, sha256};
use crate::harness::{Installation, bare, succeeded, within};
use crate::sql;

/// Serves the bucket `sillage`.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/story/bucket/bucket.py");

/// A bucket that lasts as long as the test.
pub(crate) struct Bucket {
    process: Child,
    address: String,
}

impl Bucket {
    pub(crate) fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test's own tool, which is no setting of Sillage"
        )]
        let python = std::env::var("MOTO_PYTHON").expect("MOTO_PYTHON names a python with moto");
        let mut process = Command::new(python)
            .arg(SCRIPT)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut port)
            .unwrap();
        let port: u16 = port.trim().parse().expect("the script prints its port");
        Self {
            process,
            address: format!("127.0.0.1:{port}"),
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What Sillage needs to find it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("SILLAGE_ATTACHMENTS_URL", "s3://sillage/kept".to_owned()),
            ("SILLAGE_LAKE_URL", "s3://sillage/lake".to_owned()),
            ("SILLAGE_ATTACHMENTS_SWEEP_EVERY_S", "1".to_owned()),
        ];
        settings.extend(Self::access(&self.endpoint()));
        settings
    }

    /// What clients of S3 need to reach it, directly or through another endpoint.
    pub(crate) fn access(endpoint: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "sillage".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "of the test alone".to_owned()),
        ]
    }

    /// The keys that it lists, in their order.
    async fn keys(&self, query: &str) -> Vec<String> {
        let listed = reqwest::get(format!("{}/sillage?{query}", self.endpoint()))
            .await
            .unwrap();
        assert_eq!(listed.status(), 200);
        let listed = listed.text().await.unwrap();
        listed
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    async fn kept(&self) -> Vec<String> {
        self.keys("list-type=2&prefix=kept/sha256/").await
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It may have ended by itself; waiting for it settles both.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
#[ignore = "needs MOTO_PYTHON: ops/test makes that Python and runs this"]
async fn attachments_in_a_bucket_are_kept_once_and_given_back() {
    let bucket = Bucket::start();
    let sillage = Installation::with(|_| bucket.settings()).await;
    // The last goes in three parts.
    let large = noise(12_000_000);
    let text = b"here is a text".as_slice();
    let contents = [b"".as_slice(), text, large.as_slice()];
    let mut places: Vec<String> = contents
        .iter()
        .map(|content| {
            let name = sha256(content);
            format!("kept/sha256/{}/{name}", &name[..2])
        })
        .collect();
    places.sort();

    for _ in 0..2 {
        assert_eq!(post(&sillage, body(&id(1), &contents)).await, 200);
        attached::read_back(&sillage, &id(1), &contents).await;
    }
    assert_eq!(post(&sillage, body(&id(2), &[text])).await, 200);
    attached::read_back(&sillage, &id(2), &[text]).await;
    assert_eq!(bucket.kept().await, places, "each is kept once");

    // A content that is not what its hash says, in parts and whole.
    for content in [large.as_slice(), b"another text, with some length to it"] {
        let mut altered = body(&id(3), &[content]);
        let last = altered.windows(content.len()).rposition(|at| at == content);
        altered[last.unwrap()] ^= 1;
        assert_eq!(post(&sillage, altered).await, 400);
    }
    // What was refused is removed behind the answer, what a killed process left by the sweep.
    within(
        "nothing is left but what arrives",
        Duration::from_secs(30),
        async || {
            let arriving = bucket.keys("list-type=2&prefix=kept/incoming/").await;
            let uploads = bucket.keys("uploads").await;
            (arriving == ["kept/incoming/now"] && uploads.is_empty()).then_some(())
        },
    )
    .await;
    assert_eq!(bucket.kept().await, places);
    attached::read_back(&sillage, &id(1), &contents).await;
}

#[tokio::test]
#[ignore = "needs MOTO_PYTHON: ops/test makes that Python and runs this"]
async fn the_lake_in_a_bucket_is_written_and_asked() {
    let bucket = Bucket::start();
    let sillage = Installation::with(|_| bucket.settings()).await;
    sql::post(&sillage).await;
    let files = bucket.keys("list-type=2&prefix=lake/statements/").await;
    assert!(
        files.iter().any(|file| file.ends_with(".parquet")),
        "{files:?}"
    );
    assert!(!sillage.data().join("lake").join("statements").exists());
    let question = "select count(*) as said, count(distinct id) as ids from statements";
    let asked = bare(&["sql", question, "--json", "--data"])
        .arg(sillage.data())
        .envs(bucket.settings())
        .output();
    let asked = succeeded(asked.unwrap());
    assert_eq!(
        String::from_utf8_lossy(&asked.stdout),
        "{\"said\":3,\"ids\":3}\n"
    );
}
