//! Deployments and all else with a scale subresource.
//!
//! The cases are black boxes: they ask any cluster that `TIDECAST_TEST_KUBECONFIG` names, as an administrator for what
//! stands there, with kubectl for what other people do, and as a service account with exactly the rights of
//! [`tidecast::scaler::kubernetes::rights`] for what tidecast does. Without that variable the cluster is our own fake.

#![cfg(feature = "kubernetes")]

mod campaign;
mod decisions;
mod drains;
mod fences;
mod floors;
mod foreign;
mod kinds;
mod place;
mod rights;
mod show;
mod sights;
mod sizes;
