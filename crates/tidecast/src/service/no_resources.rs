//! In a build without Kubernetes no resources are watched.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Known;
use crate::config::Config;

/// No resources.
#[derive(Debug)]
pub(super) struct Resources(Arc<Notify>);

impl Resources {
    pub(super) fn new(_: Arc<Known>) -> Self {
        Self(Arc::default())
    }

    pub(super) fn changed(&self) -> Arc<Notify> {
        self.0.clone()
    }

    pub(super) fn complete(&self) -> bool {
        true
    }

    pub(super) fn combined(&mut self, files: &Config) -> Config {
        if files.operator.is_some() {
            tracing::error!("this build knows no Kubernetes: the operator section has no effect");
        }
        files.clone()
    }
}
