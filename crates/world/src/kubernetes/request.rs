use serde_json::Value;

use super::status::Refusal;

/// What a client asks, as a value.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path, decoded.
    pub path: String,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The media type of the body.
    pub content_type: String,
    /// What the client would like to get.
    pub accept: String,
    /// How the client calls itself; the name of its fields' manager unless it gives one.
    pub agent: String,
    /// The body.
    pub body: Vec<u8>,
    /// Who asks, as far as was proven.
    pub user: User,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// As `system:serviceaccount:default:tidecast`.
    pub name: String,
    /// The groups it belongs to; `system:masters` may do everything.
    pub groups: Vec<String>,
}

impl Default for User {
    fn default() -> Self {
        Self::new("system:anonymous", &["system:unauthenticated"])
    }
}

impl User {
    /// A user of these groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self { name: name.to_owned(), groups: groups.iter().map(|&group| group.to_owned()).collect() }
    }

    /// The one who may do everything.
    pub fn admin() -> Self {
        Self::new("kubernetes-admin", &["system:masters", "system:authenticated"])
    }

    /// A service account, as its pods are known.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let all = [
            "system:serviceaccounts",
            &format!("system:serviceaccounts:{namespace}"),
            "system:authenticated",
        ];
        Self::new(&format!("system:serviceaccount:{namespace}:{name}"), &all)
    }
}

/// What the cluster answers, as a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those that HTTP itself needs.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::typed(status, "application/json", body)
    }

    /// An answer in JSON of a more telling media type.
    pub(crate) fn typed(status: u16, media: &str, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// The body as JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl From<&Refusal> for Answer {
    fn from(refusal: &Refusal) -> Self {
        let mut answer = Self::json(refusal.code, &refusal.body());
        if let Some(seconds) = refusal.details.get("retryAfterSeconds") {
            answer.headers.push(("retry-after".to_owned(), seconds.to_string()));
        }
        answer
    }
}

impl Request {
    /// A request of the administrator, for tests and for the cluster's own parts.
    pub fn of(method: &str, path: &str, body: &Value) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key.to_owned(), value.to_owned())
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect(),
            content_type: "application/json".to_owned(),
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            user: User::admin(),
            ..Self::default()
        }
    }

    /// The same with another media type: that is how patches differ.
    pub fn typed(mut self, media: &str) -> Self {
        media.clone_into(&mut self.content_type);
        self
    }

    /// The same from somebody else.
    pub fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// The value of a parameter, if it was given and is not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether a parameter was given as true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value == "true" || value == "1")
    }

    /// Whether nothing shall be kept.
    pub(crate) fn dry_run(&self) -> bool {
        self.parameter("dryRun").is_some()
    }

    /// The media type without its parameters.
    pub(crate) fn media(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }

    /// Who will own the fields that this request writes.
    pub(crate) fn manager(&self) -> String {
        let agent = || self.agent.split('/').next().filter(|agent| !agent.is_empty()).unwrap_or("unknown");
        self.parameter("fieldManager").unwrap_or_else(agent).to_owned()
    }

    /// The body as JSON; or protobuf; YAML only where it is JSON.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.media() == "application/vnd.kubernetes.protobuf" {
            let read = super::protobuf::read(&self.body);
            return read.ok_or_else(|| {
                Refusal::bad("the object provided is unrecognized (its protobuf is not known here)")
            });
        }
        let known = ["", "application/json", "application/yaml", "application/apply-patch+yaml"];
        if !known.contains(&self.media()) && !self.media().ends_with("-patch+json") {
            return Err(Refusal::unsupported_media(self.media(), "application/json"));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::bad(format!("the object provided is unrecognized (must be of type JSON): {error}"))
        })
    }
}
