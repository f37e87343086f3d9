//! The findings for machines: JSON, SARIF 2.1.0 for code scanners, and the annotations of GitHub's workflows.

use serde_json::{Value, json};

use super::codes::{Page, Severity};
use super::finding::{Finding, Report};
use super::render::quote;
use super::text::{Place, Texts};

/// One object with all findings; `version` changes only when a reader would have to.
pub fn json(report: &Report) -> Value {
    let findings: Vec<_> = report.findings.iter().map(|finding| one(finding, &report.texts)).collect();
    json!({ "version": 1, "errors": report.errors(), "warnings": report.warnings(), "findings": findings })
}

fn one(finding: &Finding, texts: &Texts) -> Value {
    let fixes =
        finding.fixes.iter().map(|(place, text)| json!({ "replace": region(*place, texts), "with": text }));
    let fixes: Vec<_> = fixes.collect();
    let also: Vec<_> = finding
        .also
        .iter()
        .map(|(place, label)| json!({ "place": region(*place, texts), "label": label }))
        .collect();
    json!({
        "code": finding.code.to_string(),
        "severity": finding.code.severity().word(),
        "message": finding.message,
        "place": finding.place.map(|place| region(place, texts)),
        "line": finding.place.map(|place| quote(texts, place, finding.secret)),
        "help": finding.help,
        "fixes": fixes,
        "also": also,
    })
}

fn region(place: Place, texts: &Texts) -> Value {
    let text = texts.of(place);
    let ((line, column), (end_line, end_column)) =
        (text.line_column(place.start), text.line_column(place.end));
    json!({ "file": text.name, "line": line, "column": column, "endLine": end_line, "endColumn": end_column })
}

/// A SARIF log with one run.
pub fn sarif(report: &Report) -> Value {
    let rules: Vec<_> = Page::all().map(rule).collect();
    let results: Vec<_> = report.findings.iter().map(|finding| result(finding, &report.texts)).collect();
    let driver = json!({ "name": "tidecast", "version": env!("CARGO_PKG_VERSION"), "informationUri": "https://tidecast.dev", "rules": rules });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    })
}

fn rule(page: &Page) -> Value {
    json!({
        "id": page.code.to_string(),
        "shortDescription": { "text": page.title },
        "fullDescription": { "text": page.why },
        "defaultConfiguration": { "level": page.code.severity().word() },
    })
}

fn result(finding: &Finding, texts: &Texts) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}. Help: {help}.", finding.message),
        None => format!("{}.", finding.message),
    };
    let locations: Vec<_> = finding.place.iter().map(|place| location(*place, texts, None)).collect();
    let related: Vec<_> =
        finding.also.iter().map(|(place, label)| location(*place, texts, Some(label))).collect();
    json!({
        "ruleId": finding.code.to_string(),
        "level": finding.code.severity().word(),
        "message": { "text": message },
        "locations": locations,
        "relatedLocations": related,
    })
}

fn location(place: Place, texts: &Texts, label: Option<&str>) -> Value {
    let text = texts.of(place);
    let ((line, column), (end_line, end_column)) =
        (text.line_column(place.start), text.line_column(place.end));
    let region =
        json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column });
    let mut location =
        json!({ "physicalLocation": { "artifactLocation": { "uri": text.name }, "region": region } });
    if let Some(label) = label {
        location["message"] = json!({ "text": label });
    }
    location
}

/// A line for each finding, as GitHub's workflows read them from the output.
pub fn github(report: &Report) -> String {
    report.findings.iter().map(|finding| command(finding, &report.texts)).collect()
}

fn command(finding: &Finding, texts: &Texts) -> String {
    let kind = match finding.code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = finding.place.map(|place| {
        let text = texts.of(place);
        let ((line, column), (end_line, end_column)) =
            (text.line_column(place.start), text.line_column(place.end));
        let file = escaped(&text.name).replace(':', "%3A").replace(',', "%2C");
        format!("file={file},line={line},endLine={end_line},col={column},endColumn={end_column},")
    });
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let message = escaped(&format!("{}{help}", finding.message));
    format!("::{kind} {}title={}::{message}\n", place.unwrap_or_default(), finding.code)
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
