//! What is large goes through the server and never stays in its memory.

use crate::attached::{self, body, id, noise, post};
use crate::harness::Installation;
use crate::seen;

/// The largest attachment, as it comes.
const LARGEST: usize = 104_857_600;

/// What the server may take more while one goes through: buffers, and what else it does meanwhile.
const MORE_MAX: u64 = 64 << 20;

#[tokio::test]
async fn the_largest_attachment_is_never_whole_in_memory() {
    let sillage = Installation::new().await;
    // What is done for the first time takes its memory now.
    let small = noise(2_000_000);
    assert_eq!(post(&sillage, body(&id(1), &[&small])).await, 200);
    attached::read_back(&sillage, &id(1), &[&small]).await;
    seen::settled(&sillage).await;

    let large = noise(LARGEST);
    let before = sillage.peak_from_now_bytes();
    assert_eq!(post(&sillage, body(&id(2), &[&large])).await, 200);
    let sent = sillage.peak_bytes();
    attached::read_back(&sillage, &id(2), &[&large]).await;
    let read = sillage.peak_bytes();
    assert!(
        read < before + MORE_MAX,
        "before {before}, when it was sent {sent}, when it was read {read}"
    );
}
