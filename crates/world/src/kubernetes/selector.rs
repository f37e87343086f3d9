use serde_json::Value;

use super::kind::{Form, Kind};
use super::status::Refusal;
use super::tree::{list, text};

/// Which objects are meant: by labels, by fields, by both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    is: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    There,
    Absent,
    Above(i64),
    Below(i64),
}

impl Selector {
    /// From what stands in a query.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Refusal> {
        let labels = terms(labels).into_iter().map(requirement).collect::<Result<_, _>>()?;
        let fields = terms(fields).into_iter().map(field).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    /// The same for a kind, which knows only some fields to select by.
    pub(crate) fn for_kind(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Refusal> {
        let mut selector = Self::parse(labels, fields)?;
        for (path, _, _) in &mut selector.fields {
            if let Some(below) = path.strip_prefix("regarding.").filter(|_| kind.kind == "Event") {
                *path = format!("involvedObject.{below}");
            }
            let known =
                ["metadata.name", "metadata.namespace"].contains(&path.as_str()) || selectable(kind, path);
            if !known {
                return Err(Refusal::bad(format!("field label not supported: {path}")));
            }
        }
        Ok(selector)
    }

    /// From a `LabelSelector` as specifications have it.
    pub(crate) fn of(selector: &Value) -> Self {
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let equal = labels.into_iter().flatten().map(|(key, value)| Requirement {
            key: key.clone(),
            is: Test::In(vec![value.as_str().unwrap_or_default().to_owned()]),
        });
        let expressions = list(selector, "/matchExpressions").iter().map(expression);
        Self { labels: equal.chain(expressions).collect(), fields: Vec::new() }
    }

    /// True if nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn takes(&self, object: &Value) -> bool {
        self.takes_labels(object.pointer("/metadata/labels").unwrap_or(&Value::Null))
            && self.takes_fields(object)
    }

    pub(crate) fn takes_labels(&self, labels: &Value) -> bool {
        self.labels.iter().all(|one| one.is.holds(labels.get(&one.key).and_then(Value::as_str)))
    }

    fn takes_fields(&self, object: &Value) -> bool {
        self.fields.iter().all(|(path, equal, value)| {
            let pointer = format!("/{}", path.replace('.', "/"));
            let is = match object.pointer(&pointer) {
                Some(Value::String(is)) => is.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            (is == *value) == *equal
        })
    }

    /// As the scale subresource tells it: `a=b,c in (d,e)`.
    pub(crate) fn told(&self) -> String {
        let told: Vec<String> = self.labels.iter().map(|one| one.is.told(&one.key)).collect();
        told.join(",")
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(all) => value.is_some_and(|value| all.iter().any(|one| one == value)),
            Self::NotIn(all) => !value.is_some_and(|value| all.iter().any(|one| one == value)),
            Self::There => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }

    fn told(&self, key: &str) -> String {
        match self {
            Self::In(all) if all.len() == 1 => format!("{key}={}", all[0]),
            Self::In(all) => format!("{key} in ({})", all.join(",")),
            Self::NotIn(all) if all.len() == 1 => format!("{key}!={}", all[0]),
            Self::NotIn(all) => format!("{key} notin ({})", all.join(",")),
            Self::There => key.to_owned(),
            Self::Absent => format!("!{key}"),
            Self::Above(bound) => format!("{key}>{bound}"),
            Self::Below(bound) => format!("{key}<{bound}"),
        }
    }
}

/// The fields of a kind that can be selected by, beside its name.
fn selectable(kind: &Kind, path: &str) -> bool {
    if let Form::Custom(version) = &kind.form {
        return list(version, "/selectableFields")
            .iter()
            .any(|field| text(field, "/jsonPath").trim_start_matches('.') == path);
    }
    match kind.kind.as_str() {
        "Pod" => [
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ]
        .contains(&path),
        "Event" => {
            path.starts_with("involvedObject.")
                || ["reason", "reportingComponent", "source", "type"].contains(&path)
        }
        "Secret" => path == "type",
        "Namespace" => path == "status.phase",
        "Node" => path == "spec.unschedulable",
        "ReplicaSet" => path == "status.replicas",
        _ => false,
    }
}

/// The terms between commas, where commas in parentheses divide nothing.
fn terms(told: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = told.split(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth == 0
    });
    parts.map(str::trim).filter(|term| !term.is_empty()).collect()
}

fn requirement(term: &str) -> Result<Requirement, Refusal> {
    let whole = |text: &str| text.trim().parse().map_err(|_| unparsable(term));
    let (key, is) = if let Some((key, values)) = set(term, " notin ") {
        (key, Test::NotIn(values))
    } else if let Some((key, values)) = set(term, " in ") {
        (key, Test::In(values))
    } else if let Some((key, value)) = term.split_once("!=") {
        (key, Test::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        (key, Test::In(vec![value.trim().to_owned()]))
    } else if let Some((key, bound)) = term.split_once('>') {
        (key, Test::Above(whole(bound)?))
    } else if let Some((key, bound)) = term.split_once('<') {
        (key, Test::Below(whole(bound)?))
    } else if let Some(key) = term.strip_prefix('!') {
        (key, Test::Absent)
    } else {
        (term, Test::There)
    };
    let key = key.trim().to_owned();
    if key.is_empty() || key.contains(char::is_whitespace) {
        Err(unparsable(term))
    } else {
        Ok(Requirement { key, is })
    }
}

fn set<'a>(term: &'a str, word: &str) -> Option<(&'a str, Vec<String>)> {
    let (key, values) = term.split_once(word)?;
    let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((key, values.split(',').map(|value| value.trim().to_owned()).collect()))
}

fn unparsable(term: &str) -> Refusal {
    Refusal::bad(format!("unable to parse requirement: found '{term}', expected: a label selector"))
}

fn field(term: &str) -> Result<(String, bool, String), Refusal> {
    let parts = if let Some((path, value)) = term.split_once("!=") {
        Some((path, false, value))
    } else {
        term.split_once("==").or_else(|| term.split_once('=')).map(|(path, value)| (path, true, value))
    };
    let (path, equal, value) = parts
        .ok_or_else(|| Refusal::bad(format!("invalid selector: '{term}'; can't understand '{term}'")))?;
    Ok((path.to_owned(), equal, value.to_owned()))
}

fn expression(told: &Value) -> Requirement {
    let values = list(told, "/values").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let is = match text(told, "/operator") {
        "In" => Test::In(values),
        "NotIn" => Test::NotIn(values),
        "Exists" => Test::There,
        _ => Test::Absent,
    };
    Requirement { key: text(told, "/key").to_owned(), is }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(labels: &str, takes: bool) {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front", "rank": "7"}}});
        assert_eq!(Selector::parse(labels, "").unwrap().takes(&object), takes, "{labels}");
    }

    #[test]
    fn labels_select_as_in_kubectl() {
        check("app=web,tier==front", true);
        check("app!=web", false);
        check("gone!=web", true);
        check("app in (api, web),tier notin (back)", true);
        check("app,!gone", true);
        check("rank>6,rank<8", true);
        check("rank>7", false);
        assert!(Selector::parse("a b c", "").is_err());
    }

    #[test]
    fn fields_select_by_their_path() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}, "spec": {}});
        let takes = |fields| Selector::parse("", fields).unwrap().takes(&pod);
        assert!(takes("metadata.name=a,status.phase!=Pending,spec.nodeName="));
        assert!(!takes("status.phase=Pending"));
    }

    #[test]
    fn a_selector_is_told_as_the_scale_subresource_does() {
        let told = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "DoesNotExist"}]});
        assert_eq!(Selector::of(&told).told(), "app=web,tier in (a,b),!x");
    }
}
