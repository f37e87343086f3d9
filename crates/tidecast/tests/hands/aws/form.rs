//! From a form of AWS's Query API to a call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidecast_world::aws::{Call, Page, Refusal, Scheduled};

/// The fields of a form.
struct Form(BTreeMap<String, String>);

/// The name of the action, and the call that it is.
pub(super) fn call(body: &[u8]) -> (String, Result<Call, Refusal>) {
    let form = Form(url::form_urlencoded::parse(body).into_owned().collect());
    let action = form.text("Action");
    let call = form.call(&action);
    (action, call)
}

/// Whether a body is one for EC2.
pub(super) fn is_of_ec2(body: &[u8]) -> bool {
    url::form_urlencoded::parse(body).any(|(key, value)| key == "Version" && value == "2016-11-15")
}

impl Form {
    fn text(&self, key: &str) -> String {
        self.0.get(key).cloned().unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.0.get(key)?.parse().ok()
    }

    fn list(&self, key: &str) -> Vec<String> {
        (1..).map_while(|n| self.0.get(&format!("{key}.{n}")).cloned()).collect()
    }

    fn page(&self, most: usize) -> Page {
        let number = |key: &str| self.0.get(key).and_then(|value| value.parse().ok());
        let most = number("MaxRecords").or(number("MaxResults")).unwrap_or(most);
        Page { from: number("NextToken").unwrap_or(0), most }
    }

    fn call(&self, action: &str) -> Result<Call, Refusal> {
        let group = self.text("AutoScalingGroupName");
        Ok(match action {
            "DescribeAutoScalingGroups" => {
                Call::Groups { names: self.list("AutoScalingGroupNames.member"), page: self.page(50) }
            }
            "DescribeScalingActivities" => Call::Activities { group, page: self.page(100) },
            "DescribeScheduledActions" => Call::Scheduled { group, page: self.page(50) },
            "DescribePolicies" => Call::Policies { group, page: self.page(50) },
            "BatchPutScheduledUpdateGroupAction" => Call::Schedule { group, actions: self.actions()? },
            "BatchDeleteScheduledAction" => {
                Call::Unschedule { group, names: self.list("ScheduledActionNames.member") }
            }
            "SetDesiredCapacity" => Call::SetDesired {
                group,
                desired: self.number("DesiredCapacity").ok_or_else(|| bad("DesiredCapacity"))?,
            },
            "SetInstanceProtection" => {
                let protected = self.text("ProtectedFromScaleIn") == "true";
                Call::Protect { group, ids: self.list("InstanceIds.member"), protected }
            }
            "TerminateInstanceInAutoScalingGroup" => {
                let decrement = self.text("ShouldDecrementDesiredCapacity") == "true";
                Call::End { id: self.text("InstanceId"), decrement }
            }
            "DeleteTags" if self.0.contains_key("ResourceId.1") => {
                let keys = self.pairs("Tag").into_iter().map(|(key, _)| key).collect();
                Call::UntagBare { ids: self.list("ResourceId"), keys }
            }
            "CreateOrUpdateTags" | "DeleteTags" => self.tags(action),
            "RunInstances" => Call::Run {
                token: self.text("ClientToken"),
                least: self.number("MinCount").ok_or_else(|| bad("MinCount"))?,
                count: self.number("MaxCount").ok_or_else(|| bad("MaxCount"))?,
                template: self.text("LaunchTemplate.LaunchTemplateName"),
                tags: self.pairs("TagSpecification.1.Tag"),
            },
            "TerminateInstances" => Call::EndBare { ids: self.list("InstanceId") },
            "CreateTags" => Call::TagBare { ids: self.list("ResourceId"), tags: self.pairs("Tag") },
            "DescribeInstances" => Call::Bare { tags: self.filters(), page: self.page(1_000) },
            other => return Err(bad(other)),
        })
    }

    fn tags(&self, action: &str) -> Call {
        let pairs = self.pairs("Tags.member");
        let group = self.text("Tags.member.1.ResourceId");
        match action {
            "DeleteTags" => Call::Untag { group, keys: pairs.into_iter().map(|(key, _)| key).collect() },
            _ => Call::Tag { group, tags: pairs },
        }
    }

    fn pairs(&self, list: &str) -> Vec<(String, String)> {
        let one = |n: usize| {
            Some((self.0.get(&format!("{list}.{n}.Key"))?.clone(), self.text(&format!("{list}.{n}.Value"))))
        };
        (1..).map_while(one).collect()
    }

    /// Filters by tags, of one value each.
    fn filters(&self) -> Vec<(String, String)> {
        let one = |n: usize| {
            let key = self.0.get(&format!("Filter.{n}.Name"))?.trim_start_matches("tag:");
            Some((key.to_owned(), self.text(&format!("Filter.{n}.Value.1"))))
        };
        (1..).map_while(one).collect()
    }

    fn actions(&self) -> Result<Vec<Scheduled>, Refusal> {
        let list = "ScheduledUpdateGroupActions.member";
        let named = |n: &usize| self.0.contains_key(&format!("{list}.{n}.ScheduledActionName"));
        (1..).take_while(named).map(|n| self.action(&format!("{list}.{n}"))).collect()
    }

    fn action(&self, at: &str) -> Result<Scheduled, Refusal> {
        let of = |key: &str| format!("{at}.{key}");
        let start: Timestamp = self.text(&of("StartTime")).parse().map_err(|_| bad("StartTime"))?;
        let mut action = Scheduled::default();
        (action.name, action.start_s) = (self.text(&of("ScheduledActionName")), start.as_second());
        action.recurrence = self.0.get(&of("Recurrence")).cloned();
        action.min = self.number(&of("MinSize"));
        action.max = self.number(&of("MaxSize"));
        action.desired = self.number(&of("DesiredCapacity"));
        Ok(action)
    }
}

fn bad(what: &str) -> Refusal {
    Refusal::validation(format!("{what} is missing, or not known here"))
}
