//! Workloads as resources of Kubernetes: each `PredictiveScaler` is a workload like one of the file.
//!
//! Read in this order: [`crd`] is what a resource looks like, made from the very structs of the file by [`structural`];
//! [`status`] is what tidecast writes back.

mod crd;
mod status;
mod structural;

pub use crd::{GROUP, KIND, PLURAL, VERSION, crd};
pub use status::{CONDITIONS, Condition, Next, Status};
