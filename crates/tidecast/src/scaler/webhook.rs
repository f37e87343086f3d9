use std::fmt;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use tidecast_pilot::{Decision, Sighting};

use super::message::Message;
use super::persist::persist;
use super::{Receipt, Scaler, seen};
use crate::drive::clock;
use crate::egress::{Answer, Ask, Connector};
use crate::trouble::Trouble;

/// Posts signed decisions to an address, and may see the fleet at another.
///
/// Nothing is sent while nothing is to be done: so in the mode observe nothing ever is. What was sent and came to nothing is
/// sent again by the next turn, whose commands say where to arrive.
pub struct Webhook {
    workload: String,
    zone: TimeZone,
    way: Connector,
    sight: Option<Connector>,
    secret: SecretString,
    turn: AtomicU64,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("way", &self.way).field("sight", &self.sight).finish_non_exhaustive()
    }
}

/// When a message was signed, in seconds since 1970.
const TIMESTAMP: &str = "tidecast-timestamp";
/// The signature of the message.
const SIGNATURE: &str = "tidecast-signature";
/// What makes a message that comes twice the same message.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The signature of a message: `v1=` and, in hexadecimal digits, the HMAC-SHA256 of the time, a dot and the body. With the
/// time in it, a message that somebody has recorded is worth nothing later.
pub fn signature(secret: &SecretString, timestamp: i64, body: &[u8]) -> String {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    let mut signature = "v1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}").expect("a String takes all that is written to it");
    }
    signature
}

impl Webhook {
    /// Posts the decisions about `workload` by `way`, signed with `secret`; looks by `sight` if there is one.
    pub fn new(
        workload: impl Into<String>,
        zone: TimeZone,
        way: Connector,
        sight: Option<Connector>,
        secret: SecretString,
    ) -> Self {
        Self { workload: workload.into(), zone, way, sight, secret, turn: AtomicU64::new(0) }
    }

    async fn signed(&self, way: &Connector, body: Option<Vec<u8>>, key: &str) -> Result<Answer, Trouble> {
        let at = clock().as_second();
        let signature = signature(&self.secret, at, body.as_deref().unwrap_or_default());
        let at = at.to_string();
        let headers = [(TIMESTAMP, at.as_str()), (SIGNATURE, signature.as_str()), (IDEMPOTENCY_KEY, key)];
        let headers = if key.is_empty() { &headers[..2] } else { &headers[..] };
        let body = body.map(|body| ("application/json", body));
        way.ask(Ask { body, headers, ..Ask::default() }).await
    }

    async fn post(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        let body = Message::of(&self.workload, decision, &self.zone).json();
        let key = format!("{}/{}", self.workload, decision.turn);
        persist(|| async {
            let answer = self.signed(&self.way, Some(body.clone()), &key).await?;
            self.taken(decision, &answer)
        })
        .await
    }

    fn taken(&self, decision: &Decision, answer: &Answer) -> Result<Receipt, Trouble> {
        if answer.is_success() {
            return Ok(Receipt::Done(format!("{} took it ({})", self.way.who(), answer.status)));
        }
        match newer_turn(&answer.body).filter(|by| answer.status == 409 && *by > decision.turn) {
            Some(by) => Ok(Receipt::Overtaken { by }),
            None => Err(refused(&self.way, answer)),
        }
    }
}

fn refused(way: &Connector, answer: &Answer) -> Trouble {
    Trouble::Answered { who: way.who(), status: answer.status, said: answer.said() }
}

/// The turn that a receiver says it has carried out already.
pub(super) fn newer_turn(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Overtaken {
        turn: u64,
    }
    serde_json::from_slice(body).ok().map(|Overtaken { turn }| turn)
}

#[async_trait]
impl Scaler for Webhook {
    fn name(&self) -> String {
        self.way.who()
    }

    async fn sight(&self, now: Timestamp) -> Result<Option<Sighting>, Trouble> {
        let Some(way) = &self.sight else { return Ok(None) };
        let answer = self.signed(way, None, "").await?;
        match answer.is_success() {
            true => seen::fleet(&way.who(), &answer.body, now).map(Some),
            false => Err(refused(way, &answer)),
        }
    }

    async fn carry_out(&self, decision: &Decision) -> Result<Receipt, Trouble> {
        if decision.commands.is_empty() {
            return Ok(Receipt::Shown);
        }
        let before = self.turn.fetch_max(decision.turn, Ordering::AcqRel);
        match before > decision.turn {
            true => Ok(Receipt::Overtaken { by: before }),
            false => self.post(decision).await,
        }
    }

    fn shows(&self, decision: &Decision) -> Vec<String> {
        let (turn, size) = (decision.turn, decision.size);
        let commands = decision.commands.iter().chain(&decision.withheld);
        commands
            .map(|command| format!("POST to {}: {command} (turn {turn}, size {size})", self.way.who()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_so_that_others_can_check_it() {
        // printf '1772442000.{"turn":7}' | openssl dgst -sha256 -hmac key
        let signed = signature(&"key".into(), 1_772_442_000, br#"{"turn":7}"#);
        assert_eq!(signed, "v1=eed5d9c837a55ac23f1658cc1de3c14e9f6e8390c4d19f860c807b3ff9d93cce");
        assert_ne!(
            signed,
            signature(&"key".into(), 1_772_442_001, br#"{"turn":7}"#),
            "the time is signed, too"
        );
        assert_ne!(signed, signature(&"kez".into(), 1_772_442_000, br#"{"turn":7}"#));
    }

    #[test]
    fn reads_which_turn_was_newer() {
        assert_eq!(newer_turn(br#"{"turn":9,"more":1}"#), Some(9));
        for other in [&b"{}"[..], b"", b"9", br#"{"turn":-1}"#, br#"{"turn":"9"}"#] {
            assert_eq!(newer_turn(other), None);
        }
    }
}
