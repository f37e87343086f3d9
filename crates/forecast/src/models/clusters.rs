//! Scryer's second predictor: linear regression on clustered points (SPEC S4.4, S4.5).

use crate::Tape;
use crate::method::{Method, Walker};
use crate::past::{Past, Running, median, positive};

/// Netflix's augmented linear regression: a line over days through the points around the same time of day.
///
/// For the target's time of day, the points within ten minutes of it on each of the last 28 days form a cluster. A
/// cluster has fewer points the further back it lies, and more the more alike its weekday is to the target's, by a weight
/// matrix; so newer and similar days count more. A line is fitted through the clusters, points far from it are dropped,
/// the line is fitted again and extrapolated to the target's day.
///
/// # What it assumes
/// That demand at the same time of the same kind of day moves along a line from week to week.
///
/// # When it shines
/// Steady growth, and regular short spikes, which the FFT filter removes.
///
/// # When it fails
/// A line through few noisy points points anywhere: `clusters_tuned` shrinks its slope and learns the matrix more finely.
///
/// # Source
/// *Scryer: Netflix's Predictive Auto Scaling Engine, part 2*, section "Linear Regression on Clustered Data Points". Left
/// open there and chosen here: ⌈n₀ · 0.85^weeks · S⌉ points, and S = exp(−distance/τ) of the weekdays' median profiles,
/// relearned weekly. Outliers go by deviation (3 robust standard deviations) and by distribution (Tukey's outer fences).
///
/// # Example
/// ```
/// use tidecast_forecast::{Calibrated, Leads, Model, models::Clusters};
/// assert_eq!(Calibrated::new(Clusters::published(), Leads::knots()).name(), "clusters");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clusters {
    /// Days that are looked at.
    pub days: usize,
    /// Half the width of a cluster of the newest like day, in minutes.
    pub window_min: i64,
    /// What is left of a cluster's size after a week.
    pub decay: f64,
    /// τ of the weight matrix; none learns it from how much like weekdays differ among themselves.
    pub similarity: Option<f64>,
    /// How strongly the slope is drawn to zero; 0 is plain least squares.
    pub shrink: f64,
    /// Days less similar than this are left out.
    pub similar_min: f64,
}

impl Clusters {
    /// As the article has it.
    pub fn published() -> Self {
        Self { days: 28, window_min: 10, decay: 0.85, similarity: Some(0.1), shrink: 0.0, similar_min: 0.08 }
    }

    /// With a learned weight matrix and a slope drawn to zero as its uncertainty demands.
    pub fn tuned() -> Self {
        Self { similarity: None, shrink: 0.5, ..Self::published() }
    }

    /// As [`Clusters::tuned`], but trusting the last two weeks most and hardly any slope.
    pub fn recent() -> Self {
        Self { shrink: 2.0, decay: 0.6, ..Self::tuned() }
    }
}

impl Method for Clusters {
    fn name(&self) -> &'static str {
        match self.similarity {
            Some(_) => "clusters",
            None if self.decay < 0.7 => "clusters_recent",
            None => "clusters_tuned",
        }
    }

    fn start(&self, empty: &Past, _: &[f64], leads: &[usize]) -> Box<dyn Walker> {
        let points = (2 * self.window_min * 60 / empty.grid().step_s + 1).max(1) as usize;
        let ages = (1..=self.days).map(|d| self.decay.powf(d as f64 / 7.0)).collect();
        Box::new(Lines { spec: *self, points, ages, leads: leads.to_vec(), similar: usual_similarity() })
    }
}

/// How alike two weekdays are as long as nothing is known: like days 1, workdays ½, weekends 0.6, across a little.
fn usual_similarity() -> [[f64; 7]; 7] {
    let alike = |a: usize, b: usize| {
        let apart = a.abs_diff(b);
        match (a < 5, b < 5) {
            _ if a == b => 1.0,
            (true, true) => 0.4 + if apart == 1 { 0.1 } else { 0.0 },
            (false, false) => 0.6,
            _ => 0.05 + if apart == 1 || apart == 6 { 0.05 } else { 0.0 },
        }
    };
    std::array::from_fn(|a| std::array::from_fn(|b| alike(a, b)))
}

#[derive(Clone)]
struct Lines {
    spec: Clusters,
    /// Points in the cluster of a like day, were it today.
    points: usize,
    ages: Vec<f64>,
    leads: Vec<usize>,
    similar: [[f64; 7]; 7],
}

/// A cluster: the mean of its points, how many they are, and the days from it to the target.
#[derive(Clone, Copy)]
struct Cluster {
    value: f64,
    points: f64,
    days: f64,
}

impl Lines {
    /// Learns how alike weekdays are from the medians of up to eight whole weeks.
    fn learn_similarity(&mut self, past: &Past) {
        let end = past.now() - past.now() % past.week;
        let weeks = (end / past.week).min(8);
        let y = &past.filled()[end - weeks * past.week..end];
        let slot = |w: usize, i: usize| y[w * past.week + i];
        let medians: Vec<f64> =
            (0..past.week).map(|i| median(&mut (0..weeks).map(|w| slot(w, i)).collect::<Vec<_>>())).collect();
        let scale = medians.iter().map(|v| v.abs()).sum::<f64>() / past.week as f64 + 1e-9;
        let off: f64 = (0..weeks)
            .flat_map(|w| (0..past.week).map(move |i| (w, i)))
            .map(|(w, i)| (slot(w, i) - medians[i]).abs())
            .sum();
        let noise = off / (weeks * past.week) as f64 / scale;
        let tau = self.spec.similarity.unwrap_or(0.5 * noise + 1e-6);
        let day = |d: usize| &medians[d * past.day..(d + 1) * past.day];
        let distance = |a: usize, b: usize| {
            day(a).iter().zip(day(b)).map(|(x, y)| (x - y).abs()).sum::<f64>() / past.day as f64 / scale
        };
        self.similar = std::array::from_fn(|a| std::array::from_fn(|b| (-distance(a, b) / tau).exp()));
    }

    fn point(&self, past: &Past, lead: usize) -> f64 {
        let target = past.now() + lead;
        let mut clusters = [Cluster { value: 0.0, points: 0.0, days: 0.0 }; 64];
        let mut n = 0;
        for days in 1..=self.spec.days.min(64) {
            if let Some(cluster) = self.cluster(past, target, days) {
                clusters[n] = cluster;
                n += 1;
            }
        }
        extrapolate(&mut clusters[..n], &self.spec)
    }

    /// The cluster `days` before the target, as far as it is known; none if the day is not alike.
    fn cluster(&self, past: &Past, target: usize, days: usize) -> Option<Cluster> {
        let at = target.checked_sub(days * past.day).filter(|at| *at <= past.now())?;
        let day = target / past.day;
        let similar = self.similar[day % 7][(day + 7 * days - days) % 7];
        if similar < self.spec.similar_min {
            return None;
        }
        let points = (self.points as f64 * self.ages[days - 1] * similar).ceil();
        let radius = ((points as usize).saturating_sub(1) / 2).min(self.points / 2).min(past.now() - at);
        Some(Cluster { value: around(&past.linear.z, at, radius), points, days: days as f64 })
    }
}

fn around(z: &Running, at: usize, radius: usize) -> f64 {
    let from = at.saturating_sub(radius);
    z.trailing((at + radius) as i64, at + radius + 1 - from)
}

/// A line through the clusters, once more without its outliers, read off at the target's day.
fn extrapolate(clusters: &mut [Cluster], spec: &Clusters) -> f64 {
    if clusters.is_empty() {
        return f64::NAN;
    }
    let first = line(clusters, spec);
    drop_outliers(clusters, &first);
    let Line { slope, mean_days, mean } = line(clusters, spec);
    positive(mean + slope * mean_days)
}

struct Line {
    slope: f64,
    mean_days: f64,
    mean: f64,
}

impl Line {
    fn at(&self, days: f64) -> f64 {
        self.mean + self.slope * (self.mean_days - days)
    }
}

/// Weighted least squares of value on day; days count backwards, so the slope is per day forward.
fn line(clusters: &[Cluster], spec: &Clusters) -> Line {
    let weight: f64 = clusters.iter().map(|c| c.points).sum::<f64>() + 1e-12;
    let mean_days = clusters.iter().map(|c| c.points * c.days).sum::<f64>() / weight;
    let mean = clusters.iter().map(|c| c.points * c.value).sum::<f64>() / weight;
    let (mut sxx, mut sxy) = (0.0, 0.0);
    for c in clusters {
        let x = mean_days - c.days;
        sxx += c.points * x * x;
        sxy += c.points * x * (c.value - mean);
    }
    let drawn = spec.shrink * weight * (spec.days * spec.days) as f64 / 12.0;
    let slope = if sxx > 0.0 { sxy / (sxx + 1e-9) * (sxx / (sxx + drawn)) } else { 0.0 };
    Line { slope, mean_days, mean }
}

/// Takes away the points of clusters far from the line: by deviation and by distribution (S4.5).
fn drop_outliers(clusters: &mut [Cluster], line: &Line) {
    let residual = |c: &Cluster| c.value - line.at(c.days);
    let mut residuals: Vec<f64> = clusters.iter().map(residual).collect();
    let centre = median(&mut residuals);
    let mut off: Vec<f64> = clusters.iter().map(|c| (residual(c) - centre).abs()).collect();
    let spread = (1.4826 * median(&mut off)).max(0.02 * line.mean.abs());
    let (low, high) = outer_fences(&mut residuals);
    for cluster in clusters.iter_mut() {
        let r = residual(cluster);
        if (r - centre).abs() > 3.0 * spread || r < low || r > high {
            cluster.points = 0.0;
        }
    }
}

/// Tukey's outer fences: three interquartile ranges beyond the quartiles. None below eight points.
fn outer_fences(residuals: &mut [f64]) -> (f64, f64) {
    if residuals.len() < 8 {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    residuals.sort_unstable_by(f64::total_cmp);
    let quartile = |share: f64| residuals[(share * (residuals.len() - 1) as f64).round() as usize];
    let (q1, q3) = (quartile(0.25), quartile(0.75));
    let reach = 3.0 * (q3 - q1).max(1e-12);
    (q1 - reach, q3 + reach)
}

impl Walker for Lines {
    fn step(&mut self, past: &Past, points: &mut [f64]) {
        let now = past.now();
        if now < 14 * past.day {
            return points.fill(f64::NAN);
        }
        if now >= 21 * past.day && now.is_multiple_of(past.week) {
            self.learn_similarity(past);
        }
        for (point, lead) in points.iter_mut().zip(&self.leads) {
            *point = self.point(past, *lead);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Walker> {
        Box::new(self.clone())
    }

    fn tape(&mut self, _: &Past, tape: &mut Tape) {
        self.similar.iter_mut().for_each(|row| tape.numbers(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(values: impl Fn(usize) -> f64) -> Vec<Cluster> {
        (1..=28).map(|d| Cluster { value: values(d), points: 3.0, days: d as f64 }).collect()
    }

    #[test] // S4.4
    fn extends_a_line_over_days_to_the_target() {
        let growing = |days: usize| 200.0 - 2.0 * days as f64;
        let at = extrapolate(&mut clusters(growing), &Clusters::published());
        assert!((at - 200.0).abs() < 1e-6, "{at}");
    }

    #[test] // S4.5
    fn drops_a_day_of_outage_before_it_draws_the_line() {
        let broken = |days: usize| if days == 2 { 0.0 } else { 200.0 - 2.0 * days as f64 };
        let at = extrapolate(&mut clusters(broken), &Clusters::published());
        assert!((at - 200.0).abs() < 1e-6, "{at}");
    }

    #[test] // S4.4
    fn takes_fewer_points_from_further_back_and_from_other_days() {
        let similar = usual_similarity();
        assert!(similar[5][6] > similar[5][4] && similar[5][5] > similar[5][6]);
        assert_eq!(similar[6][0], similar[0][6]);
    }

    #[test]
    fn has_no_forecast_from_no_clusters() {
        assert!(extrapolate(&mut [], &Clusters::published()).is_nan());
    }
}
