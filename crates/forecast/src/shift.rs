//! Level shifts: from one day on, all days are different.

use crate::past::median;
use crate::profile::Means;

/// A shift is this much of the level at least, in the root: a quarter of the demand, near enough.
const SIZE_MIN: f64 = 0.11;
/// And this many robust standard deviations of the usual difference between two weeks.
const Z_MIN: f64 = 4.0;

/// The point from which on the level is different, and by how much, in the units of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    pub(crate) at: usize,
    pub(crate) by: f64,
}

/// The level shifts in `values`, ascending, NaN being unknown. For each point the seven days after are compared
/// with the seven before, weekday by weekday; five of them must agree, so that three abnormal days in a row are
/// none. A shift is known four or five days after it happened.
pub(crate) fn shifts(values: &[f64], day: usize) -> Vec<Shift> {
    let week = 7 * day;
    if values.len() < 2 * week {
        return Vec::new();
    }
    let means = Means::of(values);
    let stride = (day / 24).max(1);
    let differences: Vec<(usize, f64)> = (week..=values.len().saturating_sub(5 * day))
        .step_by(stride)
        .map(|at| (at, difference(&means, at, day)))
        .filter(|(_, difference)| difference.is_finite())
        .collect();
    let usual = median(&mut differences.iter().map(|d| d.1).collect::<Vec<_>>());
    let spread = 1.4826 * median(&mut differences.iter().map(|d| (d.1 - usual).abs()).collect::<Vec<_>>());
    let least = (SIZE_MIN * means.over(0, values.len())).max(Z_MIN * spread);
    let mut large: Vec<(usize, f64)> =
        differences.into_iter().map(|(at, d)| (at, d - usual)).filter(|(_, d)| d.abs() > least).collect();
    large.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let mut found: Vec<Shift> = Vec::new();
    for (at, by) in large {
        if found.iter().all(|other| other.at.abs_diff(at) >= week) {
            let at = edge(&means, at, day, by);
            found.push(Shift { at, by: size(&means, at, day) - usual });
        }
    }
    found.retain(|shift| shift.by.abs() > least);
    found.sort_by_key(|shift| shift.at);
    found
}

/// By how much the days after `at` are more, or less, than the same days a week before, two of seven (one of five or
/// six) not counted; zero if they are not, NaN with fewer than five days known.
fn difference(means: &Means, at: usize, day: usize) -> f64 {
    let (mut days, n) = weekdays(means, at, day);
    if n < 5 {
        return f64::NAN;
    }
    days[..n].sort_by(f64::total_cmp);
    let spared = (n - 1) / 3;
    let (low, high) = (days[spared], days[n - 1 - spared]);
    if low > 0.0 { low } else { high.min(0.0) }
}

/// The same, as the middle of the days.
fn size(means: &Means, at: usize, day: usize) -> f64 {
    let (mut days, n) = weekdays(means, at, day);
    median(&mut days[..n])
}

/// The days after `at` less the same days a week before, and how many are known.
fn weekdays(means: &Means, at: usize, day: usize) -> ([f64; 7], usize) {
    let (mut days, mut n) = ([f64::NAN; 7], 0);
    for from in (0..7).map(|i| at + i * day).filter(|from| from + day <= means.len()) {
        let before = from - 7 * day;
        let (old, new) = (means.known(before, before + day), means.known(from, from + day));
        if old > 0 && new > 0 && 2 * new >= old {
            days[n] = means.over(from, from + day) - means.over(before, before + day);
            n += 1;
        }
    }
    (days, n)
}

/// Where exactly, within three days of `at`: where what comes after differs most, in that direction, from the same
/// time a week before, and what comes before least.
fn edge(means: &Means, at: usize, day: usize, by: f64) -> usize {
    let reach = 3 * day;
    let weekly = |i: usize| means.over(i, i + 1) - means.over(i - 7 * day, i + 1 - 7 * day);
    let from = at.saturating_sub(reach).max(7 * day);
    let mut best = (f64::MIN, at);
    let mut sum = 0.0;
    let to = (at + reach).min(means.len());
    for i in (from..to).rev() {
        if means.known(i, i + 1) > 0 && means.known(i - 7 * day, i + 1 - 7 * day) > 0 {
            sum += (weekly(i) * by.signum()).min(2.0 * by.abs()) - 0.5 * by.abs();
        }
        if sum > best.0 {
            best = (sum, i);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: usize = 24;

    fn weeks(n: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
        let shape = |i: usize| 10.0 + 3.0 * (i as f64 / 24.0 * std::f64::consts::TAU).sin();
        let noise = |i: usize| ((i * 7919 + i * i * 31) % 101) as f64 / 101.0 - 0.5;
        (0..n * 7 * DAY).map(|i| value(i) + shape(i) + noise(i)).collect()
    }

    #[test]
    fn finds_where_the_level_changes_for_good() {
        let up = weeks(6, |i| if i >= 500 { 4.0 } else { 0.0 });
        let found = shifts(&up, DAY);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].at.abs_diff(500) <= 2 && (found[0].by - 4.0).abs() < 0.5, "{found:?}");
    }

    #[test]
    fn finds_both_ends_of_a_fortnight_off() {
        let holidays = weeks(9, |i| if (600..936).contains(&i) { -5.0 } else { 0.0 });
        let at: Vec<usize> = shifts(&holidays, DAY).iter().map(|shift| shift.at).collect();
        assert!(at.len() == 2 && at[0].abs_diff(600) <= 2 && at[1].abs_diff(936) <= 2, "{at:?}");
    }

    #[test]
    fn does_not_take_three_abnormal_days_growth_or_noise_for_a_shift() {
        assert_eq!(shifts(&weeks(6, |i| if (500..572).contains(&i) { 6.0 } else { 0.0 }), DAY), []);
        assert_eq!(shifts(&weeks(6, |i| 0.01 * i as f64), DAY), []);
        assert_eq!(shifts(&weeks(6, |_| 0.0), DAY), []);
        assert_eq!(shifts(&weeks(1, |_| 0.0), DAY), []);
    }

    #[test]
    fn knows_a_shift_after_some_days_and_not_before() {
        let young = |days: usize| {
            let mut values = weeks(6, |i| if i >= 500 { 4.0 } else { 0.0 });
            values.truncate(500 + days * DAY);
            shifts(&values, DAY).len()
        };
        assert_eq!((young(3), young(6)), (0, 1));
    }
}
