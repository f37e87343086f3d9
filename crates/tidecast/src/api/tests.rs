use super::*;

#[test] // S2
fn says_in_its_description_what_it_takes_and_gives() {
    let document = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "." }, {
        insta::assert_snapshot!("openapi", document);
    });
    assert!(document.contains("\"openapi\": \"3.1.0\""));
}
