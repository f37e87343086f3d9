//! What in a history is not its usual course: a robust comparison of each point with the same time on other days
//! or weeks, repeated without what was found until no more is found (SPEC S4.3, S4.5).

use crate::past::median;
use crate::profile::Means;
use crate::repair::FindingKind;
use crate::shift::{Shift, shifts};
use crate::{HOUR_S, Season, Series, seasons};

/// Robust standard deviations beyond which a point is an anomaly.
pub(crate) const POINT_Z: f64 = 6.0;
/// The same for the mean of a day.
const DAY_Z: f64 = 6.0;
/// A deviation is at least this much of the level, in the root: a fifth of the demand.
pub(crate) const SIZE_MIN: f64 = 0.1;
/// Anomalies of which so many days in four weeks have the like are the usual course.
pub(crate) const DAYS_LIKE_IT: usize = 3;
/// Comparable means at least this share of the size.
pub(crate) const LIKE: f64 = 0.6;
/// At most so many rounds.
const ROUNDS: usize = 3;

/// One anomaly: its points, from the first to behind the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Anomaly {
    pub(crate) kind: FindingKind,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) points: Vec<usize>,
    pub(crate) ratio: f64,
}

/// The anomalies of a series, each kind in the order of time.
pub(crate) fn anomalies(series: &Series) -> Vec<Anomaly> {
    let Some(scene) = Scene::of(series) else { return Vec::new() };
    let mut found = scene.shift_anomalies();
    found.extend(scene.deviations());
    found
}

/// A series in the root, its level shifts undone, and what it is compared with.
struct Scene {
    /// √ of the values, NaN where unknown, at the level of the end.
    roots: Vec<f64>,
    shifts: Vec<Shift>,
    /// The points in a day.
    day: usize,
    /// The points in an hour.
    hour: usize,
    /// After how many points the same is to be expected; none if nothing repeats.
    period: Option<usize>,
}

impl Scene {
    /// None where there is too little to compare with, or days have no meaning.
    fn of(series: &Series) -> Option<Self> {
        let grid = series.grid();
        let day = grid.day()?;
        if series.measured() < 3 * day.min(24) || series.len() < 3 * day {
            return None;
        }
        let mut roots: Vec<f64> = series.values().iter().map(|value| value.sqrt()).collect();
        let shifts = shifts(&roots, day);
        for shift in &shifts {
            roots[..shift.at].iter_mut().for_each(|root| *root += shift.by);
        }
        let hour = grid.steps_in(HOUR_S);
        let period = period(series, day);
        Some(Self { roots, shifts, day, hour, period })
    }

    fn shift_anomalies(&self) -> Vec<Anomaly> {
        let means = Means::of(&self.roots);
        let whole = |shift: &Shift| {
            let to = (shift.at + 7 * self.day).min(self.roots.len());
            // Undone, the roots before are at the level after.
            let after = means.over(shift.at, to) - self.undone(shift.at);
            let ratio = (after / (after - shift.by).max(1e-9)).powi(2);
            Anomaly { kind: FindingKind::Shift, from: shift.at, to: shift.at, points: Vec::new(), ratio }
        };
        self.shifts.iter().map(whole).collect()
    }

    /// What was added to a root to bring it to the level of the end.
    fn undone(&self, i: usize) -> f64 {
        self.shifts.iter().filter(|shift| shift.at > i).map(|shift| shift.by).sum()
    }

    /// Whether each time of the week has been seen three times, so that a weekend is known from an anomaly.
    fn knows_weeks(&self) -> bool {
        self.period == Some(7 * self.day) && self.roots.len() >= 21 * self.day
    }

    /// Where weeks are not known, only what no weekday explains.
    fn is_credible(&self, anomaly: &Anomaly) -> bool {
        let short = anomaly.to - anomaly.from <= 6 * self.hour;
        self.knows_weeks() || (short && !(0.2..3.0).contains(&anomaly.ratio))
    }

    fn deviations(&self) -> Vec<Anomaly> {
        let mut left_out = vec![false; self.roots.len()];
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            let view = View::of(self, &left_out);
            let mut new = vec![false; self.roots.len()];
            found = view.found();
            found.iter().flat_map(|event| &event.points).for_each(|point| new[*point] = true);
            let settled = new == left_out;
            left_out = new;
            if settled {
                break;
            }
        }
        found
    }
}

/// A week or a day, whichever explains more, if one of them counts; else the strongest that does, in whole points.
fn period(series: &Series, day: usize) -> Option<usize> {
    let seasons = seasons(series);
    let points = |season: &Season| (season.period_s / series.grid().step_s as f64).round().max(1.0) as usize;
    let counts = seasons.found.iter().any(|season| [day, 7 * day].contains(&points(season)));
    match (seasons.day, seasons.week) {
        (Some(d), Some(w)) if counts && w > d + 0.02 => Some(7 * day),
        _ if counts => Some(day),
        _ => seasons.found.iter().max_by(|a, b| a.strength.total_cmp(&b.strength)).map(points),
    }
}

/// The scene as it looks without what has been left out.
struct View<'a> {
    scene: &'a Scene,
    /// What is to be expected, in the root.
    expected: Vec<f64>,
    /// Measured less expected, NaN where one of them is unknown.
    off: Vec<f64>,
    /// The mean of what is known.
    level: f64,
    /// The smallest deviation that counts.
    least: f64,
}

impl<'a> View<'a> {
    fn of(scene: &'a Scene, left_out: &[bool]) -> Self {
        let known = |(root, out): (&f64, &bool)| if *out { f64::NAN } else { *root };
        let known: Vec<f64> = scene.roots.iter().zip(left_out).map(known).collect();
        let levels = levels(&known, 7 * scene.day);
        let rest: Vec<f64> = known.iter().zip(&levels).map(|(root, level)| root - level).collect();
        let others = Others::of(&rest, scene);
        let expected: Vec<f64> = (0..known.len()).map(|i| (levels[i] + others.at(i)).max(0.0)).collect();
        let off = scene.roots.iter().zip(&expected).map(|(root, e)| root - e).collect();
        let level = Means::of(&known).over(0, known.len());
        Self { scene, expected, off, level, least: SIZE_MIN * level }
    }

    fn found(&self) -> Vec<Anomaly> {
        let mut events = self.bursts();
        if self.scene.knows_weeks() {
            events.extend(self.days());
        }
        let mut anomalies: Vec<Anomaly> = events.iter().filter_map(|event| self.anomaly(event)).collect();
        anomalies.retain(|anomaly| self.scene.is_credible(anomaly));
        without_overlap(anomalies)
    }

    /// Stretches of points far off on one side, an hour's interruption allowed, that have not their like on many
    /// days.
    fn bursts(&self) -> Vec<Event> {
        let spreads = self.spreads();
        let far = |i: usize| self.off[i].abs() > (POINT_Z * spreads[self.time_of_day(i)]).max(self.least);
        let mut events: Vec<Event> = Vec::new();
        for i in (0..self.off.len()).filter(|i| far(*i)) {
            let (side, size) = (self.off[i].signum(), self.off[i].abs());
            match events.last_mut() {
                Some(last) if last.side == side && i <= last.to + self.scene.hour => {
                    last.to = i + 1;
                    last.size = last.size.max(size);
                }
                _ => events.push(Event { from: i, to: i + 1, side, size }),
            }
        }
        let extremes = [-1.0, 1.0].map(|side| self.daily(|i| side * self.off[i]));
        events.retain(|event| self.is_rare(event, &extremes[usize::from(event.side > 0.0)]));
        events
    }

    /// Days that are off as a whole, and have not their like on many others.
    fn days(&self) -> Vec<Event> {
        let (half, len) = (self.scene.day / 2, self.off.len());
        let means = Means::of(&self.off);
        let around = |i: usize| means.over(i.saturating_sub(half), (i + half).min(len));
        let centres: Vec<usize> = (0..len).step_by(self.scene.hour).collect();
        let mut sizes: Vec<(usize, f64)> = centres.iter().map(|i| (*i, around(*i))).collect();
        let spread = 1.4826 * median(&mut sizes.iter().map(|s| s.1.abs()).collect::<Vec<_>>());
        sizes.retain(|(_, size)| size.abs() > (DAY_Z * spread).max(0.5 * self.least));
        sizes.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let extremes = [-1.0, 1.0].map(|side| self.daily(|i| side * around(i)));
        let mut events: Vec<Event> = Vec::new();
        for (centre, size) in sizes {
            if events.iter().all(|e| centre + half < e.from || centre > e.to + half) {
                let event = self.extent(&means, centre, size);
                if self.is_rare(&event, &extremes[usize::from(event.side > 0.0)]) {
                    events.push(event);
                }
            }
        }
        events
    }

    /// How far around its centre a day is off, a day and a half to either side at most.
    fn extent(&self, means: &Means, centre: usize, size: f64) -> Event {
        let (hour, len) = (self.scene.hour, self.off.len());
        let off = |i: usize| {
            let (from, to) = (i.saturating_sub(hour), (i + 2 * hour).min(len));
            means.known(from, to) == 0 || means.over(from, to) * size.signum() > 0.3 * size.abs()
        };
        let reach = 3 * self.scene.day / 2;
        let from =
            (centre.saturating_sub(reach)..=centre).rev().take_while(|i| off(*i)).last().unwrap_or(centre);
        let to = (centre..(centre + reach).min(len)).take_while(|i| off(*i)).last().unwrap_or(centre);
        Event { from, to: to + 1, side: size.signum(), size: size.abs() }
    }

    /// The largest of each day.
    fn daily(&self, size: impl Fn(usize) -> f64) -> Vec<f64> {
        let days = self.off.len().div_ceil(self.scene.day);
        let of_day = |day: usize| day * self.scene.day..((day + 1) * self.scene.day).min(self.off.len());
        (0..days).map(|day| of_day(day).map(&size).fold(0.0, f64::max)).collect()
    }

    /// Whether few days of the four weeks around it have the like: what recurs is the usual course.
    fn is_rare(&self, event: &Event, daily: &[f64]) -> bool {
        let from = (event.from / self.scene.day).saturating_sub(14).min(daily.len().saturating_sub(28));
        let around = daily.iter().skip(from).take(28);
        let like_it = around.filter(|size| **size >= LIKE * event.size).count();
        like_it <= DAYS_LIKE_IT
    }

    /// The robust spread for each half-hour of the day, half of the common one at least.
    fn spreads(&self) -> Vec<f64> {
        let mut sizes: Vec<Vec<f64>> = vec![Vec::new(); 48];
        for (i, off) in self.off.iter().enumerate().filter(|(_, off)| off.is_finite()) {
            sizes[self.time_of_day(i)].push(off.abs());
        }
        let common = median(&mut sizes.concat());
        let spread = |own: &mut Vec<f64>| if own.is_empty() { common } else { median(own).max(0.5 * common) };
        sizes.iter_mut().map(|own| 1.4826 * spread(own)).collect()
    }

    fn time_of_day(&self, i: usize) -> usize {
        i % self.scene.day * 48 / self.scene.day
    }

    /// What the event is, of its known points; none without any.
    fn anomaly(&self, event: &Event) -> Option<Anomaly> {
        let is_off = |i: &usize| self.off[*i] * event.side > 0.0;
        let wide = event.to - event.from > self.scene.day / 2;
        let known = (event.from..event.to).filter(|i| self.off[*i].is_finite());
        let points: Vec<usize> = known.filter(|i| wide || is_off(i)).collect();
        let (from, to) = (*points.first()?, points.last()? + 1);
        let (mut measured, mut expected) = (0.0, 0.0);
        for i in &points {
            let undone = self.scene.undone(*i);
            measured += (self.scene.roots[*i] - undone).powi(2);
            expected += (self.expected[*i] - undone).max(0.0).powi(2);
        }
        let ratio = measured / expected.max(0.01 * self.level.powi(2) * points.len() as f64);
        let kind = match ratio {
            _ if wide => FindingKind::Unusual,
            r if r < 0.5 => FindingKind::Outage,
            r if r > 1.5 => FindingKind::Spike,
            _ => FindingKind::Unusual,
        };
        Some(Anomaly { kind, from, to, points, ratio })
    }
}

/// A stretch that is off to one side, by its size at most.
#[derive(Debug, Clone, Copy)]
struct Event {
    from: usize,
    to: usize,
    side: f64,
    size: f64,
}

/// The centred mean of a week, whole weeks also at the ends.
fn levels(known: &[f64], week: usize) -> Vec<f64> {
    let means = Means::of(known);
    let week = week.min(known.len());
    let last = known.len() - week;
    (0..known.len())
        .map(|i| i.saturating_sub(week / 2).min(last))
        .map(|from| means.over(from, from + week))
        .collect()
}

/// What the same time on other days or weeks says.
struct Others {
    smooth: Means,
    period: Option<usize>,
    radius: usize,
    len: usize,
}

impl Others {
    fn of(rest: &[f64], scene: &Scene) -> Self {
        Self { smooth: Means::of(rest), period: scene.period, radius: scene.hour / 6, len: rest.len() }
    }

    /// The median of the nearest eight, of two at least; zero if nothing repeats.
    fn at(&self, i: usize) -> f64 {
        let Some(period) = self.period else { return 0.0 };
        let mut found = Few::default();
        for lag in (1..=8).map(|k| k * period).take_while(|lag| *lag <= i.max(self.len - i)) {
            for centre in [i.checked_sub(lag), Some(i + lag).filter(|j| *j < self.len)].into_iter().flatten()
            {
                let (from, to) =
                    (centre.saturating_sub(self.radius), (centre + self.radius + 1).min(self.len));
                if !found.is_full() && self.smooth.known(from, to) > 0 {
                    found.insert(self.smooth.over(from, to));
                }
            }
        }
        found.median()
    }
}

/// Up to eight numbers, ascending.
#[derive(Default)]
struct Few {
    numbers: [f64; 8],
    n: usize,
}

impl Few {
    fn is_full(&self) -> bool {
        self.n == self.numbers.len()
    }

    fn insert(&mut self, number: f64) {
        let mut at = self.n;
        while at > 0 && self.numbers[at - 1] > number {
            self.numbers[at] = self.numbers[at - 1];
            at -= 1;
        }
        self.numbers[at] = number;
        self.n += 1;
    }

    /// NaN of fewer than two.
    fn median(&self) -> f64 {
        let half = self.n / 2;
        match self.n {
            0 | 1 => f64::NAN,
            n if n % 2 == 1 => self.numbers[half],
            _ => 0.5 * (self.numbers[half - 1] + self.numbers[half]),
        }
    }
}

/// The larger of two that share points.
fn without_overlap(mut anomalies: Vec<Anomaly>) -> Vec<Anomaly> {
    anomalies.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.points.len()));
    let mut kept: Vec<Anomaly> = Vec::new();
    for anomaly in anomalies {
        if kept.iter().all(|other| anomaly.to <= other.from || other.to <= anomaly.from) {
            kept.push(anomaly);
        }
    }
    kept.sort_by_key(|anomaly| anomaly.from);
    kept
}
