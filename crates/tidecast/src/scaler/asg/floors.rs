use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tidecast_pilot::planner::compress;
use tidecast_pilot::{Allowed, Plan};

/// From a time on, the group has at least so many instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Floor {
    /// When the action starts, in seconds.
    pub start_s: i64,
    /// The minimum from then on.
    pub min: u32,
}

/// What floors stand upon.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ground {
    /// The group's minimum as it is.
    pub min: u32,
    /// The group's maximum, above which no floor can lie.
    pub max: u32,
    /// Starts of actions that others have scheduled: no two may start together.
    pub taken: BTreeSet<i64>,
    /// How many actions may be ours.
    pub room: usize,
    /// How far ahead floors may fall.
    pub lower_ahead: SignedDuration,
}

/// How late AWS may fire an action.
pub(super) const LATE_S: i64 = 120;
/// How far ahead an action is put at least: a start that has passed while the call was under way is refused.
pub(super) const AHEAD_S: i64 = 60;

/// The plan as the floors that are to be scheduled (S6.2).
///
/// A floor that rises may always be there: it keeps the fleet up even while tidecast is away. One that falls lets go of
/// capacity, and would do so long after the evidence for it was lost (B3). So floors fall only where everything speaks for
/// it, and not further ahead than `lower_ahead`; after that, each is as high as the highest before it. Whatever is uploaded
/// at any time can therefore lower the fleet by what was agreed to within `lower_ahead`, and by nothing else.
///
/// Floors that rise start two minutes early, for AWS may fire them two minutes late.
pub(super) fn floors(plan: &Plan, allowed: Allowed, ground: &Ground, now: Timestamp) -> Vec<Floor> {
    if allowed == Allowed::Nothing || ground.room == 0 {
        return Vec::new();
    }
    let first_s = first_start_s(now);
    let fall_until_s = match allowed {
        Allowed::Everything => now.as_second() + ground.lower_ahead.as_secs(),
        _ => i64::MIN,
    };
    let early = early(plan, ground, now, first_s);
    let kept = envelope(&early, ground.min, fall_until_s);
    let few = shortened(&kept, ground, plan.until);
    unique(few, ground, now.as_second())
}

/// The earliest start that is given: a whole minute, and never past while the call is under way.
pub(super) fn first_start_s(now: Timestamp) -> i64 {
    (now.as_second() + AHEAD_S).div_euclid(60) * 60 + 60
}

/// The plan's steps with the times at which they are put: what is in force now at once, rises early.
fn early(plan: &Plan, ground: &Ground, now: Timestamp, first_s: i64) -> Vec<Floor> {
    let mut early: Vec<Floor> = Vec::new();
    let steps = plan.at(now).into_iter().chain(plan.after(now));
    for step in steps.filter(|step| plan.until.is_none_or(|until| step.at < until)) {
        let min = step.size.get().min(ground.max);
        let rises = early.last().is_none_or(|before| min > before.min);
        let mut start_s = (step.at.as_second() - if rises { LATE_S } else { 0 }).max(first_s);
        // A rise that starts early swallows the falls that it overlaps; what is left of them falls less far.
        while let Some(fall) = early.pop_if(|before| before.start_s >= start_s && before.min < min) {
            if early.last().is_some_and(|before| before.min > min) {
                start_s = fall.start_s;
            }
        }
        match early.last() {
            Some(before) if before.min == min || before.start_s >= start_s => {}
            _ => early.push(Floor { start_s, min }),
        }
    }
    early
}

/// Without the falls that may not be.
fn envelope(floors: &[Floor], stands: u32, fall_until_s: i64) -> Vec<Floor> {
    let mut level = stands;
    let mut kept = Vec::new();
    for floor in floors {
        let falls = floor.min < level && floor.start_s <= fall_until_s;
        if floor.min > level || falls {
            level = floor.min;
            kept.push(*floor);
        }
    }
    kept
}

/// In as few actions as there is room for, nowhere lower (A8).
fn shortened(floors: &[Floor], ground: &Ground, until: Option<Timestamp>) -> Vec<Floor> {
    let Some(last) = floors.last().filter(|_| floors.len() > ground.room) else { return floors.to_vec() };
    let end_s = until.map_or(0, Timestamp::as_second).max(last.start_s + 3_600);
    let steps: Vec<(i64, u32)> = floors.iter().map(|floor| (floor.start_s, floor.min)).collect();
    let short = compress(&steps, end_s, ground.room, 60).steps;
    short.into_iter().map(|(start_s, min)| Floor { start_s, min }).collect()
}

/// With starts that nobody else has: rises come a minute sooner until theirs is free, falls a minute later. Where that
/// makes a rise meet a fall before it, the fall is given up.
fn unique(floors: Vec<Floor>, ground: &Ground, now_s: i64) -> Vec<Floor> {
    let mut moved: Vec<Floor> = Vec::new();
    for floor in floors {
        let level = moved.last().map_or(ground.min, |before| before.min);
        let start_s = free(floor.start_s, floor.min > level, &ground.taken, now_s);
        while moved.pop_if(|before| before.start_s >= start_s && before.min < floor.min).is_some() {}
        if moved.last().is_none_or(|before| before.start_s < start_s && before.min != floor.min) {
            moved.push(Floor { start_s, min: floor.min });
        }
    }
    moved
}

/// The nearest start that nobody has: before for rises, behind for falls, and behind where there is no time before.
fn free(start_s: i64, rises: bool, taken: &BTreeSet<i64>, now_s: i64) -> i64 {
    let before = (0..).map(|minutes| start_s - 60 * minutes).take_while(|at_s| *at_s > now_s + AHEAD_S / 2);
    let mut behind = (0..).map(|minutes| start_s + 60 * minutes);
    let sooner = before.into_iter().find(|at_s| !taken.contains(at_s)).filter(|_| rises);
    let later = || behind.find(|at_s| !taken.contains(at_s));
    sooner.or_else(later).unwrap_or(start_s)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidecast_pilot::{Reason, Size, Step};

    use super::*;

    const T0: i64 = 1_790_000_040;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(T0 - T0 % 60 + 60 * minute).unwrap()
    }

    fn plan(steps: &[(i64, u32)], until: i64) -> Plan {
        let step = |(minute, size): &(i64, u32)| Step {
            at: at(*minute),
            size: Size(*size),
            because: Reason::Minimum { min: Size(0) },
            limits: Vec::new(),
        };
        Plan { steps: steps.iter().map(step).collect(), until: Some(at(until)), ..Plan::default() }
    }

    fn ground(min: u32) -> Ground {
        let lower_ahead = SignedDuration::from_mins(15);
        Ground { min, max: 1_000, taken: BTreeSet::new(), room: 100, lower_ahead }
    }

    #[track_caller]
    fn check(steps: &[(i64, u32)], allowed: Allowed, ground: &Ground, expected: &[(i64, u32)]) {
        let floors = floors(&plan(steps, 2_880), allowed, ground, at(0));
        let zero = at(0).as_second();
        let minutes: Vec<(i64, u32)> = floors.iter().map(|f| ((f.start_s - zero) / 60, f.min)).collect();
        assert_eq!(minutes, expected);
    }

    /// A day: 5, the rush, the evening, a smaller peak at night, the next rush.
    const DAY: [(i64, u32); 5] = [(-60, 5), (60, 20), (600, 6), (720, 12), (1_500, 22)];

    #[test] // S6.2
    fn starts_rises_two_minutes_early() {
        check(&DAY[..2], Allowed::Growing, &ground(5), &[(58, 20)]);
    }

    #[test] // B3
    fn uploads_nothing_that_falls_while_anything_speaks_against_it() {
        check(&DAY, Allowed::Growing, &ground(5), &[(58, 20), (1_498, 22)]);
        check(&DAY, Allowed::Nothing, &ground(5), &[]);
    }

    #[test] // B3, S6.2
    fn lets_floors_fall_in_the_near_window_only() {
        check(&DAY, Allowed::Everything, &ground(5), &[(58, 20), (1_498, 22)]);
        // Ten minutes before the evening, the fall is uploaded, and so are the rises after it.
        let evening: Vec<(i64, u32)> = DAY.iter().map(|(minute, size)| (minute - 590, *size)).collect();
        check(&evening, Allowed::Everything, &ground(20), &[(10, 6), (128, 12), (908, 22)]);
        // Had the evidence been lost, nothing of that would stand.
        check(&evening, Allowed::Growing, &ground(20), &[(908, 22)]);
        let ground = Ground { lower_ahead: SignedDuration::from_hours(48), ..ground(5) };
        check(&DAY, Allowed::Everything, &ground, &[(58, 20), (600, 6), (718, 12), (1_498, 22)]);
    }

    #[test] // S6.2
    fn catches_up_with_what_is_in_force_already() {
        check(&[(-30, 9), (300, 12)], Allowed::Growing, &ground(4), &[(2, 9), (298, 12)]);
        check(&[(-30, 9), (3, 12)], Allowed::Growing, &ground(4), &[(2, 12)]);
        check(&[(-30, 9)], Allowed::Everything, &ground(12), &[(2, 9)]);
        check(&[(-30, 9)], Allowed::Growing, &ground(12), &[]);
    }

    #[test]
    fn stays_below_the_maximum_of_the_group() {
        check(&[(-5, 3), (60, 50)], Allowed::Growing, &Ground { max: 30, ..ground(3) }, &[(58, 30)]);
    }

    #[test] // S6.2
    fn shares_no_start_with_anybody() {
        let taken = BTreeSet::from([at(58).as_second(), at(57).as_second(), at(10).as_second()]);
        let ground = Ground { taken, ..ground(5) };
        check(&DAY[..2], Allowed::Growing, &ground, &[(56, 20)]);
        check(&[(-60, 20), (10, 6)], Allowed::Everything, &Ground { min: 20, ..ground }, &[(11, 6)]);
    }

    #[test] // S6.2
    fn a_rise_swallows_the_fall_that_it_overlaps() {
        check(&[(-60, 20), (10, 6), (11, 20)], Allowed::Everything, &ground(20), &[]);
        check(&[(-60, 20), (10, 6), (11, 25)], Allowed::Everything, &ground(20), &[(9, 25)]);
    }

    #[test] // A8
    fn says_two_days_in_as_many_actions_as_there_is_room_for() {
        let wave = |k: i64| (60.0 + 40.0 * (k as f64 / 45.0).sin() + ((k * 7_919) % 13) as f64) as u32;
        let mut steps: Vec<(i64, u32)> = (0..576).map(|k| (5 * k, wave(k))).collect();
        steps.dedup_by_key(|(_, size)| *size);
        let all = Ground { lower_ahead: SignedDuration::from_hours(48), ..ground(1) };
        let full =
            floors(&plan(&steps, 2_880), Allowed::Everything, &Ground { room: 1_000, ..all.clone() }, at(0));
        let few = floors(&plan(&steps, 2_880), Allowed::Everything, &all, at(0));
        assert!(full.len() > 300 && few.len() <= 100, "{} in {}", full.len(), few.len());
        let level = |floors: &[Floor], t: i64| floors.iter().rfind(|f| f.start_s <= t).map_or(1, |f| f.min);
        assert!((0..172_800).step_by(30).all(|s| {
            let t = at(0).as_second() + s;
            level(&few, t) >= level(&full, t)
        }));
    }

    proptest! {
        #[test] // S6.2, B3
        fn cover_the_plan_however_late_they_fire_and_fall_only_where_they_may(
            pieces in proptest::collection::vec((1i64..200, 0u32..30), 1..25),
            stands in 0u32..30,
            ahead_min in 0i64..600,
            everything in any::<bool>(),
            lateness in proptest::collection::vec(0i64..=LATE_S, 26),
        ) {
            let mut minute = -100;
            let mut steps: Vec<(i64, u32)> = Vec::new();
            for (long, size) in pieces {
                if steps.last().is_none_or(|last| last.1 != size) { steps.push((minute, size)); }
                minute += long;
            }
            let plan = plan(&steps, 2_880);
            let allowed = if everything { Allowed::Everything } else { Allowed::Growing };
            let ground = Ground { lower_ahead: SignedDuration::from_mins(ahead_min), ..ground(stands) };
            let floors = floors(&plan, allowed, &ground, at(0));
            let starts: BTreeSet<i64> = floors.iter().map(|f| f.start_s).collect();
            prop_assert_eq!(starts.len(), floors.len());
            prop_assert!(floors.iter().all(|f| f.start_s > at(0).as_second() + AHEAD_S / 2));
            let mut level = stands;
            for floor in &floors {
                let falls = floor.min < level;
                prop_assert!(!falls || (everything && floor.start_s <= at(ahead_min).as_second()));
                level = floor.min;
            }
            // From the first moment that can be reached on, the floor is never below the plan.
            for t in (at(0).as_second() + 300..at(2_880).as_second()).step_by(60) {
                let fired = floors.iter().zip(&lateness).take_while(|(f, late)| f.start_s + **late <= t).last();
                let level = fired.map_or(stands, |(f, _)| f.min);
                let planned = plan.at(Timestamp::from_second(t).unwrap()).map_or(0, |s| s.size.get());
                prop_assert!(level >= planned, "{level} where {planned} are planned");
            }
        }
    }
}
