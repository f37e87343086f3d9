use std::sync::Arc;

use tidecast_pilot::{Allowed, Command, Decision, Limit, Mode, Move, NodeName, Plan, Reason, Size};

use super::place::jiff_now;

/// A decision made now, where so many stood.
pub(super) fn decided(turn: u64, from: u32, commands: Vec<Command>) -> Decision {
    let at = jiff_now();
    let to = commands.iter().find_map(|command| match command {
        Command::Grow { to } | Command::Shrink { to } => Some(*to),
        _ => None,
    });
    let to = to.unwrap_or(Size(from));
    Decision {
        turn,
        at,
        size: to,
        wanted: to,
        because: Reason::Minimum { min: to },
        limits: Vec::new(),
        plan: Arc::new(Plan::default()),
        vigil: Default::default(),
        moves: vec![Move { at, from: Size(from), to }],
        commands,
        withheld: Vec::new(),
        allowed: Allowed::Everything,
        notes: Vec::new(),
    }
}

/// The same, only looked at.
pub(super) fn observed(decision: Decision) -> Decision {
    Decision {
        limits: vec![Limit::Mode { mode: Mode::Observe }],
        withheld: decision.commands,
        commands: Vec::new(),
        allowed: Allowed::Nothing,
        ..decision
    }
}

pub(super) fn grow(turn: u64, from: u32, to: u32) -> Decision {
    decided(turn, from, vec![Command::Grow { to: Size(to) }])
}

pub(super) fn shrink(turn: u64, from: u32, to: u32) -> Decision {
    decided(turn, from, vec![Command::Shrink { to: Size(to) }])
}

pub(super) fn named(name: &str) -> NodeName {
    NodeName(name.into())
}
