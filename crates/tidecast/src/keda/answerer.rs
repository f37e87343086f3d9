use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::Stream;
use tidecast_pilot::{Size, Told};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, async_trait};

use super::encoded::{self, Number};
use super::trigger::{Metric, Observing, Trigger, shortened};
use super::wire::external_scaler_server::ExternalScaler;
use super::wire::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec, MetricValue,
    ScaledObjectRef,
};
use crate::drive::clock;
use crate::scaler::Opinion;
use crate::service::Known;

/// How often what is streamed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Streams at one time; a ScaledObject with a push trigger has two.
const STREAMS_MAX: usize = 4_000;

/// Answers KEDA from memory.
#[derive(Debug, Clone)]
pub(super) struct Answerer {
    known: Arc<Known>,
    streams: Arc<Semaphore>,
}

/// What there is to say.
enum Saying {
    /// So many servers.
    Size(Size),
    /// Nothing: another trigger is to decide.
    Nothing,
    /// Nothing is known; whoever asks is to leave things as they are.
    Unknown(Status),
}

impl Answerer {
    pub(super) fn new(known: Arc<Known>) -> Self {
        Self { known, streams: Arc::new(Semaphore::new(STREAMS_MAX)) }
    }

    fn saying(&self, trigger: &Trigger) -> Result<Saying, Status> {
        let name = &trigger.workload;
        let told = |seats: &std::collections::BTreeMap<_, _>| {
            let seat = seats.get(name);
            (seat.is_some(), self.known.answers.tell(name, seat, clock()))
        };
        let (seated, opinion) = self.known.board.read(told);
        if !seated {
            self.must_exist(trigger)?;
        }
        Ok(match (opinion, trigger.observing) {
            (Opinion::Wants { size, .. }, _) => Saying::Size(size),
            (Opinion::Observes { .. }, Observing::Yield) => Saying::Nothing,
            (Opinion::Observes { stands: Some(stands), .. }, Observing::Stand) => Saying::Size(stands),
            (Opinion::Observes { stands: None, why }, Observing::Stand) => {
                Saying::Unknown(Status::failed_precondition(format!(
                    "{name} stays as it is: {why}; how many stand is not known here, so no number would hold them. Write \
                     `observing: yield` into the trigger's metadata if another trigger scales it"
                )))
            }
            (Opinion::None { why }, _) => {
                Saying::Unknown(Status::unavailable(format!("nothing is known yet of {name}: {why}")))
            }
        })
    }

    fn must_exist(&self, trigger: &Trigger) -> Result<(), Status> {
        let name = &trigger.workload.0;
        let missing = || {
            let name = shortened(name);
            Status::not_found(format!(
                "there is no workload `{name}`; /api/v1/workloads and `tidecast get` list them"
            ))
        };
        self.known.workload(name).map(drop).ok_or_else(missing)
    }

    fn is_active(&self, trigger: &Trigger) -> Result<Option<bool>, Status> {
        Ok(match self.saying(trigger)? {
            Saying::Size(size) => Some(size > Size(0)),
            Saying::Nothing => Some(false),
            Saying::Unknown(_) => None,
        })
    }

    /// How much one server bears. It is what the operator says, and nothing that is learned: an HPA keeps the target that it
    /// was made with, and would take another one's values amiss.
    fn target(&self, trigger: &Trigger) -> Result<Number, Status> {
        if trigger.metric == Metric::Replicas {
            return Ok(encoded::target(Metric::Replicas, 1.0));
        }
        let seated = self.known.board.read(|seats| {
            let briefing = seats.get(&trigger.workload)?.turned.as_ref()?.briefing.as_ref()?;
            Some(briefing.workload.throughput)
        });
        let said = match seated {
            Some(Told::Given(throughput)) => Some(throughput.get()),
            Some(Told::Learned) => None,
            None => self
                .known
                .workload(&trigger.workload.0)
                .and_then(|w| w.capacity.per_replica.given())
                .map(|r| r.value()),
        };
        let name = &trigger.workload;
        said.map(|per_server| encoded::target(Metric::Demand, per_server)).ok_or_else(|| {
            Status::failed_precondition(format!(
                "`metric: demand` needs a capacity that stays as it is; say `capacity: {{ perReplica: … }}` of {name}, or \
                 write `metric: replicas`"
            ))
        })
    }

    /// The unit. That of `replicas` is known whether or not the workload is: some versions of KEDA make an HPA without any
    /// metric of an error here, and such an HPA follows the CPU ever after (keda#7729).
    fn specs(&self, trigger: &Trigger) -> Result<GetMetricSpecResponse, Status> {
        if trigger.metric == Metric::Demand {
            self.must_be_known(trigger)?;
        }
        let Number { float, whole } = self.target(trigger)?;
        let spec =
            MetricSpec { metric_name: trigger.metric_name(), target_size: whole, target_size_float: float };
        Ok(GetMetricSpecResponse { metric_specs: vec![spec] })
    }

    fn must_be_known(&self, trigger: &Trigger) -> Result<(), Status> {
        match self.known.board.read(|seats| seats.contains_key(&trigger.workload)) {
            true => Ok(()),
            false => self.must_exist(trigger),
        }
    }

    fn values(&self, trigger: &Trigger) -> Result<GetMetricsResponse, Status> {
        let size = match self.saying(trigger)? {
            Saying::Size(size) => size,
            Saying::Nothing => Size(0),
            Saying::Unknown(why) => return Err(why),
        };
        let Number { float, whole } = encoded::value(size, self.target(trigger)?);
        let value = MetricValue {
            metric_name: trigger.metric_name(),
            metric_value: whole,
            metric_value_float: float,
        };
        Ok(GetMetricsResponse { metric_values: vec![value] })
    }

    /// What `look` finds, at once and whenever it is something else; nothing while it finds nothing, and after that the same
    /// again.
    fn follow<T: Clone + PartialEq + Send + 'static>(
        &self,
        trigger: Trigger,
        look: fn(&Self, &Trigger) -> Result<Option<T>, Status>,
    ) -> Result<Response<Following<T>>, Status> {
        look(self, &trigger)?;
        let busy = |_| Status::resource_exhausted(format!("{STREAMS_MAX} streams are open already"));
        let place = self.streams.clone().try_acquire_owned().map_err(busy)?;
        let from = (self.clone(), trigger, None::<T>, place);
        Ok(Response::new(Box::pin(futures_util::stream::unfold(Some(from), move |state| async move {
            let (answerer, trigger, mut said, place) = state?;
            loop {
                if answerer.known.ending.load(Ordering::Acquire) {
                    return None;
                }
                match look(&answerer, &trigger) {
                    Err(status) => return Some((Err(status), None)),
                    Ok(Some(found)) if said.as_ref() != Some(&found) => {
                        said = Some(found.clone());
                        return Some((Ok(found), Some((answerer, trigger, said, place))));
                    }
                    Ok(found) => {
                        said = found;
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
            }
        }))))
    }
}

type Following<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[async_trait]
impl ExternalScaler for Answerer {
    async fn is_active(&self, asks: Request<ScaledObjectRef>) -> Result<Response<IsActiveResponse>, Status> {
        let trigger = Trigger::read(asks.get_ref())?;
        let result = Self::is_active(self, &trigger)?.unwrap_or(false);
        Ok(Response::new(IsActiveResponse { result }))
    }

    type StreamIsActiveStream = Following<IsActiveResponse>;

    /// Only `true` is ever said. KEDA up to 2.17 takes a fleet to zero at once when a stream says `false`, although another
    /// trigger is active (keda#6986), and later ones do not heed it: all of them hear it when they poll, with the other triggers.
    async fn stream_is_active(
        &self,
        asks: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamIsActiveStream>, Status> {
        let trigger = Trigger::read(asks.get_ref())?;
        self.follow(trigger, |answerer, trigger| {
            let active = Self::is_active(answerer, trigger)?.filter(|active| *active);
            Ok(active.map(|result| IsActiveResponse { result }))
        })
    }

    async fn get_metric_spec(
        &self,
        asks: Request<ScaledObjectRef>,
    ) -> Result<Response<GetMetricSpecResponse>, Status> {
        let trigger = Trigger::read(asks.get_ref())?;
        Ok(Response::new(self.specs(&trigger)?))
    }

    async fn get_metrics(
        &self,
        asks: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let GetMetricsRequest { scaled_object_ref, metric_name } = asks.into_inner();
        let trigger = Trigger::read(&scaled_object_ref.unwrap_or_default())?;
        let ours = trigger.metric_name();
        if !metric_name.is_empty() && metric_name != ours {
            let asked = shortened(&metric_name);
            return Err(Status::invalid_argument(format!(
                "there is no metric `{asked}` here, only `{ours}`"
            )));
        }
        Ok(Response::new(self.values(&trigger)?))
    }

    type StreamMetricSpecStream = Following<GetMetricSpecResponse>;

    /// By KEDA's two rules: the specs are sent at once, and `GetMetricSpec` says the same as the stream has said last.
    async fn stream_metric_spec(
        &self,
        asks: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamMetricSpecStream>, Status> {
        let trigger = Trigger::read(asks.get_ref())?;
        self.follow(trigger, |answerer, trigger| answerer.specs(trigger).map(Some))
    }
}
