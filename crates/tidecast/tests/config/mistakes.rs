//! Seeded mistakes: each gives a code, a place and help, and the help mends it.
//!
//! `tests/mistakes/*.yaml` are the mistakes, the `.golden` beside each is what a person reads of it.

use std::path::{Path, PathBuf};

use tidecast::config::{Loaded, Look, Report, Text, Texts, human, read};

fn mistakes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

fn check(texts: Texts) -> Loaded {
    read(texts, Vec::new(), Path::new("."))
}

fn loaded(file: &Path) -> Loaded {
    let content = std::fs::read_to_string(file).unwrap();
    check(Texts(vec![Text { name: "tidecast.yaml".into(), content }]))
}

/// Whether the edits that the report proposes leave nothing to report.
fn mends(report: &Report) -> bool {
    let fixes: Vec<_> = report.findings.iter().flat_map(|finding| finding.fixes.clone()).collect();
    !fixes.is_empty() && check(report.texts.mended(&fixes)).report.findings.is_empty()
}

#[test] // U2
fn are_told_with_place_code_and_help() {
    let mut changed = Vec::new();
    for file in mistakes() {
        let report = loaded(&file).report;
        assert!(!report.findings.is_empty(), "{} gives nothing", file.display());
        for finding in &report.findings {
            assert!(finding.place.is_some() && finding.help.is_some(), "{}: {finding:?}", file.display());
        }
        let told = format!("{}mended by the help alone: {}\n", human(&report, Look::Plain), mends(&report));
        let golden = file.with_extension("golden");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != told {
            changed.push(format!("{}\n{told}", file.display()));
        }
    }
    assert!(changed.is_empty(), "run `make bless` and read the diff:\n{}", changed.join("\n"));
}

#[test] // U2
fn are_mended_by_the_help_in_seven_of_eight() {
    let files = mistakes();
    let left: Vec<_> = files.iter().filter(|file| !mends(&loaded(file).report)).collect();
    let mended = files.len() - left.len();
    println!("{mended} of {} mistakes are mended by applying the help", files.len());
    assert!(
        files.len() >= 40 && mended * 40 >= 35 * files.len(),
        "{mended} of {}; not: {left:#?}",
        files.len()
    );
}

#[test] // S8
fn never_show_a_secret() {
    for file in mistakes() {
        let report = loaded(&file).report;
        let shown = human(&report, Look::Coloured)
            + &tidecast::config::json(&report).to_string()
            + &tidecast::config::sarif(&report).to_string()
            + &tidecast::config::github(&report);
        assert!(!shown.contains("canary-7f3a") && !shown.contains("hunter2"), "{}:\n{shown}", file.display());
    }
}
