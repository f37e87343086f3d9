use serde_json::{Value, json};

use super::super::draft::{Draft, Drafts};
use super::super::quantity::written;
use crate::config::codes::Code;

/// A metric that target tracking follows, as demand.
struct Followed<'a> {
    tracking: &'a Value,
    kind: Kind<'a>,
}

/// Which metrics say what users ask for, or nearly so.
enum Kind<'a> {
    /// Requests to a target group of a load balancer: demand itself.
    Requests { balancer: &'a str, target_group: &'a str },
    /// Bytes to or from all instances.
    Bytes { metric: &'static str },
    /// A metric of one's own.
    Own { namespace: &'a str, name: &'a str, statistic: &'a str },
}

/// What target tracking follows becomes the demand, read from CloudWatch, where it says what users ask for; CPU does not.
pub(super) fn demand(
    region: &str,
    group: &str,
    policies: &[Value],
    draft: &mut Draft,
    drafts: &mut Drafts<'_>,
) {
    let all: Vec<&Value> = policies
        .iter()
        .map(|policy| &policy["TargetTrackingConfiguration"])
        .filter(|one| one.is_object())
        .collect();
    let best = all.iter().filter_map(|tracking| Followed::of(tracking)).min_by_key(Followed::rank);
    match &best {
        Some(followed) => {
            let source = drafts.source("cloudwatch", json!({ "type": "cloudwatch", "region": region }));
            followed.write(&source, group, draft);
        }
        None => pushed(&all, draft, drafts),
    }
    let others =
        all.iter().filter(|one| best.as_ref().is_none_or(|taken| !std::ptr::eq(**one, taken.tracking)));
    for one in others {
        let message = format!(
            "target tracking of {} at {} goes on beside tidecast, which raises the floor",
            metric(one),
            one["TargetValue"]
        );
        draft.warn(Code::METRIC_OF_USAGE, message);
    }
}

/// Nothing there counts what users ask for.
fn pushed(all: &[&Value], draft: &mut Draft, drafts: &mut Drafts<'_>) {
    let source = drafts.source("pushed", json!({ "type": "push" }));
    let requests = all.iter().find(|one| metric(one) == REQUESTS).and_then(|one| one["TargetValue"].as_f64());
    let mut demand = json!({ "source": source });
    match requests.filter(|rate| *rate > 0.0) {
        // An input that was cut to size names no load balancer.
        Some(rate) => {
            demand["unit"] = "req/s".into();
            draft.set("capacity", json!({ "perReplica": written(rate / 60.0) }));
            draft.warn(Code::NO_DEMAND, format!("target tracking follows {rate} requests a minute and server, but it is not said of which load balancer; give a source that counts them, by the second"));
        }
        None => draft.warn(
            Code::NO_DEMAND,
            "give a source that counts what users ask for: requests of the load balancer, jobs, sessions",
        ),
    }
    draft.set("demand", demand);
}

const REQUESTS: &str = "ALBRequestCountPerTarget";

fn metric(tracking: &Value) -> &str {
    let own = &tracking["CustomizedMetricSpecification"]["MetricName"];
    tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        .as_str()
        .or(own.as_str())
        .unwrap_or("a metric of its own")
}

impl<'a> Followed<'a> {
    fn of(tracking: &'a Value) -> Option<Self> {
        let own = &tracking["CustomizedMetricSpecification"];
        let kind = match metric(tracking) {
            REQUESTS => {
                // app/NAME/ID/targetgroup/NAME/ID
                let label = tracking["PredefinedMetricSpecification"]["ResourceLabel"].as_str()?;
                let (balancer, _) = label.split_once("/targetgroup/").filter(|(name, _)| !name.is_empty())?;
                Kind::Requests { balancer, target_group: &label[balancer.len() + 1..] }
            }
            "ASGAverageNetworkIn" => Kind::Bytes { metric: "NetworkIn" },
            "ASGAverageNetworkOut" => Kind::Bytes { metric: "NetworkOut" },
            name if own["Metrics"].is_null() && !is_usage(name) => Kind::Own {
                namespace: own["Namespace"].as_str()?,
                name: own["MetricName"].as_str()?,
                statistic: own["Statistic"].as_str().unwrap_or("Average"),
            },
            _ => return None,
        };
        Some(Self { tracking, kind })
    }

    /// The nearest to what users ask for first.
    fn rank(&self) -> u8 {
        match self.kind {
            Kind::Requests { .. } => 0,
            Kind::Own { .. } => 1,
            Kind::Bytes { .. } => 2,
        }
    }

    fn write(&self, source: &str, group: &str, draft: &mut Draft) {
        let target = self.tracking["TargetValue"].as_f64().unwrap_or(0.0);
        match self.kind {
            Kind::Requests { balancer, target_group } => {
                let dimensions = json!({ "LoadBalancer": balancer, "TargetGroup": target_group });
                let metric = json!({ "namespace": "AWS/ApplicationELB", "name": "RequestCount", "dimensions": dimensions });
                draft.set("demand", json!({ "source": source, "metric": metric, "unit": "req/s" }));
                if target > 0.0 {
                    // A target of the load balancer is counted by the minute.
                    draft.set("capacity", json!({ "perReplica": written(target / 60.0) }));
                }
            }
            Kind::Bytes { metric } => {
                let dimensions = json!({ "AutoScalingGroupName": group });
                let told = json!({ "namespace": "AWS/EC2", "name": metric, "dimensions": dimensions, "count": "samples" });
                draft.set(
                    "demand",
                    json!({ "source": source, "metric": told, "step": "5m", "unit": "bytes/s" }),
                );
                draft.warn(Code::QUERY_GUESSED, format!("the {metric} of all instances is taken for demand; requests, jobs or sessions would be better"));
                self.learned(target, draft);
            }
            Kind::Own { namespace, name, statistic } => {
                let dimensions = self.dimensions();
                let mut told = json!({ "namespace": namespace, "name": name, "dimensions": dimensions });
                // The mean of what all servers send is what each of them bears; their sum is what all do.
                let (mean, most) = (statistic == "Average", statistic == "Maximum");
                if mean {
                    told["count"] = "samples".into();
                }
                if most {
                    told["statistic"] = "maximum".into();
                }
                draft.set("demand", json!({ "source": source, "metric": told }));
                let how = if mean { ", which needs each server to send its own share" } else { "" };
                let what = if most { "maximum" } else { "sum" };
                draft.warn(Code::QUERY_GUESSED, format!("the {what} of {name} is taken for demand{how}; a value that falls when servers are added is none"));
                self.learned(target, draft);
            }
        }
    }

    fn learned(&self, target: f64, draft: &mut Draft) {
        let metric = metric(self.tracking);
        draft.warn(Code::CAPACITY_LEARNED, format!("target tracking keeps {metric} at {target}; how much of the demand one server serves is learned"));
    }

    fn dimensions(&self) -> Value {
        let all = self.tracking["CustomizedMetricSpecification"]["Dimensions"].as_array();
        let named = all
            .into_iter()
            .flatten()
            .filter_map(|one| Some((one["Name"].as_str()?.to_owned(), Value::from(one["Value"].as_str()?))));
        Value::Object(named.collect())
    }
}

/// Whether a metric tells how busy servers are; what the check of the configuration would warn of.
fn is_usage(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["cpu", "utilization", "memory", "pertarget", "perinstance"].iter().any(|word| lower.contains(word))
}
