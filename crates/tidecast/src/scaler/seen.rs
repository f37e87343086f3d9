use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tidecast_pilot::{Node, Sighting, Size};

use crate::trouble::Trouble;

/// Bytes of a fleet that is told as JSON.
pub(super) const BYTES_MAX: usize = 4 << 20;
/// The largest fleet that is believed.
const SERVERS_MAX: u64 = 1_000_000;
/// The most servers that are told one by one.
const NODES_MAX: usize = 10_000;
/// By how much a stranger's clock may be ahead.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);

/// A fleet as strangers tell it.
#[derive(Deserialize)]
struct Told {
    ordered: Option<Value>,
    serving: Option<Value>,
    complete: Option<bool>,
    #[serde(default)]
    nodes: Vec<Value>,
    #[serde(default)]
    foreign: Option<String>,
}

/// Reads a fleet that `who` tells as JSON. Nothing in it is believed that could not be.
///
/// # Errors
/// [`Trouble::Garbled`] that names the key.
pub(super) fn fleet(who: &str, body: &[u8], now: Timestamp) -> Result<Sighting, Trouble> {
    let garbled = |why: String| Trouble::Garbled { who: who.to_owned(), why };
    let told: Told = serde_json::from_slice(body).map_err(|why| {
        garbled(format!("it is no fleet in JSON: {}", crate::trouble::one_line(&why.to_string())))
    })?;
    let sound = || {
        let complete = told.complete.ok_or("`complete` is missing: whether the whole fleet was seen")?;
        Ok::<_, String>(Sighting {
            at: now,
            ordered: servers("ordered", told.ordered.as_ref())?,
            serving: servers("serving", told.serving.as_ref())?,
            nodes: nodes(&told.nodes, now)?,
            complete,
            says: Vec::new(),
            foreign: told.foreign.as_deref().filter(|who| !who.is_empty()).map(crate::trouble::one_line),
        })
    };
    sound().map_err(garbled)
}

/// A number of servers that could be one (S19): a whole number from zero up.
pub(super) fn servers(key: &str, told: Option<&Value>) -> Result<Size, String> {
    let told = told.ok_or_else(|| format!("`{key}` is missing: a number of servers"))?;
    // Some languages write whole numbers as 12.0.
    let whole = || {
        told.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0 && *f <= SERVERS_MAX as f64).map(|f| f as u64)
    };
    let number = told.as_u64().or_else(whole).filter(|number| *number <= SERVERS_MAX);
    let size = number.and_then(|number| u32::try_from(number).ok()).map(Size);
    size.ok_or_else(|| {
        let told = crate::trouble::one_line(&told.to_string());
        format!("`{key}` is {told}, and a number of servers is a whole number from 0 to {SERVERS_MAX}")
    })
}

fn nodes(told: &[Value], now: Timestamp) -> Result<Vec<Node>, String> {
    if told.len() > NODES_MAX {
        return Err(format!(
            "`nodes` has {} servers, and at most {NODES_MAX} are told one by one",
            told.len()
        ));
    }
    let mut names = BTreeSet::new();
    let mut nodes = Vec::with_capacity(told.len());
    for (i, told) in told.iter().enumerate() {
        let node = Node::deserialize(told).map_err(|why| {
            format!("`nodes[{i}]` is no server: {}", crate::trouble::one_line(&why.to_string()))
        })?;
        let wrong = |what: &str| Err(format!("`nodes[{i}]` {what}"));
        let latest = now.saturating_add(AHEAD_MAX).unwrap_or(Timestamp::MAX);
        if !(1..=253).contains(&node.name.0.len()) {
            return wrong("has no name of 1 to 253 bytes");
        } else if !names.insert(node.name.0.clone()) {
            return wrong("has a name that another has already");
        } else if node.launched > latest || node.sessions.is_some_and(|sessions| sessions.at > latest) {
            return wrong("tells of a time to come");
        } else if node.ready.is_some_and(|ready| ready < node.launched) {
            return wrong("was ready before it was launched");
        }
        nodes.push(node);
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check(body: &str, expected: Result<(u32, u32), &str>) {
        let came = fleet("the script", body.as_bytes(), now());
        let came =
            came.map(|seen| (seen.ordered.get(), seen.serving.get())).map_err(|trouble| trouble.to_string());
        match (came, expected) {
            (Ok(came), Ok(expected)) => assert_eq!(came, expected),
            (Err(came), Err(said)) => assert!(came.ends_with(said), "{came}"),
            (came, expected) => panic!("{body} gives {came:?}, not {expected:?}"),
        }
    }

    const RANGE: &str = "and a number of servers is a whole number from 0 to 1000000";

    #[test] // S19
    fn believes_numbers_that_can_be_and_no_others() {
        check(r#"{"ordered":12,"serving":11,"complete":true}"#, Ok((12, 11)));
        check(r#"{"ordered":12.0,"serving":0,"complete":false,"more":1}"#, Ok((12, 0)));
        check(r#"{"ordered":-1,"serving":0,"complete":true}"#, Err(&format!("`ordered` is -1, {RANGE}")));
        check(
            r#"{"ordered":1e9,"serving":0,"complete":true}"#,
            Err(&format!("`ordered` is 1000000000.0, {RANGE}")),
        );
        check(r#"{"ordered":3,"serving":2.5,"complete":true}"#, Err(&format!("`serving` is 2.5, {RANGE}")));
        check(r#"{"ordered":"3","serving":2,"complete":true}"#, Err(&format!("`ordered` is \"3\", {RANGE}")));
        check(
            r#"{"ordered":null,"serving":2,"complete":true}"#,
            Err("`ordered` is missing: a number of servers"),
        );
        check(r#"{"ordered":3,"serving":3}"#, Err("`complete` is missing: whether the whole fleet was seen"));
        check(r#"{"ordered":NaN,"serving":3,"complete":true}"#, Err("expected value at line 1 column 12"));
        check("", Err("EOF while parsing a value at line 1 column 0"));
    }

    #[test] // S19
    fn believes_servers_that_can_be_and_no_others() {
        let told = |nodes: &str| format!(r#"{{"ordered":1,"serving":1,"complete":true,"nodes":[{nodes}]}}"#);
        let node = |more: &str| {
            format!(r#"{{"name":"a","phase":{{"is":"serving"}},"launched":"2026-03-02T08:00:00Z"{more}}}"#)
        };
        check(&told(&node("")), Ok((1, 1)));
        check(
            &told(&format!("{},{}", node(""), node(""))),
            Err("`nodes[1]` has a name that another has already"),
        );
        check(
            &told(&node(r#","ready":"2026-03-02T07:00:00Z""#)),
            Err("`nodes[0]` was ready before it was launched"),
        );
        check(&told(&node("").replace("08:00", "10:00")), Err("`nodes[0]` tells of a time to come"));
        check(&told(r#"{"name":"a"}"#), Err("`nodes[0]` is no server: missing field `phase`"));
    }

    proptest! {
        #[test] // F7, S19
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = fleet("it", &body, now());
        }
    }
}
