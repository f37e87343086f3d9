use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::gate::jitter;
use super::kind::Kind;
use super::rights;
use crate::trouble::{Trouble, one_line};

/// Something asked of the API server: enough for the request, and for the rule that a refusal asks to be added.
#[derive(Debug, Clone)]
pub(super) struct Question {
    verb: &'static str,
    method: Method,
    kind: Kind,
    namespace: String,
    name: Option<String>,
    subresource: Option<&'static str>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Value)>,
    path: String,
}

/// The name under which tidecast owns fields.
pub(super) const MANAGER: &str = "tidecast";

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

impl Question {
    fn new(verb: &'static str, method: Method, kind: &Kind, namespace: &str, name: Option<&str>) -> Self {
        Self {
            verb,
            method,
            path: kind.path(namespace, name, None),
            kind: kind.clone(),
            namespace: namespace.into(),
            name: name.map(str::to_owned),
            subresource: None,
            query: Vec::new(),
            body: None,
        }
    }

    pub(super) fn get(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self::new("get", Method::GET, kind, namespace, Some(name))
    }

    pub(super) fn list(kind: &Kind, namespace: &str) -> Self {
        Self::new("list", Method::GET, kind, namespace, None)
    }

    pub(super) fn create(kind: &Kind, namespace: &str, body: Value) -> Self {
        let ask = Self::new("create", Method::POST, kind, namespace, None);
        ask.owned().with_body(JSON, body)
    }

    pub(super) fn update(kind: &Kind, namespace: &str, name: &str, body: Value) -> Self {
        let ask = Self::new("update", Method::PUT, kind, namespace, Some(name));
        ask.owned().with_body(JSON, body)
    }

    pub(super) fn merge(kind: &Kind, namespace: &str, name: &str, body: Value) -> Self {
        let ask = Self::new("patch", Method::PATCH, kind, namespace, Some(name));
        ask.owned().with_body(MERGE, body)
    }

    /// Server-side apply under our own field manager. What others own of the same fields becomes ours: whether that is
    /// right has been looked at before.
    pub(super) fn apply(kind: &Kind, namespace: &str, name: &str, body: Value) -> Self {
        let ask = Self::new("patch", Method::PATCH, kind, namespace, Some(name));
        ask.owned()
            .with("force", if crate::scaler::kubernetes::planted("noforce") { "false" } else { "true" })
            .with_body(APPLY, body)
    }

    pub(super) fn discovery(path: &str) -> Self {
        let kind = Kind::new("", "", "", "");
        Self { path: path.into(), ..Self::new("get", Method::GET, &kind, "", None) }
    }

    pub(super) fn of(mut self, subresource: &'static str) -> Self {
        self.subresource = Some(subresource);
        self.path = self.path + "/" + subresource;
        self
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    fn owned(self) -> Self {
        self.with(
            "fieldManager",
            if crate::scaler::kubernetes::planted("manager") { "kubectl" } else { MANAGER },
        )
    }

    fn with_body(mut self, content: &'static str, body: Value) -> Self {
        self.body = Some((content, body));
        self
    }

    /// `patch deployments.apps/checkout in namespace shop`.
    fn what(&self) -> String {
        if self.kind.kind.is_empty() {
            return format!("get {}", self.path);
        }
        let sub = self.subresource.map_or(String::new(), |sub| format!(" ({sub})"));
        let name = self.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        format!("{} {}{name}{sub} in namespace {}", self.verb, self.kind, self.namespace)
    }

    fn target(&self) -> String {
        let uri = |query: String| {
            if query.is_empty() { self.path.clone() } else { self.path.clone() + "?" + &query }
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        uri(query.extend_pairs(&self.query).finish())
    }

    fn request(&self) -> Result<Request<Body>, String> {
        let request =
            Request::builder().method(self.method.clone()).uri(self.target()).header(header::ACCEPT, JSON);
        match &self.body {
            None => request.body(Body::empty()),
            Some((content, body)) => {
                let bytes = serde_json::to_vec(body).map_err(|error| error.to_string())?;
                request.header(header::CONTENT_TYPE, *content).body(Body::from(bytes))
            }
        }
        .map_err(|error| error.to_string())
    }

    /// The request of a watch, which is read as a stream.
    pub(super) fn watch(
        kind: &Kind,
        namespace: &str,
        since: &str,
        lasting: Duration,
    ) -> Result<Request<Vec<u8>>, String> {
        let ask = Self::new("watch", Method::GET, kind, namespace, None)
            .with("watch", "true")
            .with("allowWatchBookmarks", "true")
            .with("resourceVersion", since)
            .with("timeoutSeconds", lasting.as_secs().to_string());
        Request::get(ask.target()).body(Vec::new()).map_err(|error| error.to_string())
    }
}

/// Why a question was not answered as hoped, for those who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// 401 or 403: no right to it.
    Forbidden,
    /// 404.
    Missing,
    /// 409: it has changed, or is there already.
    Conflict,
    /// 410: a version or a page that is known no more.
    Expired,
    /// 429: not now.
    Busy,
    /// 5xx, no connection, no answer in time: what has become of it is not known.
    Unknown,
    /// Anything else; trying again will not help.
    Refused,
}

/// A question that was not answered as hoped.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub why: Why,
    pub trouble: Trouble,
}

/// How long one question may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How large an answer may be: five hundred Pods of sixty kilobytes.
const BYTES_MAX: usize = 32 << 20;
/// How often a question that changes nothing is asked.
const READS_MAX: u32 = 4;

impl Cluster {
    /// Asks for something, a few times if need be.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        question: Question,
        until: Instant,
    ) -> Result<T, Failed> {
        let mut nth = 0;
        loop {
            nth += 1;
            match self.ask(&question, until).await {
                Err(failed) if nth < READS_MAX && failed.passes() && pause(nth, until).await => {}
                answer => return answer,
            }
        }
    }

    /// Asks once. A change is never asked for again without a new look at what stands there.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: &Question,
        until: Instant,
    ) -> Result<T, Failed> {
        let who = self.who();
        let slow = || Failed {
            why: Why::Unknown,
            trouble: Trouble::Slow { who: self.who(), limit_ms: CALL_MAX.as_millis() as u64 },
        };
        let client = self.client(until).await?;
        self.gate.pass(&who, until).await?;
        let turn = tokio::time::timeout_at(until, self.turns.acquire()).await.map_err(|_| slow())?;
        let _turn = turn.expect("the semaphore is never closed");
        let request = question.request().map_err(|why| Failed::refused(&who, why))?;
        let answer = async {
            let response = client.send(request).await.map_err(|error| unreachable(&who, &error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, BYTES_MAX).collect().await;
            let body = body.map_err(|error| Failed::unknown(&who, error.to_string()))?.to_bytes();
            Ok::<_, Failed>((head, body))
        };
        let (head, body) = tokio::time::timeout_at(until.min(Instant::now() + CALL_MAX), answer)
            .await
            .map_err(|_| slow())??;
        if head.status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| garbled(&who, &error));
        }
        let status = status_of(head.status, &body);
        let after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let told = status.details.as_ref().map_or(0, |details| u64::from(details.retry_after_seconds));
        if let Some(seconds) = after.or((told > 0).then_some(told)) {
            if !crate::scaler::kubernetes::planted("retryafter") {
                self.gate.shut(Duration::from_secs(seconds));
            }
        }
        if head.status == StatusCode::UNAUTHORIZED {
            self.forget_credentials().await;
        }
        Err(question.failed(&who, &status))
    }
}

/// What the server says went wrong; what is no such object becomes one.
fn status_of(code: StatusCode, body: &[u8]) -> Status {
    let told = serde_json::from_slice::<Status>(body).ok().filter(|status| !status.message.is_empty());
    let plain = || Status::failure(&one_line(&String::from_utf8_lossy(body)), "");
    told.unwrap_or_else(plain).with_code(code.as_u16())
}

/// A wait before the next try; false if there is no time left for one.
pub(super) async fn pause(nth: u32, until: Instant) -> bool {
    let wait = jitter(Duration::from_millis(100) * 2u32.saturating_pow(nth.min(5)));
    let then = Instant::now() + wait;
    if then >= until {
        return false;
    }
    tokio::time::sleep_until(then).await;
    true
}

impl Question {
    fn failed(&self, who: &str, status: &Status) -> Failed {
        let who = who.to_owned();
        let said = one_line(&status.message);
        let why = match status.code {
            401 | 403 => Why::Forbidden,
            404 => Why::Missing,
            409 if crate::scaler::kubernetes::planted("409refused") => Why::Refused,
            409 => Why::Conflict,
            410 => Why::Expired,
            429 => Why::Busy,
            500.. => Why::Unknown,
            _ => Why::Refused,
        };
        // An admission webhook refuses with 403 as well, which no rule can mend.
        let denied_by_webhook =
            said.contains("admission webhook") || said.contains("ValidatingAdmissionPolicy");
        let trouble = match why {
            Why::Forbidden if status.code == 403 && !denied_by_webhook => {
                let rule = rights::rule(&self.kind, self.subresource, self.verb);
                Trouble::Forbidden {
                    who,
                    what: self.what(),
                    rule: format!("add the rule {rule} to its role"),
                }
            }
            Why::Missing if self.name.is_some() => {
                let (name, namespace) = (self.name.as_deref().unwrap_or_default(), &self.namespace);
                let sub = self.subresource.map_or(String::new(), |sub| format!(" with a {sub} subresource"));
                Trouble::Missing {
                    who,
                    what: format!("{} {name} in namespace {namespace}{sub}", self.kind.kind),
                }
            }
            _ => Trouble::Answered {
                who: format!("{who}, asked to {},", self.what()),
                status: status.code,
                said,
            },
        };
        let why = if denied_by_webhook { Why::Refused } else { why };
        Failed { why, trouble }
    }
}

impl Failed {
    pub(super) fn unknown(who: &str, why: String) -> Self {
        let trouble = Trouble::Unreachable { who: who.into(), why: one_line(&why) };
        Self { why: Why::Unknown, trouble }
    }

    pub(super) fn refused(who: &str, why: String) -> Self {
        Self { why: Why::Refused, trouble: Trouble::Unusable { who: who.into(), why: one_line(&why) } }
    }

    /// Whether it may be over soon.
    pub(super) fn passes(&self) -> bool {
        matches!(self.why, Why::Busy | Why::Unknown)
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        failed.trouble
    }
}

fn unreachable(who: &str, error: &kube::Error) -> Failed {
    Failed::unknown(who, root(error))
}

/// The reason at the root of what the HTTP library reports.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    one_line(&cause.to_string())
}

fn garbled(who: &str, error: &serde_json::Error) -> Failed {
    let trouble = Trouble::Garbled { who: who.into(), why: one_line(&error.to_string()) };
    Failed { why: Why::Unknown, trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(question: &Question, code: u16, body: &str) -> (Why, String) {
        let status = status_of(StatusCode::from_u16(code).unwrap(), body.as_bytes());
        let failed = question.failed("the cluster at https://k", &status);
        (failed.why, failed.trouble.to_string())
    }

    #[test] // S9
    fn tells_which_rule_is_missing() {
        let deployments = Kind::new("apps", "v1", "Deployment", "deployments");
        let scale = Question::update(&deployments, "shop", "checkout", Value::Null).of("scale");
        let body =
            r#"{"kind":"Status","message":"deployments.apps \"checkout\" is forbidden: no","code":403}"#;
        assert_eq!(
            told(&scale, 403, body),
            (
                Why::Forbidden,
                "the cluster at https://k does not let tidecast update deployments.apps checkout (scale) in namespace \
                 shop: add the rule {apiGroups: [apps], resources: [deployments/scale], verbs: [update]} to its role"
                    .into()
            )
        );
    }

    #[test]
    fn names_what_is_missing() {
        let (why, said) = told(&Question::get(&Kind::hpa(), "shop", "checkout"), 404, "404 page not found");
        assert_eq!(why, Why::Missing);
        assert!(said.ends_with("has no HorizontalPodAutoscaler checkout in namespace shop"), "{said}");
    }

    #[test]
    fn takes_a_webhooks_refusal_for_no_missing_right() {
        let body = r#"{"message":"admission webhook \"guard\" denied the request: frozen","code":403}"#;
        let (why, said) = told(&Question::merge(&Kind::hpa(), "shop", "x", Value::Null), 403, body);
        assert_eq!(why, Why::Refused);
        assert!(said.contains("denied the request: frozen"), "{said}");
    }

    #[test]
    fn repeats_what_is_no_status_object_as_one_line() {
        let (why, said) =
            told(&Question::list(&Kind::pod(), "shop"), 429, "Too many requests,\nplease try again later.");
        assert_eq!(why, Why::Busy);
        assert!(said.contains("asked to list pods in namespace shop"), "{said}");
        assert!(said.ends_with("answered 429: Too many requests, please try again later."), "{said}");
    }
}
