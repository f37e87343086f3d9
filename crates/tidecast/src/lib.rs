//! The hands of tidecast: everything that waits, every socket, every file. The judgment lies in the crates
//! below; what is here fetches a briefing's facts and carries a decision out.
//!
//! Read in this order: [`trouble`] is how the outside fails; [`egress`] is the only way to an address that a user
//! gave; [`foreign`] asks models that live elsewhere; [`source`] is where measured demand comes from; [`history`] is
//! how a person's own files of it are read;
//! [`store`] is what must not be forgotten; [`config`] is what the operator wrote down; [`operator`] is the same as resources of Kubernetes.

pub mod api;
#[cfg(feature = "aws")]
pub mod aws;
pub mod config;
pub mod drive;
pub mod egress;
pub mod explain;
pub mod foreign;
pub mod history;
#[cfg(feature = "keda")]
pub mod keda;
pub mod import;
#[cfg(feature = "kubernetes")]
pub mod manifests;
pub mod metrics;
#[cfg(feature = "kubernetes")]
pub mod operator;
pub mod scaler;
pub mod service;
pub mod source;
pub mod store;
pub mod trouble;
pub mod yaml;

#[cfg(test)]
mod test_server;
