//! What could have been foretold at each step of a history, from what had been measured until then.

use jiff::{SignedDuration, Timestamp};

use crate::{DAY_S, Fan, Fitted, Grid, Series};

/// The fans of the next steps, as of the beginning of each step of a history: what tuning is replayed with.
#[derive(Debug)]
pub struct Hindsight {
    grid: Grid,
    reach: usize,
    fans: Vec<Fan>,
    /// Steps before the first that was forecast.
    blind: usize,
}

/// Days after which a model is fitted anew: of a history of less than three weeks more often, for much of it is spent young.
fn fits(days: usize) -> &'static [usize] {
    if days < 21 { &[2, 4, 7, 14] } else { &[2, 14, 35] }
}

/// To the nearest: three weeks less some minutes are three weeks.
fn days(history: &Series) -> usize {
    let day = (DAY_S / history.grid().step_s).max(1) as usize;
    (history.len() + day / 2) / day
}

impl Hindsight {
    /// After how many days of a history forecasts come from models about as old as at its end: the last fit that at least a
    /// week follows. What forecasts of a model that has seen two days are worth says little of one that has seen weeks.
    pub fn grown_after(history: &Series) -> usize {
        Self::grown_after_days(days(history))
    }

    /// The same of a history of so many days.
    pub fn grown_after_days(days: usize) -> usize {
        fits(days).iter().copied().rfind(|fit| fit + 7 <= days).unwrap_or(0)
    }

    /// Forecasts of each step and the `reach` − 1 after it, made as the step begins, by models that `fit` makes.
    ///
    /// It is fitted when two days, two weeks and five weeks are there (of less than three weeks when two days, four, a week and two
    /// weeks are), each time to what has been seen until then, and followed from there. Where demand is mostly zero nothing is fitted yet.
    pub fn of(
        history: &Series,
        reach: usize,
        mut fit: impl FnMut(&Series) -> Option<Box<dyn Fitted>>,
    ) -> Self {
        let day = (DAY_S / history.grid().step_s).max(1) as usize;
        let (mut fans, mut blind) = (Vec::new(), None);
        let mut fitted: Option<Box<dyn Fitted>> = None;
        let fits = fits(days(history));
        for (i, days) in fits.iter().enumerate() {
            let from = days * day;
            let until = fits.get(i + 1).map_or(history.len(), |next| (next * day).min(history.len()));
            if from >= history.len() {
                break;
            }
            let mut known = history.slice(0, from);
            let quiet = known.values().iter().filter(|v| **v > 0.0).count() < day / 2;
            // Where no new fit succeeds the old one goes on.
            let anew = if quiet { None } else { fit(&known) };
            fitted = anew.or(fitted);
            let Some(fitted) = &mut fitted else { continue };
            blind.get_or_insert(from);
            for k in from..until {
                fans.extend_from_slice(fitted.forecast(&known, known.grid().after(reach)).fans());
                known.push(history.values()[k]);
                fitted.update(&known);
            }
        }
        Self { grid: history.grid(), reach, fans, blind: blind.unwrap_or(0) }
    }

    /// What was known, when step `k` began, of it and the steps after it; nothing in the first days.
    pub fn at(&self, k: usize) -> Option<&[Fan]> {
        let row = k.checked_sub(self.blind)?;
        self.fans.get(row * self.reach..(row + 1) * self.reach)
    }

    /// The fans of `bins` bins of `bin_s` seconds from `begin` on, as known when the step began that holds `begin`. Longer
    /// steps speak for each bin in them.
    pub fn ahead(&self, begin: Timestamp, bins: usize, bin_s: i64) -> Vec<Fan> {
        let Some(k) = self.grid.index(begin) else { return Vec::new() };
        let Some(row) = self.at(k) else { return Vec::new() };
        let step = |bin: usize| {
            let at = begin.saturating_add(SignedDuration::from_secs(bin as i64 * bin_s)).ok()?;
            usize::try_from(self.grid.steps_to(at)).ok()?.checked_sub(k)
        };
        (0..bins).map_while(|bin| row.get(step(bin)?).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Leads, Model, models};

    fn hindsight(history: &Series, reach: usize) -> Hindsight {
        let step_s = history.grid().step_s;
        let model = models::default_model(Leads::exactly((1..=reach as i64).map(|k| k * step_s)));
        Hindsight::of(history, reach, |known| model.fit(known).ok())
    }

    fn wave(step_s: i64, days: usize, from: usize, end: f64) -> Series {
        let day = (DAY_S / step_s) as usize;
        let value = |k: usize| 50.0 + 40.0 * (std::f64::consts::TAU * k as f64 / day as f64).sin();
        let mut values: Vec<f64> = (0..days * day).map(value).collect();
        values[from * day..].fill(end);
        Series::new(Grid::new("2026-03-01T00:00:00Z".parse().unwrap(), step_s, days * day), values)
    }

    #[test]
    fn knows_nothing_before_it_was_seen() {
        let (one, other) = (wave(300, 17, 15, 10.0), wave(300, 17, 15, 500.0));
        let (one, other) = (hindsight(&one, 2), hindsight(&other, 2));
        assert_eq!(one.at(2 * 288 - 1), None);
        assert_eq!(one.at(15 * 288), other.at(15 * 288));
        assert_ne!(one.at(15 * 288 + 1), other.at(15 * 288 + 1));
    }

    #[test]
    fn counts_from_the_last_fit_that_a_week_follows() {
        let from = [1, 8, 9, 10, 11, 13, 14, 20, 21, 28, 41, 42, 90].map(Hindsight::grown_after_days);
        assert_eq!(from, [0, 0, 2, 2, 4, 4, 7, 7, 14, 14, 14, 35, 35]);
    }

    #[test]
    fn reads_longer_steps_for_each_bin_in_them() {
        let hours = hindsight(&wave(3_600, 5, 5, 0.0), 3);
        let begin: Timestamp = "2026-03-04T10:50:00Z".parse().unwrap();
        let row = hours.at(3 * 24 + 10).unwrap();
        assert_eq!(hours.ahead(begin, 4, 300), [row[0], row[0], row[1], row[1]]);
        assert!(hours.ahead("2026-03-01T10:50:00Z".parse().unwrap(), 4, 300).is_empty());
    }
}
