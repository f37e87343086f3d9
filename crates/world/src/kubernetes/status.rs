use serde_json::{Value, json};

/// A refusal as Kubernetes tells it: the `Status` that clients take apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The word that programs look at, as `Conflict`.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// What it is about: name, group, kind, causes, seconds to wait.
    pub details: Value,
}

/// One mistake among several: a field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) group: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl About<'_> {
    /// `deployments.apps`, as sentences name a resource.
    pub(crate) fn resource(&self) -> String {
        dotted(self.plural, self.group)
    }

    fn details(&self) -> Value {
        let mut details = json!({"name": self.name, "kind": self.plural});
        if !self.group.is_empty() {
            details["group"] = json!(self.group);
        }
        details
    }
}

/// `word.group`, or the word alone in the core group.
pub(crate) fn dotted(word: &str, group: &str) -> String {
    if group.is_empty() { word.to_owned() } else { format!("{word}.{group}") }
}

impl Refusal {
    /// Any refusal with a status, a reason and a sentence.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    pub(crate) fn unsupported_media(media: &str, offered: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {offered} (got {media})"
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn not_found(about: About) -> Self {
        let message = format!("{} \"{}\" not found", about.resource(), about.name);
        Self { details: about.details(), ..Self::new(404, "NotFound", message) }
    }

    pub(crate) fn exists(about: About) -> Self {
        let message = format!("{} \"{}\" already exists", about.resource(), about.name);
        Self { details: about.details(), ..Self::new(409, "AlreadyExists", message) }
    }

    pub(crate) fn conflict(about: About, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{}\": {why}", about.resource(), about.name);
        Self { details: about.details(), ..Self::new(409, "Conflict", message) }
    }

    pub(crate) fn modified(about: About) -> Self {
        Self::conflict(
            about,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(about: About, why: &str) -> Self {
        let message = format!("{} \"{}\" is forbidden: {why}", about.resource(), about.name);
        Self { details: about.details(), ..Self::new(403, "Forbidden", message) }
    }

    pub(crate) fn invalid(about: About, causes: Vec<Cause>) -> Self {
        let told: Vec<String> = causes.iter().map(|one| format!("{}: {}", one.field, one.message)).collect();
        let told = if let [one] = &told[..] { one.clone() } else { format!("[{}]", told.join(", ")) };
        let message = format!("{} \"{}\" is invalid: {told}", dotted(about.kind, about.group), about.name);
        let mut details = about.details();
        details["kind"] = json!(about.kind);
        details["causes"] = causes.iter().map(Cause::told).collect();
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The `Status` object.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if self.details.as_object().is_some_and(|details| !details.is_empty()) {
            body["details"] = self.details.clone();
        }
        body
    }
}

impl Cause {
    pub(crate) fn new(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), field: field.into() }
    }

    /// A field that must be there and is not.
    pub(crate) fn required(field: impl Into<String>) -> Self {
        Self::new("FieldValueRequired", field, "Required value")
    }

    /// A field with a value that it must not have.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"))
    }

    fn told(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}
