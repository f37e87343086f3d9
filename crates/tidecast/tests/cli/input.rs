//! Histories that are not as they should be: a clear error or a named note each, never a panic.

use crate::common::{Folder, Ran, csv, ended, run, tidecast, wave};

/// Every command on histories refuses the file with this sentence, and with exit code 2.
#[track_caller]
fn refused_everywhere(content: &[u8], sentence: &str) {
    let folder = Folder::new();
    let file = folder.file("bad.csv", content);
    for command in ["forecast", "backtest", "simulate"] {
        let Ran { out, err, code } = run(&[command, &file]);
        assert_eq!(code, 2, "{command}: {err}");
        assert!(err.contains(sentence), "{command}: {err}");
        assert!(err.contains("bad.csv"), "{command} names the file: {err}");
        assert_eq!(out, "", "{command} prints no data");
    }
}

/// `tidecast forecast` answers and notes this.
#[track_caller]
fn noted(content: impl AsRef<[u8]>, sentence: &str) -> Ran {
    let folder = Folder::new();
    let file = folder.file("odd.csv", content);
    let ran = run(&["forecast", &file, "--model", "last_week"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = format!("{}{}", ran.err, ran.out);
    assert!(said.contains(sentence), "{said}");
    ran
}

#[test]
fn an_empty_file_is_refused() {
    refused_everywhere(b"", "is empty; expected CSV");
}

#[test]
fn a_header_without_rows_is_refused() {
    refused_everywhere(b"timestamp,value\n", "has a header but no rows");
}

#[test]
fn a_single_row_is_refused() {
    refused_everywhere(
        b"timestamp,value\n2026-01-05T00:00:00Z,1\n",
        "all measurements are of one time, 2026-01-05T00:00:00Z",
    );
}

#[test]
fn text_for_numbers_is_refused_with_the_first_bad_row() {
    refused_everywhere(
        b"timestamp,value\n2026-01-05T00:00:00Z,many\n2026-01-05T01:00:00Z,few\n",
        "all 2 are unreadable; the first:\nline 2, column 22: \"many\" is not a number",
    );
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let ran = run(&["forecast", "nowhere/at-all.csv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("nowhere/at-all.csv cannot be read"), "{}", ran.err);
}

#[test]
fn a_bad_row_among_good_ones_is_left_out_and_shown() {
    let mut text = wave(24 * 21, 3_600);
    text.push_str("2026-01-26T00:00:00Z,n.a.\n");
    let ran = noted(&text, "1 unreadable row left out (--strict refuses them)\nline 506, column 22");
    assert!(ran.err.contains("506 | 2026-01-26T00:00:00Z,n.a."), "{}", ran.err);
    let folder = Folder::new();
    let strict = run(&["forecast", &folder.file("odd.csv", &text), "--strict"]);
    assert_eq!((strict.code, strict.out.as_str()), (2, ""));
    assert!(strict.err.contains("--strict refuses 1 unreadable row\nline 506, column 22"), "{}", strict.err);
}

#[test]
fn a_million_rows_are_read() {
    let folder = Folder::new();
    let file = folder.file("second.csv", wave(1_000_000, 1));
    let ran = run(&["forecast", &file, "--model", "last_week", "-o", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["history"]["points"], 3_333);
}

#[test]
fn a_gap_of_nine_days_is_named() {
    let gap = 24 * 10..24 * 19;
    let text = csv(24 * 30, 3_600, |i| (!gap.contains(&i)).then_some(50.0 + (i % 24) as f64));
    noted(&text, "216 points missing and left unknown, the longest gap 9d from 2026-01-15T00:00:00Z on");
}

#[test]
fn a_constant_series_is_forecast() {
    let ran = noted(csv(24 * 21, 3_600, |_| Some(7.0)), "mean 7");
    assert!(ran.out.contains("median"), "{}", ran.out);
}

#[test]
fn a_series_of_zeros_is_forecast() {
    noted(csv(24 * 21, 3_600, |_| Some(0.0)), "mean 0");
}

#[test]
fn carriage_returns_and_a_byte_order_mark_change_nothing() {
    let folder = Folder::new();
    let plain = wave(24 * 21, 3_600);
    let windows = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    let arguments = |file: String| run(&["forecast", &file, "--model", "last_week", "-o", "csv"]).out;
    let expected = arguments(folder.file("a.csv", &plain));
    assert!(expected.lines().count() > 24, "{expected}");
    assert_eq!(arguments(folder.file("b.csv", windows)), expected);
}

#[test]
fn standard_input_and_gzip_give_what_the_file_gives() {
    use std::io::Write;
    let folder = Folder::new();
    let plain = wave(24 * 21, 3_600);
    let from_file =
        run(&["forecast", &folder.file("a.csv", &plain), "--model", "last_week", "-o", "csv"]).out;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(plain.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    for input in [plain.into_bytes(), packed] {
        let piped =
            ended(tidecast(&["forecast", "-", "--model", "last_week", "-o", "csv"]).write_stdin(input));
        assert_eq!((piped.code, piped.out), (0, from_file.clone()), "{}", piped.err);
    }
}

#[test] // A3
fn what_was_repaired_is_named() {
    let mut rows: Vec<String> = wave(24 * 21, 3_600).lines().map(str::to_owned).collect();
    rows.swap(100, 101);
    rows[200] = rows[200].replace(',', ",-");
    rows[300] = format!("{},inf", rows[300].split(',').next().unwrap());
    rows.insert(400, rows[400].clone());
    let ran = noted(rows.join("\n"), "out of order sorted in");
    for repair in ["negative value", "not finite", "measured twice"] {
        assert!(ran.err.contains(repair), "{repair}: {}", ran.err);
    }
}

#[test] // A14, B7
fn times_without_a_zone_are_read_where_told() {
    let folder = Folder::new();
    let civil = wave(24 * 21, 3_600).replace('Z', "").replace('T', " ");
    let file = folder.file("civil.csv", civil);
    let ran = run(&["forecast", &file, "--model", "last_week", "--zone", "America/New_York", "-o", "json"]);
    assert!(ran.err.contains("504 times without a zone read in America/New_York"), "{}", ran.err);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["history"]["from"], "2026-01-05T05:00:00Z");
}

#[test] // B1
fn a_history_of_a_few_hours_is_forecast_by_what_stands_in() {
    let ran = noted(csv(9, 3_600, |i| Some(10.0 + i as f64)), "all_seen stands in");
    assert!(ran.out.contains("too short: "), "{}", ran.out);
}
