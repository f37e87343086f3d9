//! The hands that carry decisions out, made from what the configuration says of each target.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::section::{Target, Workload};
use crate::config::{Config, secrets_folder};
use crate::scaler::{Scaler, Shown};
use crate::trouble::Trouble;

/// What hands share: the ways to clusters, clouds and addresses, one for each, however many workloads use it.
#[derive(Debug)]
pub(super) struct Hands {
    /// Where files that the configuration names lie.
    #[expect(dead_code, reason = "for hands that read files")]
    folder: PathBuf,
    /// Where secrets lie.
    #[expect(dead_code, reason = "for hands that sign")]
    secrets: PathBuf,
}

impl Hands {
    pub(super) fn new(config: &Config, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), secrets: secrets_folder(config, folder) }
    }

    /// Who carries decisions out for a workload, by the kind of its target: the list of actions, a line each.
    ///
    /// # Errors
    /// [`Trouble`] when the settings of the target cannot work.
    pub(super) fn scaler(&self, workload: &Workload) -> Result<Arc<dyn Scaler>, Trouble> {
        Ok(match &workload.target {
            Target::None(_) => Arc::new(Shown),
            Target::Kubernetes(_) => Arc::new(Shown),
            Target::Keda(_) => Arc::new(Shown),
            Target::Asg(_) => Arc::new(Shown),
            Target::Webhook(_) => Arc::new(Shown),
        })
    }
}
