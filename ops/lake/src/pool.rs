//! Memory of a query: shared out fairly among what can spill, with room kept for what cannot.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// One part in so many is kept for what cannot spill: tables that are joined, and what a sort needs to merge what it
/// has spilled.
const KEPT: usize = 4;

/// A pool like DataFusion's fair one, in which what can spill never takes all.
///
/// There several sorts together take what a sort asks for again after its first spill, ten megabytes by default,
/// and the query fails though it could spill.
#[derive(Debug)]
pub(crate) struct SpillPool {
    bytes: usize,
    taken: Mutex<Taken>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// How many can spill.
    spilling: usize,
    /// By all of them, in bytes.
    spillable: usize,
    /// By the others, in bytes.
    firm: usize,
}

impl SpillPool {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            taken: Mutex::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for SpillPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spill(pool_size: {})", self.bytes)
    }
}

impl MemoryPool for SpillPool {
    fn name(&self) -> &'static str {
        "spill"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.taken().spilling += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut taken = self.taken();
            taken.spilling = taken.spilling.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut taken = self.taken();
        if reservation.consumer().can_spill() {
            taken.spillable += additional;
        } else {
            taken.firm += additional;
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut taken = self.taken();
        if reservation.consumer().can_spill() {
            taken.spillable = taken.spillable.saturating_sub(shrink);
        } else {
            taken.firm = taken.firm.saturating_sub(shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut taken = self.taken();
        let spills = reservation.consumer().can_spill();
        let left = if spills {
            let kept = taken.firm.max(self.bytes / KEPT);
            let share = self.bytes.saturating_sub(kept) / taken.spilling.max(1);
            share.saturating_sub(reservation.size())
        } else {
            self.bytes.saturating_sub(taken.firm + taken.spillable)
        };
        if additional > left {
            let name = reservation.consumer().name();
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{name} wants {additional} bytes more, of {} bytes {left} are left for it",
                self.bytes
            )));
        }
        if spills {
            taken.spillable += additional;
        } else {
            taken.firm += additional;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        let taken = self.taken();
        taken.spillable + taken.firm
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn pool() -> Arc<dyn MemoryPool> {
        Arc::new(SpillPool::new(400))
    }

    fn of(pool: &Arc<dyn MemoryPool>, name: &str, spills: bool) -> MemoryReservation {
        MemoryConsumer::new(name)
            .with_can_spill(spills)
            .register(pool)
    }

    #[test]
    fn what_can_spill_leaves_room_for_what_cannot() {
        let pool = pool();
        let (one, two) = (of(&pool, "one", true), of(&pool, "two", true));
        one.try_grow(150).unwrap();
        two.try_grow(150).unwrap();
        one.try_grow(1).unwrap_err();
        let merge = of(&pool, "merge", false);
        merge.try_grow(100).unwrap();
        merge.try_grow(1).unwrap_err();
        assert_eq!(pool.reserved(), 400);
        drop((one, two, merge));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn what_cannot_spill_may_take_all_and_others_then_get_what_is_left() {
        let pool = pool();
        let table = of(&pool, "table", false);
        table.try_grow(300).unwrap();
        let (one, two) = (of(&pool, "one", true), of(&pool, "two", true));
        one.try_grow(51).unwrap_err();
        one.try_grow(50).unwrap();
        two.try_grow(50).unwrap();
        drop(two);
        one.try_grow(50).unwrap();
    }
}
