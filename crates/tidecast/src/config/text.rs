use std::collections::BTreeMap;
use std::ops::Range;

/// Where something stands: a file of [`Texts`] and a range of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which file, as an index into the texts that were read.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// One past the last byte; equal to `start` where a thing has no extent, such as an absent value.
    pub end: usize,
}

/// Where nothing stands: the place of examples that are read in place of what is missing.
pub(super) const NOWHERE: Place = Place { file: usize::MAX, start: 0, end: 0 };

impl Place {
    /// From the beginning of this place to the end of the other.
    pub fn to(self, end: Place) -> Self {
        Self { end: end.end.max(self.end), ..self }
    }

    /// The bytes.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// One file as it was read: valid UTF-8 without a byte order mark.
#[derive(Debug, Clone)]
pub struct Text {
    /// The name as people know it: the path that was given.
    pub name: String,
    /// All of it.
    pub content: String,
}

impl Text {
    /// Line and column of a byte, both from one; a column is a character, not a byte.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let before = &self.content[..floor(&self.content, byte)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The bytes of the lines that a range touches, without the last line break.
    pub fn lines_around(&self, range: Range<usize>) -> Range<usize> {
        let (start, end) = (floor(&self.content, range.start), floor(&self.content, range.end));
        let from = self.content[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = self.content[end..].find('\n').map_or(self.content.len(), |at| end + at);
        from..to.max(from)
    }
}

/// The nearest border between characters at or before `byte`.
fn floor(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|b| text.is_char_boundary(*b)).unwrap_or(0)
}

/// All files of one configuration, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Texts(pub Vec<Text>);

impl Texts {
    /// The file of a place.
    pub fn of(&self, place: Place) -> &Text {
        &self.0[place.file]
    }

    /// `file:line:column` of a place.
    pub fn say(&self, place: Place) -> String {
        let (line, column) = self.of(place).line_column(place.start);
        format!("{}:{line}:{column}", self.of(place).name)
    }

    /// The texts after these replacements; those that overlap an earlier one are left out.
    pub fn mended(&self, fixes: &[(Place, String)]) -> Texts {
        let mut by_file: BTreeMap<usize, Vec<&(Place, String)>> = BTreeMap::new();
        fixes.iter().for_each(|fix| by_file.entry(fix.0.file).or_default().push(fix));
        let mend = |(file, text): (usize, &Text)| Text {
            name: text.name.clone(),
            content: mend(&text.content, by_file.remove(&file).unwrap_or_default()),
        };
        Texts(self.0.iter().enumerate().map(mend).collect())
    }
}

fn mend(content: &str, mut fixes: Vec<&(Place, String)>) -> String {
    fixes.sort();
    fixes.dedup();
    let (mut out, mut at) = (String::new(), 0);
    for (place, text) in fixes {
        if place.start >= at {
            out.push_str(&content[at..place.start]);
            out.push_str(text);
            at = place.end;
        }
    }
    out + &content[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Text {
        Text { name: "a.yaml".into(), content: "größe: 1\r\nb: 2\n".into() }
    }

    #[test]
    fn counts_characters_not_bytes() {
        assert_eq!(text().line_column(9), (1, 8));
        assert_eq!(text().line_column(12), (2, 1));
        assert_eq!(text().line_column(9_999), (3, 1));
    }

    #[test]
    fn mends_from_front_to_back() {
        let texts = Texts(vec![text()]);
        let at = |start, end| Place { file: 0, start, end };
        let mended =
            texts.mended(&[(at(15, 16), "3".into()), (at(0, 7), "size".into()), (at(0, 7), "no".into())]);
        assert_eq!(mended.0[0].content, "no: 1\r\nb: 3\n");
    }
}
