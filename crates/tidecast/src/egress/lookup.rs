use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::Rules;

/// A way to find out which addresses a name stands for.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of `host`, as they are at this moment.
    ///
    /// # Errors
    /// Whatever keeps the name from being found.
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The operating system's way.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Looks a connector's one name up and lets through only what the rules allow. The HTTP client asks it for each
/// new connection and connects to exactly the answer, so that no second look-up can say something else.
pub(super) struct Checked {
    url: Url,
    rules: Arc<Rules>,
    lookup: Arc<dyn Lookup>,
}

impl Checked {
    pub(super) fn new(url: Url, rules: Rules, lookup: Arc<dyn Lookup>) -> Self {
        Self { url, rules: Arc::new(rules), lookup }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (url, rules, lookup) = (self.url.clone(), self.rules.clone(), self.lookup.clone());
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await?;
            rules.check_addresses(&url, &found)?;
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
