use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::door::Viewer;
use super::limits::FOLLOWERS_MAX;
use super::problem::Problem;
use super::{Shared, said};
use crate::drive::News;
use crate::service::Known;

/// How often it is looked whether the server is being ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

static PLACES: std::sync::LazyLock<Arc<Semaphore>> =
    std::sync::LazyLock::new(|| Arc::new(Semaphore::new(FOLLOWERS_MAX)));

/// What changes, as server-sent events: `decided`, `troubled`, and `missed` with a number if the reader was too slow.
#[utoipa::path(get, path = "/api/v1/events", tag = "events",
    responses((status = 200, body = said::News, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
pub(super) async fn follow(
    _: Viewer,
    State(known): Shared,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = PLACES.clone().try_acquire_owned();
    let place =
        place.map_err(|_| Problem::busy(format!("{FOLLOWERS_MAX} others follow the events already")))?;
    let follower = Follower { news: known.board.follow(), known, _place: place };
    let events = futures_util::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Follower {
    news: Receiver<News>,
    known: Arc<Known>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.known.ending.load(Ordering::Acquire) {
                return None;
            }
            match tokio::time::timeout(LOOK_EVERY, self.news.recv()).await {
                Err(_) => {}
                Ok(Ok(news)) => return Some(told(news)),
                Ok(Err(RecvError::Lagged(missed))) => {
                    return Some(Event::default().event("missed").data(missed.to_string()));
                }
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }
}

fn told(news: News) -> Event {
    let (event, news) = match news {
        News::Decided(workload, turned) => {
            let decision = turned.decision.as_ref();
            let news = said::News {
                workload: workload.0,
                at: turned.at,
                turn: decision.map(|decision| decision.turn),
                size: decision.map(|decision| decision.size.get()),
                said: decision.map_or_else(String::new, |decision| decision.because.to_string()),
            };
            ("decided", news)
        }
        News::Troubled(workload, at, said) => {
            ("troubled", said::News { workload: workload.0, at, turn: None, size: None, said })
        }
    };
    let data = serde_json::to_string(&news).expect("news are text and numbers");
    Event::default().event(event).data(data)
}
