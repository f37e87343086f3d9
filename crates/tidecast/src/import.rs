//! Other autoscalers' objects as a configuration: HPAs, KEDA's ScaledObjects, Auto Scaling groups.
//!
//! Read in this order: [`documents`] reads what is given; `hpa`, `keda` and `asg` each make [`draft`]s of what they know,
//! with a named warning for everything that is not carried over; a draft is then written down, and read by the same check as
//! every configuration. Every imported workload is observed only.

mod asg;
mod behavior;
mod cron;
pub mod documents;
mod draft;
mod hpa;
mod keda;
#[cfg(feature = "kubernetes")]
pub mod live;
mod metric;
mod quantity;
mod trigger;

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::config::codes::{Code, Severity};
use crate::config::{Text, Texts, read};
use draft::Drafts;

/// Whose objects they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// HorizontalPodAutoscalers.
    Hpa,
    /// ScaledObjects.
    Keda,
    /// EC2 Auto Scaling groups, as `aws autoscaling describe-…` prints them.
    Asg,
}

/// What an import needs to know besides.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The address of the Prometheus for metrics whose source is not said.
    pub prometheus: Option<String>,
}

/// A configuration made of other autoscalers' objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The configuration, as YAML with comments.
    pub yaml: String,
    /// How many workloads it has.
    pub workloads: usize,
    /// What is not carried over, or not exactly.
    pub warnings: Vec<Warning>,
}

/// Something that is not carried over, or not exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its name, which `tidecast explain` knows.
    pub code: Code,
    /// The object.
    pub object: String,
    /// What, in a sentence without a full stop.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code, self.object, self.message)
    }
}

/// Makes a configuration of objects.
///
/// # Errors
/// If there is nothing among them that can be imported; the sentence says what was looked for.
pub fn import(origin: Origin, objects: &[Value], around: &Around) -> Result<Imported, String> {
    let mut drafts = Drafts::new(origin, around);
    match origin {
        Origin::Hpa => hpa::all(objects, &mut drafts),
        Origin::Keda => keda::all(objects, &mut drafts),
        Origin::Asg => asg::all(objects, &mut drafts),
    }
    drafts.drop_unsound(mistakes);
    if drafts.is_empty() {
        let left_out: String = drafts.warnings().map(|warning| format!("; {warning}")).collect();
        return Err(format!(
            "there is no {origin} among the {} objects that were read{left_out}",
            objects.len()
        ));
    }
    Ok(drafts.finish())
}

/// What a check says is wrong with a configuration; warnings are not counted.
fn mistakes(yaml: &str) -> Option<String> {
    let texts = Texts(vec![Text { name: "tidecast.yaml".into(), content: yaml.to_owned() }]);
    let report = read(texts, Vec::new(), Path::new(".")).report;
    let error = report.findings.iter().find(|finding| finding.code.severity() == Severity::Error)?;
    Some(format!("{}: {}", error.code, error.message))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::Keda => "ScaledObject",
            Self::Asg => "Auto Scaling group",
        })
    }
}
