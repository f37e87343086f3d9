//! A menu of choices at work on the same demand, each on a fleet that is only computed.

use std::collections::VecDeque;

use crate::signals::Signals;
use crate::{DAY, Fleet, Setup};

/// Every choice of a menu at work on the same demand, each with a fleet of its own, day by day.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    fleets: Vec<Fleet>,
    setup: Setup,
    minutes: usize,
    keep: usize,
    /// Days that are over, the oldest first.
    pub(crate) days: VecDeque<Day>,
    today: Day,
}

/// What a day asked for, and what each choice made of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Day {
    pub(crate) demand: f64,
    pub(crate) marks: Vec<Mark>,
}

/// What a choice made of a day.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    /// Demand that found no capacity.
    pub(crate) short: f64,
    /// Server-minutes billed.
    pub(crate) billed: u64,
    /// Minutes in which it grew.
    pub(crate) ups: u32,
}

impl Day {
    fn new(choices: usize) -> Self {
        Self { demand: 0.0, marks: vec![Mark::default(); choices] }
    }
}

impl Replay {
    /// Of so many choices; remembers `keep` days.
    pub(crate) fn of(choices: usize, setup: &Setup, keep: usize) -> Self {
        Self {
            fleets: Vec::with_capacity(choices),
            setup: *setup,
            minutes: 0,
            keep,
            days: VecDeque::new(),
            today: Day::new(choices),
        }
    }

    /// Lets every choice decide for one more minute, in which `demand` comes.
    pub(crate) fn step(&mut self, signals: &Signals, demand: f64) {
        let Setup { start_min, throughput, max, .. } = self.setup;
        if self.fleets.is_empty() {
            let begin = |i| Fleet::new(signals.size(i).min(max), start_min);
            self.fleets = (0..signals.choices().len()).map(begin).collect();
        }
        self.today.demand += demand;
        for (i, (fleet, mark)) in self.fleets.iter_mut().zip(&mut self.today.marks).enumerate() {
            let size = signals.size(i).min(max);
            fleet.tick();
            mark.ups += u32::from(size > fleet.total());
            fleet.scale_to(size, start_min);
            mark.short += (demand - f64::from(fleet.ready()) * throughput).max(0.0);
            mark.billed += u64::from(fleet.total());
        }
        self.minutes += 1;
        if self.minutes.is_multiple_of(DAY) {
            self.end_day();
        }
    }

    fn end_day(&mut self) {
        let choices = self.today.marks.len();
        self.days.push_back(std::mem::replace(&mut self.today, Day::new(choices)));
        while self.days.len() > self.keep {
            self.days.pop_front();
        }
    }
}
