use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as SdkMetric, MetricDataQuery, MetricStat, ScanBy, StatusCode,
};
use jiff::Timestamp;

use super::period::Stretch;
use super::{Counted, Metric};
use crate::aws::{Region, Visit, to_time};
use crate::trouble::{Trouble, one_line};

/// What a region's CloudWatch shows, asked for all workloads together.
///
/// CloudWatch bills by the metric asked for, not by the call, but it takes only fifty calls a second; so whoever asks
/// first for the latest hour asks for everybody, once in each minute, and the others find the answer there.
#[derive(Debug)]
pub struct Watch {
    region: Arc<Region>,
    /// What is asked for together, and by how many workloads.
    attended: Mutex<BTreeMap<(Metric, i64), usize>>,
    /// Held while it is asked, so that those who come meanwhile wait for this answer instead of asking again.
    recent: tokio::sync::Mutex<Recent>,
}

/// The answers about the latest hour.
#[derive(Debug, Default)]
struct Recent {
    minute: Option<i64>,
    from_s: i64,
    by_series: BTreeMap<(Series, i64), Points>,
}

/// A metric's values, or how many samples they were made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) metric: Metric,
    pub(super) samples: bool,
}

/// Values by the starts of their periods, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Points {
    pub(super) values: BTreeMap<i64, f64>,
    /// What CloudWatch says about them.
    pub(super) messages: Vec<String>,
    /// Why some are missing, if it says so.
    pub(super) partial: Option<String>,
}

/// What one call may ask for.
const METRICS_MAX: usize = 500;
/// What one page may hold.
const POINTS_MAX: i32 = 100_800;
const PAGES_MAX: usize = 50;
/// How far back everybody is asked for together.
const TOGETHER_S: i64 = 3_600;

impl Watch {
    /// The CloudWatch of a region.
    pub fn new(region: Arc<Region>) -> Self {
        Self { region, attended: Mutex::default(), recent: tokio::sync::Mutex::default() }
    }

    pub(super) fn who(&self) -> String {
        format!("cloudwatch in {}", self.region.name())
    }

    /// From now on this metric is asked for together with the others.
    pub(super) fn attend(&self, metric: &Metric, period_s: i64) {
        *self.attended().entry((metric.clone(), period_s)).or_default() += 1;
    }

    /// One workload asks for it no longer; once nobody does, it is not paid for any more.
    pub(super) fn leave(&self, metric: &Metric, period_s: i64) {
        let mut attended = self.attended();
        let key = (metric.clone(), period_s);
        if let Some(count) = attended.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                attended.remove(&key);
            }
        }
    }

    fn attended(&self) -> MutexGuard<'_, BTreeMap<(Metric, i64), usize>> {
        self.attended.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The values of a stretch.
    pub(super) async fn values(
        &self,
        metric: &Metric,
        of: &Stretch,
        now: Timestamp,
    ) -> Result<Points, Trouble> {
        self.counted(&Series { metric: metric.clone(), samples: false }, of, now).await
    }

    /// The values of a stretch, or of how many samples they were made.
    pub(super) async fn counted(
        &self,
        series: &Series,
        of: &Stretch,
        now: Timestamp,
    ) -> Result<Points, Trouble> {
        if of.from_s < now.as_second() - TOGETHER_S + 120 {
            let asked = [(series.clone(), of.period_s)];
            return Ok(self
                .ask(&asked, of.from_s, of.until_s, now)
                .await?
                .remove(&asked[0])
                .unwrap_or_default());
        }
        let mut recent = self.recent.lock().await;
        let minute = now.as_second().div_euclid(60);
        let key = (series.clone(), of.period_s);
        if recent.minute != Some(minute) || !recent.by_series.contains_key(&key) || of.from_s < recent.from_s
        {
            let (from_s, until_s) = (now.as_second() - TOGETHER_S, now.as_second());
            let by_series = self.ask(&self.all(&key), from_s, until_s, now).await?;
            *recent = Recent { minute: Some(minute), from_s, by_series };
        }
        let mut points = recent.by_series.get(&key).cloned().unwrap_or_default();
        points.values.retain(|at_s, _| (of.from_s..=of.until_s).contains(at_s));
        Ok(points)
    }

    /// Everything that is asked for together, `also` included.
    fn all(&self, also: &(Series, i64)) -> Vec<(Series, i64)> {
        let attended = self.attended();
        let mut all = BTreeSet::from([also.clone()]);
        for (metric, period_s) in attended.keys() {
            all.insert((Series { metric: metric.clone(), samples: false }, *period_s));
            if metric.coverage == Counted::Samples {
                all.insert((Series { metric: metric.clone(), samples: true }, *period_s));
            }
        }
        all.into_iter().collect()
    }

    async fn ask(
        &self,
        series: &[(Series, i64)],
        from_s: i64,
        until_s: i64,
        now: Timestamp,
    ) -> Result<BTreeMap<(Series, i64), Points>, Trouble> {
        let visit = Visit::new(self.region.clone(), self.who(), now);
        let mut found = BTreeMap::new();
        for some in series.chunks(METRICS_MAX) {
            self.pages(&visit, some, [from_s, until_s], &mut found).await?;
        }
        Ok(found)
    }

    /// All pages of up to [`METRICS_MAX`] series.
    async fn pages(
        &self,
        visit: &Visit,
        series: &[(Series, i64)],
        [from_s, until_s]: [i64; 2],
        found: &mut BTreeMap<(Series, i64), Points>,
    ) -> Result<(), Trouble> {
        let queries: Vec<MetricDataQuery> =
            series.iter().enumerate().map(|(n, (series, period_s))| query(n, series, *period_s)).collect();
        let time = |at_s: i64| to_time(Timestamp::from_second(at_s).unwrap_or(Timestamp::MAX));
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let call = visit.clients().await?.watch.get_metric_data();
            let call = call
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(time(from_s))
                // The end is not included there.
                .end_time(time(until_s + 1))
                .scan_by(ScanBy::TimestampAscending)
                .max_datapoints(POINTS_MAX)
                .set_next_token(next);
            let page = visit.call("GetMetricData", call.send()).await?;
            read(&page, series, found);
            next = page.next_token;
            if next.is_none() {
                return Ok(());
            }
        }
        Err(Trouble::TooMuch { who: self.who(), limit: PAGES_MAX as u64, unit: "pages of values" })
    }
}

fn query(n: usize, series: &Series, period_s: i64) -> MetricDataQuery {
    let dimension = |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    let metric = SdkMetric::builder()
        .namespace(&series.metric.namespace)
        .metric_name(&series.metric.name)
        .set_dimensions(Some(series.metric.dimensions.iter().map(dimension).collect()))
        .build();
    let stat = if series.samples { "SampleCount" } else { series.metric.statistic.word() };
    let period = i32::try_from(period_s).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(format!("q{n}")).metric_stat(stat).return_data(true).build()
}

/// Adds a page to what was found. Only the last page about a metric says whether everything is there.
fn read(page: &GetMetricDataOutput, series: &[(Series, i64)], found: &mut BTreeMap<(Series, i64), Points>) {
    let general = page.messages().iter().filter_map(|message| message.value()).map(one_line);
    let general: Vec<String> = general.collect();
    for result in page.metric_data_results() {
        let place = result.id().and_then(|id| id.strip_prefix('q')).and_then(|n| n.parse::<usize>().ok());
        let Some(key) = place.and_then(|place| series.get(place)) else { continue };
        let points = found.entry(key.clone()).or_default();
        let values = result.timestamps().iter().map(|at| at.secs()).zip(result.values().iter().copied());
        points.values.extend(values);
        points.messages.extend(general.iter().cloned());
        points.messages.extend(result.messages().iter().filter_map(|message| message.value()).map(one_line));
        points.partial = match result.status_code() {
            Some(StatusCode::Complete) | None => None,
            Some(code) => Some(format!("cloudwatch answers {} for {}", code.as_str(), key.0.metric.name)),
        };
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use aws_sdk_cloudwatch::types::MetricDataResult;

    use super::super::Statistic;
    use super::*;

    fn series(name: &str) -> (Series, i64) {
        let metric = Metric {
            namespace: "AWS/ApplicationELB".into(),
            name: name.into(),
            dimensions: BTreeMap::new(),
            statistic: Statistic::Sum,
            coverage: Counted::Newest,
        };
        (Series { metric, samples: false }, 60)
    }

    fn page(id: &str, status: StatusCode, points: &[(i64, f64)]) -> GetMetricDataOutput {
        let result = MetricDataResult::builder()
            .id(id)
            .status_code(status)
            .set_timestamps(Some(points.iter().map(|(at_s, _)| DateTime::from_secs(*at_s)).collect()))
            .set_values(Some(points.iter().map(|(_, value)| *value).collect()));
        GetMetricDataOutput::builder().metric_data_results(result.build()).build()
    }

    #[test] // F27
    fn joins_pages_and_believes_the_last_about_what_is_missing() {
        let (all, mut found) = ([series("a"), series("b")], BTreeMap::new());
        read(&page("q1", StatusCode::PartialData, &[(0, 5.0), (60, 6.0)]), &all, &mut found);
        assert!(found[&all[1]].partial.as_ref().unwrap().contains("PartialData for b"));
        read(&page("q1", StatusCode::Complete, &[(120, 7.0)]), &all, &mut found);
        let points = &found[&all[1]];
        assert_eq!((points.values.len(), &points.partial), (3, &None));
        read(&page("q0", StatusCode::InternalError, &[]), &all, &mut found);
        assert!(found[&all[0]].partial.is_some() && found[&all[0]].values.is_empty());
        read(&page("q7", StatusCode::Complete, &[(0, 1.0)]), &all, &mut found);
        read(&page("x", StatusCode::Complete, &[(0, 1.0)]), &all, &mut found);
        assert_eq!(found.len(), 2, "what was not asked for is nobody's");
    }

    #[test]
    fn asks_for_all_workloads_at_once_and_for_counts_where_there_are_reporters() {
        let watch = Watch::new(Arc::new(Region::new("eu-west-1", None)));
        let (a, b) = (series("a").0.metric, Metric { coverage: Counted::Samples, ..series("b").0.metric });
        watch.attend(&a, 60);
        watch.attend(&b, 60);
        watch.attend(&b, 60);
        let names: Vec<(String, bool)> =
            watch.all(&series("a")).into_iter().map(|(s, _)| (s.metric.name, s.samples)).collect();
        assert_eq!(names, [("a".into(), false), ("b".into(), false), ("b".into(), true)]);
        watch.leave(&b, 60);
        assert_eq!(watch.all(&series("a")).len(), 3, "another workload asks for it as well");
        watch.leave(&b, 60);
        assert_eq!(watch.all(&series("a")), [series("a")], "nobody pays for what nobody reads");
    }
}
