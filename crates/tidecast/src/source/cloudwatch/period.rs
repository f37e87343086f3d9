use jiff::Timestamp;

/// A span of time for which one period is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The first start, in seconds.
    pub(super) from_s: i64,
    /// The last start, included.
    pub(super) until_s: i64,
    /// Seconds for each value.
    pub(super) period_s: i64,
}

/// How long CloudWatch keeps values of a period, in days. A day less than it says, since it forgets by the hour.
const KEPT: [(i64, i64); 3] = [(60, 14), (300, 62), (3_600, 454)];
const DAY_S: i64 = 86_400;

/// The span from `since` to `until` by what is still kept of it at `now`: the finest period that is not finer than `step_s`.
/// What nobody keeps any more is not asked for.
pub(super) fn stretches(since: Timestamp, until: Timestamp, now: Timestamp, step_s: i64) -> Vec<Stretch> {
    let (since_s, mut end_s) = (since.as_second(), until.as_second());
    let mut found = Vec::new();
    for (period_s, days) in KEPT.into_iter().filter(|(period_s, _)| *period_s >= step_s) {
        // Where a coarser period begins, it begins with a whole one.
        let kept_s = (now.as_second() - days * DAY_S).div_euclid(3_600) * 3_600;
        let from_s = since_s.max(kept_s).div_euclid(period_s) * period_s;
        if from_s <= end_s {
            found.push(Stretch { from_s, until_s: end_s, period_s });
            end_s = from_s - 1;
        }
        if end_s < since_s {
            break;
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_790_000_040;

    #[track_caller]
    fn check(since_d: i64, until_d: i64, step_s: i64, expected: &[(i64, i64)]) {
        let at = |days: i64| Timestamp::from_second(NOW_S - days * DAY_S).unwrap();
        let found = stretches(at(since_d), at(until_d), at(0), step_s);
        let days: Vec<(i64, i64)> =
            found.iter().map(|s| ((NOW_S - s.from_s + DAY_S / 2) / DAY_S, s.period_s)).collect();
        assert_eq!(days, expected);
        for pair in found.windows(2) {
            assert_eq!(pair[0].until_s + 1, pair[1].from_s, "no gap, and nothing twice");
            assert_eq!(pair[1].from_s % pair[0].period_s, 0, "each coarse period is whole");
        }
    }

    #[test] // F27
    fn asks_for_each_age_what_is_still_kept_of_it() {
        check(1, 0, 60, &[(1, 60)]);
        check(28, 0, 60, &[(28, 300), (14, 60)]);
        check(100, 0, 60, &[(100, 3_600), (62, 300), (14, 60)]);
        check(100, 0, 300, &[(100, 3_600), (62, 300)]);
        check(28, 20, 60, &[(28, 300)]);
        check(600, 500, 60, &[]);
    }
}
