//! What keeps a group from doing what it is told: sentences that end up among the notes of each decision.

use super::Action;
use super::fence::DRAIN;
use super::seen::Group;

/// What of this group is worth telling.
pub(super) fn says(group: &Group, action: Action) -> Vec<String> {
    let suspended = |process: &str| group.suspended.iter().any(|name| name == process);
    let mut says = Vec::new();
    if let Some(status) = &group.status {
        says.push(format!("the group is no longer what it was: {status}"));
    }
    if suspended("Launch") {
        says.push("its process Launch is suspended: nothing is launched until somebody resumes it".into());
    }
    if suspended("Terminate") {
        says.push("its process Terminate is suspended: nothing is ended until somebody resumes it".into());
    }
    if suspended("ScheduledActions") && matches!(action, Action::Schedule { .. }) {
        says.push(
            "its process ScheduledActions is suspended: what is uploaded does not fire, and only what is due at once is set"
                .into(),
        );
    }
    if !suspended("AZRebalance") && group.tags.keys().any(|key| key.starts_with(DRAIN)) {
        says.push(
            "its process AZRebalance is not suspended: rebalancing may end servers that are being drained"
                .into(),
        );
    }
    if let Some(warm) = group.warm_pool {
        says.push(format!(
            "its warm pool has {warm}: the start-up that is measured is mostly theirs, and what a step takes beyond them starts \
             cold; where steps are larger than the pool, `startTime` says how long that takes"
        ));
    }
    if group.weighted {
        says.push(
            "its sizes are units of capacity, not instances, as its instances have weights: so are bounds and plans here, and \
             no chosen instance is drained or ended"
                .into(),
        );
    }
    says
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const SCHEDULE: Action = Action::Schedule { lower_ahead: SignedDuration::from_mins(15) };

    #[track_caller]
    fn check(group: &Group, action: Action, expected: &[&str]) {
        let said = says(group, action);
        assert_eq!(said.len(), expected.len(), "{said:?}");
        said.iter().zip(expected).for_each(|(said, part)| assert!(said.contains(part), "{said}"));
    }

    #[test] // B1
    fn names_what_is_suspended_where_it_matters() {
        let suspended = |names: &[&str]| Group {
            suspended: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Group::default()
        };
        check(&Group::default(), SCHEDULE, &[]);
        check(&suspended(&["HealthCheck", "AZRebalance"]), SCHEDULE, &[]);
        check(&suspended(&["Launch", "Terminate"]), SCHEDULE, &["nothing is launched", "nothing is ended"]);
        check(&suspended(&["ScheduledActions"]), SCHEDULE, &["does not fire"]);
        check(&suspended(&["ScheduledActions"]), Action::Direct, &[]);
    }

    #[test] // B1, D1
    fn warns_of_what_may_end_sessions() {
        let mut group = Group::default();
        group.tags.insert(format!("{DRAIN}i-1"), "1".into());
        check(&group, Action::Direct, &["AZRebalance is not suspended"]);
        group.suspended.push("AZRebalance".into());
        check(&group, Action::Direct, &[]);
        check(&Group { weighted: true, ..Group::default() }, Action::Direct, &["units of capacity"]);
        check(&Group { warm_pool: Some(3), ..Group::default() }, Action::Direct, &["its warm pool has 3"]);
        let going = Group { status: Some("Delete in progress".into()), ..Group::default() };
        check(&going, Action::Direct, &["Delete in progress"]);
    }
}
