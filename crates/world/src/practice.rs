use tidecast_forecast::{Fan, Hindsight, Leads, Series, Tape, models};
use tidecast_pilot::{Evidence, Ground, Issued, Lessons, Nowcasted, Sizer, Throughput, Tuning};

use crate::{BIN, Rehearsal, Ways};

/// What a workload learns of how to size it, as the service does it: each turn feeds it the minutes that are new, and a
/// restart goes on from what was kept an hour ago at most.
pub(crate) struct Practice {
    tuning: Tuning,
    blank: Tuning,
    kept: Vec<f64>,
    kept_at: usize,
    begun: jiff::Timestamp,
    hold: jiff::SignedDuration,
}

/// Minutes from one keeping to the next.
const KEPT_EVERY: usize = 60;
/// Minutes after which a fixed way is followed.
const WARM_MIN: usize = 120;

impl Practice {
    /// In this world, with what came before its first decision; none where there is nothing to learn.
    pub(crate) fn of(world: &Rehearsal) -> Option<Self> {
        let ground = ground(world)?;
        let begun = world.trace.start;
        let blank = match world.ways {
            Ways::Untuned => return None,
            Ways::Fixed(way, otherwise) => Tuning::fixed(begun, way, otherwise, &ground, WARM_MIN),
            Ways::Tuned(menu) => Tuning::new(begun, menu, &ground, world.workload.promise),
        };
        let mut tuning = blank.clone();
        look_back(&mut tuning, world);
        let kept = Tape::of(&mut tuning);
        Some(Self { tuning, blank, kept, kept_at: world.from, begun, hold: world.workload.hold })
    }

    /// The first minute that it does not know yet.
    pub(crate) fn minute(&self) -> usize {
        ((self.tuning.now().as_second() - self.begun.as_second()) / 60).max(0) as usize
    }

    /// Takes in what was measured since, and says what has been learned.
    pub(crate) fn follow(
        &mut self,
        known: &Evidence,
        issued: Option<&Issued>,
    ) -> (Lessons, Option<Nowcasted>) {
        self.tuning.follow(known, issued);
        let minute = self.minute();
        if minute >= self.kept_at + KEPT_EVERY {
            (self.kept, self.kept_at) = (Tape::of(&mut self.tuning), minute);
        }
        let (sizing, frontier) = (self.tuning.sizing(), Vec::new());
        (Lessons { sizing, frontier, ..Lessons::default() }, self.tuning.says(self.hold))
    }

    /// Goes on from what was kept.
    pub(crate) fn restarted(&mut self) {
        let mut tuning = self.blank.clone();
        assert!(Tape::play(self.kept.clone(), &mut tuning), "what was kept can be read back");
        self.tuning = tuning;
    }
}

fn ground(world: &Rehearsal) -> Option<Ground> {
    let throughput = Throughput::new(world.throughput())?;
    let sizer = Some(Sizer::new(throughput, world.workload.buffer));
    let up_cost = world.workload.costs.scale_up.or(None);
    Some(Ground { start_min: world.start_min, sizer, bounds: world.workload.bounds, up_cost })
}

/// What came before the first decision, with what could have been foretold of it then.
fn look_back(tuning: &mut Tuning, world: &Rehearsal) {
    let peaks = world.trace.peaks();
    let known = world.from / BIN;
    let grid = tidecast_forecast::Grid::new(world.trace.start, 60 * BIN as i64, known);
    let history = Series::new(grid, peaks[..known].to_vec());
    let leads = Leads::exactly((1..=tuning.bins() as i64).map(|k| k * 60 * BIN as i64));
    let made = |name: &str| models::named(name, leads.clone());
    let fit = |known: &Series| models::willing(None, known, made).ok().map(|willing| willing.fitted);
    let hindsight = Hindsight::of(&history, tuning.bins(), fit);
    for minute in 0..world.from {
        if (minute + 1).is_multiple_of(BIN) {
            let fans: Vec<Fan> = hindsight.at((minute + 1) / BIN).unwrap_or_default().to_vec();
            if !fans.is_empty() {
                tuning.look_out(&fans);
            }
        }
        tuning.minute(world.trace.demand()[minute]);
    }
}
