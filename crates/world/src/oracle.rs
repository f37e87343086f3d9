use crate::Trace;
use crate::timeline::{Timeline, need, sliding};

/// Server-minutes of the cheapest schedule that is never short, knowing everything; at least one server.
///
/// Level k of the fleet is on while k servers are needed, stays on through gaps of at most the start-up time, and
/// else is started again, billed that long before it serves. A level is therefore billed in a minute exactly if it is
/// needed within the start-up time from then on. What is needed in the first minute is running already; a level that
/// is needed sooner than it can start is billed as if it had been launched in time.
pub fn optimum(need: &[u32], start_min: usize) -> u64 {
    let billed: u64 = totals(need, start_min).iter().map(|n| u64::from(*n)).sum();
    billed + launched_before(need, start_min)
}

/// The optimum's own timeline: what is billed, and what of it serves.
pub fn oracle(trace: &Trace, from: usize, throughput: f64, start_min: usize) -> Timeline {
    let demand = trace.demand()[from..].to_vec();
    let total = totals(&need(&demand, throughput), start_min);
    let ready = sliding(&total, start_min, u32::min);
    Timeline { start: trace.at(from), start_min, throughput, demand, ready, total }
}

fn totals(need: &[u32], start_min: usize) -> Vec<u32> {
    let backwards: Vec<u32> = need.iter().rev().map(|n| (*n).max(1)).collect();
    let mut total = sliding(&backwards, start_min, u32::max);
    total.reverse();
    total
}

/// Server-minutes before the first minute, of levels that are needed within the first start-up.
fn launched_before(need: &[u32], start_min: usize) -> u64 {
    let mut level = need.first().map_or(1, |n| (*n).max(1));
    let mut minutes = 0;
    for (minute, n) in need.iter().enumerate().take(start_min) {
        minutes += u64::from(n.saturating_sub(level)) * (start_min - minute) as u64;
        level = level.max(*n);
    }
    minutes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Level by level, as the definition says it.
    fn by_levels(need: &[u32], start_min: usize) -> u64 {
        let need: Vec<u32> = need.iter().map(|n| (*n).max(1)).collect();
        let top = *need.iter().max().unwrap();
        let level = |k: u32| {
            let mut off_since: Option<usize> = None;
            let mut cost = 0;
            for (minute, n) in need.iter().enumerate() {
                if *n < k {
                    continue;
                }
                let gap = match off_since {
                    None if minute == 0 => 0,
                    None => start_min,
                    Some(since) => (minute - since).min(start_min),
                };
                cost += 1 + gap as u64;
                off_since = Some(minute + 1);
            }
            cost
        };
        (1..=top).map(level).sum()
    }

    proptest! {
        #[test]
        fn costs_what_each_level_costs(need in proptest::collection::vec(0u32..6, 1..80), start in 0usize..9) {
            prop_assert_eq!(optimum(&need, start), by_levels(&need, start));
        }
    }

    #[test]
    fn is_never_short_and_never_impossible() {
        let demand = (0..500).map(|i| f64::from(i * 7919 % 23)).collect();
        let trace = Trace::new("saw", jiff::Timestamp::UNIX_EPOCH, demand);
        let timeline = oracle(&trace, 0, 2.0, 5);
        assert!(timeline.breaches().is_empty());
        assert!(timeline.need().iter().zip(&timeline.ready).all(|(need, ready)| need <= ready));
    }
}
