//! Decisions as the pilot would hand them over.

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::{Allowed, Command, Decision, NodeName, Plan, Reason, Size, Step};

/// A decision of a turn, at a time, with a plan in minutes from then.
pub(crate) fn decision(turn: u64, at: Timestamp, steps: &[(i64, u32)], allowed: Allowed) -> Decision {
    let step = |(minute, size): &(i64, u32)| Step {
        at: at + SignedDuration::from_mins(*minute),
        size: Size(*size),
        because: Reason::Minimum { min: Size(0) },
        limits: Vec::new(),
    };
    let until = Some(at + SignedDuration::from_hours(48));
    let plan = Plan { steps: steps.iter().map(step).collect(), until, ..Plan::default() };
    Decision {
        turn,
        at,
        size: Size(1),
        wanted: Size(1),
        because: Reason::Minimum { min: Size(0) },
        limits: Vec::new(),
        plan: plan.into(),
        commands: Vec::new(),
        withheld: Vec::new(),
        allowed,
        notes: Vec::new(),
        vigil: Default::default(),
        moves: Vec::new(),
    }
}

/// One that commands something.
pub(crate) fn commanding(turn: u64, at: Timestamp, commands: Vec<Command>) -> Decision {
    Decision { commands, ..decision(turn, at, &[], Allowed::Everything) }
}

pub(crate) fn grow(to: u32) -> Command {
    Command::Grow { to: Size(to) }
}

pub(crate) fn shrink(to: u32) -> Command {
    Command::Shrink { to: Size(to) }
}

pub(crate) fn terminate(id: &str) -> Command {
    Command::Terminate { node: NodeName(id.into()) }
}

pub(crate) fn drain(id: &str) -> Command {
    Command::Drain { node: NodeName(id.into()) }
}
