use serde_json::{Value, json};

/// JSON merge patch (RFC 7386): objects merge, null takes away, everything else replaces.
pub(crate) fn merge(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut merged = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            merged.remove(name);
        } else {
            let was = merged.get(name).cloned().unwrap_or(json!(null));
            merged.insert(name.clone(), merge(&was, value));
        }
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of RFC 7386, appendix A: original, patch, result.
    const CASES: &str = r#"[
        [{"a":"b"}, {"a":"c"}, {"a":"c"}],
        [{"a":"b"}, {"b":"c"}, {"a":"b","b":"c"}],
        [{"a":"b"}, {"a":null}, {}],
        [{"a":"b","b":"c"}, {"a":null}, {"b":"c"}],
        [{"a":["b"]}, {"a":"c"}, {"a":"c"}],
        [{"a":"c"}, {"a":["b"]}, {"a":["b"]}],
        [{"a":{"b":"c"}}, {"a":{"b":"d","c":null}}, {"a":{"b":"d"}}],
        [{"a":[{"b":"c"}]}, {"a":[1]}, {"a":[1]}],
        [["a","b"], ["c","d"], ["c","d"]],
        [{"a":"b"}, ["c"], ["c"]],
        [{"a":"foo"}, null, null],
        [{"a":"foo"}, "bar", "bar"],
        [{"e":null}, {"a":1}, {"e":null,"a":1}],
        [[1,2], {"a":"b","c":null}, {"a":"b"}],
        [{}, {"a":{"bb":{"ccc":null}}}, {"a":{"bb":{}}}]
    ]"#;

    #[test]
    fn merges_as_the_standard_says() {
        let cases: Vec<[Value; 3]> = serde_json::from_str(CASES).unwrap();
        for [original, patch, result] in cases {
            assert_eq!(merge(&original, &patch), result, "{original} patched by {patch}");
        }
    }

    #[test]
    fn patching_again_changes_nothing() {
        let cases: Vec<[Value; 3]> = serde_json::from_str(CASES).unwrap();
        for [original, patch, _] in cases {
            let once = merge(&original, &patch);
            assert_eq!(merge(&once, &patch), once);
        }
    }
}
