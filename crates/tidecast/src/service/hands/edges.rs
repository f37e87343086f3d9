//! Hands that reach other people's programs: over HTTP, or by running them.

use super::Hands;
use crate::config::section::{CommandTarget, JitsiTarget, Tls, WebhookTarget, Workload};
use crate::config::word::{Duration, Link};
use crate::config::{NoWay, tls};
use crate::egress::{Address, Connector, Door, Limits, Rules};
use crate::scaler::{Command, Jitsi, Program, Webhook};
use crate::trouble::Trouble;

/// Bytes of an answer to a decision, or of a fleet that is told.
const ANSWER_BYTES_MAX: usize = 4 << 20;

pub(super) fn webhook(
    hands: &Hands,
    workload: &Workload,
    target: &WebhookTarget,
) -> Result<Webhook, Trouble> {
    let secret = target.secret.read(&hands.secrets, env);
    let secret = secret.map_err(|why| unusable(workload, why.to_string()))?;
    let way = |name: &str, link: &Link| connector(hands, workload, name, link, &target.tls, target.timeout);
    let sight = target.sight.as_ref().map(|link| way("the fleet's", link)).transpose()?;
    let zone = workload.zone.zone().clone();
    Ok(Webhook::new(workload.name.as_str(), zone, way("the webhook", &target.url)?, sight, secret))
}

pub(super) fn command(hands: &Hands, workload: &Workload, target: &CommandTarget) -> Command {
    let program = |line: &Vec<String>| Program {
        line: line.clone(),
        folder: target.folder.as_ref().map_or(hands.folder.clone(), |folder| hands.folder.join(&folder.0)),
        env: target.env.clone(),
        limit: target.timeout.0,
    };
    let sight = target.sight.as_ref().map(program);
    Command::new(workload.name.as_str(), workload.zone.zone().clone(), program(&target.run), sight)
}

pub(super) fn jitsi(hands: &Hands, workload: &Workload, target: &JitsiTarget) -> Result<Jitsi, Trouble> {
    let way = connector(hands, workload, "jitsi-autoscaler", &target.url, &target.tls, target.timeout)?;
    let token = target.bearer_token.clone().map(|token| (token, hands.secrets.clone()));
    Ok(Jitsi::new(&*target.group, way, token))
}

fn connector(
    hands: &Hands,
    workload: &Workload,
    name: &str,
    link: &Link,
    section: &Tls,
    timeout: Duration,
) -> Result<Connector, Trouble> {
    let no_way = |why: NoWay| unusable(workload, why.to_string());
    let limits = Limits {
        total: timeout.0,
        connect: timeout.0.min(Limits::default().connect),
        wire_bytes_max: ANSWER_BYTES_MAX,
        text_bytes_max: ANSWER_BYTES_MAX,
        at_once: 2,
    };
    let address = Address {
        tls: tls(section, &hands.folder, &hands.secrets, env).map_err(no_way)?,
        limits,
        ..Address::new(name, link.to_string())
    };
    let door = Door::inside(&address.url)?;
    Connector::new(&address, &Rules::new([door]))
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn unusable(workload: &Workload, why: String) -> Trouble {
    Trouble::Unusable { who: format!("the target of {}", workload.name), why }
}
