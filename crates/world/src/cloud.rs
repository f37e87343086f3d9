use std::collections::VecDeque;

use jiff::Timestamp;
use tidecast_pilot::{Command, Decision, Phase, Sighting, Size};

use crate::sessions::{Sessions, WAITING};
use crate::{Chance, Trace, Weather};

/// A cloud that keeps as many servers as it was told to, in its own time: launches take a while, fail, or find no capacity.
///
/// What it was told last holds until it is told otherwise: what failed is launched again, what was reclaimed is replaced.
#[derive(Debug)]
pub struct Cloud {
    desired: u32,
    ready: u32,
    /// Launches by the minutes until they serve.
    due: VecDeque<u32>,
    /// Servers whose users stay on them, if this is such a fleet; then the counts above are theirs.
    sessions: Option<Sessions>,
    /// How long a launch takes when all is well.
    start_min: usize,
    /// The newest turn carried out; older ones are refused.
    turn: u64,
    /// Since when some servers have not been heard of.
    dark_since: Option<usize>,
    chance: Chance,
}

impl Cloud {
    /// A cloud with `servers` that serve. Launches take `start_min` minutes when all is well.
    pub fn new(servers: u32, start_min: usize, sessions: Option<Sessions>, chance: Chance) -> Self {
        let due = VecDeque::from(vec![0; start_min.max(1)]);
        let (turn, dark_since) = (0, None);
        let mut cloud =
            Self { desired: servers, ready: servers, due, sessions, start_min, turn, dark_since, chance };
        if let Some(sessions) = &mut cloud.sessions {
            (0..servers).for_each(|_| sessions.launch(0, 0));
        }
        cloud
    }

    /// Servers that serve.
    pub fn ready(&self) -> u32 {
        self.sessions.as_ref().map_or(self.ready, Sessions::serving)
    }

    /// Servers billed: those that serve and those that start.
    pub fn total(&self) -> u32 {
        self.sessions.as_ref().map_or(self.ready + self.starting(), Sessions::count)
    }

    /// What it was told to keep.
    pub fn desired(&self) -> u32 {
        self.sessions.as_ref().map_or(self.desired, Sessions::count)
    }

    /// Sessions that a command has ended.
    pub fn cut(&self) -> u32 {
        self.sessions.as_ref().map_or(0, Sessions::cut)
    }

    /// A minute passes, with this demand.
    pub fn tick(&mut self, minute: usize, demand: f64, weather: &Weather) {
        self.dark_since = (weather.dark > 0.0).then(|| self.dark_since.unwrap_or(minute));
        if let Some(sessions) = &mut self.sessions {
            sessions.tick(minute, demand, weather, self.start_min, &mut self.chance);
            return;
        }
        let arrived = self.due.pop_front().unwrap_or(0);
        self.due.push_back(0);
        let failed = self.lost(arrived, weather.launches_fail);
        self.ready += arrived - failed;
        self.ready -= self.lost(self.ready, weather.reclaimed);
        if let Some(size) = weather.foreign {
            self.desired = size;
        }
        self.keep(weather);
    }

    /// Does what a decision commands, unless it has carried out a newer one already. Doing it twice does nothing.
    pub fn carry_out(&mut self, decision: &Decision, minute: usize, weather: &Weather) {
        if decision.turn < self.turn {
            return;
        }
        self.turn = decision.turn;
        for command in &decision.commands {
            match (&mut self.sessions, command) {
                (Some(sessions), command) => {
                    let long = self.start_min as f64 * weather.launch_factor;
                    let ready = if weather.no_capacity { WAITING } else { minute + long.round() as usize };
                    sessions.carry_out(command, minute, ready);
                }
                (None, Command::Grow { to }) => self.desired = self.desired.max(to.get()),
                (None, Command::Shrink { to }) => self.desired = self.desired.min(to.get()),
                (None, _) => {}
            }
        }
        self.keep(weather);
    }

    /// The fleet as it can be seen now; none if it cannot.
    pub fn sight(&self, trace: &Trace, minute: usize, weather: &Weather) -> Option<Sighting> {
        if weather.blind {
            return None;
        }
        let mut seen = Sighting::of(trace.at(minute), Size(self.desired()), Size(self.ready()));
        if let Some(sessions) = &self.sessions {
            seen.nodes = sessions.nodes(trace);
        }
        darken(&mut seen, weather.dark, self.dark_since.map(|minute| trace.at(minute)));
        if weather.half_seen {
            seen.complete = false;
            seen.nodes.truncate(seen.nodes.len() / 2);
        }
        seen.foreign = weather.foreign.map(|_| "another controller".to_owned());
        Some(seen)
    }

    /// Launches what is missing, gives up what is too many: the newest launches first.
    fn keep(&mut self, weather: &Weather) {
        let total = self.ready + self.starting();
        if total < self.desired && !weather.no_capacity && self.sessions.is_none() {
            let long = (self.start_min as f64 * weather.launch_factor).round() as usize;
            let missing = self.desired - total;
            // What is launched now for one minute serves when the next one begins.
            match long.checked_sub(1) {
                None => self.ready += missing,
                Some(place) => {
                    self.due.resize(self.due.len().max(long), 0);
                    self.due[place] += missing;
                }
            }
        }
        let mut surplus = total.saturating_sub(self.desired);
        for launched in self.due.iter_mut().rev() {
            let given_up = surplus.min(*launched);
            *launched -= given_up;
            surplus -= given_up;
        }
        self.ready -= surplus.min(self.ready);
    }

    fn starting(&self) -> u32 {
        self.due.iter().sum()
    }

    /// How many of these are lost, each with this chance.
    fn lost(&mut self, servers: u32, share: f64) -> u32 {
        if share <= 0.0 {
            return 0;
        }
        (0..servers).filter(|_| self.chance.happens(share)).count() as u32
    }
}

/// The oldest servers, as many as this share, are not heard of.
fn darken(seen: &mut Sighting, share: f64, since: Option<Timestamp>) {
    let Some(since) = since else { return };
    let count = (share * seen.nodes.len() as f64).round() as usize;
    for node in seen.nodes.iter_mut().take(count).filter(|node| node.phase == Phase::Serving) {
        node.phase = Phase::Silent { since: since.max(node.launched) };
        node.sessions = None;
    }
}
