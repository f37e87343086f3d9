//! Edits that mend a file, completed where the text is at hand.

use super::text::{Place, Text};

/// Stands in an edit for the indentation of the line that it goes to.
pub(crate) const INDENT: char = '\u{1f}';

/// Stands for an edit that takes away what is there, with its line or its comma.
pub(crate) const REMOVE: &str = "\u{1e}";

/// An edit without placeholders.
pub(crate) fn complete((place, edit): (Place, String), text: &Text) -> (Place, String) {
    if edit == REMOVE {
        return (with_surroundings(place, &text.content), String::new());
    }
    if !edit.contains(INDENT) {
        return (place, edit);
    }
    let line = &text.content[text.lines_around(place.start..place.start).start..place.start];
    let spaces = line.chars().take_while(|letter| " -".contains(*letter)).count();
    (place, edit.replace(INDENT, &" ".repeat(spaces)))
}

/// What has to go with something that goes: its lines if it is alone on them, else the comma before or after it.
fn with_surroundings(place: Place, content: &str) -> Place {
    let (before, after) = (&content[..place.start], &content[place.end..]);
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = after.find('\n').map_or(after.len(), |at| at + 1);
    let comment = after[..rest].trim_start().starts_with('#');
    if before[line..].trim().is_empty() && (after[..rest].trim().is_empty() || comment) {
        return Place { start: line, end: place.end + rest, ..place };
    }
    let blank = after.len() - after.trim_start_matches(' ').len();
    if after[blank..].starts_with(',') {
        let spaces = after[blank + 1..].len() - after[blank + 1..].trim_start_matches(' ').len();
        return Place { end: place.end + blank + 1 + spaces, ..place };
    }
    let trimmed = before.trim_end();
    Place { start: if trimmed.ends_with(',') { trimmed.len() - 1 } else { place.start }, ..place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, gone: &str, expected: &str) {
        let start = content.find(gone).unwrap();
        let place = Place { file: 0, start, end: start + gone.len() };
        let text = Text { name: "t".into(), content: content.into() };
        let (place, edit) = complete((place, REMOVE.into()), &text);
        assert_eq!(format!("{}{edit}{}", &content[..place.start], &content[place.end..]), expected);
    }

    #[test]
    fn takes_lines_and_commas_along() {
        check("a: 1\nb: 2\nc: 3\n", "b: 2", "a: 1\nc: 3\n");
        check("a: 1\nb: 2 # why\n", "b: 2", "a: 1\n");
        check("{ a: 1, b: 2, c: 3 }", "b: 2", "{ a: 1, c: 3 }");
        check("{ a: 1, b: 2 }", "b: 2", "{ a: 1 }");
        check("{ a: 1 }", "a: 1", "{  }");
        check("a: 1\nb:\n  c: 2\n  d: 3\n", "b:\n  c: 2\n  d: 3", "a: 1\n");
    }

    #[test]
    fn indents_as_the_line_does() {
        let text = Text { name: "t".into(), content: "  - a: 1\n".into() };
        let at = Place { file: 0, start: 4, end: 4 };
        assert_eq!(complete((at, format!("b: 2\n{INDENT}")), &text).1, "b: 2\n    ");
    }
}
