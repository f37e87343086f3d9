//! Steps in lots: some servers more at once, so that there are fewer steps.

use tidecast_forecast::{Fan, Tape, Taped};

use super::BIN;

/// Bins beyond a start-up in which an outlook may rise that a lot provides for: an hour.
pub(super) const AHEAD_BINS: usize = 12;
/// How long a lot may stand idle ahead of a rise.
const IDLE_MIN: f64 = 10.0;

/// What the outlook says beyond a start-up: by how much demand will have risen, and when.
#[derive(Debug, Clone)]
pub(super) struct Rise {
    /// Bins of a start-up, which every need covers anyway.
    covered: usize,
    /// The medians of the outlook in force, and of the one that counts from the next minute on.
    bins: Vec<f64>,
    coming: Vec<f64>,
}

impl Rise {
    /// Nothing is known yet of demand whose needs cover so many bins.
    pub(super) fn beyond(covered: usize) -> Self {
        let bins = vec![0.0; covered + AHEAD_BINS];
        Self { covered, coming: bins.clone(), bins }
    }

    /// How many bins every need covers.
    pub(super) fn covered(&self) -> usize {
        self.covered
    }

    /// The outlook from now on; where it ends, nothing more rises.
    pub(super) fn look_out(&mut self, bins: &[Fan]) {
        let last = bins.last().map_or(0.0, Fan::median);
        for (k, coming) in self.coming.iter_mut().enumerate() {
            *coming = bins.get(k).map_or(last, Fan::median);
        }
    }

    /// The minute is over before which the newest outlook was not known.
    pub(super) fn turn(&mut self) {
        self.bins.copy_from_slice(&self.coming);
    }

    /// How much more demand a lot of this share provides for at once: the rise of so many bins as can be waited for. To
    /// order a rise early costs what stands idle until it is there; that may be ten minutes of the lot.
    pub(super) fn worth(&self, lot: f64) -> f64 {
        let (covered, beyond) = self.bins.split_at(self.covered);
        let base = covered.iter().copied().fold(0.0, f64::max);
        let (mut top, mut risen, mut worth) = (0.0, 0.0, 0.0);
        for (bins, value) in (1..).zip(beyond) {
            top = f64::max(top, value - base);
            risen += value - base;
            let idle = BIN as f64 * (f64::from(bins) * top - risen);
            if idle > IDLE_MIN * lot * base {
                break;
            }
            worth = top;
        }
        worth
    }
}

/// Where a fleet of `total` servers goes that needs `need`, and is given `lot` more when it grows: up only when it must, and
/// down only as far as a step up would lead.
pub(super) fn stepped(total: u32, need: u32, lot: u32) -> u32 {
    let most = need.saturating_add(lot);
    if need > total { most } else { total.min(most) }
}

impl Taped for Rise {
    /// For the same start-up time.
    fn tape(&mut self, tape: &mut Tape) {
        tape.numbers(&mut self.bins);
        tape.numbers(&mut self.coming);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rise(bins: &[f64]) -> Rise {
        let mut rise = Rise::beyond(2);
        rise.look_out(&bins.iter().map(|value| Fan::certain(*value)).collect::<Vec<_>>());
        rise.turn();
        rise
    }

    #[test]
    fn goes_up_by_a_lot_when_it_must_and_down_when_more_is_idle_than_that() {
        let mut total = 10;
        let sizes = [10, 11, 12, 13, 9, 8, 4, 14].map(|need| {
            total = stepped(total, need, 3);
            total
        });
        assert_eq!(sizes, [10, 14, 14, 14, 12, 11, 7, 17]);
    }

    #[test]
    fn follows_each_need_without_a_lot() {
        assert_eq!([10, 12, 7].map(|need| stepped(10, need, 0)), [10, 12, 7]);
        assert_eq!(stepped(1, u32::MAX, 1), u32::MAX);
    }

    #[test]
    fn takes_as_much_of_a_rise_at_once_as_can_be_waited_for() {
        // Ten more each five minutes: of two steps the first is idle for five minutes of ten servers, of three for 150.
        let steady = rise(&[100.0, 100.0, 110.0, 120.0, 130.0, 140.0]);
        assert_eq!(
            [0.0, 0.04, 0.05, 0.14, 0.15].map(|lot| steady.worth(lot)),
            [10.0, 10.0, 20.0, 20.0, 30.0]
        );
        // It ends at some time, however much could be waited for.
        assert_eq!(steady.worth(9.0), 40.0);
    }

    #[test]
    fn waits_through_a_hollow_only_if_it_is_short() {
        let hollow = rise(&[100.0, 100.0, 80.0, 120.0]);
        // Forty for five minutes before the rise.
        assert_eq!([0.19, 0.21].map(|lot| hollow.worth(lot)), [0.0, 20.0]);
        assert_eq!(rise(&[100.0, 100.0, 90.0, 80.0]).worth(0.1), 0.0);
        assert_eq!(Rise::beyond(2).worth(0.1), 0.0);
    }
}
