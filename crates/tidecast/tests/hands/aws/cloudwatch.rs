//! CloudWatch as a source, through the real SDK. moto has no route for the protocol that the SDK speaks today, so the other
//! side is our own: it keeps values for as long as CloudWatch does, answers in pages, and refuses what is too much.

mod cbor;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidecast::aws::Region;
use tidecast::source::{CloudWatch, Counted, Guard, Metric, Source, Statistic, Watch};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const NOW_S: i64 = 1_790_000_100;
const DAY_S: i64 = 86_400;

/// Samples by metric and minute: their sum, and how many they are.
#[derive(Default)]
struct Kept {
    minutes: BTreeMap<(String, i64), (f64, u32)>,
    /// How many values a page has.
    page: usize,
    /// What is said of each metric on the last page.
    status: &'static str,
    calls: usize,
}

#[derive(Clone)]
struct Pretended {
    url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Pretended {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kept = Arc::new(Mutex::new(Kept { page: 500, status: "Complete", ..Kept::default() }));
        let (url, shared) = (format!("http://{}", listener.local_addr().unwrap()), kept.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { url, kept }
    }

    /// A number of servers that each send a value, in minutes before now.
    fn put(&self, name: &str, minutes: impl Iterator<Item = i64>, servers: u32, value: f64) {
        let mut kept = self.kept.lock().unwrap();
        for minute in minutes {
            let at_s = (NOW_S - 60 * minute).div_euclid(60) * 60;
            kept.minutes.insert((name.to_owned(), at_s), (f64::from(servers) * value, servers));
        }
    }

    fn watch(&self) -> Arc<Watch> {
        let region = Region::new("eu-west-1", Some(self.url.clone())).keyed("AKIDTEST", "secret");
        Arc::new(Watch::new(Arc::new(region)))
    }

    fn source(&self, watch: &Arc<Watch>, name: &str) -> CloudWatch {
        let dimensions = BTreeMap::from([("TargetGroup".to_owned(), "targetgroup/shop/1".to_owned())]);
        let (statistic, coverage) = (Statistic::Sum, Counted::Samples);
        let metric = Metric { namespace: "Shop".into(), name: name.into(), dimensions, statistic, coverage };
        CloudWatch::new(watch.clone(), metric, 60)
    }
}

async fn serve(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        assert!(
            head.starts_with("POST /service/GraniteServiceVersion20100801/operation/GetMetricData"),
            "{head}"
        );
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let answer = kept.lock().unwrap().answer(&cbor::read(&body).unwrap());
        let (status, body) = match answer {
            Ok(answer) => (200, cbor::write(&answer)),
            Err(said) => (400, cbor::write(&json!({ "__type": "ValidationError", "message": said }))),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nsmithy-protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(&[head.into_bytes(), body].concat()).await.is_err() {
            return;
        }
    }
}

impl Kept {
    fn answer(&mut self, asked: &Value) -> Result<Value, String> {
        self.calls += 1;
        let queries = asked["MetricDataQueries"].as_array().unwrap();
        if queries.len() > 500 {
            return Err(format!("{} metrics in one call: 500 are allowed", queries.len()));
        }
        let span = [asked["StartTime"].as_f64().unwrap() as i64, asked["EndTime"].as_f64().unwrap() as i64];
        let first: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let all: Vec<(&Value, i64, f64)> = queries
            .iter()
            .flat_map(|query| self.points(query, span).into_iter().map(move |(at, v)| (query, at, v)))
            .collect();
        let page = &all[first.min(all.len())..(first + self.page).min(all.len())];
        let last = first + self.page >= all.len();
        let results: Vec<Value> = queries
            .iter()
            .map(|query| {
                let ours: Vec<&(&Value, i64, f64)> =
                    page.iter().filter(|(of, ..)| of["Id"] == query["Id"]).collect();
                json!({
                    "Id": query["Id"],
                    "Label": "x",
                    "Timestamps": ours.iter().map(|(_, at_s, _)| *at_s).collect::<Vec<_>>(),
                    "Values": ours.iter().map(|(.., value)| *value).collect::<Vec<_>>(),
                    "StatusCode": if last { self.status } else { "PartialData" },
                })
            })
            .collect();
        let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
        if !last {
            answer["NextToken"] = (first + self.page).to_string().into();
        }
        Ok(answer)
    }

    /// The values of one query, as far as CloudWatch would still have them.
    fn points(&self, query: &Value, [from_s, until_s]: [i64; 2]) -> Vec<(i64, f64)> {
        let stat = &query["MetricStat"];
        let (name, period_s) =
            (stat["Metric"]["MetricName"].as_str().unwrap(), stat["Period"].as_i64().unwrap());
        let mut by_period = BTreeMap::<i64, (f64, u32)>::new();
        for ((_, at_s), (sum, count)) in self.minutes.iter().filter(|((of, _), _)| of == name) {
            let age_s = NOW_S - at_s;
            let kept = age_s <= 15 * DAY_S || (period_s >= 300 && age_s <= 63 * DAY_S) || period_s >= 3_600;
            let start_s = at_s.div_euclid(period_s) * period_s;
            if kept && (from_s..until_s).contains(&start_s) {
                let (sums, counts) = by_period.entry(start_s).or_default();
                *sums += sum;
                *counts += count;
            }
        }
        let value =
            |(sum, count): (f64, u32)| if stat["Stat"] == "SampleCount" { f64::from(count) } else { sum };
        by_period.into_iter().map(|(start_s, both)| (start_s, value(both))).collect()
    }
}

fn ago(minutes: i64) -> Timestamp {
    Timestamp::from_second(NOW_S).unwrap() - SignedDuration::from_mins(minutes)
}

#[tokio::test] // S3.1, F1
async fn reads_demand_and_takes_what_is_missing_for_unknown() {
    let pretended = Pretended::start().await;
    pretended.put("Requests", (3..60).filter(|minute| *minute != 10), 4, 150.0);
    let watch = pretended.watch();
    let source = pretended.source(&watch, "Requests");
    let taken = source.samples(ago(50), ago(0)).await.unwrap();
    assert!(taken.samples.0.iter().all(|sample| sample.value == 10.0), "{taken:?}");
    assert_eq!(taken.samples.0.len(), 47, "48 minutes, and one of them missing");
    let count = source.count(ago(0)).await.unwrap().unwrap();
    assert_eq!(count.parts[0].targets, 4);
    assert_eq!(pretended.kept.lock().unwrap().calls, 1, "both from one call");
    let absent = pretended.source(&watch, "NoSuchMetric").samples(ago(50), ago(0)).await.unwrap();
    assert_eq!(
        absent.remarks[0].to_string(),
        "the source has no measurement at all here; unknown is not zero"
    );
}

#[tokio::test] // F27
async fn reads_four_weeks_by_what_is_kept_of_them_over_many_pages() {
    let pretended = Pretended::start().await;
    pretended.put("Requests", 3..28 * 1_440, 4, 150.0);
    pretended.kept.lock().unwrap().page = 5_000;
    let source = pretended.source(&pretended.watch(), "Requests");
    let taken = source.samples(ago(28 * 1_440 - 10), ago(0)).await.unwrap();
    let wrong = taken.samples.0.iter().filter(|sample| (sample.value - 10.0).abs() > 1e-9).count();
    assert!(wrong <= 10, "the oldest five minutes are not whole: {wrong}");
    let minutes = taken.samples.0.len() as i64;
    assert!((28 * 1_440 - 20..=28 * 1_440).contains(&minutes), "{minutes}");
    assert_eq!(taken.partial, None);
}

#[tokio::test] // F27
async fn asks_for_a_thousand_workloads_in_a_few_calls() {
    let pretended = Pretended::start().await;
    let watch = pretended.watch();
    let sources: Vec<CloudWatch> =
        (0..600).map(|n| pretended.source(&watch, &format!("Requests{n}"))).collect();
    pretended.put("Requests7", 3..60, 4, 150.0);
    for source in &sources {
        source.samples(ago(20), ago(0)).await.unwrap();
        source.count(ago(0)).await.unwrap();
    }
    assert_eq!(pretended.kept.lock().unwrap().calls, 3, "1,200 metrics, 500 a call, for all of them");
}

#[tokio::test] // F3
async fn notices_servers_that_have_stopped_sending_and_answers_in_part() {
    let pretended = Pretended::start().await;
    pretended.put("Requests", 12..60, 4, 150.0);
    pretended.put("Requests", 2..12, 2, 150.0);
    let mut guard = Guard::default();
    for (minutes, share) in [(30, 1.0), (20, 1.0), (0, 0.5)] {
        let source = pretended.source(&pretended.watch(), "Requests");
        let count = source.count(ago(minutes)).await.unwrap().unwrap();
        let coverage = guard.judge(&count, source.count_window(), Some(4));
        assert_eq!(coverage.share, share, "{minutes} minutes ago: {count:?} {coverage:?}");
    }
    pretended.kept.lock().unwrap().status = "PartialData";
    let taken = pretended.source(&pretended.watch(), "Requests").samples(ago(20), ago(0)).await.unwrap();
    assert!(taken.partial.unwrap().contains("PartialData for Requests"));
}
