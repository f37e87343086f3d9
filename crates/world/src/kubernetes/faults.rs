use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Asked;
use super::request::Request;
use super::status::{About, Refusal};
use crate::{Chance, Purpose};

/// What goes wrong at the moment: change the fields, and they hold from the next request on.
#[derive(Debug, Clone)]
pub struct Faults {
    chance: Chance,
    /// Faults that may strike requests, each with its share and its aim.
    pub strikes: Vec<Strike>,
    /// Caches lag by so many writes: watches have not heard of the last ones, and lists that take what is cached do not show
    /// them.
    pub stale_by: u64,
    /// Watches that ask are told that their past is gone.
    pub watches_gone: bool,
    /// Watches end before this instant.
    pub watches_end_before: Option<Timestamp>,
    /// The scale subresource is not there.
    pub no_scale: bool,
    /// Admission refuses writes of these resources (plural), with a sentence.
    pub refused: Vec<(String, String)>,
    /// Others who insist on their own values.
    pub rewriters: Vec<Rewriter>,
    /// Rights that were taken away: `(user, verb, resource)`, where `*` means all.
    pub lost_rights: Vec<(String, String, String)>,
}

/// Somebody else who writes a field again and again, as a GitOps tool does.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewriter {
    /// How the writer calls itself.
    pub manager: String,
    /// The resource, as `deployments.apps`.
    pub resource: String,
    /// Where the object lies.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// The field, as `/spec/replicas`.
    pub field: String,
    /// What it insists on.
    pub value: Value,
    /// How often it looks, in seconds.
    pub every: i64,
    /// When it looks next; `None` is at once.
    pub due: Option<Timestamp>,
}

/// One sort of trouble for requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Strike {
    /// What the client sees.
    pub fault: Fault,
    /// The share of the requests it strikes, of those that it is aimed at.
    pub share: f64,
    /// Only requests whose `METHOD /path` contains this.
    pub aimed_at: String,
    /// Only requests of users whose name contains this.
    pub user: String,
    /// How often it strikes before it is over.
    pub left: Option<u32>,
}

/// What a struck client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 409: somebody was quicker. Strikes writes only.
    Conflict,
    /// 429, to be tried again after so many seconds.
    TooManyRequests {
        /// The seconds of `Retry-After`.
        retry_after: u32,
    },
    /// 500, 502, 503 or another failure of the server.
    Failure(u16),
    /// 504: nobody knows whether it was done.
    Timeout,
    /// It is done, and then 504: the answer was lost on its way. Strikes writes only.
    LostReply,
    /// 410: the version that was asked for is gone. Strikes lists and watches only.
    Gone,
}

impl Strike {
    /// A fault that strikes all requests.
    pub fn all(fault: Fault) -> Self {
        Self { fault, share: 1.0, aimed_at: String::new(), user: String::new(), left: None }
    }

    /// The same for a share of the requests only.
    pub fn for_share(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// The same for requests whose `METHOD /path` contains this only.
    pub fn at(self, aimed_at: &str) -> Self {
        Self { aimed_at: aimed_at.to_owned(), ..self }
    }

    /// The same for one user only.
    pub fn by(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    /// The same so many times.
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }

    fn is_aimed_at(&self, request: &Request) -> bool {
        let is_write = request.method != "GET";
        let is_stream = request.flag("watch");
        let fits = match self.fault {
            Fault::Conflict | Fault::LostReply => is_write,
            Fault::Gone => !is_write,
            _ => !is_stream || !self.aimed_at.is_empty(),
        };
        let line = format!("{} {}", request.method, request.path);
        fits && line.contains(&self.aimed_at)
            && request.user.name.contains(&self.user)
            && self.left != Some(0)
    }
}

impl Faults {
    /// No faults, and a seed for those to come.
    pub(crate) fn of(seed: u64) -> Self {
        Self {
            chance: Chance::of(seed, Purpose::Replies),
            strikes: Vec::new(),
            stale_by: 0,
            watches_gone: false,
            watches_end_before: None,
            no_scale: false,
            refused: Vec::new(),
            rewriters: Vec::new(),
            lost_rights: Vec::new(),
        }
    }

    /// Ends all faults.
    pub fn heal(&mut self) {
        *self = Self { chance: self.chance.clone(), ..Self::of(0) };
    }

    /// The fault that strikes this request, and what the client is told.
    pub(crate) fn strike(&mut self, request: &Request, version: u64) -> Option<(Fault, Refusal)> {
        let is_discovery = request.path == "/version" || request.path.matches('/').count() < 4;
        for strike in self.strikes.iter_mut().filter(|_| !is_discovery) {
            if strike.is_aimed_at(request) && self.chance.happens(strike.share) {
                strike.left = strike.left.map(|left| left - 1);
                return Some((strike.fault, strike.fault.refusal(request, version)));
            }
        }
        None
    }

    pub(crate) fn stale(&self, request: &Request, version: u64) -> Option<u64> {
        let may_be_cached = request.parameter("resourceVersion") == Some("0");
        (self.stale_by > 0 && may_be_cached).then(|| version.saturating_sub(self.stale_by).max(1))
    }

    /// The last version that watches have heard of.
    pub(crate) fn reached(&self, version: u64) -> u64 {
        version.saturating_sub(self.stale_by)
    }

    pub(crate) fn forgets(&self) -> bool {
        self.watches_gone
    }

    pub(crate) fn drops_watches(&self, now: Timestamp) -> bool {
        self.watches_end_before.is_some_and(|end| now < end)
    }

    pub(crate) fn hides_scale(&self) -> bool {
        self.no_scale
    }

    pub(crate) fn forbids(&self, user: &str, verb: &str, resource: &str) -> bool {
        let is = |told: &str, is: &str| told == "*" || told == is;
        self.lost_rights.iter().any(|(who, what, on)| is(who, user) && is(what, verb) && is(on, resource))
    }

    pub(crate) fn admitted(&self, asked: Asked, object: Value) -> Result<Value, Refusal> {
        let refused = self.refused.iter().find(|(plural, _)| *plural == asked.kind.plural);
        match refused {
            None => Ok(object),
            Some((_, why)) => {
                let message = format!("admission webhook \"policy.example.com\" denied the request: {why}");
                Err(Refusal::new(403, "Forbidden", message))
            }
        }
    }
}

impl Fault {
    fn refusal(self, request: &Request, version: u64) -> Refusal {
        let super::route::Route::Objects(target) = super::route::Route::of(&request.path) else {
            return Refusal::no_such_path();
        };
        let about =
            About { group: &target.group, plural: &target.plural, kind: &target.plural, name: &target.name };
        match self {
            Self::Conflict => Refusal::modified(about),
            Self::TooManyRequests { retry_after } => {
                let message = "the server has received too many requests and has asked us to try again later";
                let details = json!({"retryAfterSeconds": retry_after});
                Refusal { details, ..Refusal::new(429, "TooManyRequests", message) }
            }
            Self::Failure(code) => {
                let (reason, message) = match code {
                    503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
                    _ => ("InternalError", "Internal error occurred: etcdserver: leader changed"),
                };
                Refusal::new(code, reason, message)
            }
            Self::Timeout | Self::LostReply => {
                Refusal::new(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
            }
            Self::Gone => Refusal::expired(format!("too old resource version: ({version})")),
        }
    }
}
