//! Three copies of the service on one database, hammered together while one after another is killed
//! with SIGKILL and started again.
//!
//! Writers send again what was not acknowledged, to any copy, as front-ends do. What was acknowledged
//! and refused is kept in a [`Ledger`]; readers walk and follow Consistent-Through meanwhile; in the
//! end what the copies, the database and the lake hold must be what the ledger says.
//!
//! `LRS_FUZZ_S` in the environment makes the long run as long. What fails tells its seed, which can be
//! given in `LRS_FUZZ_SEED`.

mod ending;
mod ledger;
mod processes;
mod readers;
mod stopped;
mod writers;

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::harness::told;
use ledger::Ledger;
use processes::Copies;
use writers::Writer;

/// Copies.
const COPIES: usize = 3;

/// Who write at the same time.
const WRITERS: u64 = 8;

/// What everybody here looks at. All run on one thread, so that nobody waits for a lock of ours.
struct Stage {
    copies: Copies,
    ledger: RefCell<Ledger>,
    ends: Instant,
    /// Writers that are not done yet.
    writing: Cell<u64>,
    seed: u64,
}

impl Stage {
    /// A source of chance of its own for each who acts.
    fn chance(&self, who: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed.wrapping_mul(1_000).wrapping_add(who))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a test that fails shows it, and its seed repeats the run"
)]
async fn hammered(seed: u64, time: Duration) {
    println!("seed {seed}");
    let stage = Stage {
        copies: Copies::start(COPIES).await,
        ledger: RefCell::default(),
        ends: Instant::now() + time,
        writing: Cell::new(WRITERS),
        seed,
    };
    let write = async |number| {
        Writer::new(&stage, number).write().await;
        stage.writing.set(stage.writing.get() - 1);
    };
    let writing = join_all((0..WRITERS).map(write));
    let (kills, walks, windows, _) = futures::join!(
        kill(&stage),
        readers::walk(&stage),
        readers::follow(&stage),
        writing,
    );
    println!(
        "seed {seed}: {kills} kills, {walks} walks, {} windows; {}",
        windows.count(),
        stage.ledger.borrow()
    );
    // A run in which nothing of this happened would prove nothing.
    assert!(kills >= COPIES && walks > 0 && windows.count() > 0);
    stage.ledger.borrow().holds_all_that_was_meant();
    ending::as_the_ledger_says(&stage, &windows).await;
}

/// Kills a copy now and then, and starts it again; tells how often.
async fn kill(stage: &Stage) -> usize {
    let mut rng = stage.chance(101);
    let mut kills = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..1_500))).await;
        if stage.is_over() {
            return kills;
        }
        let copy = rng.random_range(0..COPIES);
        stage.copies.kill(copy);
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..600))).await;
        stage.copies.restart(copy).await;
        kills += 1;
    }
}

#[tokio::test]
async fn three_copies_on_one_database_lose_nothing_double_nothing_and_keep_their_word() {
    hammered(1, Duration::from_secs(20)).await;
}

#[tokio::test]
#[ignore = "as long as LRS_FUZZ_S says, an hour by default"]
async fn three_copies_on_one_database_for_long() {
    let seed = told("LRS_FUZZ_SEED").unwrap_or_else(rand::random);
    let time = told("LRS_FUZZ_S").unwrap_or(3_600);
    hammered(seed, Duration::from_secs(time)).await;
}
