use tidecast_pilot::{Command, Node, NodeName, Phase, Sessions as Counted};

use crate::{Chance, Trace, Weather};

/// When a server will serve that is still waiting for capacity.
pub(crate) const WAITING: usize = usize::MAX;

/// Servers one by one, with sessions that begin on those that take them, last, and end (D1).
#[derive(Debug)]
pub struct Sessions {
    servers: Vec<Server>,
    /// Sessions that one server serves.
    room: u32,
    /// The share of all sessions that end within a minute.
    ending: f64,
    launched: u32,
    cut: u32,
    now: usize,
}

#[derive(Debug)]
struct Server {
    name: NodeName,
    launched: usize,
    ready: usize,
    draining: Option<usize>,
    sessions: u32,
    empty_since: Option<usize>,
    /// When its sessions were last counted, and what was found.
    counted: usize,
    found: (u32, Option<usize>),
}

impl Sessions {
    /// Servers with room for so many sessions each, which last so many minutes in the mean.
    pub fn new(room: u32, last_min: f64) -> Self {
        Self { servers: Vec::new(), room, ending: 1.0 / last_min.max(1.0), launched: 0, cut: 0, now: 0 }
    }

    /// Servers that exist.
    pub fn count(&self) -> u32 {
        self.servers.len() as u32
    }

    /// Servers that serve, those included that take no new sessions.
    pub fn serving(&self) -> u32 {
        self.servers.iter().filter(|server| self.now >= server.ready).count() as u32
    }

    /// Sessions that were ended by ending their server.
    pub fn cut(&self) -> u32 {
        self.cut
    }

    /// One more server, which serves from minute `ready` on.
    pub fn launch(&mut self, minute: usize, ready: usize) {
        self.launched += 1;
        let name = NodeName(format!("s{}", self.launched));
        let empty_since = Some(minute);
        let server = Server {
            name,
            launched: minute,
            ready,
            draining: None,
            sessions: 0,
            empty_since,
            counted: minute,
            found: (0, empty_since),
        };
        self.servers.push(server);
    }

    /// A minute passes: what waited for capacity starts if there is any, for so many minutes; some sessions end, and so many begin that there are `demand` of them, where there is room.
    pub fn tick(&mut self, minute: usize, demand: f64, weather: &Weather, start: usize, chance: &mut Chance) {
        self.now = minute;
        if !weather.no_capacity {
            self.servers.iter_mut().filter(|s| s.ready == WAITING).for_each(|s| s.ready = minute + start);
        }
        for server in &mut self.servers {
            let ended = f64::from(server.sessions) * self.ending + chance.share();
            server.sessions -= (ended as u32).min(server.sessions);
        }
        let there: u32 = self.servers.iter().map(|server| server.sessions).sum();
        (there..demand as u32).for_each(|_| self.begin(minute));
        for server in &mut self.servers {
            server.empty_since = (server.sessions == 0).then(|| server.empty_since.unwrap_or(minute));
            if !weather.uncounted {
                (server.counted, server.found) = (minute, (server.sessions, server.empty_since));
            }
        }
    }

    /// A session begins on the emptiest server that takes sessions; with no room left, it does not begin at all.
    fn begin(&mut self, minute: usize) {
        let open = self.servers.iter_mut().filter(|s| s.draining.is_none() && s.ready <= minute);
        if let Some(server) = open.filter(|s| s.sessions < self.room).min_by_key(|s| s.sessions) {
            server.sessions += 1;
        }
    }

    /// Does what is commanded; what it launches serves from minute `ready` on.
    pub fn carry_out(&mut self, command: &Command, minute: usize, ready: usize) {
        match command {
            Command::Grow { to } => (self.count()..to.get()).for_each(|_| self.launch(minute, ready)),
            Command::Shrink { .. } => {}
            Command::Drain { node } => self.mark(node, Some(minute)),
            Command::Restore { node } => self.mark(node, None),
            Command::Terminate { node } | Command::Cut { node } => {
                let gone = self.servers.iter().position(|server| server.name == *node);
                if let Some(gone) = gone.map(|place| self.servers.remove(place)) {
                    self.cut += gone.sessions;
                }
            }
        }
    }

    fn mark(&mut self, node: &NodeName, draining: Option<usize>) {
        if let Some(server) = self.servers.iter_mut().find(|server| server.name == *node) {
            server.draining = draining.map(|minute| server.draining.unwrap_or(minute));
        }
    }

    /// Every server as its agent tells of it.
    pub fn nodes(&self, trace: &Trace) -> Vec<Node> {
        let node = |server: &Server| Node {
            name: server.name.clone(),
            phase: match server.draining {
                Some(since) => Phase::Draining { since: trace.at(since) },
                None if server.ready > self.now => Phase::Booting,
                None => Phase::Serving,
            },
            launched: trace.at(server.launched),
            ready: (server.ready <= self.now).then(|| trace.at(server.ready)),
            sessions: Some(Counted {
                count: server.found.0,
                at: trace.at(server.counted),
                empty_since: server.found.1.map(|minute| trace.at(minute)),
            }),
        };
        self.servers.iter().map(node).collect()
    }
}
