//! What is generated stays true, and what is promised works: the starter, the schema, the reference.

use std::path::Path;

use tidecast::config::{
    Origin, Text, Texts, configuration_page, effective, errors_page, read, schema, starter,
};

#[track_caller]
fn golden(path: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "{} is out of date: run `make bless` and read the diff", path.display());
}

#[test] // U4
fn the_reference_says_what_the_code_does() {
    golden("docs/reference/configuration.md", &configuration_page());
    golden("docs/reference/errors.md", &errors_page());
}

#[test] // U4
fn every_key_is_explained() {
    fn walk(path: &str, schema: &serde_json::Value, bare: &mut Vec<String>) {
        for (key, def) in schema["properties"].as_object().into_iter().flatten() {
            let explained = def["description"].is_string() || def["const"].is_string();
            let own = ["file", "env", "percent", "replicas"].contains(&key.as_str());
            if !explained && !own {
                bare.push(format!("{path}.{key}"));
            }
        }
        for part in ["$defs", "oneOf", "anyOf"] {
            let children: Vec<_> = match &schema[part] {
                serde_json::Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
                serde_json::Value::Array(list) => {
                    list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
                }
                _ => Vec::new(),
            };
            children.into_iter().for_each(|(name, child)| walk(&format!("{path}/{name}"), child, bare));
        }
    }
    let mut bare = Vec::new();
    walk("", schema().as_value(), &mut bare);
    assert!(bare.is_empty(), "without a description: {bare:?}");
}

fn loaded(content: &str) -> tidecast::config::Loaded {
    let texts = Texts(vec![Text { name: "tidecast.yaml".into(), content: content.into() }]);
    read(texts, Vec::new(), Path::new("."))
}

#[test]
fn the_starter_passes_the_check() {
    let loaded = loaded(starter());
    assert!(loaded.report.findings.is_empty(), "{:?}", loaded.report.findings);
    assert!(starter().starts_with("# yaml-language-server: $schema="));
    let commented = starter().replace("\n# calendar:", "\ncalendar:").replace("\n#   ", "\n  ");
    assert!(self::loaded(&commented).report.findings.is_empty(), "the calendar in the comment holds too");
}

#[test] // S25
fn observes_unless_told_otherwise() {
    let config = loaded(&starter().replace("    mode: observe\n", "")).config.unwrap();
    assert_eq!(config.workloads[0].mode, tidecast::config::section::Mode::Observe);
    assert!(config.server.listen.0.ip().is_loopback());
}

#[test]
fn tells_the_origin_of_every_value() {
    let loaded = loaded(starter());
    let config = loaded.config.clone().unwrap();
    let settings = effective(&config, &loaded);
    let find = |path: &str| settings.iter().find(|setting| setting.path == path).unwrap();
    let maximum = find("workloads[shop/checkout].maxReplicas");
    let line = 1 + starter().lines().position(|line| line.contains("maxReplicas: 20")).unwrap();
    assert_eq!(
        (maximum.value.as_str(), &maximum.origin),
        ("20", &Origin::File(format!("tidecast.yaml:{line}")))
    );
    let hold = find("workloads[shop/checkout].advanced.hold");
    assert_eq!((hold.value.as_str(), &hold.origin), ("10m", &Origin::Default));
    assert_eq!(find("sources.main.type").value, "prometheus");
    assert_eq!(find("server.listen").origin, Origin::Default);
}

#[test]
fn what_is_in_force_can_be_written_down_and_read_again() {
    let config = loaded(starter()).config.unwrap();
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(loaded(&written).config, Some(config));
}

#[test]
fn every_example_of_the_error_pages_is_yaml_or_a_command() {
    for page in tidecast::config::codes::Page::all() {
        assert!(!page.why.contains("  "), "{}: a line break of the source shows", page.code);
        assert!(page.title.len() < 90 && !page.title.ends_with('.'), "{}", page.code);
    }
}
