//! What is known at the start of a minute, and the demand that each way provides for.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tidecast_forecast::{FLAVOURS, Fan, Nowcast, Tape, Taped};

use super::lots::Rise;
use super::menu::{HOLD_MAX_MIN, Menu, Source, Way};
use super::{BIN, DAY};

/// What is known at the start of a minute, and what each of some [`Way`]s makes of it.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    layout: Arc<Layout>,
    /// The most of the outlook's bins at each level.
    ahead: Vec<f64>,
    /// The same of an outlook that counts from the next minute on.
    coming: Vec<f64>,
    rise: Rise,
    /// How much more each lot provides for.
    worth: Vec<f64>,
    /// What sizes the present, of each kind, in the latest minutes: a row a minute, the newest at `newest`.
    recent: Vec<f64>,
    newest: usize,
    kept: Vec<f64>,
    /// Room to work in.
    most: Vec<f64>,
    nowcast: Option<Nowcast>,
}

/// Ways, and what they share: many read the same level of the outlook, or keep the same present for as long; so each of
/// these is worked out once a minute for all.
#[derive(Debug)]
pub(super) struct Layout {
    ways: Vec<Way>,
    /// For each way: what it reads.
    needs: Vec<u16>,
    /// A level of the outlook, and what is kept.
    reads: Vec<[u16; 2]>,
    /// For each way: which lot it steps in.
    steps: Vec<u16>,
    lots: Vec<f64>,
    /// The levels at which the outlook is read.
    levels: Vec<f64>,
    presents: Vec<Present>,
    /// A present, and for how many minutes it is kept.
    keeps: Vec<(u16, u16)>,
    /// For how many minutes, ascending; and which of `keeps` that are.
    by_hold: Vec<(u16, Vec<u16>)>,
}

/// Something that sizes the present.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Present {
    /// The nowcast of a flavour, at a level.
    Nowcast(usize, f64),
    /// Measured demand, times so much.
    Measured(f64),
}

/// Minutes of which the presents are remembered.
const ROWS: usize = HOLD_MAX_MIN + 1;

impl Layout {
    /// Of these ways.
    pub(super) fn of(ways: Vec<Way>) -> Arc<Self> {
        let (mut levels, mut presents, mut keeps) = (Vec::new(), Vec::new(), Vec::new());
        let (mut needs, mut reads) = (Vec::with_capacity(ways.len()), Vec::new());
        let mut lots = Vec::new();
        let steps = ways.iter().map(|way| place(&mut lots, way.lot)).collect();
        for way in &ways {
            let present = match way.source {
                Source::Nowcast(flavour) => Present::Nowcast(flavour.min(FLAVOURS.len() - 1), way.level),
                Source::Outlook => Present::Measured(way.reactive),
            };
            let level = place(&mut levels, way.outlook_level());
            let present = place(&mut presents, present);
            let keep = place(&mut keeps, (present, way.hold_min.min(HOLD_MAX_MIN) as u16));
            needs.push(place(&mut reads, [level, keep]));
        }
        let mut by_hold: BTreeMap<u16, Vec<u16>> = BTreeMap::new();
        for (keep, (_, hold)) in (0..).zip(&keeps) {
            by_hold.entry(*hold).or_default().push(keep);
        }
        Arc::new(Self {
            ways,
            needs,
            reads,
            steps,
            lots,
            levels,
            presents,
            keeps,
            by_hold: by_hold.into_iter().collect(),
        })
    }

    /// Of a menu: one for all workloads that choose from it.
    pub(super) fn of_menu(menu: Menu) -> Arc<Self> {
        static KNOWN: [OnceLock<Arc<Layout>>; 3] = [const { OnceLock::new() }; 3];
        KNOWN[menu as usize].get_or_init(|| Self::of(menu.ways())).clone()
    }

    /// The ways, in the order in which demands are asked for.
    pub(super) fn ways(&self) -> &[Way] {
        &self.ways
    }

    fn read(&self, i: usize) -> [u16; 2] {
        self.reads[usize::from(self.needs[i])]
    }
}

impl Signals {
    /// Nothing is known yet of demand that is served by servers that start within `start_min`.
    pub(super) fn new(start_min: usize, layout: Arc<Layout>) -> Self {
        let nowcasts = layout.ways.iter().any(Way::is_nowcast);
        Self {
            ahead: vec![0.0; layout.levels.len()],
            coming: vec![0.0; layout.levels.len()],
            rise: Rise::beyond(start_min.div_ceil(BIN) + 1),
            worth: vec![0.0; layout.lots.len()],
            recent: vec![0.0; ROWS * layout.presents.len()],
            newest: 0,
            kept: vec![0.0; layout.keeps.len()],
            most: vec![0.0; layout.presents.len()],
            nowcast: nowcasts.then(|| Nowcast::new(BIN, start_min, DAY)),
            layout,
        }
    }

    /// The forecast made at the end of the last bin, for the present one, those that begin within a start-up, and those
    /// after them in which it may rise. Nobody knows it before the last minute of that bin is over.
    pub(super) fn look_out(&mut self, bins: &[Fan]) {
        self.rise.look_out(bins);
        let bins = &bins[..bins.len().min(self.rise.covered())];
        for (coming, level) in self.coming.iter_mut().zip(&self.layout.levels) {
            *coming = bins.iter().map(|fan| fan.at(*level)).fold(0.0, f64::max);
        }
        self.nowcast.iter_mut().for_each(|nowcast| nowcast.look_out(bins));
    }

    /// The demand of the minute before, NaN if it is not known: then nothing new is kept, and what was kept goes on
    /// growing old. While it only learns, no way provides for anything.
    pub(super) fn measure(&mut self, demand: f64, learns_only: bool) {
        let fans = self.nowcast.as_mut().and_then(|nowcast| nowcast.step(demand));
        self.ahead.copy_from_slice(&self.coming);
        self.rise.turn();
        if learns_only {
            return;
        }
        for (worth, lot) in self.worth.iter_mut().zip(&self.layout.lots) {
            *worth = if *lot > 0.0 { self.rise.worth(*lot) } else { 0.0 };
        }
        self.newest = (self.newest + 1) % ROWS;
        let n = self.layout.presents.len();
        let row = &mut self.recent[self.newest * n..(self.newest + 1) * n];
        for (value, present) in row.iter_mut().zip(&self.layout.presents) {
            let now = match (*present, &fans) {
                (Present::Nowcast(flavour, level), Some(fans)) => fans[flavour].at(level),
                (Present::Nowcast(..), None) => 0.0,
                (Present::Measured(factor), _) => factor * demand,
            };
            *value = if now.is_finite() { now } else { 0.0 };
        }
        self.keep();
    }

    /// The most of each present in the minutes for which it is kept.
    fn keep(&mut self) {
        let n = self.layout.presents.len();
        self.most.fill(0.0);
        let mut age = 0;
        for (hold, keeps) in &self.layout.by_hold {
            while age <= usize::from(*hold) {
                let row = (self.newest + ROWS - age) % ROWS;
                for (most, value) in self.most.iter_mut().zip(&self.recent[row * n..(row + 1) * n]) {
                    // Written so that it becomes one instruction for several of them.
                    *most = if *value > *most { *value } else { *most };
                }
                age += 1;
            }
            for keep in keeps.iter().map(|keep| usize::from(*keep)) {
                self.kept[keep] = self.most[usize::from(self.layout.keeps[keep].0)];
            }
        }
    }

    /// The ways, in the order in which demands are asked for.
    pub(super) fn ways(&self) -> &[Way] {
        &self.layout.ways
    }

    /// What sizes the present under way `i`, as it is kept; nothing of the outlook.
    pub(super) fn present(&self, i: usize) -> f64 {
        self.kept[usize::from(self.layout.read(i)[1])]
    }

    /// The same, kept for at least so many minutes.
    pub(super) fn present_kept(&self, i: usize, minutes: usize) -> f64 {
        let (n, (present, _)) =
            (self.layout.presents.len(), self.layout.keeps[usize::from(self.layout.read(i)[1])]);
        let of = |age: usize| self.recent[(self.newest + ROWS - age) % ROWS * n + usize::from(present)];
        (0..=minutes.min(HOLD_MAX_MIN)).map(of).fold(self.present(i), f64::max)
    }

    /// The demand that way `i` provides for.
    pub(super) fn demand(&self, i: usize) -> f64 {
        self.read(self.layout.read(i))
    }

    /// The different demands that the ways provide for; [`Self::which`] of them says which way.
    pub(super) fn demands(&self) -> impl Iterator<Item = f64> {
        self.layout.reads.iter().map(|read| self.read(*read))
    }

    /// Which of the demands way `i` provides for.
    pub(super) fn which(&self, i: usize) -> usize {
        usize::from(self.layout.needs[i])
    }

    fn read(&self, [level, keep]: [u16; 2]) -> f64 {
        self.kept[usize::from(keep)].max(self.ahead[usize::from(level)])
    }
}

impl Signals {
    /// What a step of way `i` goes further at once: so much demand of a rise to come, and this share of the need.
    pub(super) fn lot(&self, i: usize) -> (f64, f64) {
        let lot = usize::from(self.layout.steps[i]);
        (self.worth[lot], self.layout.lots[lot])
    }
}

impl Taped for Signals {
    /// For the same ways.
    fn tape(&mut self, tape: &mut Tape) {
        tape.same(self.layout.ways.len() as f64);
        tape.same(self.recent.len() as f64);
        tape.numbers(&mut self.ahead);
        tape.numbers(&mut self.coming);
        self.rise.tape(tape);
        tape.numbers(&mut self.worth);
        tape.numbers(&mut self.recent);
        tape.count(&mut self.newest);
        self.newest %= ROWS;
        tape.numbers(&mut self.kept);
        self.nowcast.iter_mut().for_each(|nowcast| nowcast.tape(tape));
    }
}

/// Where it stands in the list, put there if it does not.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> u16 {
    let at = list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    });
    u16::try_from(at).expect("a menu has some hundred ways")
}
