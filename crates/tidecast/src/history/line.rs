//! One line of a CSV file: where its fields are.

use std::borrow::Cow;
use std::ops::Range;

/// The separators that are looked for, the rarer first: a comma may also be a decimal comma.
const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

/// The separator of a file whose first line is `line`, if it has any.
pub(super) fn separator(line: &str) -> Option<u8> {
    SEPARATORS.into_iter().find(|s| fields(line, *s).is_ok_and(|found| found.len() > 1))
}

/// Why a line has no fields.
#[derive(Debug, PartialEq)]
pub(super) struct OpenQuote {
    /// Where the quote that is never closed stands, in bytes from the line's start.
    pub at: usize,
}

/// The byte ranges of the fields of `line`, quotes included. A field lies on one line.
pub(super) fn fields(line: &str, separator: u8) -> Result<Vec<Range<usize>>, OpenQuote> {
    let mut found = Vec::with_capacity(4);
    let (mut from, mut quote) = (0, None);
    for (i, byte) in line.bytes().enumerate() {
        match (byte, quote) {
            (b'"', None) if line[from..i].trim().is_empty() => quote = Some(i),
            (b'"', Some(_)) => quote = None,
            (b'"', None) if i > 0 && line.as_bytes()[i - 1] == b'"' => quote = Some(i),
            (b, None) if b == separator => {
                found.push(from..i);
                from = i + 1;
            }
            _ => {}
        }
    }
    if let Some(at) = quote {
        return Err(OpenQuote { at });
    }
    found.push(from..line.len());
    Ok(found)
}

/// What a field says: without the blanks around it and without its quotes.
pub(super) fn unquoted(field: &str) -> Cow<'_, str> {
    let field = field.trim();
    match field.strip_prefix('"').and_then(|f| f.strip_suffix('"')) {
        Some(inner) if inner.contains("\"\"") => Cow::Owned(inner.replace("\"\"", "\"")),
        Some(inner) => Cow::Borrowed(inner.trim()),
        None => Cow::Borrowed(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, separator: u8, expected: &[&str]) {
        let found = fields(line, separator).expect("all quotes are closed");
        let texts: Vec<_> = found.into_iter().map(|range| unquoted(&line[range]).into_owned()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn reads_quoted_and_plain_fields() {
        check("a,b", b',', &["a", "b"]);
        check(r#""a,b", "c ""d""""#, b',', &["a,b", r#"c "d""#]);
        check("a,,", b',', &["a", "", ""]);
        check(r#"5" pipe,1"#, b',', &[r#"5" pipe"#, "1"]);
    }

    #[test]
    fn names_a_quote_that_is_never_closed() {
        assert_eq!(fields(r#"a,"b"#, b','), Err(OpenQuote { at: 2 }));
    }

    #[test]
    fn finds_the_separator() {
        assert_eq!(separator("timestamp,value"), Some(b','));
        assert_eq!(separator("2026-01-01 00:00;3,5"), Some(b';'));
        assert_eq!(separator("time\tvalue, in req/s"), Some(b'\t'));
        assert_eq!(separator("value"), None);
    }
}
