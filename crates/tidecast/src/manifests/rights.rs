//! What tidecast may do in a cluster: as little as it can live with. What the hands need is listed beside them; here is what
//! of it goes into a role.

use serde_json::{Value, json};

use crate::operator::{GROUP, PLURAL};
pub use crate::scaler::kubernetes::rights::{Feature, Right};

/// Whether anything may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reading only: enough for `mode: observe`.
    Observe,
    /// Also moving fleets: `scaleOutOnly` and `full`.
    Act,
}

/// What goes beyond the usual, and is allowed only where it is asked for.
pub const EXTRAS: [(&str, Feature); 4] = [
    ("rollouts", Feature::Rollouts),
    ("fleets", Feature::Fleets),
    ("drain", Feature::Drain),
    ("nodeHeadroom", Feature::NodeHeadroom),
];

/// What everybody needs whose workloads are told as resources. The status is our own to write, whatever the mode.
const OPERATOR: [Right; 2] = [
    Right { group: GROUP, resources: &[PLURAL], verbs: &["list", "watch"], why: "which workloads there are" },
    Right {
        group: GROUP,
        resources: &["predictivescalers/status"],
        verbs: &["patch"],
        why: "what was seen and decided, and what is wrong with a spec",
    },
];

/// A rule of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The API group.
    pub group: &'static str,
    /// Resources and subresources.
    pub resources: &'static [&'static str],
    /// What may be done to them.
    pub verbs: Vec<&'static str>,
}

impl Rule {
    /// As Kubernetes writes it.
    pub fn value(&self) -> Value {
        json!({ "apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs })
    }
}

/// The rules of a role, in the order in which they are listed.
pub fn rules(access: Access, operator: bool, extras: &[Feature]) -> Vec<Rule> {
    let usual: &[Feature] = match access {
        Access::Observe => &[Feature::Observe],
        Access::Act => {
            &[Feature::Observe, Feature::Scale, Feature::HpaFloor, Feature::KedaFloor, Feature::Events]
        }
    };
    let useful = |feature: &&Feature| access == Access::Act || feature.is_looked_at();
    let hands = usual.iter().chain(extras).filter(useful).flat_map(|feature| feature.rights());
    let hands = hands.filter_map(|right| rule(right, access));
    let own = OPERATOR.iter().filter(|_| operator).filter_map(|right| rule(right, Access::Act));
    hands.chain(own).collect()
}

/// All of them, as the chart reads them: by access, what is usual, what the operator needs, and each extra.
pub fn table() -> Value {
    let list = |rules: Vec<Rule>| Value::Array(rules.iter().map(Rule::value).collect());
    let usual = |access| list(rules(access, false, &[]));
    let more = |access, operator, extras: &[Feature]| {
        let known = rules(access, false, &[]).len();
        list(rules(access, operator, extras).into_iter().skip(known).collect())
    };
    let of = |access| {
        let extras =
            EXTRAS.iter().map(|(name, feature)| ((*name).to_owned(), more(access, false, &[*feature])));
        json!({
            "usual": usual(access),
            "extras": Value::Object(extras.collect()),
            "operator": more(access, true, &[]),
        })
    };
    json!({ "observe": of(Access::Observe), "act": of(Access::Act) })
}

/// What of a right is left to those who may only look.
fn rule(right: &Right, access: Access) -> Option<Rule> {
    let looks = |verb: &&&str| access == Access::Act || ["get", "list", "watch"].contains(*verb);
    let verbs: Vec<&str> = right.verbs.iter().filter(looks).copied().collect();
    (!verbs.is_empty()).then_some(Rule { group: right.group, resources: right.resources, verbs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Feature> {
        EXTRAS.iter().map(|(_, feature)| *feature).collect()
    }

    #[test] // S9
    fn never_reach_for_everything_or_for_secrets() {
        for rule in rules(Access::Act, true, &every()) {
            let words = rule.resources.iter().chain(&rule.verbs).chain([&rule.group]);
            let wide = words.into_iter().any(|word| word.contains('*') || word.contains("secret"));
            let grave = ["delete", "deletecollection", "bind", "escalate", "impersonate"];
            assert!(!wide && !rule.verbs.iter().any(|verb| grave.contains(verb)), "{rule:?}");
        }
    }

    #[test] // S9, B2
    fn let_an_observer_change_nothing_but_his_own_status() {
        let writes = rules(Access::Observe, true, &every())
            .into_iter()
            .filter(|rule| rule.verbs.iter().any(|verb| !["get", "list", "watch"].contains(verb)));
        let writes: Vec<_> = writes.map(|rule| rule.resources.join(",")).collect();
        assert_eq!(writes, ["predictivescalers/status"]);
    }
}
