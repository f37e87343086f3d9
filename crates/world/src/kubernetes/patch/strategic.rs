use serde_json::{Map, Value, json};

use super::super::schema::Schema;

/// What a strategic merge patch says beside the values themselves.
const DIRECTIVES: [&str; 3] = ["$patch", "$retainKeys", "$setElementOrder"];

/// Strategic merge patch: as a merge patch, but lists merge by the key that their schema names, and directives
/// (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList`, `$setElementOrder`) say what values cannot.
pub(crate) fn merge_strategically(target: &Value, patch: &Value, schema: Schema) -> Value {
    match (target, patch) {
        (_, Value::Object(patch)) => {
            let empty = Map::new();
            objects(target.as_object().unwrap_or(&empty), patch, schema)
        }
        _ => patch.clone(),
    }
}

fn objects(target: &Map<String, Value>, patch: &Map<String, Value>, schema: Schema) -> Value {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("delete") => return json!({}),
        Some("replace") => return Value::Object(plain(patch)),
        _ => {}
    }
    let mut merged = target.clone();
    if let Some(Value::Array(kept)) = patch.get("$retainKeys") {
        merged.retain(|name, _| kept.iter().any(|one| one == name));
    }
    for (name, gone) in deletions(patch) {
        if let Some(Value::Array(items)) = merged.get_mut(name) {
            items.retain(|item| !gone.contains(item));
        }
    }
    for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        field(&mut merged, name, value, schema.field(name));
    }
    for (name, order) in orders(patch) {
        if let Some(Value::Array(items)) = merged.get_mut(name) {
            sort(items, order, schema.field(name).merge_key());
        }
    }
    Value::Object(merged)
}

fn field(merged: &mut Map<String, Value>, name: &str, value: &Value, schema: Schema) {
    let new = match (value, merged.get(name)) {
        (Value::Null, _) => {
            merged.remove(name);
            return;
        }
        (Value::Object(_), was) => merge_strategically(was.unwrap_or(&json!({})), value, schema),
        (Value::Array(patch), was) if schema.patches_by("merge") => {
            lists(was.and_then(Value::as_array).map_or(&[], Vec::as_slice), patch, schema)
        }
        (Value::Array(patch), _) => {
            Value::Array(patch.iter().filter(|item| !is_directive(item)).cloned().collect())
        }
        _ => value.clone(),
    };
    if matches!(value.get("$patch"), Some(directive) if directive == "delete") {
        merged.remove(name);
    } else {
        merged.insert(name.to_owned(), new);
    }
}

fn lists(target: &[Value], patch: &[Value], schema: Schema) -> Value {
    let replaces =
        patch.iter().any(|item| item.get("$patch").is_some_and(|directive| directive == "replace"));
    let mut merged: Vec<Value> = if replaces { Vec::new() } else { target.to_vec() };
    for item in patch
        .iter()
        .filter(|item| !(is_directive(item) && item.as_object().is_some_and(|all| all.len() == 1)))
    {
        match schema.merge_key().filter(|_| item.is_object()) {
            Some(key) => keyed(&mut merged, item, key, schema),
            None if !merged.contains(item) => merged.push(item.clone()),
            None => {}
        }
    }
    Value::Array(merged)
}

fn keyed(merged: &mut Vec<Value>, item: &Value, key: &str, schema: Schema) {
    let is_meant = |other: &Value| other.get(key) == item.get(key);
    match item.get("$patch").and_then(Value::as_str) {
        Some("delete") => merged.retain(|other| !is_meant(other)),
        _ => match merged.iter_mut().find(|other| is_meant(other)) {
            Some(found) => *found = merge_strategically(found, item, schema.items()),
            None => merged.push(merge_strategically(&json!({}), item, schema.items())),
        },
    }
}

fn is_directive(item: &Value) -> bool {
    item.get("$patch").is_some()
}

/// Lists of plain values that lose some.
fn deletions(patch: &Map<String, Value>) -> impl Iterator<Item = (&str, &Vec<Value>)> {
    patch.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix("$deleteFromPrimitiveList/")?, value.as_array()?))
    })
}

/// Lists that get an order.
fn orders(patch: &Map<String, Value>) -> impl Iterator<Item = (&str, &Vec<Value>)> {
    patch
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("$setElementOrder/")?, value.as_array()?)))
}

/// Items named in the order come in it; the others keep their place after the one before them.
fn sort(items: &mut [Value], order: &[Value], key: Option<&str>) {
    let name = |item: &Value| key.and_then(|key| item.get(key)).unwrap_or(item).clone();
    let ranks: Vec<Value> = order.iter().map(name).collect();
    let mut rank = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(items.len());
    for item in items.iter() {
        rank = ranks.iter().position(|one| *one == name(item)).unwrap_or(rank);
        ranked.push((rank, item.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    items.iter_mut().zip(ranked).for_each(|(place, (_, item))| *place = item);
}

/// The values of a patch without its directives.
fn plain(patch: &Map<String, Value>) -> Map<String, Value> {
    let is_value = |name: &&String| !DIRECTIVES.contains(&name.as_str()) && !name.starts_with('$');
    patch
        .iter()
        .filter(|(name, _)| is_value(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Value {
        json!({
            "containers": [{"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "b:1"}],
            "tolerations": [{"key": "x"}],
            "nodeSelector": {"zone": "1"},
        })
    }

    #[track_caller]
    fn check(patch: Value, pointer: &str, result: Value) {
        let schema = Schema::named("io.k8s.api.core.v1.PodSpec");
        let once = merge_strategically(&pod(), &patch, schema);
        assert_eq!(once.pointer(pointer).cloned().unwrap_or_default(), result);
        assert_eq!(merge_strategically(&once, &patch, schema), once, "patching again changes nothing");
    }

    #[test]
    fn lists_merge_by_their_key() {
        let patch = json!({"containers": [{"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"}]});
        check(patch.clone(), "/containers/1", json!({"name": "b", "image": "b:2"}));
        check(patch.clone(), "/containers/2/name", json!("c"));
        check(patch, "/containers/0/image", json!("a:1"));
    }

    #[test]
    fn lists_without_a_key_are_replaced() {
        check(json!({"tolerations": [{"key": "y"}]}), "/tolerations", json!([{"key": "y"}]));
    }

    #[test]
    fn directives_delete_replace_and_order() {
        check(json!({"containers": [{"name": "a", "$patch": "delete"}]}), "/containers/0/name", json!("b"));
        check(
            json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
            "/containers",
            json!([{"name": "z"}]),
        );
        check(
            json!({"nodeSelector": {"$patch": "replace", "disk": "ssd"}}),
            "/nodeSelector",
            json!({"disk": "ssd"}),
        );
        check(json!({"nodeSelector": null}), "/nodeSelector", json!(null));
        let order = json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]});
        check(order, "/containers/0/name", json!("b"));
    }

    #[test]
    fn keys_that_are_not_retained_go() {
        let schema = Schema::named("io.k8s.api.apps.v1.DeploymentSpec");
        let was = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
        let patch = json!({"strategy": {"$retainKeys": ["type"], "type": "Recreate"}});
        assert_eq!(merge_strategically(&was, &patch, schema), json!({"strategy": {"type": "Recreate"}}));
    }

    #[test]
    fn sets_of_plain_values_lose_what_is_named() {
        let schema = Schema::named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        let was = json!({"finalizers": ["a", "b"]});
        let patch = json!({"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]});
        assert_eq!(merge_strategically(&was, &patch, schema), json!({"finalizers": ["b", "c"]}));
    }
}
