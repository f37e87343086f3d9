//! What no single value can know: whether the parts of a configuration fit together.

mod calendar;
mod demand;
mod drain;
mod edges;
mod keda;
mod operator;
mod query;
mod secret;
mod server;
mod source;
mod special;
mod target;
mod workload;

use std::fmt::Display;

use super::codes::Code;
use super::finding::Finding;
use super::node::{Entry, Node};
use super::section::Config;
use super::word::Duration;

pub(crate) use secret::look_at_secrets;
pub use secret::{references, secrets_folder};
#[cfg(feature = "kubernetes")]
pub(crate) use target::KINDS;

/// A configuration with the trees that it came from.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The sections.
    pub config: &'a Config,
    /// The tree without what could not be read: its lists are as long as the configuration's.
    pub tree: &'a Node,
    /// The tree with everything: what is named here is not reported as missing as well.
    pub whole: &'a Node,
}

impl<'a> Context<'a> {
    /// The entries of a section of the top level, read or not.
    fn written(self, key: &str) -> &'a [Entry] {
        self.whole.get(key).map_or(&[], Node::entries)
    }

    /// Whether all workloads stand in the files: what the files alone name nowhere is then named nowhere.
    fn all_known(self) -> bool {
        let read = self.config.workloads.len() == self.whole.nearest(&["workloads"]).items().len();
        read && self.written("operator").is_empty() && self.config.operator.is_none()
    }

    /// The items of a list of the top level, each with its node.
    fn items<T>(self, key: &str, sections: &'a [T]) -> impl Iterator<Item = (&'a T, &'a Node)> {
        sections.iter().zip(self.tree.nearest(&[key]).items())
    }
}

/// Everything that does not fit.
pub(crate) fn check(context: Context<'_>) -> Vec<Finding> {
    let checks = [
        server::check,
        keda::check,
        source::check,
        workload::check,
        calendar::check,
        special::check,
        operator::check,
    ];
    checks.into_iter().flat_map(|check| check(context)).collect()
}

/// A duration outside of its range; what would be right is the nearest end of the range.
fn within(node: &Node, path: &[&str], value: Duration, from: Duration, to: Duration) -> Option<Finding> {
    let nearest = value.clamp(from, to);
    (nearest != value)
        .then(|| out_of_range(node.nearest(path), value, nearest, format!("from {from} to {to}")))
}

/// A value outside of its range.
fn out_of_range(node: &Node, value: impl Display, nearest: impl Display, range: String) -> Finding {
    Finding::new(Code::OUT_OF_RANGE, format!("{value} is out of range, which is {range}"))
        .at(node.place)
        .help(format!("write {nearest}"))
        .fix(node.place, nearest.to_string())
}

const SECOND: Duration = Duration::seconds(1);
const HOUR: Duration = Duration::seconds(3_600);
const DAY: Duration = Duration::seconds(86_400);
