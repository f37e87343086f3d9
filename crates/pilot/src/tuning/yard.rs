//! Fleets that are only computed, many at once.

use tidecast_forecast::{Tape, Taped};

/// As many fleets as there are ways, minute by minute: a launch is billed at once and serves after the start-up time;
/// what is given up is taken from the newest starts first, and from serving servers only when no start is left.
#[derive(Debug, Clone)]
pub(super) struct Yard {
    start_min: usize,
    ready: Vec<u32>,
    starting: Vec<u32>,
    /// Launches by the minute in which they become ready, modulo the start-up time: a row of all fleets for each.
    due: Vec<u32>,
    minute: usize,
}

impl Yard {
    /// Fleets without servers, whose launches take `start_min` minutes.
    pub(super) fn new(fleets: usize, start_min: usize) -> Self {
        let rows = start_min.max(1);
        Self {
            start_min,
            ready: vec![0; fleets],
            starting: vec![0; fleets],
            due: vec![0; rows * fleets],
            minute: 0,
        }
    }

    /// The fleet begins with so many servers that serve.
    pub(super) fn begin(&mut self, fleet: usize, ready: u32) {
        self.ready[fleet] = ready;
    }

    pub(super) fn ready(&self, fleet: usize) -> u32 {
        self.ready[fleet]
    }

    pub(super) fn total(&self, fleet: usize) -> u32 {
        self.ready[fleet] + self.starting[fleet]
    }

    /// The next minute begins: what was launched a start-up ago serves from now on.
    pub(super) fn tick(&mut self) {
        self.minute += 1;
        let fleets = self.ready.len();
        let row = self.row(0);
        let due = &mut self.due[row * fleets..(row + 1) * fleets];
        for ((ready, starting), due) in self.ready.iter_mut().zip(&mut self.starting).zip(due) {
            *ready += *due;
            *starting -= *due;
            *due = 0;
        }
    }

    /// Launches or gives up servers until `total` are billed.
    pub(super) fn scale_to(&mut self, fleet: usize, total: u32) {
        let now = self.total(fleet);
        match total.cmp(&now) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater if self.start_min == 0 => self.ready[fleet] = total,
            std::cmp::Ordering::Greater => {
                let at = self.row(0) * self.ready.len() + fleet;
                self.due[at] += total - now;
                self.starting[fleet] += total - now;
            }
            std::cmp::Ordering::Less => self.give_up(fleet, now - total),
        }
    }

    fn give_up(&mut self, fleet: usize, mut servers: u32) {
        let (fleets, rows) = (self.ready.len(), self.start_min.max(1));
        for newest in (1..=rows).rev() {
            if servers == 0 || self.starting[fleet] == 0 {
                break;
            }
            let at = self.row(newest) * fleets + fleet;
            let cut = servers.min(self.due[at]);
            self.due[at] -= cut;
            self.starting[fleet] -= cut;
            servers -= cut;
        }
        self.ready[fleet] -= servers;
    }

    /// Where launches stand that become ready in `minutes`; now and a whole start-up ahead share a place.
    fn row(&self, minutes: usize) -> usize {
        (self.minute + minutes) % self.start_min.max(1)
    }
}

impl Taped for Yard {
    /// For as many fleets, with the same start-up time.
    fn tape(&mut self, tape: &mut Tape) {
        tape.same(self.ready.len() as f64);
        tape.same(self.start_min as f64);
        tape.counts(&mut self.ready);
        tape.counts(&mut self.due);
        tape.count(&mut self.minute);
        let (fleets, due) = (self.ready.len(), &self.due);
        let starting = |fleet: usize| due.iter().skip(fleet).step_by(fleets).sum();
        self.starting = (0..fleets).map(starting).collect();
    }
}
