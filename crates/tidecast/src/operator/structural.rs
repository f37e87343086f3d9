//! The JSON Schema of our sections as what Kubernetes asks of a custom resource: a *structural* schema.
//!
//! Its rules: every field has one type; there is no `$ref`; `oneOf` and `anyOf` may not bring types or fields of their own;
//! unknown keywords are errors. So a section that is one of several becomes one object with the fields of all, and rules
//! in CEL that say which belong together; a value that is a word or a number keeps its pattern and its bounds and leaves
//! its type open. Rules in CEL see only fields that have a type, so none is written about the others: what is wrong there
//! is found when the resource is read. Defaults are told in the descriptions and not set: what nobody wrote shall not look as if somebody had,
//! neither in `kubectl get -o yaml` nor to the checks for settings without effect.

use serde_json::{Map, Value, json};

use crate::config::TAG;

/// What a schema describes, in the form that Kubernetes takes.
pub(super) fn structural(schema: &Value) -> Value {
    let defs = schema.get("$defs").cloned().unwrap_or_default();
    Structure { defs }.convert(schema)
}

struct Structure {
    defs: Value,
}

/// What is kept as it is.
const KEPT: [&str; 8] =
    ["description", "minimum", "maximum", "pattern", "maxLength", "minLength", "minItems", "maxItems"];

impl Structure {
    fn convert(&self, schema: &Value) -> Value {
        let resolved = self.resolve(schema);
        let mut made = match (words(&resolved), variants(&resolved), resolved["anyOf"].as_array()) {
            (Some(words), _, _) => words,
            (_, Some(variants), _) => self.tagged(&variants),
            (_, _, Some(either)) => self.either(either),
            _ => self.plain(&resolved),
        };
        for key in KEPT {
            if let Some(value) = resolved.get(key) {
                made.entry(key).or_insert_with(|| value.clone());
            }
        }
        if let Some(above) = resolved.get("exclusiveMinimum") {
            made.insert("minimum".into(), above.clone());
            made.insert("exclusiveMinimum".into(), true.into());
        }
        describe(&mut made, &resolved);
        if let Some(said) =
            made.get("description").and_then(Value::as_str).map(|said| said.replace('\n', " "))
        {
            made.insert("description".into(), said.into());
        }
        Value::Object(made)
    }

    /// Without references and without the null that stands for "not said".
    fn resolve(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            schema = laid_over(self.resolve(&self.defs[name]), &schema);
        }
        let some = schema["anyOf"].as_array().map(|either| either.iter().filter(|one| one["type"] != "null"));
        if let Some(some) = some {
            let some: Vec<Value> = some.cloned().collect();
            if let [one] = &some[..] {
                let own = without(&schema, "anyOf");
                return laid_over(self.resolve(one), &own);
            }
        }
        schema
    }

    fn plain(&self, schema: &Value) -> Map<String, Value> {
        let types: Vec<&str> = match &schema["type"] {
            Value::Array(types) => {
                types.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect()
            }
            one => one.as_str().into_iter().collect(),
        };
        match types[..] {
            ["object"] => self.object(schema),
            ["array"] => members(json!({ "type": "array", "items": self.convert(&schema["items"]) })),
            ["integer"] => members(json!({ "type": "integer", "format": "int64" })),
            [one] => members(json!({ "type": one })),
            _ => open(),
        }
    }

    fn object(&self, schema: &Value) -> Map<String, Value> {
        let mut made = members(json!({ "type": "object" }));
        match schema["properties"].as_object() {
            Some(fields) => {
                let fields = fields.iter().map(|(key, field)| (key.clone(), self.convert(field)));
                made.insert("properties".into(), Value::Object(fields.collect()));
            }
            None if schema["additionalProperties"].is_object() => {
                made.insert("additionalProperties".into(), self.convert(&schema["additionalProperties"]));
            }
            None => {}
        }
        if let Some(required) = schema["required"].as_array().filter(|required| !required.is_empty()) {
            made.insert("required".into(), Value::Array(required.clone()));
        }
        made
    }

    /// One of several sections: the fields of all in one object, and which belong together as rules.
    fn tagged(&self, variants: &[Variant<'_>]) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut rules = Vec::new();
        let tags: Vec<&str> = variants.iter().filter_map(|variant| variant.tag).collect();
        if !tags.is_empty() {
            let meanings: Vec<_> = variants
                .iter()
                .map(|v| format!("{}: {}", v.tag.unwrap_or_default(), text(&v.schema["description"])))
                .collect();
            fields.insert(
                TAG.into(),
                json!({ "type": "string", "enum": tags, "description": meanings.join(" ") }),
            );
        }
        let mut all_visible = true;
        for (key, owners) in owners(variants) {
            let field = self.shared(&owners, key);
            all_visible &= is_visible(&field);
            if is_visible(&field) {
                rules.extend(belonging(key, &owners, variants));
            }
            fields.insert(key.to_owned(), field);
        }
        let mut made = members(json!({ "type": "object", "properties": fields }));
        match tags.is_empty() {
            true => rules = one_of(variants).into_iter().filter(|_| all_visible).collect(),
            false => drop(made.insert("required".into(), json!([TAG]))),
        }
        if !rules.is_empty() {
            made.insert("x-kubernetes-validations".into(), Value::Array(rules));
        }
        made
    }

    /// A field of several variants: its form is what all of them take, its description tells them apart.
    fn shared(&self, owners: &[&Variant<'_>], key: &str) -> Value {
        let forms: Vec<Value> =
            owners.iter().map(|owner| self.convert(&owner.schema["properties"][key])).collect();
        let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
        for (form, owner) in forms.iter().zip(owners) {
            let said = text(&form["description"]);
            match told.iter_mut().find(|(known, _)| *known == said) {
                Some((_, tags)) => tags.extend(owner.tag),
                None => told.push((said, owner.tag.into_iter().collect())),
            }
        }
        let told =
            told.iter().filter(|(said, _)| !said.is_empty()).map(|(said, tags)| match tags.is_empty() {
                true => (*said).to_owned(),
                false => format!("{}: {said}", tags.join(", ")),
            });
        let told = told.collect::<Vec<_>>().join(" ");
        let mut field = common(&forms);
        if !told.is_empty() {
            field.insert("description".into(), told.into());
        }
        Value::Object(field)
    }

    /// A word or a value: what can be said of both at once. Kubernetes wants one type, or none.
    fn either(&self, either: &[Value]) -> Map<String, Value> {
        let each: Vec<Value> = either.iter().map(|one| self.convert(one)).collect();
        let constant = |one: &Value| one["enum"][0].as_str().map(|word| format!("^{word}$"));
        let patterns = each
            .iter()
            .filter_map(|one| constant(one).or_else(|| one["pattern"].as_str().map(str::to_owned)));
        let patterns: Vec<String> =
            patterns.map(|p| p.trim_start_matches('^').trim_end_matches('$').to_owned()).collect();
        let strings = each.iter().all(|one| one["type"] == "string");
        let mut made = if strings { members(json!({ "type": "string" })) } else { open() };
        if !patterns.is_empty() {
            made.insert("pattern".into(), format!("^({})$", patterns.join("|")).into());
        }
        for key in ["minimum", "maximum", "exclusiveMinimum"] {
            if let Some(bound) = each.iter().find_map(|one| one.get(key)) {
                made.insert(key.into(), bound.clone());
            }
        }
        made
    }
}

/// What takes everything that one of these forms takes: themselves if they are one, all words if they are words.
fn common(forms: &[Value]) -> Map<String, Value> {
    let plain: Vec<Value> = forms.iter().map(|form| without(form, "description")).collect();
    let words: Option<Vec<&Vec<Value>>> = plain.iter().map(|form| form["enum"].as_array()).collect();
    match words {
        _ if plain.iter().all(|form| *form == plain[0]) => members(plain[0].clone()),
        Some(words) => {
            let mut all: Vec<&Value> = Vec::new();
            for word in words.into_iter().flatten() {
                if !all.contains(&word) {
                    all.push(word);
                }
            }
            members(json!({ "type": "string", "enum": all }))
        }
        None if plain.iter().all(|form| form["type"] == "string") => members(json!({ "type": "string" })),
        None => open(),
    }
}

/// A value whose type is open; what it holds is looked at when it is read.
fn open() -> Map<String, Value> {
    members(json!({ "x-kubernetes-preserve-unknown-fields": true }))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn without(schema: &Value, key: &str) -> Value {
    let mut schema = schema.clone();
    schema.as_object_mut().map(|schema| schema.remove(key));
    schema
}

/// What a reference refers to, with what the place that refers says itself.
fn laid_over(mut below: Value, above: &Value) -> Value {
    for (key, value) in above.as_object().into_iter().flatten().filter(|(key, _)| *key != "$ref") {
        below[key] = value.clone();
    }
    below
}

/// One of several words, each with its meaning.
fn words(schema: &Value) -> Option<Map<String, Value>> {
    if let Some(word) = schema.get("const") {
        return Some(members(json!({ "type": "string", "enum": [word] })));
    }
    if let Some(words) = schema["enum"].as_array() {
        return Some(members(json!({ "type": "string", "enum": words })));
    }
    let listed = schema["oneOf"].as_array()?;
    let words: Vec<&Value> = listed.iter().map(|one| one.get("const")).collect::<Option<_>>()?;
    let meanings = listed.iter().map(|one| format!("{}: {}", text(&one["const"]), text(&one["description"])));
    let told = std::iter::once(text(&schema["description"]).to_owned())
        .chain(meanings)
        .collect::<Vec<_>>()
        .join(" ");
    Some(members(json!({ "type": "string", "enum": words, "description": told.trim() })))
}

/// A section of several.
struct Variant<'a> {
    tag: Option<&'a str>,
    schema: &'a Value,
}

fn variants(schema: &Value) -> Option<Vec<Variant<'_>>> {
    let listed = schema["oneOf"].as_array()?;
    Some(
        listed
            .iter()
            .map(|schema| Variant { tag: schema["properties"][TAG]["const"].as_str(), schema })
            .collect(),
    )
}

/// Each field, in the order of its first owner, with all its owners.
fn owners<'a, 'b>(variants: &'b [Variant<'a>]) -> Vec<(&'a str, Vec<&'b Variant<'a>>)> {
    let mut all: Vec<(&str, Vec<&Variant<'_>>)> = Vec::new();
    for variant in variants {
        let keys =
            variant.schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        for key in keys.filter(|key| *key != TAG) {
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some((_, owners)) => owners.push(variant),
                None => all.push((key, vec![variant])),
            }
        }
    }
    all
}

/// Which types a field belongs to, and which of them cannot be without it.
fn belonging(key: &str, owners: &[&Variant<'_>], variants: &[Variant<'_>]) -> Vec<Value> {
    let tags = |owners: &[&Variant<'_>]| {
        owners.iter().filter_map(|owner| owner.tag).map(str::to_owned).collect::<Vec<_>>()
    };
    let list = |tags: &[String]| tags.iter().map(|tag| format!("'{tag}'")).collect::<Vec<_>>().join(", ");
    let needs = |owner: &&Variant<'_>| {
        owner.schema["required"].as_array().is_some_and(|keys| keys.iter().any(|k| k == key))
    };
    let needing: Vec<&Variant<'_>> = owners.iter().copied().filter(needs).collect();
    let (owning, needing) = (tags(owners), tags(&needing));
    let foreign = (owning.len() < variants.len()).then(|| {
        rule(
            format!("!has(self.{}) || self.{TAG} in [{}]", escaped(key), list(&owning)),
            format!("`{key}` belongs to the type {}", owning.join(", ")),
        )
    });
    let missing = (!needing.is_empty()).then(|| {
        rule(
            format!("has(self.{}) || !(self.{TAG} in [{}])", escaped(key), list(&needing)),
            format!("the type {} needs `{key}`", needing.join(", ")),
        )
    });
    foreign.into_iter().chain(missing).collect()
}

/// Exactly one of the fields of sections without a tag.
fn one_of(variants: &[Variant<'_>]) -> Option<Value> {
    let keys: Vec<_> = owners(variants).into_iter().map(|(key, _)| key).collect();
    let count: Vec<_> = keys.iter().map(|key| format!("(has(self.{}) ? 1 : 0)", escaped(key))).collect();
    let said = format!("exactly one of {} must be there", keys.join(", "));
    (!keys.is_empty()).then(|| rule(format!("{} == 1", count.join(" + ")), said))
}

/// Whether rules in CEL can see a field: the API server hides what has no type, and lists and maps of such.
fn is_visible(field: &Value) -> bool {
    let inner = ["items", "additionalProperties"].into_iter().filter_map(|key| field.get(key));
    field["type"].is_string() && inner.into_iter().all(is_visible)
}

/// A field's name in CEL, where some words are reserved.
fn escaped(key: &str) -> String {
    if RESERVED.contains(&key) { format!("__{key}__") } else { key.to_owned() }
}

/// The words that are no names in CEL.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A rule in CEL, with what is said when it is broken.
pub(super) fn rule(rule: impl Into<String>, message: impl Into<String>) -> Value {
    json!({ "rule": rule.into(), "message": message.into() })
}

/// The description, with the default that would be in force.
fn describe(made: &mut Map<String, Value>, schema: &Value) {
    let default = match &schema["default"] {
        Value::Null | Value::Object(_) | Value::Array(_) => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let said = made.get("description").and_then(Value::as_str).unwrap_or_default();
    made.insert("description".into(), format!("{said} Default: {default}.").trim().into());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a structural schema must not have, found anywhere; each with its path.
    pub(crate) fn flaws(schema: &Value, path: &str) -> Vec<String> {
        const KNOWN: [&str; 17] = [
            "type",
            "format",
            "properties",
            "required",
            "items",
            "additionalProperties",
            "enum",
            "description",
            "pattern",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "maxLength",
            "x-kubernetes-validations",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
        ];
        let mut found: Vec<String> = schema
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !KNOWN.contains(&key.as_str()))
            .map(|(key, _)| format!("{path}: {key}"))
            .collect();
        let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
        if !(schema["type"].is_string() || open && schema.get("type").is_none()) {
            found.push(format!("{path}: it has no type"));
        }
        if schema["properties"].is_object() && schema["additionalProperties"].is_object() {
            found.push(format!("{path}: properties and additionalProperties exclude each other"));
        }
        for (key, field) in schema["properties"].as_object().into_iter().flatten() {
            found.extend(flaws(field, &format!("{path}.{key}")));
        }
        for key in ["items", "additionalProperties"] {
            found.extend(schema.get(key).into_iter().flat_map(|inner| flaws(inner, &format!("{path}[]"))));
        }
        found
    }

    #[test]
    fn leaves_the_type_of_a_word_or_a_number_open() {
        let schema = json!({ "anyOf": [{ "const": "auto" }, { "type": "number", "exclusiveMinimum": 0 }] });
        let made = structural(&schema);
        assert_eq!(
            made,
            json!({ "x-kubernetes-preserve-unknown-fields": true, "pattern": "^(auto)$", "minimum": 0, "exclusiveMinimum": true })
        );
        assert_eq!(flaws(&made, ""), [""; 0]);
    }

    #[test]
    fn joins_two_texts_into_one_pattern() {
        let schema =
            json!({ "anyOf": [{ "const": "auto" }, { "type": "string", "pattern": "^([0-9]+s)+$" }] });
        assert_eq!(structural(&schema), json!({ "type": "string", "pattern": "^(auto|([0-9]+s)+)$" }));
    }

    #[test]
    fn takes_what_may_be_absent_for_absent_and_not_for_null() {
        let schema = json!({
            "$defs": { "A": { "type": "object", "properties": { "n": { "type": ["integer", "null"] } } } },
            "type": "object",
            "properties": { "a": { "anyOf": [{ "$ref": "#/$defs/A" }, { "type": "null" }], "description": "An a." } }
        });
        let made = structural(&schema);
        let n = json!({ "type": "integer", "format": "int64" });
        assert_eq!(
            made["properties"]["a"],
            json!({ "type": "object", "description": "An a.", "properties": { "n": n } })
        );
    }

    #[test]
    fn takes_for_a_shared_field_what_any_of_its_owners_takes() {
        let one = |tag: &str, field: Value| json!({ "type": "object", "properties": { "type": { "const": tag }, "a": field } });
        let words = structural(
            &json!({ "oneOf": [one("x", json!({ "enum": ["p", "q"] })), one("y", json!({ "enum": ["q", "r"] }))] }),
        );
        assert_eq!(words["properties"]["a"], json!({ "type": "string", "enum": ["p", "q", "r"] }));
        let other = structural(
            &json!({ "oneOf": [one("x", json!({ "type": "integer" })), one("y", json!({ "type": "string" }))] }),
        );
        assert_eq!(other["properties"]["a"], json!({ "x-kubernetes-preserve-unknown-fields": true }));
    }

    #[test]
    fn writes_no_rule_about_what_rules_cannot_see() {
        let one = |tag: &str, field: Value| json!({ "type": "object", "properties": { "type": { "const": tag }, "a": field }, "required": ["type", "a"] });
        let other =
            json!({ "type": "object", "properties": { "type": { "const": "z" } }, "required": ["type"] });
        let made = structural(
            &json!({ "oneOf": [one("x", json!({ "type": "integer" })), one("y", json!({ "type": "string" })), other] }),
        );
        assert_eq!(made["properties"]["a"], json!({ "x-kubernetes-preserve-unknown-fields": true }));
        assert_eq!(made.get("x-kubernetes-validations"), None);
    }

    #[test]
    fn says_which_fields_belong_to_which_type() {
        let one = |tag: &str, key: &str| {
            json!({ "type": "object", "description": tag, "properties": {
            "type": { "const": tag }, (key): { "type": "string" } }, "required": ["type", key] })
        };
        let made = structural(&json!({ "oneOf": [one("x", "a"), one("y", "b")] }));
        let rules: Vec<_> = made["x-kubernetes-validations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| text(&rule["rule"]))
            .collect();
        assert_eq!(
            rules,
            [
                "!has(self.a) || self.type in ['x']",
                "has(self.a) || !(self.type in ['x'])",
                "!has(self.b) || self.type in ['y']",
                "has(self.b) || !(self.type in ['y'])",
            ]
        );
        assert_eq!(made["required"], json!(["type"]));
        assert_eq!(flaws(&made, ""), [""; 0]);
    }
}
