//! A sign of life to somebody outside, who raises the alarm when it stays away (F36).

use std::sync::Arc;

use super::Known;
use crate::config::section::Heartbeat;
use crate::drive::clock;
use crate::egress::{Address, Ask, Connector, Door, Limits, Rules};
use crate::trouble::Trouble;

/// How often is looked whether one is wanted, while none is.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
/// How long an answer may take; nobody waits for it but this.
const WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// How soon after a start the first one is given, once a turn was committed.
const AT_FIRST: std::time::Duration = std::time::Duration::from_secs(1);

/// Asks the address as often as was said, for as long as turns are committed. When none are, it is silent, and so it is
/// when this process is dead, or dies again and again before its first turn.
pub(super) async fn beat(known: Arc<Known>) {
    let mut said = None;
    loop {
        let wanted = known.config().server.heartbeat.clone();
        let begun = known.board.read(|seats| seats.values().any(|seat| seat.committed_at.is_some()));
        let every =
            wanted.as_ref().map_or(LOOK_EVERY, |wanted| if begun { wanted.every.0 } else { AT_FIRST });
        if let (Some(wanted), true, Ok(())) = (&wanted, begun, known.alive(clock())) {
            let told = tell(wanted).await.map_err(|trouble| trouble.to_string());
            match &told {
                Ok(()) => known.note_heartbeat(clock()),
                Err(why) if said.as_ref() != Some(&told) => tracing::warn!("no heartbeat is taken: {why}"),
                Err(_) => {}
            }
            said = Some(told);
        }
        tokio::time::sleep(every).await;
    }
}

async fn tell(wanted: &Heartbeat) -> Result<(), Trouble> {
    let limits =
        Limits { total: WITHIN, wire_bytes_max: 64 << 10, text_bytes_max: 64 << 10, ..Limits::default() };
    let mut url = wanted.url.url().clone();
    let (path, pairs) = (url.path().to_owned(), pairs(&url));
    url.set_path("");
    url.set_query(None);
    let address = Address { limits, ..Address::new("the heartbeat", url.as_str()) };
    let connector = Connector::new(&address, &Rules::new([Door::inside(url.as_str())?]))?;
    let query: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
    let answer = connector.ask(Ask { path: &path, query: &query, ..Ask::default() }).await?;
    match answer.is_success() {
        true => Ok(()),
        false => Err(Trouble::Answered { who: connector.who(), status: answer.status, said: answer.said() }),
    }
}

fn pairs(url: &url::Url) -> Vec<(String, String)> {
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}
