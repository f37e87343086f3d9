use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_autoscaling::config::http::HttpResponse;
use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::{SignedDuration, Timestamp};

use super::bucket::{Bucket, Rates};
use super::said;
use crate::egress::{Door, Rules};
use crate::trouble::Trouble;

/// How waiting is done: truly, or in virtual time.
pub type Wait = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One way to one region of the account that the credentials belong to.
pub struct Region {
    name: String,
    endpoint: Option<String>,
    bucket: Mutex<Bucket>,
    wait: Wait,
    keys: Option<SharedCredentialsProvider>,
    clients: tokio::sync::Mutex<Option<Clients>>,
    /// When the clients were made, and with them the chain of credentials was read.
    made: Mutex<Timestamp>,
    /// Whether the credentials have been refused since.
    refused: AtomicBool,
}

/// The SDK's clients.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) config: SdkConfig,
    pub(crate) scaling: aws_sdk_autoscaling::Client,
    pub(crate) watch: aws_sdk_cloudwatch::Client,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// How long one call may take: a turn waits ten seconds for all of its look.
const CALL_MAX: Duration = Duration::from_secs(5);
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How often credentials that are refused are looked for anew: somebody may have renewed them in the file of the profile.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(1);

impl Region {
    /// The region of this name; `endpoint` instead of AWS's own address.
    pub fn new(name: impl Into<String>, endpoint: Option<String>) -> Self {
        let wait: Wait = Arc::new(|long| Box::pin(tokio::time::sleep(long)));
        let bucket = Mutex::new(Bucket::new(Rates::default()));
        let made = Mutex::new(Timestamp::MIN);
        let (clients, refused) = (tokio::sync::Mutex::default(), AtomicBool::default());
        Self { name: name.into(), endpoint, bucket, wait, keys: None, clients, made, refused }
    }

    /// With other rates than the usual, and another way to wait.
    #[must_use]
    pub fn paced(mut self, rates: Rates, wait: Wait) -> Self {
        (self.bucket, self.wait) = (Mutex::new(Bucket::new(rates)), wait);
        self
    }

    /// With this key instead of those that the SDK would find.
    #[must_use]
    pub fn keyed(mut self, id: &str, secret: &str) -> Self {
        self.keys = Some(SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "given")));
        self
    }

    /// With whatever this finds instead of what the SDK would.
    #[must_use]
    pub fn provided(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.keys = Some(SharedCredentialsProvider::new(provider));
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls a second at the moment.
    pub fn per_s(&self) -> f64 {
        self.bucket().per_s()
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The clients, made when first needed: finding credentials may take files, processes and the network.
    pub(crate) async fn clients(&self) -> Result<Clients, Trouble> {
        let mut clients = self.clients.lock().await;
        if self.refused.swap(false, Ordering::AcqRel) {
            *clients = None;
        }
        if clients.is_none() {
            *clients = Some(self.load().await?);
        }
        Ok(clients.clone().expect("they were made just now"))
    }

    /// After a refusal of the credentials the whole chain is read anew, once a minute at most: the SDK reads profiles once,
    /// and somebody is told to renew them.
    pub(super) fn heed(&self, trouble: &Trouble, now: Timestamp) {
        let mut made = self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if matches!(trouble, Trouble::Credentials { .. }) && now.duration_since(*made) >= LOOK_AGAIN {
            *made = now;
            self.refused.store(true, Ordering::Release);
        }
    }

    async fn load(&self) -> Result<Clients, Trouble> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_MAX).operation_timeout(CALL_MAX).build();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(self.name.clone()))
            .http_client(http)
            .timeout_config(timeouts)
            // Turns try again; the SDK's own attempts would take places in no bucket.
            .retry_config(RetryConfig::disabled());
        let loader = match &self.endpoint {
            Some(endpoint) => loader.endpoint_url(endpoint),
            None => loader,
        };
        let loader = match &self.keys {
            Some(keys) => loader.credentials_provider(keys.clone()),
            None => loader,
        };
        let config = loader.load().await;
        self.check_endpoints(config.endpoint_url())?;
        let scaling = aws_sdk_autoscaling::Client::new(&config);
        let watch = aws_sdk_cloudwatch::Client::new(&config);
        Ok(Clients { config, scaling, watch })
    }

    /// Addresses that somebody gave, in the configuration or the environment, keep the rules that hold for all such.
    fn check_endpoints(&self, resolved: Option<&str>) -> Result<(), Trouble> {
        const VARIABLES: [&str; 3] =
            ["AWS_ENDPOINT_URL_AUTO_SCALING", "AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL_EC2"];
        let told = VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        for address in resolved.map(str::to_owned).into_iter().chain(told) {
            Rules::new([Door::inside(&address)?]).check(&address)?;
        }
        Ok(())
    }
}

/// The calls of one turn.
#[derive(Debug)]
pub struct Visit {
    pub(crate) region: Arc<Region>,
    who: String,
    now: Mutex<Timestamp>,
}

impl Visit {
    /// Calls to `region` from `now` on; `who` is what troubles name.
    pub fn new(region: Arc<Region>, who: impl Into<String>, now: Timestamp) -> Self {
        Self { region, who: who.into(), now: Mutex::new(now) }
    }

    /// What troubles name.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// The clients.
    ///
    /// # Errors
    /// [`Trouble`] when an address is refused.
    pub(crate) async fn clients(&self) -> Result<Clients, Trouble> {
        self.region.clients().await
    }

    /// One call, in its place.
    ///
    /// # Errors
    /// [`Trouble`]: how it failed, and whether it may be done nevertheless.
    pub(crate) async fn call<T, E>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Trouble>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        self.take_place(what).await?;
        // The SDK's futures are large: they are not carried along in ours.
        let answered = Box::pin(call).await.map_err(|error| said::trouble(&self.who, what, error));
        self.note(answered)
    }

    /// Tells the bucket how a call went.
    pub(super) fn note<T>(&self, answered: Result<T, (Trouble, bool)>) -> Result<T, Trouble> {
        let mut bucket = self.region.bucket();
        match answered {
            Ok(answer) => {
                bucket.went_well();
                Ok(answer)
            }
            Err((trouble, too_much)) => {
                if too_much {
                    bucket.was_too_much(self.now());
                }
                self.region.heed(&trouble, self.now());
                Err(trouble)
            }
        }
    }

    /// Waits for a place in the bucket.
    pub(super) async fn take_place(&self, what: &str) -> Result<(), Trouble> {
        let now = self.now();
        let Some(wait) = self.region.bucket().take(now) else {
            let (who, per_s) = (self.who.clone(), self.region.per_s());
            return Err(Trouble::Paced { who, what: what.into(), per_s: format!("{per_s:.1}") });
        };
        if !wait.is_zero() {
            (self.region.wait)(wait).await;
            let waited = SignedDuration::try_from(wait).unwrap_or_default();
            let mut at = self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            *at = at.saturating_add(waited).unwrap_or(*at);
        }
        Ok(())
    }

    /// The time, as far as waiting has moved it.
    pub fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
