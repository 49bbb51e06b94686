//! PostgreSQL ends connections under load: nothing that was acknowledged is lost, nothing is doubled,
//! no lock is left behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use crate::app::{App, answer, id};

/// What is left behind stays; whoever reads the horizon has the lock of `lrs.stamp` for a moment.
async fn no_lock_is_left_behind(app: &App) {
    for _ in 0..500 {
        let locks = app
            .number(
                "select count(*) from pg_locks where locktype = 'advisory'
                    and database = (select oid from pg_database where datname = current_database())
                    -- The worker of references has its own for ever.
                    and not (classid = 5317 and objid = 2)",
            )
            .await;
        if locks == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a lock is left behind");
}

#[actix_web::test]
async fn what_was_acknowledged_outlives_every_connection() {
    let app = App::start().await;
    let stop = AtomicBool::new(false);
    let killer = async {
        let pool = service::pg::pool(app.db.url(), 1).expect("a pool");
        let client = pool.get().await.expect("a connection");
        let mut killed = 0;
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(15)).await;
            let rows = client
                .query(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                      where datname = current_database() and pid <> pg_backend_pid()
                        and query like '%lrs.stamp%'",
                    &[],
                )
                .await
                .expect("the killer's own connection lives");
            killed += rows.len();
        }
        killed
    };
    let load = async {
        let posters = (0..16_u32).map(|pupil| {
            let app = &app;
            async move {
                let mut acknowledged = Vec::new();
                for n in 0..30 {
                    let id = id(pupil * 100 + n + 1);
                    let batch = json!([answer(id, &format!("p{pupil}"), "o", true)]);
                    // As a front-end does: again until it is acknowledged.
                    loop {
                        let told = app.post(&batch).await;
                        if told.status == 200 {
                            acknowledged.push(id);
                            break;
                        }
                        assert_eq!(told.status, 503, "{}", told.text);
                        assert!(!told.header("retry-after").is_empty());
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                acknowledged
            }
        });
        let acknowledged = join_all(posters).await.concat();
        stop.store(true, Ordering::Relaxed);
        acknowledged
    };
    let (killed, acknowledged) = futures::join!(killer, load);

    assert!(killed > 5, "{killed} connections were ended");
    assert_eq!(acknowledged.len(), 16 * 30);
    let client = app.db.pool().get().await.expect("a connection");
    let found: i64 = client
        .query_one(
            "select count(*) from lrs.statements where id = any($1)",
            &[&acknowledged],
        )
        .await
        .expect("a count")
        .get(0);
    assert_eq!(found, 16 * 30);
    assert_eq!(app.count().await, 16 * 30, "nothing besides");
    assert_eq!(
        app.number("select count(*) from published.answers_feed")
            .await,
        16 * 30
    );
    no_lock_is_left_behind(&app).await;
}

#[actix_web::test]
async fn a_cancelled_write_leaves_no_lock_behind() {
    let app = App::start().await;
    let client = app.db.pool().get().await.expect("a connection");
    // The stamp has its lock, and waits for the sequence until its query is cancelled.
    let holder = service::pg::pool(app.db.url(), 1)
        .expect("a pool")
        .get()
        .await
        .expect("a connection");
    holder
        .batch_execute("begin; alter sequence lrs.statement_seq cache 1")
        .await
        .expect("locked");
    client
        .batch_execute("set statement_timeout = '50ms'")
        .await
        .expect("set");
    let error = client
        .query("select * from lrs.stamp(1)", &[])
        .await
        .expect_err("cancelled");
    assert_eq!(
        error.code(),
        Some(&tokio_postgres::error::SqlState::QUERY_CANCELED)
    );
    holder.batch_execute("rollback").await.expect("unlocked");
    // The same session, which goes back to a pool.
    no_lock_is_left_behind(&app).await;
}
