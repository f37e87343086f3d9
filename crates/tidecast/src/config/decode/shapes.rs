use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::Value;

use super::keys::TAG;

/// What the sections look like, read from the JSON Schema of the whole, so that nothing is said twice.
#[derive(Debug)]
pub(crate) struct Shapes(BTreeMap<String, Shape>);

/// What a section looks like: all its keys, and examples of those that it must have.
#[derive(Debug, Default)]
pub(super) struct Shape {
    keys: Vec<String>,
    examples: BTreeMap<String, Value>,
}

impl Shapes {
    /// What a schema describes.
    pub(crate) fn of(schema: &Schema) -> Self {
        let defs = schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
        let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
        let root = std::iter::once((title, schema.as_value()));
        let sections = root.chain(defs.map(|(name, def)| (name.as_str(), def)));
        Self(sections.flat_map(|(name, def)| shapes(name, def)).collect())
    }

    /// What could stand behind a key that a section must have; `variant` is the type of a tagged section.
    pub(super) fn example(&self, section: &str, variant: Option<(&str, &str)>, key: &str) -> Option<&Value> {
        let name = variant.map_or(section.to_owned(), |(section, variant)| format!("{section}/{variant}"));
        self.0.get(&name)?.examples.get(key)
    }

    /// The type of a tagged section to which most of these keys belong.
    pub(super) fn likeliest(
        &self,
        section: &str,
        variants: &[&'static str],
        keys: &[&str],
    ) -> Option<&'static str> {
        let shape = |variant: &str| self.0.get(&format!("{section}/{variant}"));
        let common = |variant: &&'static str| {
            let known = shape(variant).map_or(&[][..], |shape| &shape.keys);
            keys.iter().filter(|key| known.iter().any(|known| known == **key)).count()
        };
        // The last of the best would be taken, so the list is turned round.
        variants.iter().copied().rev().max_by_key(common)
    }

    /// Keys that must be there, but for which nobody has written down an example.
    #[cfg(test)]
    pub(crate) fn without_examples(schema: &Schema) -> Vec<String> {
        let shapes = Self::of(schema).0.into_iter();
        shapes
            .flat_map(|(name, shape)| {
                shape.examples.into_iter().map(move |(key, value)| (format!("{name}.{key}"), value))
            })
            .filter_map(|(path, value)| value.is_null().then_some(path))
            .collect()
    }
}

/// The shape of a section, or those of its variants.
fn shapes(name: &str, def: &Value) -> Vec<(String, Shape)> {
    let variants = def["oneOf"].as_array().into_iter().flatten();
    let tagged = variants.filter_map(|variant| {
        let tag = variant["properties"][TAG]["const"].as_str()?;
        Some((format!("{name}/{tag}"), shape(variant)))
    });
    tagged.chain([(name.to_owned(), shape(def))]).collect()
}

fn shape(def: &Value) -> Shape {
    let keys = def["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let required = def["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let example = |key: &str| (key.to_owned(), def["properties"][key]["examples"][0].clone());
    Shape { keys, examples: required.filter(|key| *key != TAG).map(example).collect() }
}

/// A value as one would write it on one line of YAML.
pub(crate) fn flow(value: &Value) -> String {
    match value {
        Value::Object(keys) => {
            let keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        Value::String(text) if text.contains(['(', ':', '{', '*', ',']) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn have_an_example_for_every_key_that_must_be_there() {
        assert_eq!(Shapes::without_examples(&crate::config::schema()), [""; 0]);
    }

    #[test]
    fn tell_what_a_section_probably_is() {
        let shapes = Shapes::of(&crate::config::schema());
        let variants = ["kubernetes", "asg", "keda", "webhook", "none"];
        assert_eq!(shapes.likeliest("Target", &variants, &["group", "region"]), Some("asg"));
        assert_eq!(shapes.likeliest("Target", &variants, &["namespace", "name"]), Some("kubernetes"));
        assert_eq!(shapes.likeliest("Source", &["prometheus", "csv", "push"], &["path"]), Some("csv"));
    }
}
