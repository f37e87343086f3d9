use serde_json::Value;

use super::super::status::Refusal;
use super::super::tree::text;

/// JSON patch (RFC 6902): operations one after the other, and nothing at all if one of them cannot be done.
pub(crate) fn patch_by_operations(target: &Value, patch: &Value) -> Result<Value, Refusal> {
    let operations = patch.as_array().ok_or_else(|| Refusal::bad("a JSON patch is a list of operations"))?;
    operations.iter().try_fold(target.clone(), |mut value, operation| {
        apply(&mut value, operation)?;
        Ok(value)
    })
}

fn apply(to: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let path = operation
        .get("path")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad("an operation needs a path"))?;
    let value = || operation.get("value").cloned().ok_or_else(|| Refusal::bad("the operation needs a value"));
    let from = || text(operation, "/from");
    match text(operation, "/op") {
        "add" => add(to, path, value()?),
        "remove" => remove(to, path).map(drop),
        "replace" => {
            *found(to, path)? = value()?;
            Ok(())
        }
        "move" if path.starts_with(&format!("{}/", from())) => {
            Err(refused("cannot move a value into itself"))
        }
        "move" => remove(to, from()).and_then(|value| add(to, path, value)),
        "copy" => {
            let value = found(to, from())?.clone();
            add(to, path, value)
        }
        "test" if alike(found(to, path)?, &value()?) => Ok(()),
        "test" => Err(refused(&format!("testing value {path} failed"))),
        other => Err(Refusal::bad(format!("unexpected kind of operation: {other:?}"))),
    }
}

/// Equal as JSON has it, where 1.0 is 1.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| alike(one, other)))
        }
        _ => one == other,
    }
}

fn found<'a>(at: &'a mut Value, path: &str) -> Result<&'a mut Value, Refusal> {
    at.pointer_mut(path).ok_or_else(|| missing(path))
}

fn add(to: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    let Some((parent, name)) = split(path)? else {
        *to = value;
        return Ok(());
    };
    match found(to, parent)? {
        Value::Object(fields) => _ = fields.insert(name, value),
        Value::Array(items) => {
            let at = if name == "-" { items.len() } else { index(&name, path)? };
            if at > items.len() {
                return Err(missing(path));
            }
            items.insert(at, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(from: &mut Value, path: &str) -> Result<Value, Refusal> {
    let Some((parent, name)) = split(path)? else { return Ok(from.take()) };
    let taken = match found(from, parent)? {
        Value::Object(fields) => fields.remove(&name),
        Value::Array(items) => {
            let at = index(&name, path)?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    };
    taken.ok_or_else(|| missing(path))
}

/// The parent's path and the last name, unescaped; `None` for the whole document.
fn split(path: &str) -> Result<Option<(&str, String)>, Refusal> {
    if path.is_empty() {
        return Ok(None);
    }
    let (parent, name) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    Ok(Some((parent, name.replace("~1", "/").replace("~0", "~"))))
}

fn index(name: &str, path: &str) -> Result<usize, Refusal> {
    let plain = name == "0" || (!name.starts_with('0') && name.bytes().all(|letter| letter.is_ascii_digit()));
    name.parse().ok().filter(|_| plain).ok_or_else(|| missing(path))
}

fn missing(path: &str) -> Refusal {
    refused(&format!("{path} is missing: there is no such path"))
}

fn refused(why: &str) -> Refusal {
    Refusal::new(
        422,
        "Invalid",
        format!("the server rejected our request due to an error in our request: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Cases of RFC 6902, appendix A, and of the suite that libraries share: document, patch, result (null: refused).
    const CASES: &str = r#"[
        [{"foo":"bar"}, [{"op":"add","path":"/baz","value":"qux"}], {"baz":"qux","foo":"bar"}],
        [{"foo":["bar","baz"]}, [{"op":"add","path":"/foo/1","value":"qux"}], {"foo":["bar","qux","baz"]}],
        [{"baz":"qux","foo":"bar"}, [{"op":"remove","path":"/baz"}], {"foo":"bar"}],
        [{"foo":["bar","qux","baz"]}, [{"op":"remove","path":"/foo/1"}], {"foo":["bar","baz"]}],
        [{"baz":"qux","foo":"bar"}, [{"op":"replace","path":"/baz","value":"boo"}], {"baz":"boo","foo":"bar"}],
        [{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}},
         [{"op":"move","from":"/foo/waldo","path":"/qux/thud"}],
         {"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}],
        [{"foo":["all","grass","cows","eat"]}, [{"op":"move","from":"/foo/1","path":"/foo/3"}], {"foo":["all","cows","eat","grass"]}],
        [{"baz":"qux","foo":["a",2,"c"]},
         [{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}], {"baz":"qux","foo":["a",2,"c"]}],
        [{"baz":"qux"}, [{"op":"test","path":"/baz","value":"bar"}], null],
        [{"foo":"bar"}, [{"op":"add","path":"/child","value":{"grandchild":{}}}], {"foo":"bar","child":{"grandchild":{}}}],
        [{"foo":"bar"}, [{"op":"add","path":"/baz","value":"qux","xyz":123}], {"foo":"bar","baz":"qux"}],
        [{"foo":"bar"}, [{"op":"add","path":"/baz/bat","value":"qux"}], null],
        [{"/":9,"~1":10}, [{"op":"test","path":"/~01","value":10}], {"/":9,"~1":10}],
        [{"/":9,"~1":10}, [{"op":"test","path":"/~01","value":"10"}], null],
        [{"foo":["bar"]}, [{"op":"add","path":"/foo/-","value":["abc","def"]}], {"foo":["bar",["abc","def"]]}],
        [{"foo":1}, [{"op":"copy","from":"/foo","path":"/bar"}], {"foo":1,"bar":1}],
        [{"foo":1}, [{"op":"replace","path":"","value":{"a":2}}], {"a":2}],
        [{"foo":[1,2]}, [{"op":"add","path":"/foo/8","value":3}], null],
        [{"foo":[1,2]}, [{"op":"remove","path":"/foo/01"}], null],
        [{"foo":1}, [{"op":"remove","path":"/bar"}], null],
        [{"foo":1}, [{"op":"replace","path":"/bar","value":1}], null],
        [{"foo":1}, [{"op":"spam","path":"/foo"}], null],
        [{"foo":{"a":1}}, [{"op":"move","from":"/foo","path":"/foo/a"}], null],
        [{"foo":1}, [{"op":"test","path":"/foo","value":1.0}], {"foo":1}],
        [{"foo":1}, [{"op":"remove","path":"/foo"},{"op":"remove","path":"/foo"}], null]
    ]"#;

    #[test]
    fn patches_as_the_standard_says() {
        let cases: Vec<[Value; 3]> = serde_json::from_str(CASES).unwrap();
        for [document, patch, result] in cases {
            let got = patch_by_operations(&document, &patch).unwrap_or(json!(null));
            assert_eq!(got, result, "{document} patched by {patch}");
        }
    }
}
