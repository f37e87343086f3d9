use std::collections::BTreeMap;

use tidecast_pilot::{Command, Node, NodeName, Phase};

use super::Turned;

/// How servers that were being drained have gone, counted since the start of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// Ended by tidecast, as they were empty.
    pub empty: u64,
    /// Ended by tidecast, as their deadline had passed; sessions may have run on them.
    pub deadline: u64,
    /// Gone without tidecast: ended by somebody else, or by themselves.
    pub unasked: u64,
    /// Those that were draining when the fleet was last seen whole, and what was asked of each.
    draining: BTreeMap<NodeName, Option<Asked>>,
}

/// Why a server was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Empty,
    Deadline,
}

impl Drained {
    /// What another turn has seen, and asked for. A fleet that was not seen whole tells of nobody that he has gone.
    pub(super) fn take_in(&mut self, turned: &Turned) {
        let Some(briefing) = turned.briefing.as_ref().filter(|briefing| briefing.workload.drain.is_some())
        else {
            self.draining.clear();
            return;
        };
        let refused = matches!(turned.receipt, Some(Err(_)));
        // Another replica may be the one that carries it out.
        let asked =
            turned.decision.as_ref().filter(|_| !refused).map_or(&[][..], |decision| &decision.commands);
        if let Some(sighting) = briefing.sighting.as_ref().filter(|sighting| sighting.complete) {
            self.see(&sighting.nodes, asked);
        }
    }

    fn see(&mut self, nodes: &[Node], asked: &[Command]) {
        let before = std::mem::take(&mut self.draining);
        let gone = before.iter().filter(|(name, _)| !nodes.iter().any(|node| node.name == **name));
        gone.for_each(|(_, asked)| self.count(*asked));
        let draining = nodes.iter().filter(|node| matches!(node.phase, Phase::Draining { .. }));
        self.draining =
            draining.map(|node| (node.name.clone(), before.get(&node.name).copied().flatten())).collect();
        asked.iter().for_each(|command| self.note(command));
    }

    fn count(&mut self, asked: Option<Asked>) {
        match asked {
            Some(Asked::Empty) => self.empty += 1,
            Some(Asked::Deadline) => self.deadline += 1,
            None => self.unasked += 1,
        }
    }

    fn note(&mut self, command: &Command) {
        let (node, asked) = match command {
            Command::Terminate { node } => (node, Asked::Empty),
            Command::Cut { node } => (node, Asked::Deadline),
            Command::Grow { .. }
            | Command::Shrink { .. }
            | Command::Drain { .. }
            | Command::Restore { .. } => {
                return;
            }
        };
        if let Some(known) = self.draining.get_mut(node) {
            *known = Some(asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const DRAINING: Phase = Phase::Draining { since: Timestamp::UNIX_EPOCH };

    fn named(name: &str) -> NodeName {
        NodeName(name.into())
    }

    fn look(drained: &mut Drained, nodes: &[(&str, Phase)], asked: &[Command]) -> [u64; 3] {
        let node = |(name, phase): &(&str, Phase)| Node {
            name: named(name),
            phase: *phase,
            launched: Timestamp::UNIX_EPOCH,
            ready: None,
            sessions: None,
        };
        drained.see(&nodes.iter().map(node).collect::<Vec<_>>(), asked);
        [drained.empty, drained.deadline, drained.unasked]
    }

    #[test]
    fn counts_each_end_once_by_what_was_asked_last() {
        let (mut drained, serving) = (Drained::default(), Phase::Serving);
        let all = [("a", DRAINING), ("b", DRAINING), ("c", DRAINING), ("d", serving)];
        let terminate = |name| Command::Terminate { node: named(name) };
        assert_eq!(look(&mut drained, &all, &[terminate("a"), terminate("d")]), [0, 0, 0]);
        let cut = Command::Cut { node: named("b") };
        assert_eq!(look(&mut drained, &all, &[terminate("a"), cut]), [0, 0, 0], "it takes a while to go");
        assert_eq!(look(&mut drained, &all[1..], &[]), [1, 0, 0]);
        assert_eq!(
            look(&mut drained, &[], &[]),
            [1, 1, 1],
            "nobody has asked for the end of c, and d did not drain"
        );
        assert_eq!(look(&mut drained, &[], &[]), [1, 1, 1]);
    }

    #[test]
    fn forgets_what_was_asked_of_those_that_serve_again() {
        let mut drained = Drained::default();
        look(&mut drained, &[("a", DRAINING)], &[Command::Terminate { node: named("a") }]);
        look(&mut drained, &[("a", Phase::Serving)], &[]);
        look(&mut drained, &[("a", DRAINING)], &[]);
        assert_eq!(look(&mut drained, &[], &[]), [0, 0, 1]);
    }
}
