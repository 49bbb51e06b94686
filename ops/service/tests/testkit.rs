//! The test database: fresh for each test, migrated, with a credential that works.

use service::identity::{Action, Scope};
use service::testkit::TestDb;

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, two) = tokio::join!(TestDb::new(&[]), TestDb::new(&[]));
    assert_ne!(one.name(), two.name());
    let client = one.pool().get().await.unwrap();
    client
        .batch_execute("create table mine (x int)")
        .await
        .unwrap();
    let other = two.pool().get().await.unwrap();
    let seen: bool = other
        .query_one("select to_regclass('mine') is not null", &[])
        .await
        .unwrap()
        .get(0);
    assert!(!seen, "the other database does not have it");
}

#[tokio::test]
async fn a_credential_is_known_by_its_secret_alone() {
    let db = TestDb::new(&[]).await;
    let context = db.context().await;
    let new = db.credential(&[Scope::AllRead]).await;
    let caller = context
        .credentials
        .check(&new.key, new.reveal_secret())
        .await
        .unwrap()
        .unwrap();
    assert!(caller.may(Action::ReadStatements) && !caller.may(Action::Administer));
    let wrong = context.credentials.check(&new.key, "wrong").await.unwrap();
    assert!(wrong.is_none());
    assert_eq!(context.secret.as_bytes(), db.secret().await.as_bytes());
}
