//! The one place that opens a connection to an address that a user gave.
//!
//! A [`Connector`] belongs to one address: its scheme, host and port are fixed when it is made, so that its
//! credentials cannot travel elsewhere. It asks the [`Rules`] whether the address may be asked at all, looks
//! the name up itself for each new connection, checks every IP address that the name stands for and connects to
//! exactly those. It follows no redirect, uses no proxy from the environment, and puts a number on everything:
//! time, bytes on the wire, bytes after decompression, questions at a time.

mod answer;
mod lookup;
mod rules;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Once};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::Url;

pub use answer::Answer;
pub use lookup::{Lookup, SystemLookup};
pub use rules::{Door, Kind, Refusal, Rules, Why, kind_of};

use crate::trouble::Trouble;

/// Where to ask, and as whom.
#[derive(Debug, Clone)]
pub struct Address {
    /// What it is called in reasons and logs: `prometheus main`.
    pub name: String,
    /// Scheme, host, port and the path below which everything lies.
    pub url: String,
    /// Credentials.
    pub auth: Auth,
    /// Headers that go with every question, such as a tenant's; kept out of logs like credentials.
    pub headers: BTreeMap<String, SecretString>,
    /// How an https address is trusted.
    pub tls: Tls,
    /// How long, how much, how many at once.
    pub limits: Limits,
}

impl Address {
    /// An address without credentials, with the usual limits.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            auth: Auth::None,
            headers: BTreeMap::new(),
            tls: Tls::default(),
            limits: Limits::default(),
        }
    }
}

/// How to say who asks.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The user's password.
        password: SecretString,
    },
}

/// How the other side of an https address proves who it is, and how we do.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates (PEM) to trust instead of the system's.
    pub ca: Option<String>,
    /// Our own certificate and private key (PEM, one after the other).
    pub client: Option<SecretString>,
    /// Trust anybody. Only for a test set-up; whoever sits in between can read and change everything.
    pub insecure_skip_verify: bool,
}

/// A number on everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the last byte of the answer is there, waiting for a turn included.
    pub total: Duration,
    /// Bytes of an answer as they come over the wire.
    pub wire_bytes_max: usize,
    /// Bytes of an answer when unpacked.
    pub text_bytes_max: usize,
    /// Questions under way at one time.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            wire_bytes_max: 16 << 20,
            text_bytes_max: 32 << 20,
            at_once: 8,
        }
    }
}

/// One question: a path below the address, and what goes with it.
#[derive(Debug, Clone, Default)]
pub struct Ask<'a> {
    /// The path, from `/` on.
    pub path: &'a str,
    /// The parameters in the address.
    pub query: &'a [(&'a str, &'a str)],
    /// The body and its content type; a question with a body is a POST.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// What is to be done with what lies there.
    pub verb: Verb,
    /// Headers of this question alone, such as a signature; kept out of logs like credentials.
    pub headers: &'a [(&'static str, &'a str)],
}

/// What is to be done with what lies at a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verb {
    /// To be read, or, if the question has a body, told something: GET or POST.
    #[default]
    Ask,
    /// To be put in the place of what lies there: PUT.
    Put,
    /// To be taken away: DELETE.
    Delete,
}

/// A way to one address, with its credentials.
pub struct Connector {
    name: String,
    base: Url,
    client: Client,
    headers: HeaderMap,
    limits: Limits,
    turns: Semaphore,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("who", &self.who()).finish_non_exhaustive()
    }
}

impl Connector {
    /// A way to `address`, if the rules allow it. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Trouble::Refused`] with the rule; [`Trouble::Unusable`] when a certificate or header is no such thing.
    pub fn new(address: &Address, rules: &Rules) -> Result<Self, Trouble> {
        Self::with_lookup(address, rules, Arc::new(SystemLookup))
    }

    /// The same with another way of looking names up.
    ///
    /// # Errors
    /// As [`Connector::new`].
    pub fn with_lookup(address: &Address, rules: &Rules, lookup: Arc<dyn Lookup>) -> Result<Self, Trouble> {
        let base = rules.check(&address.url)?;
        if let Some(part) = base.query().map(|_| "a query").or(base.fragment().map(|_| "a fragment")) {
            return Err(unusable(&address.name, format!("its address carries {part}; give the part before")));
        }
        let checked = lookup::Checked::new(base.clone(), rules.clone(), lookup);
        Ok(Self {
            name: address.name.clone(),
            client: client(address, &base, checked).map_err(|why| unusable(&address.name, why))?,
            headers: headers(address).map_err(|why| unusable(&address.name, why))?,
            limits: address.limits,
            turns: Semaphore::new(address.limits.at_once.max(1)),
            base,
        })
    }

    /// What reasons and logs call it: its name and its address, without credentials and parameters.
    pub fn who(&self) -> String {
        format!("{} at {}", self.name, self.base.as_str().trim_end_matches('/'))
    }

    /// The numbers that it keeps to.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Asks, and reads the whole answer, whatever its status, unless it is a redirect.
    ///
    /// # Errors
    /// [`Trouble`] when no complete answer within the limits is had.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        tokio::time::timeout(self.limits.total, self.ask_patiently(ask)).await.unwrap_or_else(|_| {
            Err(Trouble::Slow { who: self.who(), limit_ms: self.limits.total.as_millis() as u64 })
        })
    }

    async fn ask_patiently(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
        let url = self.url(&ask);
        let headers = self.headers_of(&ask)?;
        let request = match (ask.verb, ask.body.is_some()) {
            (Verb::Delete, _) => self.client.delete(url),
            (Verb::Put, _) => self.client.put(url),
            (Verb::Ask, true) => self.client.post(url),
            (Verb::Ask, false) => self.client.get(url),
        };
        let request = match ask.body {
            Some((kind, body)) => request.header(header::CONTENT_TYPE, kind).body(body),
            None => request,
        };
        let response = request.headers(headers).send().await.map_err(|error| self.cause(&error))?;
        answer::read(self, response).await
    }

    fn headers_of(&self, ask: &Ask<'_>) -> Result<HeaderMap, Trouble> {
        let mut headers = self.headers.clone();
        for (name, value) in ask.headers {
            let value = secret(value, name).map_err(|why| unusable(&self.who(), why))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), ask.path));
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        url
    }

    /// The reason at the root of what the HTTP library reports.
    fn cause(&self, error: &reqwest::Error) -> Trouble {
        let mut cause: &dyn std::error::Error = error;
        loop {
            if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                return Trouble::Refused(refusal.clone());
            }
            match cause.source() {
                Some(deeper) => cause = deeper,
                None => break,
            }
        }
        match error.is_timeout() {
            true => Trouble::Slow { who: self.who(), limit_ms: self.limits.connect.as_millis() as u64 },
            false => {
                Trouble::Unreachable { who: self.who(), why: crate::trouble::one_line(&cause.to_string()) }
            }
        }
    }
}

fn unusable(who: &str, why: String) -> Trouble {
    Trouble::Unusable { who: who.to_owned(), why }
}

#[expect(clippy::disallowed_methods, reason = "the one place that makes HTTP clients")]
fn client(address: &Address, base: &Url, lookup: lookup::Checked) -> Result<Client, String> {
    install_ring();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .http1_only()
        .user_agent(concat!("tidecast/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(address.limits.connect)
        .pool_max_idle_per_host(address.limits.at_once)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_keepalive(Duration::from_secs(30))
        .dns_resolver(Arc::new(lookup));
    if let Some(pem) = &address.tls.client {
        let identity = Identity::from_pem(pem.expose_secret().as_bytes());
        builder = builder.identity(identity.map_err(|_| "the client certificate and key are not PEM")?);
    }
    if let Some(pem) = &address.tls.ca {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default();
        if certificates.is_empty() {
            return Err("the certificates to trust (ca) hold no PEM certificate".into());
        }
        builder = builder.tls_certs_only(certificates);
    } else if base.scheme() == "http" {
        builder = builder.tls_certs_only([]); // nothing to trust, so the system's certificates are not read
    }
    if address.tls.insecure_skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder.build().map_err(|error| root(&error))
}

fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    crate::trouble::one_line(&cause.to_string())
}

/// The one TLS provider: ring. Another part of the process may have installed it already.
pub(crate) fn install_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
    });
}

/// Headers that this module sets itself, or that belong to the connection.
const OWN_HEADERS: [&str; 8] = [
    "authorization",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "user-agent",
];

fn headers(address: &Address) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, value) in &address.headers {
        let low = name.to_ascii_lowercase();
        if OWN_HEADERS.contains(&low.as_str()) {
            return Err(format!("the header {name} is set by tidecast itself"));
        }
        let name = HeaderName::try_from(&low).map_err(|_| format!("{name:?} is no name of a header"))?;
        headers.insert(name.clone(), secret(value.expose_secret(), name.as_str())?);
    }
    match &address.auth {
        Auth::None => {}
        Auth::Bearer(token) => {
            let value = format!("Bearer {}", token.expose_secret().trim());
            headers.insert(header::AUTHORIZATION, secret(&value, "authorization")?);
        }
        Auth::Basic { user, password } => {
            let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            let value = format!("Basic {pair}");
            headers.insert(header::AUTHORIZATION, secret(&value, "authorization")?);
        }
    }
    Ok(headers)
}

fn secret(value: &str, name: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of the header {name} has characters no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
