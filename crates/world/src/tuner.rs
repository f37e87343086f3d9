//! Which choice of a menu to follow, given what each made of the past days.

use std::collections::VecDeque;

use crate::replay::Day;

/// How the choice of a menu is chosen that keeps a promise at the least cost, from what each made of the past days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tuner {
    /// The share of demand that may find no capacity.
    pub(crate) target: f64,
}

/// The share of the promise that tuning aims at: the days to come differ from those replayed.
const AIM: f64 = 0.42;
/// Days that are looked at.
pub(crate) const DAYS: usize = 28;
/// The age at which a day counts half.
const HALF_LIFE_DAYS: f64 = 14.0;
/// Fewer days than these prove less: their target is stricter in proportion.
const DAYS_MATURE: f64 = 4.0;
/// Of what a day's choices violated, the share of choices that violated least: what even these could not prevent
/// was not to be prevented.
const UNAVOIDABLE: f64 = 0.05;
/// The most that keeping the promise may cost: additional cost, as a share, for each share of demand served.
const PRICE_MAX: f64 = 600.0;
/// Server-minutes that a scale-up counts.
const UP_COST: f64 = 3.0;

/// A choice, as the days weighed say.
#[derive(Debug, Clone, Copy)]
struct Worth {
    choice: usize,
    cost: f64,
    violated: f64,
}

impl Tuner {
    /// For a share of demand that may, by promise, find no capacity.
    pub(crate) fn of(promise: f64) -> Self {
        Self { target: AIM * promise }
    }

    /// The cheapest choice within the target. If none is, or if it is too dear: the best along the frontier of cost and
    /// violation, from its cheap end on, for as long as a step is worth its price. None without days.
    pub(crate) fn choose(&self, days: &VecDeque<Day>) -> Option<usize> {
        let mature = ((days.len() + 1) as f64 / DAYS_MATURE).min(1.0);
        let target = self.target * mature;
        let all = worths(days)?;
        let frontier = frontier(&all);
        let mut best = frontier[0];
        for next in &frontier[1..] {
            let price = (next.cost / best.cost - 1.0) / (best.violated - next.violated);
            if best.violated <= target || price > PRICE_MAX {
                break;
            }
            best = *next;
        }
        let within = all.iter().filter(|w| w.violated <= target && w.cost <= best.cost);
        Some(within.min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap_or(&best).choice)
    }
}

/// Weighted cost and violation of each choice.
fn worths(days: &VecDeque<Day>) -> Option<Vec<Worth>> {
    let choices = days.front()?.marks.len();
    let mut worths: Vec<Worth> =
        (0..choices).map(|choice| Worth { choice, cost: 0.0, violated: 0.0 }).collect();
    let mut demand = 0.0;
    for (age, day) in days.iter().rev().enumerate().take(DAYS) {
        let weight = 0.5f64.powf(age as f64 / HALF_LIFE_DAYS);
        let unavoidable = unavoidable(day);
        demand += weight * day.demand;
        for (worth, mark) in worths.iter_mut().zip(&day.marks) {
            worth.cost += weight * (mark.billed as f64 + UP_COST * f64::from(mark.ups));
            worth.violated += weight * (mark.short - unavoidable).max(0.0);
        }
    }
    worths.iter_mut().for_each(|worth| worth.violated /= f64::max(demand, f64::MIN_POSITIVE));
    Some(worths)
}

fn unavoidable(day: &Day) -> f64 {
    let mut shorts: Vec<f64> = day.marks.iter().map(|mark| mark.short).collect();
    shorts.sort_by(f64::total_cmp);
    shorts[((shorts.len() - 1) as f64 * UNAVOIDABLE) as usize]
}

/// The lower convex hull, from the cheapest choice to the one that violates least.
fn frontier(worths: &[Worth]) -> Vec<Worth> {
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
    use crate::replay::Mark;

    /// Days of a thousand requests; each choice given as (short, billed) for each day.
    #[track_caller]
    fn check(days: &[&[(f64, u64)]], expected: Option<usize>) {
        let mark = |(short, billed): &(f64, u64)| Mark { short: *short, billed: *billed, ups: 0 };
        let day = |marks: &&[(f64, u64)]| Day { demand: 1_000.0, marks: marks.iter().map(mark).collect() };
        assert_eq!(Tuner { target: 0.001 }.choose(&days.iter().map(day).collect()), expected);
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
        let spike: &[(f64, u64)] = &[(90.0, 110), (89.0, 130), (80.0, 440)];
        check(&[quiet, quiet, quiet, spike, quiet], Some(0));
    }

    #[test]
    fn forgets() {
        let good: &[(f64, u64)] = &[(0.0, 100), (0.0, 150)];
        let bad: &[(f64, u64)] = &[(30.0, 100), (0.0, 150)];
        let mut days = vec![bad; 3];
        check(&days, Some(1));
        days.extend([good; 40]);
        check(&days, Some(0));
    }
}
