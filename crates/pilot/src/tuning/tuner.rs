//! Which way of a menu to follow, given what each made of the past days.

use super::replay::Past;

/// How the way is chosen that keeps a promise at the least cost, from what each made of the past days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tuner {
    /// The share of demand that may find no capacity.
    pub(super) target: f64,
}

/// The share of the promise that tuning aims at: the days to come differ from those replayed.
const AIM: f64 = 0.4;
/// Fewer days than these prove less: their target is stricter in proportion.
const DAYS_MATURE: f64 = 4.0;
/// The most that keeping the promise may cost: additional cost, as a share, for each share of demand served.
const PRICE_MAX: f64 = 600.0;

/// A way, as the days weighed say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worth {
    pub(super) way: usize,
    /// Server-minutes a day, scale-ups counted in.
    pub(super) cost: f64,
    /// Scale-ups a day.
    pub(super) ups: f64,
    /// The share of demand that found no capacity.
    pub(super) violated: f64,
}

impl Tuner {
    /// For a share of demand that may, by promise, find no capacity.
    pub(super) fn of(promise: f64) -> Self {
        Self { target: AIM * promise }
    }

    /// The cheapest way within the target. If none is, or if it is too dear: the best along the frontier of cost and
    /// violation, from its cheap end on, for as long as a step is worth its price. None without days or ways.
    pub(super) fn choose(&self, days: usize, all: &[Worth]) -> Option<Worth> {
        let mature = ((days + 1) as f64 / DAYS_MATURE).min(1.0);
        let target = self.target * mature;
        let frontier = frontier(all);
        let mut best = *frontier.first()?;
        for next in &frontier[1..] {
            let price = (next.cost / best.cost - 1.0) / (best.violated - next.violated);
            if best.violated <= target || price > PRICE_MAX {
                break;
            }
            best = *next;
        }
        let within = all.iter().filter(|w| w.violated <= target && w.cost <= best.cost);
        Some(*within.min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap_or(&best))
    }
}

/// Weighted cost and violation of each way, a scale-up counted as `up_cost` server-minutes; nothing without days.
pub(super) fn worths(past: &Past, up_cost: f64) -> Vec<Worth> {
    let worth = |(way, mark): (usize, &super::replay::Mark)| Worth {
        way,
        cost: (mark.billed + up_cost * mark.ups) / past.weight,
        ups: mark.ups / past.weight,
        violated: mark.short / past.demand.max(f64::MIN_POSITIVE),
    };
    if past.days == 0 { Vec::new() } else { past.marks.iter().enumerate().map(worth).collect() }
}

/// The lower convex hull, from the cheapest way to the one that violates least.
pub(super) fn frontier(worths: &[Worth]) -> Vec<Worth> {
    let mut sorted = worths.to_vec();
    sorted.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.violated.total_cmp(&b.violated)));
    let mut hull: Vec<Worth> = Vec::new();
    for next in sorted {
        if hull.last().is_some_and(|last| next.violated >= last.violated) {
            continue;
        }
        while let [.., a, b] = hull[..]
            && (b.violated - a.violated) * (next.cost - a.cost)
                >= (next.violated - a.violated) * (b.cost - a.cost)
        {
            hull.pop();
        }
        hull.push(next);
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::replay::Mark;

    /// Days of a thousand requests; each way given as (short beyond what was unavoidable, billed) for each day.
    #[track_caller]
    fn check(days: &[&[(f64, u64)]], expected: Option<usize>) {
        let mut past = Past::of(days.first().map_or(0, |day| day.len()));
        for day in days {
            let mark =
                |(short, billed): &(f64, u64)| Mark { short: *short, billed: *billed as f64, ups: 0.0 };
            past.add(1_000.0, 1, day.iter().map(mark));
        }
        let chosen = Tuner { target: 0.001 }.choose(past.days, &worths(&past, 3.0));
        assert_eq!(chosen.map(|worth| worth.way), expected);
    }

    #[test]
    fn takes_the_cheapest_that_keeps_the_promise() {
        check(&[], None);
        let week = |days: &[(f64, u64)], expected| check(&[days; 7], expected);
        week(&[(9.0, 100), (0.9, 110), (0.0, 150)], Some(1));
        week(&[(9.0, 100), (1.1, 110), (0.0, 150)], Some(2));
    }

    #[test]
    fn asks_for_more_while_little_is_known() {
        check(&[&[(9.0, 100), (0.9, 110), (0.0, 150)]], Some(2));
    }

    #[test]
    fn does_not_pay_any_price_after_a_spike_that_nothing_could_catch() {
        let quiet: &[(f64, u64)] = &[(0.2, 100), (0.1, 120), (0.0, 400)];
        let spike: &[(f64, u64)] = &[(10.0, 110), (9.0, 130), (0.0, 440)];
        check(&[quiet, quiet, quiet, spike, quiet], Some(0));
    }

    #[test]
    fn forgets() {
        let good: &[(f64, u64)] = &[(0.0, 100), (0.0, 150)];
        let bad: &[(f64, u64)] = &[(30.0, 100), (0.0, 150)];
        let mut days = vec![bad; 3];
        check(&days, Some(1));
        days.extend([good; 60]);
        check(&days, Some(0));
    }
}
