use serde::Serialize;

use crate::oracle::optimum;
use crate::{DAY, Timeline};

/// What a run cost, and what it cost its users. Fractions, not percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scorecard {
    /// Share of the demand that came while no ready server was left for it.
    pub violated_requests: f64,
    /// Share of the minutes in which there was such demand.
    pub violated_time: f64,
    /// Server-minutes billed ÷ those of the exact offline optimum.
    pub cost: f64,
    /// Idle capacity ÷ demand.
    pub overprovision: f64,
    /// Demand ÷ ready capacity.
    pub utilisation: f64,
    /// Minutes a day in which the number of servers billed rose.
    pub ups_per_day: f64,
    /// Minutes a day in which it fell.
    pub downs_per_day: f64,
    /// Servers launched a day.
    pub launched_per_day: f64,
    /// Server-hours billed.
    pub server_hours: f64,
    /// Server-hours of the offline optimum.
    pub optimum_hours: f64,
    /// Share of the minutes with fewer servers ready than needed (SPEC elasticity, τ_U).
    pub tau_under: f64,
    /// Share of the minutes with more (τ_O).
    pub tau_over: f64,
    /// Mean of the servers missing ÷ servers needed (θ_U).
    pub theta_under: f64,
    /// Mean of the servers idle ÷ servers needed (θ_O).
    pub theta_over: f64,
    /// The most servers billed in a minute.
    pub peak: u32,
    /// Minutes scored.
    pub minutes: usize,
}

impl Scorecard {
    /// Scores a whole timeline.
    ///
    /// # Panics
    /// If the timeline is one that no cloud could have done: then its figures would lie.
    pub fn of(timeline: &Timeline) -> Self {
        let breaches = timeline.breaches();
        assert!(breaches.is_empty(), "an impossible timeline is not scored: {breaches:?}");
        let minutes = timeline.minutes();
        let days = minutes as f64 / DAY as f64;
        let need = timeline.need();
        let billed: u64 = timeline.total.iter().map(|n| u64::from(*n)).sum();
        let optimum = optimum(&need, timeline.start_min);
        let sums = Sums::of(timeline, &need);
        let steps = || timeline.total.windows(2);
        let share = |part: f64| part / minutes as f64;
        Self {
            violated_requests: ratio(sums.short, sums.demand),
            violated_time: share(sums.short_minutes),
            cost: ratio(billed as f64, optimum as f64),
            overprovision: ratio(sums.idle, sums.demand),
            utilisation: ratio(sums.demand, sums.capacity),
            ups_per_day: steps().filter(|w| w[1] > w[0]).count() as f64 / days,
            downs_per_day: steps().filter(|w| w[1] < w[0]).count() as f64 / days,
            launched_per_day: steps().map(|w| f64::from(w[1].saturating_sub(w[0]))).sum::<f64>() / days,
            server_hours: billed as f64 / 60.0,
            optimum_hours: optimum as f64 / 60.0,
            tau_under: share(sums.under_minutes),
            tau_over: share(sums.over_minutes),
            theta_under: share(sums.under),
            theta_over: share(sums.over),
            peak: timeline.total.iter().copied().max().unwrap_or(0),
            minutes,
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[derive(Default)]
struct Sums {
    demand: f64,
    capacity: f64,
    short: f64,
    idle: f64,
    short_minutes: f64,
    under_minutes: f64,
    over_minutes: f64,
    under: f64,
    over: f64,
}

impl Sums {
    fn of(timeline: &Timeline, need: &[u32]) -> Self {
        let mut sums = Self::default();
        for ((demand, ready), need) in timeline.demand.iter().zip(&timeline.ready).zip(need) {
            let capacity = f64::from(*ready) * timeline.throughput;
            sums.demand += demand;
            sums.capacity += capacity;
            sums.short += (demand - capacity).max(0.0);
            sums.idle += (capacity - demand).max(0.0);
            sums.short_minutes += f64::from(u8::from(*demand > capacity + 1e-9 * capacity.max(1.0)));
            sums.under_minutes += f64::from(u8::from(ready < need));
            sums.over_minutes += f64::from(u8::from(ready > need));
            let needed = f64::from((*need).max(1));
            sums.under += f64::from(need.saturating_sub(*ready)) / needed;
            sums.over += f64::from(ready.saturating_sub(*need)) / needed;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timeline made of whole numbers, which the official scorer was shown too.
    fn made() -> Timeline {
        let total: Vec<u32> = (0..2_880).map(|i| 8 + i / 37 * 31 % 11).collect();
        let low = crate::timeline::sliding(&total, 5, u32::min);
        Timeline {
            start: jiff::Timestamp::UNIX_EPOCH,
            start_min: 5,
            throughput: 2.5,
            demand: (0..2_880_u32)
                .map(|i| {
                    let minute = i % 1_440;
                    f64::from(
                        i * 7_919 % 23 + if (600..660).contains(&minute) { 40 } else { 0 } + minute / 60,
                    )
                })
                .collect(),
            ready: low.iter().enumerate().map(|(i, n)| n - i as u32 / 100 % 2).collect(),
            total,
        }
    }

    #[test]
    fn agrees_with_the_official_scorer_to_six_digits() {
        let card = Scorecard::of(&made());
        let check = |name: &str, ours: f64, theirs: f64| {
            assert!((ours / theirs - 1.0).abs() < 5e-6, "{name}: {ours} instead of {theirs}");
        };
        check("violated requests", card.violated_requests, 0.132946);
        check("violated time", card.violated_time, 0.30);
        check("cost", card.cost, 0.939618);
        check("server hours", card.server_hours, 37_285.0 / 60.0);
        check("optimum", card.optimum_hours, 39_681.0 / 60.0);
        check("overprovision", card.overprovision, 0.399435);
        check("utilisation", card.utilisation, 0.789584);
        check("ups", card.ups_per_day, 7.0);
        check("downs", card.downs_per_day, 31.5);
        check("launched", card.launched_per_day, 63.0);
        check("τ_U", card.tau_under, 0.30);
        check("τ_O", card.tau_over, 0.633681);
        check("θ_U", card.theta_under, 0.0836143);
        check("θ_O", card.theta_over, 0.81025);
        assert_eq!(card.peak, 18);
    }
}
