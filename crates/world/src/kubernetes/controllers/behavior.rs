use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::quantity;
use super::super::tree::{list, text, whole};

/// What an autoscaler remembers: what it wanted lately, and when it changed the size by how much.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) due: Option<Timestamp>,
    wanted: Vec<(Timestamp, i64)>,
    changes: Vec<(Timestamp, i64)>,
}

/// How far an autoscaler lets the size move, one way: what `spec.behavior` says, or the defaults.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    pub(crate) tolerance: f64,
    window: i64,
    policies: Vec<(bool, i64, i64)>,
    least: bool,
    closed: bool,
}

/// Ten percent off the target is near enough.
const TOLERANCE: f64 = 0.1;
/// Going down, an autoscaler believes only what it has wanted for five minutes.
const DOWN_WINDOW: i64 = 300;

impl Way {
    /// The rules for `scaleUp` or `scaleDown`.
    pub(crate) fn of(autoscaler: &Value, way: &str) -> Self {
        let at = |field: &str| format!("/spec/behavior/{way}/{field}");
        let tolerance =
            quantity::milli(text(autoscaler, &at("tolerance"))).map(|milli| milli as f64 / 1000.0);
        let up = way == "scaleUp";
        let told = list(autoscaler, &at("policies")).iter().map(|policy| {
            (
                text(policy, "/type") == "Percent",
                whole(policy, "/value").unwrap_or(0),
                whole(policy, "/periodSeconds").unwrap_or(15),
            )
        });
        let told: Vec<_> = told.collect();
        let default = if up { vec![(false, 4, 15), (true, 100, 15)] } else { vec![(true, 100, 15)] };
        Self {
            tolerance: tolerance.unwrap_or(TOLERANCE),
            window: whole(autoscaler, &at("stabilizationWindowSeconds")).unwrap_or(if up {
                0
            } else {
                DOWN_WINDOW
            }),
            policies: if told.is_empty() { default } else { told },
            least: text(autoscaler, &at("selectPolicy")) == "Min",
            closed: text(autoscaler, &at("selectPolicy")) == "Disabled",
        }
    }

    /// How far the size may go at most: each policy counts from the size at the start of its period.
    fn bound(&self, current: i64, record: &Record, now: Timestamp, up: bool) -> i64 {
        if self.closed {
            return current;
        }
        let bounds = self.policies.iter().map(|&(percent, value, period)| {
            let start = current - record.changed_since(now, period, up);
            match (percent, up) {
                (true, true) => (start as f64 * (1.0 + value as f64 / 100.0)).ceil() as i64,
                (true, false) => (start as f64 * (1.0 - value as f64 / 100.0)) as i64,
                (false, true) => start + value,
                (false, false) => start - value,
            }
        });
        let bound = if self.least == up { bounds.min() } else { bounds.max() };
        bound.unwrap_or(current)
    }
}

impl Record {
    /// What comes of a wish: steadied over the window of its way, and no further than the policies let it.
    pub(crate) fn settle(&mut self, current: i64, wanted: i64, [up, down]: [&Way; 2], now: Timestamp) -> i64 {
        self.wanted.push((now, wanted));
        let longest = SignedDuration::from_secs(up.window.max(down.window));
        self.wanted.retain(|(at, _)| now.duration_since(*at) <= longest);
        let within = |window: i64| {
            let recent =
                self.wanted.iter().filter(move |(at, _)| now.duration_since(*at).as_secs() <= window);
            recent.map(|(_, wanted)| *wanted)
        };
        let floor = within(up.window).min().unwrap_or(wanted);
        let ceiling = within(down.window).max().unwrap_or(wanted);
        let steady = if current < floor { floor } else { current.min(ceiling).max(floor) };
        match steady.cmp(&current) {
            std::cmp::Ordering::Greater => steady.min(up.bound(current, self, now, true)),
            std::cmp::Ordering::Less => steady.max(down.bound(current, self, now, false)).min(current),
            std::cmp::Ordering::Equal => current,
        }
    }

    /// Remembers that the size was changed.
    pub(crate) fn change(&mut self, from: i64, to: i64, now: Timestamp) {
        self.changes.push((now, to - from));
        self.changes.retain(|(at, _)| now.duration_since(*at).as_secs() <= 3600);
    }

    fn changed_since(&self, now: Timestamp, seconds: i64, up: bool) -> i64 {
        let recent = self
            .changes
            .iter()
            .filter(|(at, by)| now.duration_since(*at).as_secs() < seconds && (*by > 0) == up);
        recent.map(|(_, by)| by).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn it_grows_at_once_and_at_most_doubles() {
        let (up, down) = (Way::of(&json!({}), "scaleUp"), Way::of(&json!({}), "scaleDown"));
        let mut record = Record::default();
        assert_eq!(record.settle(2, 50, [&up, &down], at(0)), 6);
        assert_eq!(record.settle(10, 50, [&up, &down], at(0)), 20);
    }

    #[test]
    fn it_shrinks_only_to_what_five_minutes_agree_on() {
        let (up, down) = (Way::of(&json!({}), "scaleUp"), Way::of(&json!({}), "scaleDown"));
        let mut record = Record::default();
        assert_eq!(record.settle(10, 10, [&up, &down], at(0)), 10);
        assert_eq!(record.settle(10, 3, [&up, &down], at(200)), 10);
        assert_eq!(record.settle(10, 4, [&up, &down], at(400)), 4);
    }

    #[test]
    fn policies_count_from_the_start_of_their_period() {
        let told = json!({"spec": {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 3, "periodSeconds": 60}]}}}});
        let (up, down) = (Way::of(&told, "scaleUp"), Way::of(&told, "scaleDown"));
        let mut record = Record::default();
        assert_eq!(record.settle(2, 20, [&up, &down], at(0)), 5);
        record.change(2, 5, at(0));
        assert_eq!(record.settle(5, 20, [&up, &down], at(30)), 5);
        assert_eq!(record.settle(5, 20, [&up, &down], at(61)), 8);
    }
}
