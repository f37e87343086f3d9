use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::ask::{Failed, Why, root};
use super::gate::Gate;
use super::kind::Kinds;
use super::view::Views;
use crate::egress::{Door, Lookup, Rules, SystemLookup, install_ring};
use crate::trouble::Trouble;

/// How to get to a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Way {
    /// The kubeconfig; none: what `KUBECONFIG` names, else the Pod's service account, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; none: the current one.
    pub context: Option<String>,
}

/// One cluster, shared by all workloads in it: one client, one gate for its wishes, one watch for each kind and
/// namespace.
pub struct Cluster {
    way: Way,
    client: Mutex<Option<Client>>,
    address: OnceLock<String>,
    pub(super) gate: Gate,
    pub(super) turns: Semaphore,
    pub(super) kinds: Kinds,
    pub(super) views: Views,
}

/// Questions to one cluster at a time.
const AT_ONCE: usize = 16;

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("who", &self.who()).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster that is connected to when it is first asked.
    pub fn new(way: Way) -> Arc<Self> {
        Arc::new(Self {
            way,
            client: Mutex::default(),
            address: OnceLock::new(),
            gate: Gate::default(),
            turns: Semaphore::new(AT_ONCE),
            kinds: Kinds::default(),
            views: Views::default(),
        })
    }

    /// What reasons and logs call it.
    pub fn who(&self) -> String {
        match (self.address.get(), &self.way.context) {
            (Some(address), _) => format!("the cluster at {address}"),
            (None, Some(context)) => format!("the cluster of the context {context}"),
            (None, None) => "the cluster".into(),
        }
    }

    /// The client, connected if it was not.
    pub(super) async fn client(&self, until: Instant) -> Result<Client, Failed> {
        let connected = async {
            let mut client = self.client.lock().await;
            if client.is_none() {
                *client = Some(self.connect().await?);
            }
            Ok(client.clone().expect("it was just connected"))
        };
        let slow = || Failed::unknown(&self.who(), "no connection came about in time".into());
        tokio::time::timeout_at(until, connected).await.map_err(|_| slow())?
    }

    /// Reads the credentials anew before the next question: those that were used are not accepted any more.
    pub(super) async fn forget_credentials(&self) {
        *self.client.lock().await = None;
    }

    /// The client itself, for those who speak of things that are no fleets.
    ///
    /// # Errors
    /// [`Trouble`] when no connection comes about.
    pub(crate) async fn speak(&self) -> Result<Client, Trouble> {
        Ok(self.client(Instant::now() + Duration::from_secs(10)).await?)
    }

    async fn connect(&self) -> Result<Client, Failed> {
        install_ring();
        let mut config = self.way.config().await.map_err(|why| Failed::refused(&self.who(), why))?;
        let address = config.cluster_url.to_string();
        let _ = self.address.set(address.trim_end_matches('/').to_owned());
        may_be_asked(&address).await.map_err(|trouble| Failed { why: Why::Refused, trouble })?;
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(3));
        Client::try_from(config).map_err(|error| Failed::refused(&self.who(), root(&error)))
    }
}

impl Way {
    async fn config(&self) -> Result<Config, String> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        if let Some(path) = &self.kubeconfig {
            let read = kube::config::Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
            return Config::from_custom_kubeconfig(read, &options).await.map_err(|error| error.to_string());
        }
        let told = std::env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty());
        if !told
            && self.context.is_none()
            && let Ok(inside) = Config::incluster()
        {
            return Ok(inside);
        }
        let outside = Config::from_kubeconfig(&options).await;
        outside
            .map_err(|error| format!("there is neither a service account nor a usable kubeconfig: {error}"))
    }
}

/// S5: a kubeconfig is an address that somebody gave, and obeys the same rules as every other.
async fn may_be_asked(address: &str) -> Result<(), Trouble> {
    let rules = Rules::new([Door::inside(address)?]);
    let url = rules.check(address)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let ips: Vec<IpAddr> = match host.parse() {
        Ok(ip) => vec![ip],
        Err(_) => SystemLookup.addresses(&host).await.unwrap_or_default(),
    };
    Ok(rules.check_addresses(&url, &ips)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test] // S5
    async fn asks_no_address_that_egress_forbids() {
        for forbidden in ["https://169.254.169.254", "http://0xa9fea9fe/", "https://user:pw@10.0.0.1:6443"] {
            let refused = may_be_asked(forbidden).await.unwrap_err();
            assert_eq!(refused.kind(), "refused", "{forbidden}: {refused}");
        }
        may_be_asked("https://127.0.0.1:6443").await.unwrap();
        may_be_asked("https://[::1]:6443/k8s/clusters/c-1").await.unwrap();
    }

    #[tokio::test]
    async fn says_what_is_wrong_with_a_kubeconfig() {
        let way = Way { kubeconfig: Some("/nowhere/kubeconfig".into()), context: None };
        let failed = Cluster::new(way).client(Instant::now() + Duration::from_secs(1)).await;
        let Err(failed) = failed else { panic!("there is no such file") };
        assert!(failed.trouble.to_string().contains("/nowhere/kubeconfig"), "{}", failed.trouble);
    }
}
