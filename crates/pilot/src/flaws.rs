use std::fmt;

use jiff::Timestamp;

use crate::{Plan, Size, Workload};

/// Something that no plan may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It has no step at all.
    Empty,
    /// A step does not come after the one before it.
    NotAscending {
        /// When the later of the two would be.
        at: Timestamp,
    },
    /// A step has the size of the one before it.
    NoChange {
        /// When.
        at: Timestamp,
    },
    /// A size the workload does not allow, though the fleet could be brought to an allowed one.
    OutOfBounds {
        /// When.
        at: Timestamp,
        /// Which.
        size: Size,
    },
    /// It ends before its last step.
    EndsEarly {
        /// Its end.
        until: Timestamp,
    },
}

/// What is wrong with a plan: nothing, before one is stored and before one is carried out (a stale or damaged plan must
/// never be acted upon).
///
/// A fleet that already stands outside the bounds comes back at the pace at which servers may be taken away, so a plan may
/// begin outside and must then only approach.
pub fn flaws(plan: &Plan, workload: &Workload) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if plan.steps.is_empty() {
        flaws.push(Flaw::Empty);
    }
    let bounds = workload.bounds;
    let mut outside: Option<Size> =
        plan.steps.first().map(|step| step.size).filter(|size| !bounds.hold(*size));
    for pair in plan.steps.windows(2) {
        let (before, step) = (&pair[0], &pair[1]);
        if step.at <= before.at {
            flaws.push(Flaw::NotAscending { at: step.at });
        }
        if step.size == before.size {
            flaws.push(Flaw::NoChange { at: step.at });
        }
        let approaches = outside.is_some_and(|far| distance(step.size, workload) < distance(far, workload));
        outside = approaches.then_some(step.size).filter(|size| !bounds.hold(*size));
        if !bounds.hold(step.size) && !approaches {
            flaws.push(Flaw::OutOfBounds { at: step.at, size: step.size });
        }
    }
    if let (Some(until), Some(last)) = (plan.until, plan.steps.last())
        && until <= last.at
    {
        flaws.push(Flaw::EndsEarly { until });
    }
    flaws
}

fn distance(size: Size, workload: &Workload) -> u32 {
    size.get().abs_diff(workload.bounds.clamp(size).get())
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it has no step"),
            Self::NotAscending { at } => write!(f, "the step at {at} does not come after the one before it"),
            Self::NoChange { at } => write!(f, "the step at {at} changes nothing"),
            Self::OutOfBounds { at, size } => write!(f, "{size} servers at {at} are out of bounds"),
            Self::EndsEarly { until } => write!(f, "it ends at {until}, before its last step"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Reason, Step};

    #[track_caller]
    fn check(steps: &[(i64, u32)], until: i64, expected: &[&str]) {
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let step = |(minute, size): &(i64, u32)| Step {
            at: at(*minute),
            size: Size(*size),
            because: Reason::Standing,
            limits: vec![],
        };
        let steps = steps.iter().map(step).collect();
        let plan = Plan { steps, until: Some(at(until)), ..Plan::default() };
        let workload = Workload::new("w", Bounds::new(2, 10).unwrap());
        let found: Vec<String> = flaws(&plan, &workload).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_nothing_wrong_with_a_sound_plan() {
        check(&[(0, 3), (5, 10), (10, 2)], 15, &[]);
    }

    #[test]
    fn lets_a_fleet_come_back_into_its_bounds() {
        check(&[(0, 14), (5, 12), (10, 10)], 15, &[]);
        check(&[(0, 12), (5, 14)], 15, &["14 servers at 1970-01-01T00:05:00Z are out of bounds"]);
        check(&[(0, 9), (5, 12)], 15, &["12 servers at 1970-01-01T00:05:00Z are out of bounds"]);
    }

    #[test]
    fn names_what_no_plan_may_have() {
        check(&[], 5, &["it has no step"]);
        check(&[(0, 3), (5, 3)], 15, &["the step at 1970-01-01T00:05:00Z changes nothing"]);
        check(
            &[(5, 3), (5, 4)],
            5,
            &[
                "the step at 1970-01-01T00:05:00Z does not come after the one before it",
                "it ends at 1970-01-01T00:05:00Z, before its last step",
            ],
        );
    }
}
