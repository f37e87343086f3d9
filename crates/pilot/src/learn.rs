use jiff::{SignedDuration, Timestamp};
use tidecast_forecast::{Fan, Forecast, HOUR_S, Series};

use crate::lessons::{Drift, Lessons};
use crate::{Evidence, Load, Phase, Sighting, Throughput};

/// The launches that are remembered: enough for a 95th percentile that one slow start does not make.
const START_UPS: usize = 64;
/// In how many hours a deviation counts half.
const HALF_LIFE_H: f64 = 6.0;
/// A deviation that is forgiven in each hour, in standard deviations.
const FORGIVEN: f64 = 0.5;
/// Standard deviations between the 0.1 and the 0.9 quantile of a normal distribution.
const WIDTH: f64 = 2.563;

/// The feedback loop (S11.1, S11.2): whether demand keeps deviating from what was forecast for it.
///
/// `due` are forecasts whose time has come, oldest first; `history` is what came. Each hour is judged once, by its mean
/// deviation in units of the forecast's own width; cumulative sums of it tell a lasting deviation from chance.
pub fn learn(lessons: &Lessons, due: &[Forecast], history: &Series) -> Lessons {
    let mut drift = lessons.drift;
    for forecast in due {
        for hour in hours(forecast, history, drift.until) {
            drift = drift.after(&hour);
        }
    }
    Lessons { drift, ..lessons.clone() }
}

/// What launches and loads teach: how long servers take to start (B6), and what one of them serves.
pub fn learn_fleet(lessons: &Lessons, sighting: &Sighting, evidence: &Evidence) -> Lessons {
    let mut lessons = lessons.clone();
    let known = lessons.start_ups_until.unwrap_or(Timestamp::MIN);
    let mut fresh: Vec<(Timestamp, SignedDuration)> = sighting
        .nodes
        .iter()
        .filter_map(|node| node.ready.map(|ready| (ready, ready.duration_since(node.launched))))
        .filter(|(ready, took)| *ready > known && *ready <= sighting.at && *took >= SignedDuration::ZERO)
        .collect();
    fresh.sort_unstable();
    if let Some((last, _)) = fresh.last() {
        lessons.start_ups_until = Some(*last);
    }
    lessons.start_ups.extend(fresh.into_iter().map(|(_, took)| took));
    let excess = lessons.start_ups.len().saturating_sub(START_UPS);
    lessons.start_ups.drain(..excess);
    weigh(&mut lessons, sighting, evidence);
    lessons
}

/// The load of one server, from a complete measurement and a fleet that was seen completely and had nothing booting.
fn weigh(lessons: &mut Lessons, sighting: &Sighting, evidence: &Evidence) {
    let Some(reading) = evidence.latest(sighting.at).filter(|reading| reading.is_complete()) else { return };
    if !is_steady(sighting) || lessons.load.until.is_some_and(|until| reading.at <= until) {
        return;
    }
    lessons.load.add(reading.at, reading.demand.get() / f64::from(sighting.serving.get()));
    lessons.throughput = lessons.load.throughput();
}

/// Whether all servers that there are serve. Where an autoscaler of its own keeps more than the floor that it was told,
/// there are more than were ordered.
fn is_steady(sighting: &Sighting) -> bool {
    let (serving, ordered) = (sighting.serving, sighting.ordered);
    let all = match sighting.nodes.is_empty() {
        true => serving == ordered,
        false => serving >= ordered && sighting.nodes.iter().all(|node| node.phase == Phase::Serving),
    };
    sighting.complete && all && serving.get() > 0
}

/// One hour's mean deviation.
struct Hour {
    end: Timestamp,
    /// In standard deviations of the forecast.
    score: f64,
    /// As a share of the forecast.
    share: f64,
}

/// The whole hours of a forecast that have been measured and not been judged.
fn hours(forecast: &Forecast, history: &Series, judged: Option<Timestamp>) -> Vec<Hour> {
    let grid = forecast.grid();
    let per_hour = (HOUR_S / grid.step_s).max(1) as usize;
    let mut hours = Vec::new();
    for (nth, fans) in forecast.fans().chunks_exact(per_hour).enumerate() {
        let (start, end) = (grid.at(nth * per_hour), grid.at((nth + 1) * per_hour));
        if end > history.grid().end() || judged.is_some_and(|judged| start < judged) {
            continue;
        }
        let pairs: Vec<(&Fan, f64)> = fans
            .iter()
            .enumerate()
            .filter_map(|(i, fan)| measured(history, grid.at(nth * per_hour + i)).map(|value| (fan, value)))
            .collect();
        if 2 * pairs.len() > per_hour {
            hours.push(Hour::of(end, &pairs));
        }
    }
    hours
}

fn measured(history: &Series, time: Timestamp) -> Option<f64> {
    let value = history.values()[history.grid().index(time)?];
    value.is_finite().then_some(value)
}

impl Hour {
    fn of(end: Timestamp, pairs: &[(&Fan, f64)]) -> Self {
        let sum = |of: fn(&Fan, f64) -> f64| pairs.iter().map(|(fan, value)| of(fan, *value)).sum::<f64>();
        let deviation = sum(|fan, value| value - fan.median());
        let width = sum(|fan, _| (fan.at(0.9) - fan.at(0.1)) / WIDTH);
        let expected = sum(|fan, _| fan.median());
        let ratio = |by: f64| if by > 0.0 { deviation / by } else { 0.0 };
        Self { end, score: ratio(width), share: ratio(expected) }
    }
}

impl Drift {
    fn after(self, hour: &Hour) -> Self {
        let rate = 1.0 - 0.5f64.powf(1.0 / HALF_LIFE_H);
        // One wild hour moves a sum by no more than a few ordinary ones.
        let score = hour.score.clamp(-4.0, 4.0);
        Self {
            bias: self.bias + rate * (hour.share.clamp(-1.0, 4.0) - self.bias),
            sums: [(self.sums[0] + score - FORGIVEN).max(0.0), (self.sums[1] - score - FORGIVEN).max(0.0)]
                .map(|sum| sum.min(2.0 * crate::lessons::DRIFTING)),
            until: Some(hour.end),
        }
    }
}

/// How finely loads are told apart: 5 %.
const BIN: f64 = 1.05;
/// In how long a load counts half.
const LOAD_HALF_LIFE_S: f64 = 7.0 * 86_400.0;
/// How long loads must have been seen before a throughput is concluded: a day, for a day has a peak.
const LOAD_NEEDED: SignedDuration = SignedDuration::from_hours(24);
/// The load that a server has shown it can serve: exceeded in one of twenty measurements.
const LOAD_LEVEL: f64 = 0.95;

impl Load {
    fn add(&mut self, at: Timestamp, load: f64) {
        if load <= 0.0 {
            return;
        }
        let since = *self.since.get_or_insert(at);
        self.until = Some(at);
        // Weights grow instead of old ones shrinking, and are brought down together before they grow too large.
        let age = at.duration_since(since).as_secs_f64() / LOAD_HALF_LIFE_S;
        let weight = (age - self.scaled).exp2();
        *self.bins.entry((load.ln() / BIN.ln()).round() as i32).or_insert(0.0) += weight;
        if weight > 1e6 {
            self.bins.values_mut().for_each(|w| *w /= weight);
            self.bins.retain(|_, w| *w > 1e-9);
            self.scaled = age;
        }
    }

    /// What one server has served without trouble, once a day has been seen.
    pub fn throughput(&self) -> Option<Throughput> {
        let seen = self.until?.duration_since(self.since?);
        let total: f64 = self.bins.values().sum();
        let mut below = 0.0;
        let bin = self.bins.iter().find(|(_, weight)| {
            below += **weight;
            below >= LOAD_LEVEL * total
        })?;
        Throughput::new(BIN.powi(*bin.0)).filter(|_| seen >= LOAD_NEEDED)
    }
}

#[cfg(test)]
mod tests {
    use tidecast_forecast::{Grid, LEVELS};

    use super::*;
    use crate::{Demand, Node, NodeName, Reading, Size};

    fn start() -> Timestamp {
        "2026-03-01T00:00:00Z".parse().unwrap()
    }

    /// A day forecast at 100 ± 10, and what came.
    fn learned(came: impl Fn(usize) -> f64) -> Drift {
        let grid = Grid::new(start(), 300, 288);
        let fans = vec![Fan::new(100.0, LEVELS.map(|level| 80.0 + 40.0 * level)); 288];
        let history = Series::new(grid, (0..288).map(came).collect());
        let due = [Forecast::new(grid, fans, "test")];
        let once = learn(&Lessons::default(), &due, &history);
        assert_eq!(learn(&once, &due, &history), once, "again changes nothing");
        once.drift
    }

    #[test] // S11.2
    fn notices_demand_that_keeps_exceeding_its_forecast() {
        let drift = learned(|_| 120.0);
        assert!((0.15..=0.2).contains(&drift.lasting().unwrap()), "{drift:?}");
        assert!((1.15..=1.2).contains(&drift.correction()), "{drift:?}");
    }

    #[test]
    fn takes_chance_and_one_wild_hour_for_no_drift() {
        assert_eq!(learned(|k| if k % 2 == 0 { 90.0 } else { 110.0 }).lasting(), None);
        assert_eq!(learned(|k| if k / 12 == 5 { 900.0 } else { 100.0 }).lasting(), None);
        assert_eq!(learned(|_| f64::NAN).until, None);
    }

    #[test]
    fn never_lowers_a_size_because_demand_stays_below_its_forecast() {
        let drift = learned(|_| 60.0);
        assert!(drift.lasting().unwrap() < -0.3);
        assert_eq!(drift.correction(), 1.0);
    }

    #[test] // B6
    fn counts_each_launch_once() {
        let node = |name: &str, launched: i64, ready: i64| Node {
            name: NodeName(name.into()),
            phase: Phase::Serving,
            launched: start() + SignedDuration::from_mins(launched),
            ready: Some(start() + SignedDuration::from_mins(ready)),
            sessions: None,
        };
        let mut sighting = Sighting::of(start() + SignedDuration::from_hours(1), Size(2), Size(2));
        sighting.nodes = vec![node("a", 0, 7), node("b", 1, 5)];
        let once = learn_fleet(&Lessons::default(), &sighting, &Evidence::default());
        assert_eq!(once.start_ups, [4, 7].map(SignedDuration::from_mins));
        assert_eq!(learn_fleet(&once, &sighting, &Evidence::default()), once);
        sighting.nodes.push(node("c", 8, 20));
        assert_eq!(learn_fleet(&once, &sighting, &Evidence::default()).start_ups.len(), 3);
    }

    #[test]
    fn weighs_a_fleet_above_its_floor_but_none_that_boots() {
        let node = |phase| Node {
            name: NodeName("a".into()),
            phase,
            launched: start(),
            ready: None,
            sessions: None,
        };
        let steady = |ordered: u32, phases: &[Phase]| {
            let serving = phases.iter().filter(|phase| **phase == Phase::Serving).count() as u32;
            let mut sighting = Sighting::of(start(), Size(ordered), Size(serving));
            sighting.nodes = phases.iter().copied().map(node).collect();
            is_steady(&sighting)
        };
        assert!(steady(1, &[Phase::Serving; 3]), "an HPA keeps more than its floor");
        assert!(!steady(2, &[Phase::Serving, Phase::Serving, Phase::Booting]));
        assert!(!steady(3, &[Phase::Serving, Phase::Serving]), "one is ordered that is not there");
        assert!(!steady(0, &[]));
    }

    #[test]
    fn concludes_what_a_server_serves_after_a_day() {
        let mut lessons = Lessons::default();
        for minute in 0..=1_440 {
            let at = start() + SignedDuration::from_mins(minute);
            let demand = Demand::new(400.0 + 200.0 * (minute as f64 / 229.0).sin()).unwrap();
            let evidence = Evidence {
                readings: vec![Reading::complete(at, demand)],
                interval: SignedDuration::from_mins(1),
                ..Evidence::default()
            };
            assert_eq!(lessons.throughput, None, "at minute {minute}");
            lessons = learn_fleet(&lessons, &Sighting::of(at, Size(10), Size(10)), &evidence);
        }
        let served = lessons.throughput.unwrap().get();
        assert!((56.0..62.0).contains(&served), "{served}");
    }
}
