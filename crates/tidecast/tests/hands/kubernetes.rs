//! Deployments and all else with a scale subresource.
//!
//! The cases are black boxes: they ask any cluster that `TIDECAST_TEST_KUBECONFIG` names, as an administrator for what
//! stands there, with kubectl for what other people do, and as a service account with exactly the rights of
//! [`tidecast::scaler::kubernetes::rights`] for what tidecast does. Without that variable the cluster is our own fake.
//!
//! Each case makes a namespace of its own, labelled `tidecast.dev/test`, and deletes it at the end; nothing else is made,
//! and nothing that lies beyond namespaces is changed: what needs a definition of others, or would break the cluster, is
//! left out by name where that is not there.

#![cfg(feature = "kubernetes")]

mod campaign;
mod decisions;
mod drains;
mod fences;
mod floors;
mod foreign;
mod least;
mod manifests;
mod operated;
mod place;
mod rights;
mod show;
mod sights;
mod sizes;
mod troubles;
