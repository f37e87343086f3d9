use std::io::{Cursor, Write};

use super::*;

fn reading() -> Reading {
    Reading { time_column: None, value_column: None, zone: TimeZone::UTC, strict: false }
}

fn from(bytes: &[u8], reading: &Reading) -> Result<(Samples, Vec<Remark>), Unreadable> {
    read_from(unpacked(Box::new(Cursor::new(bytes.to_vec())))?, reading)
}

/// Text in; rows read, and all remarks as one string, out.
#[track_caller]
fn check(text: &str, rows: usize, remarks: &str) {
    let (samples, found) = from(text.as_bytes(), &reading()).expect("readable");
    let found: Vec<String> = found.iter().map(Remark::to_string).collect();
    assert_eq!((samples.0.len(), found.join("; ").as_str()), (rows, remarks));
}

#[track_caller]
fn refuses(bytes: &[u8], reading: &Reading, sentence: &str) {
    let why = from(bytes, reading).expect_err("not a history").to_string();
    assert!(why.contains(sentence), "{why:?} does not contain {sentence:?}");
}

#[test]
fn reads_what_exporters_write() {
    check("timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:05:00Z,2\n", 2, "");
    check("\u{feff}timestamp,value\r\n2026-01-01T00:00:00Z,1\r\n\r\n2026-01-01T00:05:00Z,2", 2, "");
    check("# exported\ntimestamp\tvalue\n2026-01-01T00:00:00Z\t1\n", 1, "");
    check("\"timestamp\",\"value\"\n\"2026-01-01T00:00:00Z\",\"1\"\n", 1, "");
    check(
        "1767225600,5\n1767225660,6\n",
        2,
        "no header: column 1 read as the time, column 2 as the value; times read as seconds since 1970",
    );
    check("time;value\n2026-01-01T00:00:00Z;1,5\n", 1, "1 values read with a decimal comma");
    check(
        "time,value\n2026-01-01 00:00,1\n",
        1,
        "1 times without a zone read in UTC (--zone says otherwise)",
    );
}

#[test]
fn reads_gzip_by_its_first_bytes() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"timestamp,value\n2026-01-01T00:00:00Z,1\n").expect("memory");
    let (samples, _) = from(&packed.finish().expect("memory"), &reading()).expect("readable");
    assert_eq!(samples.0.len(), 1);
}

#[test] // B1
fn shows_a_bad_row_with_line_and_column_and_goes_on() {
    let text = "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T00:05:00Z,abc\n2026-01-01T00:10:00Z,3\n";
    check(
        text,
        2,
        "1 unreadable row left out (--strict refuses them)\n\
         line 3, column 22: \"abc\" is not a number\n\
         \u{20} 3 | 2026-01-01T00:05:00Z,abc\n\
         \u{20}   |                      ^^^\n\
         \u{20}   = help: write a number such as 12.5, or leave the field empty where nothing was measured",
    );
    let strict = Reading { strict: true, ..reading() };
    refuses(text.as_bytes(), &strict, "--strict refuses 1 unreadable row\nline 3, column 22");
}

#[test]
fn counts_the_bad_rows_that_it_does_not_show() {
    let mut text = String::from("timestamp,value\n2026-01-01T00:00:00Z,1\n");
    (0..5).for_each(|_| text.push_str("yesterday,1\n"));
    let (_, remarks) = from(text.as_bytes(), &reading()).expect("readable");
    assert!(remarks[0].to_string().ends_with("… and 2 more"), "{}", remarks[0]);
}

#[test]
fn tells_a_forgotten_quote_and_a_stray_separator() {
    refuses(b"t,value\n\"2026-01-01T00:00:00Z,1\n", &reading(), "line 2, column 1: a quote is opened here");
    refuses(b"time,value\n2026-01-01T00:00:00Z,1,234\n", &reading(), "3 fields where the first row has 2");
}

#[test]
fn refuses_what_holds_no_history_and_says_why() {
    refuses(b"", &reading(), "is empty");
    refuses(b"\n\n", &reading(), "is empty");
    refuses(b"timestamp,value\n", &reading(), "has a header but no rows");
    refuses(b"value\n1\n2\n", &reading(), "has one column only");
    refuses(b"time,value\na,b\nc,d\n", &reading(), "all 2 are unreadable; the first:\nline 2, column 1");
    refuses(&[0xff, 0xfe, b't', 0], &reading(), "UTF-16");
    refuses(&[b'a', b',', 0, 1, 2], &reading(), "zero bytes");
    refuses("x".repeat(70_000).as_bytes(), &reading(), "line 1 is longer than 65536 bytes");
}

#[test]
fn stops_at_broken_gzip() {
    refuses(&[0x1f, 0x8b, 8, 0, 1, 2], &reading(), "cannot be read");
}

#[test]
fn chooses_columns_as_told() {
    let told = Reading { time_column: Some("when".into()), value_column: Some("3".into()), ..reading() };
    let (samples, _) = from(b"when,host,rps\n2026-01-01T00:00:00Z,a,7\n", &told).expect("readable");
    assert_eq!(samples.0[0].value, 7.0);
    let absent = Reading { value_column: Some("load".into()), ..reading() };
    refuses(b"time,rps\n2026-01-01T00:00:00Z,7\n", &absent, "has no column \"load\" (columns: time, rps)");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics_whatever_the_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = from(&bytes, &reading());
        }

        #[test]
        fn never_panics_on_lines_that_are_nearly_rows(text in "(\"?[0-9TZ:.\\-é]{0,24}\"?[,;\t]?[0-9a-z,.\"]{0,8}\r?\n){0,12}") {
            let _ = from(text.as_bytes(), &reading());
        }
    }
}
