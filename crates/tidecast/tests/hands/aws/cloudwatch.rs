//! CloudWatch as a source, over moto's wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use jiff::{SignedDuration, Timestamp};
use tidecast::aws::Region;
use tidecast::source::{CloudWatch, Counted, Guard, Metric, Source, Statistic, Watch};

use super::moto::Moto;

async fn client(moto: &Moto) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let keys = aws_credential_types::Credentials::new("AKIDTEST", "secret", None, None, "test");
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .http_client(http)
        .credentials_provider(keys)
        .endpoint_url(moto.url());
    Client::new(&config.load().await)
}

fn metric(name: &str, statistic: Statistic, coverage: Counted) -> Metric {
    let dimensions = BTreeMap::from([("TargetGroup".to_owned(), "targetgroup/shop/1".to_owned())]);
    Metric { namespace: "Shop".into(), name: name.into(), dimensions, statistic, coverage }
}

/// Sends samples: minutes before `now`, and the value of each of so many servers.
async fn put(client: &Client, name: &str, now: Timestamp, minutes: &[(i64, u32, f64)]) {
    let dimension = Dimension::builder().name("TargetGroup").value("targetgroup/shop/1").build();
    let datum = |(minute, value): &(i64, f64)| {
        let at = (now.as_second() - 60 * minute).div_euclid(60) * 60;
        MetricDatum::builder()
            .metric_name(name)
            .dimensions(dimension.clone())
            .timestamp(DateTime::from_secs(at))
            .value(*value)
            .build()
    };
    let all: Vec<(i64, f64)> = minutes
        .iter()
        .flat_map(|(minute, servers, value)| (0..*servers).map(move |_| (*minute, *value)))
        .collect();
    for some in all.chunks(500) {
        let data = some.iter().map(datum).collect();
        client.put_metric_data().namespace("Shop").set_metric_data(Some(data)).send().await.unwrap();
    }
}

#[tokio::test] // S3.1, F1, F27
async fn reads_demand_from_moto_and_takes_what_is_missing_for_unknown() {
    let Some(moto) = Moto::start().await else { return };
    let (client, now) = (client(&moto).await, moto.now());
    // Four servers that each send 150 requests a minute; minute 10 is missing altogether.
    let minutes: Vec<(i64, u32, f64)> = (3..60).filter(|m| *m != 10).map(|m| (m, 4, 150.0)).collect();
    put(&client, "Requests", now, &minutes).await;
    let region = Arc::new(Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret"));
    let watch = Arc::new(Watch::new(region));
    let requests = CloudWatch::new(watch.clone(), metric("Requests", Statistic::Sum, Counted::Samples), 60);
    let taken = requests.samples(now - SignedDuration::from_mins(50), now).await.unwrap();
    assert!(taken.samples.0.iter().all(|sample| sample.value == 10.0), "{taken:?}");
    assert!((44..=47).contains(&taken.samples.0.len()), "{}", taken.samples.0.len());
    let times: Vec<i64> = taken.samples.0.iter().map(|sample| sample.time.as_second()).collect();
    assert!(!times.contains(&((now.as_second() - 600).div_euclid(60) * 60)), "what is missing is not zero");
    let count = requests.count(now).await.unwrap().unwrap();
    assert_eq!(count.parts[0].targets, 4);
    assert!(Guard::default().judge(&count, requests.count_window(), Some(4)).doubt.is_none());
    let absent = CloudWatch::new(watch, metric("NoSuchMetric", Statistic::Sum, Counted::Newest), 60);
    let nothing = absent.samples(now - SignedDuration::from_mins(50), now).await.unwrap();
    assert_eq!(
        nothing.remarks[0].to_string(),
        "the source has no measurement at all here; unknown is not zero"
    );
    let count = absent.count(now).await.unwrap().unwrap();
    let coverage = Guard::default().judge(&count, absent.count_window(), Some(4));
    assert_eq!(coverage.share, 0.0, "{coverage:?}");
}

#[tokio::test] // F3
async fn notices_servers_that_have_stopped_sending() {
    let Some(moto) = Moto::start().await else { return };
    let (client, now) = (client(&moto).await, moto.now());
    let minutes: Vec<(i64, u32, f64)> = (3..30).map(|m| (m, if m < 12 { 2 } else { 4 }, 150.0)).collect();
    put(&client, "Requests", now, &minutes).await;
    let region = Arc::new(Region::new("eu-west-1", Some(moto.url())).keyed("AKIDTEST", "secret"));
    let source = |watch| CloudWatch::new(watch, metric("Requests", Statistic::Sum, Counted::Samples), 60);
    let mut guard = Guard::default();
    for (ago, share) in [(16, 1.0), (12, 1.0), (0, 0.5)] {
        let source = source(Arc::new(Watch::new(region.clone())));
        let count = source.count(now - SignedDuration::from_mins(ago)).await.unwrap().unwrap();
        let coverage = guard.judge(&count, source.count_window(), Some(4));
        assert_eq!(coverage.share, share, "{ago} minutes ago: {count:?} {coverage:?}");
    }
}
