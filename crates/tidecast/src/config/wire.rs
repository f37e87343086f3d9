//! What the operator wrote, in the words of those who act on it.

mod calendar;

use std::path::Path;

use jiff::SignedDuration;
use tidecast_pilot as pilot;
use tidecast_pilot::{Size, Told};

use super::section::{
    Budget, Drain, DrainOrder, Limits, Mode, PrometheusSource, Rate, ScaleUp, Tls, Workload,
};
use super::word::{Auto, Buffer, Deadline, Duration, HeaderValue, Unreadable};
use crate::egress;

pub use calendar::NoCalendar;

impl Workload {
    /// The workload as the pilot knows it, but for its calendar ([`super::Config::calendar_of`]). `limits` fill what it does not say itself.
    ///
    /// # Errors
    /// If nothing lies between its bounds, which the check of a configuration excludes.
    pub fn piloted(&self, limits: &Limits) -> Result<pilot::Workload, pilot::EmptyBounds> {
        let (down, advanced) = (&self.behavior.scale_down, &self.advanced);
        let bounds = pilot::Bounds::new(self.min_replicas, self.max_replicas)?;
        Ok(pilot::Workload {
            throughput: told(self.capacity.per_replica, |rate| pilot::Throughput::new(rate.value())),
            start_up: told(self.start_time, |time| Some(span(time))),
            service_level: told(self.service_level, |level| pilot::Level::new(level.share()).ok()),
            reactive: told(advanced.reactive, |factor| Some(factor.value())),
            promise: 1.0 - self.objective.share(),
            buffer: buffer(self.buffer),
            mode: mode(self.mode),
            zone: self.zone.zone().clone(),
            batch: batch(&self.behavior.scale_up),
            ramp: pilot::Ramp {
                up: self.behavior.scale_up.rate.as_ref().map(rate),
                down: down.rate.as_ref().map(rate),
            },
            dwell: span(advanced.dwell),
            cool_down: span(down.cooldown.unwrap_or(Duration::seconds(0))),
            hold: span(advanced.hold),
            drain: self.drain.as_ref().map(drain),
            scale_in: down.budget.as_ref().map_or_else(|| common_budget(limits), budget),
            costs: pilot::Costs {
                scale_up: told(advanced.scale_up_cost, |cost| Some(cost.value())),
                ..pilot::Costs::default()
            },
            ..pilot::Workload::new(self.name.as_str(), bounds)
        })
    }
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration.0).unwrap_or(SignedDuration::MAX)
}

/// What a person gave, in the pilot's type; what does not fit there is learned instead.
fn told<T: Copy, U>(value: Auto<T>, convert: impl Fn(T) -> Option<U>) -> Told<U> {
    value.given().and_then(convert).map_or(Told::Learned, Told::Given)
}

fn buffer(buffer: Buffer) -> pilot::Buffer {
    pilot::Buffer { servers: Size(buffer.replicas), percent: 100.0 * buffer.percent.share() }
}

fn mode(mode: Mode) -> pilot::Mode {
    match mode {
        Mode::Observe => pilot::Mode::Observe,
        Mode::ScaleOutOnly => pilot::Mode::ScaleOutOnly,
        Mode::Full => pilot::Mode::Full,
    }
}

fn drain(drain: &Drain) -> pilot::Drain {
    pilot::Drain {
        cooling: span(drain.cooling),
        fresh_for: span(drain.fresh_for),
        order: match drain.order {
            DrainOrder::OldestFirst => pilot::DrainOrder::OldestFirst,
            DrainOrder::FewestFirst => pilot::DrainOrder::FewestFirst,
        },
        deadline: match drain.deadline {
            Deadline::Never => None,
            Deadline::After(deadline) => Some(span(deadline)),
        },
        ..pilot::Drain::default()
    }
}

fn batch(up: &ScaleUp) -> pilot::Batch {
    pilot::Batch { preferred: up.preferred_batch.map(Size), max: up.max_batch.map(Size) }
}

fn rate(rate: &Rate) -> pilot::Rate {
    pilot::Rate { servers: Size(rate.replicas), per: span(rate.per) }
}

fn budget(budget: &Budget) -> pilot::Budget {
    pilot::Budget { percent: 100.0 * budget.percent.share(), per: span(budget.per) }
}

fn common_budget(limits: &Limits) -> pilot::Budget {
    let percent = 100.0 * limits.scale_in_per_10m.share();
    pilot::Budget { percent, per: SignedDuration::from_mins(10) }
}

/// Why the way to a source cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NoWay {
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] Unreadable),
    /// A certificate cannot be read.
    #[error("{file} cannot be read: {why}")]
    Certificate {
        /// The file.
        file: String,
        /// The system's reason.
        why: String,
    },
}

impl PrometheusSource {
    /// Where and as whom to ask. Reads the secrets, which may lie below `secrets`; `folder` is that of the
    /// configuration, `env` looks up environment variables.
    ///
    /// # Errors
    /// If a secret or a certificate cannot be read.
    pub fn address(
        &self,
        name: &str,
        folder: &Path,
        secrets: &Path,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<egress::Address, NoWay> {
        let auth = match (&self.bearer_token, &self.basic_auth) {
            (Some(token), _) => egress::Auth::Bearer(token.read(secrets, &env)?),
            (None, Some(basic)) => egress::Auth::Basic {
                user: basic.username.clone(),
                password: basic.password.read(secrets, &env)?,
            },
            (None, None) => egress::Auth::None,
        };
        let header = |(name, value): (&String, &HeaderValue)| {
            let value = match value {
                HeaderValue::Text(text) => text.as_str().into(),
                HeaderValue::Secret(secret) => secret.read(secrets, &env)?,
            };
            Ok::<_, Unreadable>((name.clone(), value))
        };
        Ok(egress::Address {
            auth,
            headers: self.headers.iter().map(header).collect::<Result<_, _>>()?,
            tls: tls(&self.tls, folder, secrets, &env)?,
            limits: egress::Limits { total: self.timeout.0, ..egress::Limits::default() },
            ..egress::Address::new(format!("prometheus {name}"), self.url.to_string())
        })
    }
}

/// Certificates and keys, read.
pub(crate) fn tls(
    tls: &Tls,
    folder: &Path,
    secrets: &Path,
    env: impl Fn(&str) -> Option<String>,
) -> Result<egress::Tls, NoWay> {
    use secrecy::ExposeSecret;
    let read = |file: &super::word::FilePath| {
        let file = folder.join(&file.0);
        std::fs::read_to_string(&file)
            .map_err(|why| NoWay::Certificate { file: file.display().to_string(), why: why.to_string() })
    };
    let client = match (&tls.cert_file, &tls.key) {
        (Some(cert), Some(key)) => {
            Some(format!("{}\n{}", read(cert)?, key.read(secrets, env)?.expose_secret()).into())
        }
        _ => None,
    };
    Ok(egress::Tls {
        ca: tls.ca_file.as_ref().map(read).transpose()?,
        client,
        insecure_skip_verify: tls.insecure_skip_verify,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use tidecast_pilot::{Bounds, Level, Size, Throughput, Told};

    use super::*;
    use crate::config::{Config, Text, Texts, read, section};

    fn config(workload: &str) -> Config {
        let content = format!(
            "sources: {{ main: {{ type: push }} }}\nworkloads:\n  - name: shop/checkout\n    target: {{ type: none }}\n    \
             demand: {{ source: main }}\n    maxReplicas: 20\n{workload}"
        );
        let loaded = read(Texts(vec![Text { name: "t".into(), content }]), Vec::new(), Path::new("."));
        loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.report.findings))
    }

    #[test]
    fn says_nothing_more_than_the_pilot_assumes_anyway() {
        let config = config("");
        let piloted = config.workloads[0].piloted(&config.limits).unwrap();
        let usual = pilot::Workload::new("shop/checkout", Bounds::new(1, 20).unwrap());
        assert!((piloted.promise - usual.promise).abs() < 1e-12);
        assert_eq!(pilot::Workload { promise: usual.promise, ..piloted }, usual);
    }

    #[test]
    fn hands_over_everything_that_was_said() {
        let config = config(
            "    mode: full\n    capacity: { perReplica: 41 }\n    startTime: 4m\n    serviceLevel: 99%\n    \
             buffer: { percent: 10%, replicas: 2 }\n    zone: Europe/Berlin\n    advanced: { dwell: 1m, hold: 5m }\n    \
             behavior: { scaleUp: { rate: { replicas: 8, per: 5m }, preferredBatch: 4, maxBatch: 8 }, \
             scaleDown: { cooldown: 7m, budget: { percent: 20%, per: 15m } } }\n",
        );
        let piloted = config.workloads[0].piloted(&config.limits).unwrap();
        assert_eq!(piloted.mode, pilot::Mode::Full);
        assert_eq!(piloted.throughput, Told::Given(Throughput::new(41.0).unwrap()));
        assert_eq!(piloted.start_up, Told::Given(SignedDuration::from_mins(4)));
        assert_eq!(piloted.service_level, Told::Given(Level::new(0.99).unwrap()));
        assert_eq!(piloted.buffer, pilot::Buffer { servers: Size(2), percent: 10.0 });
        assert_eq!(piloted.zone.iana_name(), Some("Europe/Berlin"));
        assert_eq!(
            (piloted.dwell, piloted.hold),
            (SignedDuration::from_mins(1), SignedDuration::from_mins(5))
        );
        assert_eq!(piloted.batch, pilot::Batch { preferred: Some(Size(4)), max: Some(Size(8)) });
        assert_eq!(
            piloted.ramp.up,
            Some(pilot::Rate { servers: Size(8), per: SignedDuration::from_mins(5) })
        );
        assert_eq!(piloted.cool_down, SignedDuration::from_mins(7));
        assert_eq!(piloted.scale_in, pilot::Budget { percent: 20.0, per: SignedDuration::from_mins(15) });
    }

    #[test]
    fn lets_the_common_limit_hold_where_a_workload_says_nothing() {
        let config = config("limits: { scaleInPer10m: 25% }\n");
        let piloted = config.workloads[0].piloted(&config.limits).unwrap();
        assert_eq!(piloted.scale_in, pilot::Budget { percent: 25.0, per: SignedDuration::from_mins(10) });
    }

    #[test] // S8
    fn finds_the_way_to_a_source_without_showing_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "canary-7f3a\n").unwrap();
        let content = "sources: { main: { type: prometheus, url: 'http://127.0.0.1:9090', bearerToken: { file: token } } }\n";
        let loaded =
            read(Texts(vec![Text { name: "t".into(), content: content.into() }]), Vec::new(), folder.path());
        let config = loaded.config.unwrap();
        let section::Source::Prometheus(source) = config.sources.values().next().unwrap() else { panic!() };
        let address = source.address("main", folder.path(), folder.path(), |_| None).unwrap();
        assert!(matches!(address.auth, egress::Auth::Bearer(_)));
        assert!(!format!("{address:?} {config:?}").contains("canary-7f3a"));
    }
}
