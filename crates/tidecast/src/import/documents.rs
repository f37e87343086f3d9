//! Files with objects in them: YAML with several documents, JSON, lists of objects.

use serde_json::Value;

/// All objects of a text, lists unfolded.
///
/// # Errors
/// If a document is not YAML; the sentence names it by its number.
pub fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut objects = Vec::new();
    let all = split(text).into_iter().filter(|document| !is_blank(document));
    for (i, document) in all.enumerate() {
        let value: Value = serde_saphyr::from_str(document)
            .map_err(|error| format!("document {} is not YAML: {}", i + 1, first_line(&error.to_string())))?;
        unfold(value, &mut objects);
    }
    Ok(objects)
}

/// The documents of a stream: they are separated by lines that begin with three hyphens, which nothing else can.
fn split(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marker {
            documents.push(&text[begin..at]);
            begin = at + 3;
        }
        at += line.len();
    }
    documents.push(&text[begin..]);
    documents
}

fn is_blank(document: &str) -> bool {
    let told =
        |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && line.trim() != "...";
    !document.lines().any(|line| told(&line))
}

fn unfold(value: Value, objects: &mut Vec<Value>) {
    let list = value["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match value {
        Value::Object(mut list_of) if list => {
            let items = list_of.remove("items").unwrap_or_default();
            items.as_array().into_iter().flatten().for_each(|item| unfold(item.clone(), objects));
        }
        Value::Array(items) => items.into_iter().for_each(|item| unfold(item, objects)),
        Value::Null => {}
        object => objects.push(object),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_streams_and_lists() {
        let text = "# a comment\n---\nkind: A\n--- # next\nkind: List\nitems:\n- kind: B\n- { kind: C }\n---\n\n...\n---\n[{kind: D}]";
        let kinds: Vec<_> = documents(text).unwrap().iter().map(|o| o["kind"].clone()).collect();
        assert_eq!(kinds, [json!("A"), json!("B"), json!("C"), json!("D")]);
    }

    #[test]
    fn leaves_hyphens_within_a_text_alone() {
        let all = documents("kind: A\ntext: |\n  one\n  ---\n  two\n").unwrap();
        assert_eq!(all[0]["text"], "one\n---\ntwo\n");
    }

    #[test]
    fn says_which_document_cannot_be_read() {
        let why = documents("kind: A\n---\nkind: [\n").unwrap_err();
        assert!(why.starts_with("document 2 is not YAML"), "{why}");
    }
}
