use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::{Expression, Selector as Expressions, SelectorExt};

/// Which Pods belong to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    expressions: Expressions,
    /// A label that all of them have, to find them by.
    label: Option<(String, String)>,
}

impl Selector {
    /// As objects carry it: `matchLabels` and `matchExpressions`.
    pub(super) fn of(selector: LabelSelector) -> Option<Self> {
        let expressions: Expressions = selector.try_into().ok()?;
        Some(Self::from(expressions.into_iter().collect::<Vec<_>>()))
    }

    /// As scale subresources and kubectl write it: `app=checkout,tier in (web,api)`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts = parts(text);
        Some(Self::from(parts.into_iter().map(expression).collect::<Option<Vec<_>>>()?))
    }

    /// Whether an object has the labels. Nothing is selected by no requirement at all.
    pub(super) fn selects(&self, metadata: &ObjectMeta) -> bool {
        let empty = Default::default();
        !self.expressions.selects_all()
            && self.expressions.matches(metadata.labels.as_ref().unwrap_or(&empty))
    }

    /// A label that all selected objects have.
    pub(super) fn one_label(&self) -> Option<(String, String)> {
        self.label.clone()
    }
}

impl From<Vec<Expression>> for Selector {
    fn from(expressions: Vec<Expression>) -> Self {
        let label = expressions.iter().find_map(|expression| match expression {
            Expression::Equal(key, value) => Some((key.clone(), value.clone())),
            Expression::In(key, values) if values.len() == 1 => Some((key.clone(), values.first()?.clone())),
            _ => None,
        });
        Self { expressions: expressions.into_iter().collect(), label }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expressions.fmt(f)
    }
}

/// The requirements, parted at commas that stand outside of brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(move |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn expression(part: &str) -> Option<Expression> {
    let list = |text: &str| -> Option<BTreeSet<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    let owned = |text: &str| text.trim().to_owned();
    if let Some((key, values)) = part.split_once(" notin ") {
        return Some(Expression::NotIn(owned(key), list(values)?));
    }
    if let Some((key, values)) = part.split_once(" in ") {
        return Some(Expression::In(owned(key), list(values)?));
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Expression::NotEqual(owned(key), owned(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Expression::Equal(owned(key), owned(value)));
    }
    match part.strip_prefix('!') {
        Some(key) => Some(Expression::DoesNotExist(owned(key))),
        None if part.contains(char::is_whitespace) => None,
        None => Some(Expression::Exists(owned(part))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let metadata = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
        Selector::parse(selector).unwrap().selects(&metadata)
    }

    #[test]
    fn reads_what_scale_subresources_write() {
        let labels = [("app", "checkout"), ("tier", "web")];
        for fits in
            ["app=checkout", "app==checkout,tier in (web, api)", "tier notin (db),app", "track!=canary,!old"]
        {
            assert!(selects(fits, &labels), "{fits}");
        }
        for not in ["app=other", "tier in (db),app=checkout", "!app", "track", "", " "] {
            assert!(!selects(not, &labels), "{not}");
        }
        assert_eq!(Selector::parse("app is checkout"), None);
    }

    #[test]
    fn finds_a_label_to_look_objects_up_by() {
        let label = |text: &str| Selector::parse(text).unwrap().one_label();
        assert_eq!(label("!x,app=a"), Some(("app".into(), "a".into())));
        assert_eq!(label("tier in (web)"), Some(("tier".into(), "web".into())));
        assert_eq!(label("tier in (web,api)"), None);
    }
}
