//! Work in shares, each on a thread of its own, their results in the order of the shares.

use std::ops::Range;

/// Splits what has these ends (rising: where each thing's part of the whole ends) into at most `workers`
/// ranges of about equal parts; at least one.
pub(crate) fn shares(
    ends: impl ExactSizeIterator<Item = usize> + Clone,
    workers: usize,
) -> Vec<Range<usize>> {
    let count = ends.len();
    let whole = ends.clone().last().unwrap_or(0);
    let workers = workers.max(1);
    let mut shares = Vec::with_capacity(workers);
    let mut start = 0;
    for (index, end) in ends.enumerate() {
        let enough = whole * (shares.len() + 1) / workers;
        if end >= enough && shares.len() + 1 < workers {
            shares.push(start..index + 1);
            start = index + 1;
        }
    }
    shares.push(start..count);
    shares
}

/// Does each share, and gives what came of them in their order.
pub(crate) fn each<T: Send>(
    shares: Vec<Range<usize>>,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let mut shares = shares.into_iter();
        // The first share is done on this thread.
        let own = shares.next();
        let others: Vec<_> = shares
            .map(|share| scope.spawn(move || work(share)))
            .collect();
        let mut done: Vec<T> = own.map(work).into_iter().collect();
        for other in others {
            match other.join() {
                Ok(result) => done.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_once_and_are_about_equal() {
        let ends = [10, 20, 30, 40, 50, 60, 70, 80];
        assert_eq!(shares(ends.into_iter(), 2), [0..4, 4..8]);
        assert_eq!(shares([100, 110].into_iter(), 2), [0..1, 1..2]);
        assert_eq!(shares([].into_iter(), 2), vec![Range { start: 0, end: 0 }]);
        let three = shares([5, 6, 7].into_iter(), 8);
        assert_eq!(three.last().unwrap().end, 3);
        assert!(three.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn results_stand_in_the_order_of_their_shares() {
        assert_eq!(each(vec![0..2, 2..5, 5..6], |share| share.len()), [2, 3, 1]);
    }
}
