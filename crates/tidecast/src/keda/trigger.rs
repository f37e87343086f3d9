use std::fmt;

use tidecast_pilot::WorkloadName;
use tonic::Status;

use super::wire::ScaledObjectRef;
use crate::config::nearest;

/// What the metadata of an external trigger asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trigger {
    /// About which workload.
    pub(super) workload: WorkloadName,
    /// In which unit.
    pub(super) metric: Metric,
    /// What is told while nothing may move.
    pub(super) observing: Observing,
}

/// The unit of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Metric {
    /// Servers: one for each.
    #[default]
    Replicas,
    /// Demand that is to find capacity, in the workload's own unit.
    Demand,
}

/// What is told while nothing may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Observing {
    /// What stands, so that it stays: right whether or not another trigger scales the fleet, but nothing shrinks meanwhile.
    #[default]
    Stand,
    /// Nothing, so that another trigger decides as if this one were not there.
    Yield,
}

/// Keys of ours.
const OURS: [&str; 3] = ["workload", "metric", "observing"];
/// Keys that KEDA reads itself and hands on.
const KEDAS: [&str; 3] = ["scalerAddress", "enableTLS", "unsafeSsl"];
/// Keys that KEDA takes from a TriggerAuthentication alone. Here they would make nobody's connection safe.
const ELSEWHERE: [&str; 4] = ["caCert", "tlsClientCert", "tlsClientKey", "tlsCertFile"];
/// Characters of a value that is repeated in a sentence.
const SAID_MAX: usize = 128;

impl Trigger {
    /// Reads the metadata of a trigger.
    ///
    /// # Errors
    /// A status that says what to write instead.
    pub(super) fn read(asks: &ScaledObjectRef) -> Result<Self, Status> {
        if let Some(key) = ELSEWHERE.into_iter().find(|key| asks.scaler_metadata.contains_key(*key)) {
            let meant = if key == "tlsCertFile" { "caCert" } else { key };
            return Err(Status::invalid_argument(format!(
                "the trigger's metadata has the key `{key}`, which KEDA does not read there; give `{meant}` in a \
                 TriggerAuthentication, and name that in `authenticationRef`"
            )));
        }
        let known = |key: &str| OURS.contains(&key) || KEDAS.contains(&key) || key.ends_with("FromEnv");
        if let Some(key) = asks.scaler_metadata.keys().find(|key| !known(key)) {
            let meant =
                nearest(key, OURS).map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            let key = shortened(key);
            return Err(Status::invalid_argument(format!(
                "the trigger's metadata has the key `{key}`, which nobody reads{meant}"
            )));
        }
        let value = |key: &str| {
            asks.scaler_metadata.get(key).or_else(|| asks.scaler_metadata.get(&format!("{key}FromEnv")))
        };
        let workload = value("workload").filter(|name| !name.is_empty()).ok_or_else(|| {
            Status::invalid_argument(
                "the trigger's metadata does not say which workload; write `workload: NAME`",
            )
        })?;
        Ok(Self {
            workload: WorkloadName(workload.clone()),
            metric: word(
                "metric",
                value("metric"),
                [("replicas", Metric::Replicas), ("demand", Metric::Demand)],
            )?,
            observing: word(
                "observing",
                value("observing"),
                [("stand", Observing::Stand), ("yield", Observing::Yield)],
            )?,
        })
    }

    /// What the metric is called: in small letters, digits and hyphens, as Kubernetes wants it.
    pub(super) fn metric_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
        let name: String = self.workload.0.to_lowercase().chars().map(plain).collect();
        format!("{name}-{}", self.metric)
    }
}

fn word<T: Copy + Default>(key: &str, value: Option<&String>, words: [(&str, T); 2]) -> Result<T, Status> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(T::default()) };
    let found = words.iter().find(|(word, _)| word == value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let [(a, _), (b, _)] = words;
        Status::invalid_argument(format!(
            "`{key}: {}` in the trigger's metadata means nothing; write `{a}` or `{b}`",
            shortened(value)
        ))
    })
}

/// A stranger's word, as much of it as a sentence bears, without what a terminal would take for an order.
pub(super) fn shortened(word: &str) -> String {
    word.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect()
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replicas => "replicas",
            Self::Demand => "demand",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(metadata: &[(&str, &str)], expected: Result<(&str, &str), &str>) {
        let scaler_metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let asks = ScaledObjectRef { name: "o".into(), namespace: "n".into(), scaler_metadata };
        match (Trigger::read(&asks), expected) {
            (Ok(trigger), Ok((workload, metric))) => {
                assert_eq!((trigger.workload.0.as_str(), trigger.metric_name().as_str()), (workload, metric));
            }
            (Err(status), Err(said)) => assert_eq!(status.message(), said),
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }

    #[test] // B8
    fn is_read_from_the_metadata_that_keda_hands_on() {
        let address = ("scalerAddress", "tidecast.tidecast:8081");
        check(&[address, ("workload", "shop/checkout")], Ok(("shop/checkout", "shop-checkout-replicas")));
        check(
            &[("workload", "shop/a.b_c"), ("metric", "demand"), ("enableTLS", "true")],
            Ok(("shop/a.b_c", "shop-a-b-c-demand")),
        );
        check(&[("workloadFromEnv", "shop")], Ok(("shop", "shop-replicas")));
    }

    #[test] // B1
    fn says_what_to_write_instead() {
        check(&[], Err("the trigger's metadata does not say which workload; write `workload: NAME`"));
        check(
            &[("workload", "shop"), ("metric", "rps")],
            Err("`metric: rps` in the trigger's metadata means nothing; write `replicas` or `demand`"),
        );
        check(
            &[("worklod", "shop")],
            Err("the trigger's metadata has the key `worklod`, which nobody reads; did you mean `workload`?"),
        );
        check(
            &[("workload", "shop"), ("tlsCertFile", "/ca.pem")],
            Err(
                "the trigger's metadata has the key `tlsCertFile`, which KEDA does not read there; give `caCert` in a \
                 TriggerAuthentication, and name that in `authenticationRef`",
            ),
        );
        check(
            &[("workload", "shop"), ("observing", "no")],
            Err("`observing: no` in the trigger's metadata means nothing; write `stand` or `yield`"),
        );
    }

    #[test]
    fn repeats_no_more_of_a_strangers_word_than_fits() {
        assert_eq!(shortened(&"x".repeat(9_000)).len(), SAID_MAX);
        assert_eq!(shortened("a\u{1b}[31m"), "a [31m");
    }
}
