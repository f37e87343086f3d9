use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::{Asked, Cluster};
use super::request::{Answer, Request};
use super::selector::Selector;
use super::status::Refusal;
use super::store::Key;
use super::view::View;
use super::watch::Watch;

impl Cluster {
    /// One object.
    pub(crate) fn read(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let found = self.store.get(&asked.key(&asked.target.name));
        let object = found.ok_or_else(|| Refusal::not_found(asked.refused_by_name()))?;
        Ok(asked.shown(200, object))
    }

    /// A list, whole or page by page; further pages show the cluster as it was at the first.
    pub(crate) fn read_all(&mut self, asked: Asked) -> Result<Answer, Refusal> {
        let page = Page::of(asked.request, self.faults.stale(asked.request, self.store.version()))?;
        let selector = selector_of(asked)?;
        let version = page.version.unwrap_or(self.store.version());
        if version > self.store.version() {
            return Err(too_large(version, self.store.version()));
        }
        let (resource, namespace) = (asked.kind.storage(), &asked.target.namespace);
        let all = self.store.at(version, &resource, namespace).ok_or_else(|| gone(&page))?;
        let after = |key: &Key| page.after.as_ref().is_none_or(|after| key > after);
        let mut left =
            all.into_iter().filter(|(key, object)| after(key) && selector.takes(object)).peekable();
        let limit = page.limit.unwrap_or(usize::MAX);
        let shown: Vec<(Key, Arc<Value>)> = left.by_ref().take(limit).collect();
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if let (Some((last, _)), Some(_)) = (shown.last(), left.peek()) {
            metadata["continue"] = json!(Page::token(version, last));
            if selector.is_empty() {
                metadata["remainingItemCount"] = json!(left.count());
            }
        }
        let objects: Vec<Arc<Value>> = shown.into_iter().map(|(_, object)| object).collect();
        let view = View::of(&asked.request.accept);
        Ok(Answer::json(200, &view.all(asked.kind, &objects, metadata, asked.now)))
    }

    /// A stream of what happens from a version on.
    pub(crate) fn watch(&mut self, asked: Asked) -> Result<Watch, Refusal> {
        let told = asked.request.parameter("resourceVersion").unwrap_or_default();
        let from = version(told)?.filter(|&version| version > 0);
        if let Some(from) = from.filter(|&from| from > self.store.version()) {
            return Err(too_large(from, self.store.version()));
        }
        let selector = selector_of(asked)?;
        Ok(Watch::new(asked, selector, from, self.store.version()))
    }
}

/// What a request selects.
pub(crate) fn selector_of(asked: Asked) -> Result<Selector, Refusal> {
    let parameter = |name| asked.request.parameter(name).unwrap_or_default();
    Selector::for_kind(asked.kind, parameter("labelSelector"), parameter("fieldSelector"))
}

/// Which part of which past a list shows.
#[derive(Debug)]
struct Page {
    limit: Option<usize>,
    version: Option<u64>,
    after: Option<Key>,
}

impl Page {
    fn of(request: &Request, stale: Option<u64>) -> Result<Self, Refusal> {
        let limit =
            request.parameter("limit").and_then(|limit| limit.parse().ok()).filter(|&limit| limit > 0);
        if let Some(token) = request.parameter("continue") {
            let (version, after) =
                Self::read(token).ok_or_else(|| Refusal::bad("continue key is not valid"))?;
            return Ok(Self { limit, version: Some(version), after: Some(after) });
        }
        let told = version(request.parameter("resourceVersion").unwrap_or_default())?;
        let exact = request.parameter("resourceVersionMatch") == Some("Exact");
        // Without a version, or with zero, the list may come from a cache; only then can it be stale.
        let version = if exact { told } else { stale };
        Ok(Self { limit, version, after: None })
    }

    fn token(version: u64, last: &Key) -> String {
        format!("{version}/{}/{}/{}", last.resource, last.namespace, last.name)
    }

    fn read(token: &str) -> Option<(u64, Key)> {
        let parts: Vec<&str> = token.split('/').collect();
        let [version, resource, namespace, name] = parts[..] else { return None };
        Some((version.parse().ok()?, Key::new(resource, namespace, name)))
    }
}

fn version(told: &str) -> Result<Option<u64>, Refusal> {
    if told.is_empty() {
        return Ok(None);
    }
    told.parse().map(Some).map_err(|_| Refusal::bad(format!("invalid resource version {told:?}")))
}

fn gone(page: &Page) -> Refusal {
    if page.after.is_some() {
        return Refusal::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        );
    }
    Refusal::expired("The resourceVersion for the provided list is too old.")
}

fn too_large(asked: u64, now: u64) -> Refusal {
    let details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
    let message = format!("Too large resource version: {asked}, current: {now}");
    Refusal { details, ..Refusal::new(504, "Timeout", message) }
}
