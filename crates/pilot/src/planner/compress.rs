/// A step function in fewer steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Compression {
    /// When each size begins, in seconds, and the size.
    pub steps: Vec<(i64, u32)>,
    /// What is paid on top of the original, in servers × seconds.
    pub extra: f64,
}

/// The step function of at most `most` steps that is nowhere below `steps`, at the least extra cost (A8).
///
/// `steps` are when each size begins, in seconds and ascending, and the size; the last one holds until `end_s`. Neighbours
/// of the result begin at least `apart_s` apart, so that their times are unique whatever the actuator rounds them to.
///
/// *Method.* A step of the best result begins where one of `steps` begins, and has the largest size that it spans: moved
/// or lowered it would cover less, moved or raised cost more. So the result is a partition of `steps` into runs, and the
/// least cost of the runs from i on, in m actions, is the least over j of the cost of the run i..j and the least cost from j
/// on in m − 1. O(most × steps²), cut short where a run alone costs more than the best found.
///
/// # Panics
/// If there is no step, or not a single action allowed.
pub fn compress(steps: &[(i64, u32)], end_s: i64, most: usize, apart_s: i64) -> Compression {
    assert!(!steps.is_empty() && most > 0, "nothing can be said in no action at all");
    let count = steps.len();
    let mut cheapest = vec![vec![f64::INFINITY; count + 1]; most + 1];
    let mut ends = vec![vec![count; count]; most + 1];
    (0..=most).for_each(|actions| cheapest[actions][count] = 0.0);
    for actions in 1..=most {
        for first in 0..count {
            let (cost, until) = cheapest_run(steps, end_s, apart_s, first, &cheapest[actions - 1]);
            (cheapest[actions][first], ends[actions][first]) = (cost, until);
        }
        if cheapest[actions][0] <= 0.0 {
            return read(steps, &ends, actions, cheapest[actions][0]);
        }
    }
    read(steps, &ends, most, cheapest[most][0])
}

/// Where the run that begins at `first` best ends, and what it and all after it cost.
fn cheapest_run(steps: &[(i64, u32)], end_s: i64, apart_s: i64, first: usize, after: &[f64]) -> (f64, usize) {
    let start = steps[first].0;
    let (mut size, mut area) = (0u32, 0.0);
    let mut best = (f64::INFINITY, steps.len());
    for until in first + 1..=steps.len() {
        let stop = steps.get(until).map_or(end_s, |(at, _)| *at);
        size = size.max(steps[until - 1].1);
        area += f64::from(steps[until - 1].1) * (stop - steps[until - 1].0) as f64;
        let extra = f64::from(size) * (stop - start) as f64 - area;
        if extra > best.0 {
            break;
        }
        let unique = until == steps.len() || stop - start >= apart_s;
        if unique && extra + after[until] < best.0 {
            best = (extra + after[until], until);
        }
    }
    best
}

fn read(steps: &[(i64, u32)], ends: &[Vec<usize>], actions: usize, extra: f64) -> Compression {
    let (mut first, mut left) = (0, actions);
    let mut said: Vec<(i64, u32)> = Vec::new();
    while first < steps.len() {
        let until = ends[left][first];
        let size = steps[first..until].iter().map(|(_, size)| *size).max().expect("a run has a step");
        if said.last().is_none_or(|(_, last)| *last != size) {
            said.push((steps[first].0, size));
        }
        (first, left) = (until, left - 1);
    }
    Compression { steps: said, extra }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(steps: &[(i64, u32)], time: i64) -> u32 {
        steps.iter().rev().find(|(start, _)| *start <= time).expect("a step").1
    }

    fn extra(steps: &[(i64, u32)], said: &[(i64, u32)], end: i64) -> f64 {
        (0..end).map(|t| f64::from(at(said, t)) - f64::from(at(steps, t))).sum()
    }

    /// All ways to cut `steps` into at most `most` runs.
    fn exhaustively(steps: &[(i64, u32)], end: i64, most: usize, apart: i64) -> f64 {
        let mut best = f64::INFINITY;
        for cuts in 0..1u32 << (steps.len() - 1) {
            let starts: Vec<usize> =
                (0..steps.len()).filter(|i| *i == 0 || cuts & (1 << (i - 1)) != 0).collect();
            let times: Vec<i64> = starts.iter().map(|i| steps[*i].0).collect();
            if starts.len() > most || times.windows(2).any(|w| w[1] - w[0] < apart) {
                continue;
            }
            let size = |run: usize| {
                let until = starts.get(run + 1).copied().unwrap_or(steps.len());
                steps[starts[run]..until].iter().map(|(_, size)| *size).max().unwrap()
            };
            let said: Vec<_> = (0..starts.len()).map(|run| (times[run], size(run))).collect();
            best = best.min(extra(steps, &said, end));
        }
        best
    }

    #[test] // A8
    fn says_two_days_in_as_many_actions_as_a_group_takes() {
        let wave = |k: i64| {
            100.0 + 80.0 * (k as f64 * std::f64::consts::TAU / 288.0).sin() + 15.0 * ((k * 7919 % 13) as f64)
        };
        let steps: Vec<(i64, u32)> = (0..576).map(|k| (300 * k, wave(k) as u32)).collect();
        for most in [100, 125] {
            let short = compress(&steps, 576 * 300, most, 60);
            assert!(short.steps.len() <= most && short.steps.windows(2).all(|w| w[1].0 - w[0].0 >= 60));
            assert!(steps.iter().all(|(time, size)| at(&short.steps, *time) >= *size));
        }
    }

    #[test]
    fn leaves_alone_what_is_short_enough() {
        let steps = [(0, 3), (300, 5), (600, 2)];
        assert_eq!(compress(&steps, 900, 3, 60), Compression { steps: steps.into(), extra: 0.0 });
        assert_eq!(compress(&steps, 900, 2, 60).steps, [(0, 5), (600, 2)]);
        assert_eq!(compress(&steps, 900, 1, 60), Compression { steps: vec![(0, 5)], extra: 1500.0 });
    }

    proptest! {
        #[test] // A8
        fn costs_no_more_than_the_best_of_all_ways(
            pieces in proptest::collection::vec((1i64..5, 0u32..6), 1..9),
            most in 1usize..6,
            apart in 0i64..5,
        ) {
            let mut time = 0;
            let steps: Vec<_> = pieces.iter().map(|(long, size)| { time += long; (time - long, *size) }).collect();
            let short = compress(&steps, time, most, apart);
            prop_assert!(short.steps.len() <= most);
            prop_assert!(short.steps.windows(2).all(|w| w[1].0 - w[0].0 >= apart));
            prop_assert!((0..time).all(|t| at(&short.steps, t) >= at(&steps, t)));
            prop_assert_eq!(short.extra, extra(&steps, &short.steps, time));
            prop_assert_eq!(short.extra, exhaustively(&steps, time, most, apart));
        }
    }
}
