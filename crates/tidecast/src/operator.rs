//! Workloads as resources of Kubernetes: each `PredictiveScaler` is a workload like one of the file.
//!
//! Read in this order: [`crd`] is what a resource looks like, made from the very structs of the file by [`structural`];
//! [`watch`] follows them in a cluster; [`roster`] makes one configuration of them and the files; [`report`] is what is
//! written back.
//!
//! Nothing is done when a resource goes: its fleet stays as large as it is, and whatever else sizes it goes on. So there is
//! no finalizer that a removed tidecast could leave behind.

mod crd;
pub mod report;
mod resource;
pub mod roster;
mod status;
mod structural;
pub mod watch;

pub use crd::{GROUP, KIND, PLURAL, VERSION, crd};
pub use resource::{Key, PAUSED, PAUSED_SCALE_IN, Pause, Resource};
pub use status::{CONDITIONS, Condition, Next, Status};

/// Writes a status back; false if the resource is not there any more.
///
/// # Errors
/// [`crate::trouble::Trouble`] when the cluster does not take it.
pub async fn write(
    cluster: &crate::scaler::kubernetes::Cluster,
    key: &Key,
    status: &Status,
) -> Result<bool, crate::trouble::Trouble> {
    use kube::api::{Api, DynamicObject, Patch, PatchParams};
    let client = cluster.speak().await?;
    let api: Api<DynamicObject> = Api::namespaced_with(client, &key.namespace, &watch::api_resource());
    let parameters = PatchParams { field_manager: Some("tidecast".into()), ..PatchParams::default() };
    match api.patch_status(&key.name, &parameters, &Patch::Merge(report::patch(status))).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(crate::trouble::Trouble::Broken {
            who: format!("the status of PredictiveScaler {key}"),
            why: crate::trouble::one_line(&error.to_string()),
        }),
    }
}
