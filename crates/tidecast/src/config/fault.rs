use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::codes::Code;
use super::decode::flow;
use super::finding::Finding;
use super::suggest::{listed, nearest};
use super::text::Place;

/// What a value of our own complains of when it is read: a code, a sentence, and what would be right.
///
/// Its `Display` is how it travels through serde, whose errors know only text; [`Fault`] takes it apart again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The code.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
    /// What to write instead, if that can be known.
    pub instead: Option<String>,
}

/// Between the parts of a complaint on its way through serde: no text that is read here may hold it.
const UNIT: char = '\u{1f}';

impl Complaint {
    /// A complaint that cannot say what to write instead.
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into(), instead: None }
    }

    /// The same, with what to write instead.
    pub fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(UNIT);
        let code = Code::find(parts.next()?)?;
        let (message, help) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { code, message, help, instead: parts.next().map(str::to_owned) })
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{UNIT}{}{UNIT}{}", self.code, self.message, self.help)?;
        self.instead.as_ref().map_or(Ok(()), |instead| write!(f, "{UNIT}{instead}"))
    }
}

impl What {
    /// Tells apart what may be mended once each at the same node.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Missing(key, _) => key,
            Self::Value(_) => ":value",
            Self::Key(_) => ":key",
        }
    }
}

/// Why a tree does not fit a section: the error of our own deserialiser. Boxed, as serde moves it about.
#[derive(Debug, Clone)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    finding: Finding,
    what: What,
    /// The node without which the rest may fit.
    culprit: Option<usize>,
    /// It follows from another that has been told.
    silent: bool,
}

/// What the reader has to know of a fault in order to place it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A key is missing: the fault is the section's. And what could stand there.
    Missing(String, Option<serde_json::Value>),
    /// The value itself, which may be replaced by this text.
    Value(Option<String>),
    /// A key that does not belong there, and the one that was probably meant.
    Key(Option<String>),
}

impl Fault {
    fn new(finding: Finding, what: What) -> Self {
        Self(Box::new(Inner { finding, what, culprit: None, silent: false }))
    }

    pub(super) fn complaint(complaint: Complaint) -> Self {
        let Complaint { code, message, help, instead } = complaint;
        Self::new(Finding::new(code, message).help(help), What::Value(instead))
    }

    /// A key that is missing, and what it could look like.
    pub(super) fn missing(key: &str, section: &str, example: Option<&serde_json::Value>) -> Self {
        let code = if key == "maxReplicas" { Code::NO_MAX_REPLICAS } else { Code::KEY_MISSING };
        let shown = example.map_or("…".to_owned(), flow);
        let finding = Finding::new(code, format!("{section} has no `{key}`, which it must have"));
        Self::new(
            finding.help(format!("add `{key}: {shown}`")),
            What::Missing(key.to_owned(), example.cloned()),
        )
    }

    /// A key that the section does not have.
    pub(super) fn unknown_key(key: &str, known: &[&'static str]) -> Self {
        let meant = super::foreign::word(key, known).or_else(|| nearest(key, known.iter().copied()));
        let help = match (meant, super::foreign::note(key)) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(note)) => note.to_owned(),
            (None, None) if known.is_empty() => "nothing can be set here; take it away".to_owned(),
            (None, None) => format!("what can stand here is {}", listed(known.iter().copied())),
        };
        let finding = Finding::new(Code::UNKNOWN_KEY, format!("there is no key `{key}` here")).help(help);
        Self::new(finding, What::Key(meant.map(str::to_owned)))
    }

    /// Something other than what should stand there.
    pub(super) fn wrong_kind(found: &str, expected: &str, help: impl Into<String>) -> Self {
        let finding =
            Finding::new(Code::WRONG_KIND, format!("here stands {found}, but {expected} is expected"));
        Self::new(finding.help(help), What::Value(None))
    }

    /// The same, with what to put in place of the value.
    pub(super) fn instead(mut self, text: Option<String>) -> Self {
        self.0.what = What::Value(text);
        self
    }

    /// Puts the fault at a place, unless it has one. `culprit` is the node to leave out for the rest to be read.
    pub(super) fn place(mut self, place: Place, culprit: usize) -> Self {
        if self.0.finding.place.is_none() {
            self.0.finding.place = Some(place);
            self.0.culprit = Some(culprit);
            if let What::Value(Some(text)) | What::Key(Some(text)) = &self.0.what {
                self.0.finding.fixes = vec![(place, text.clone())];
            }
        }
        self
    }

    /// The same, mended by replacing all of the value.
    pub(super) fn covering(mut self, whole: Place) -> Self {
        if let What::Value(Some(text)) = &self.0.what {
            self.0.finding.fixes = vec![(whole, text.clone())];
        }
        self
    }

    /// The same with another finding, made of its own.
    pub(super) fn map(mut self, change: impl FnOnce(Finding) -> Finding) -> Self {
        self.0.finding = change(self.0.finding);
        self
    }

    /// The same, not to be told.
    pub(super) fn hush(mut self) -> Self {
        self.0.silent = true;
        self
    }

    pub(super) fn is_placed(&self) -> bool {
        self.0.finding.place.is_some()
    }

    pub(super) fn what(&self) -> &What {
        &self.0.what
    }

    pub(super) fn hushed(&self) -> bool {
        self.0.silent
    }

    pub(super) fn culprit(&self) -> Option<usize> {
        self.0.culprit
    }

    /// What is to be told of it, if anything.
    pub(super) fn finding(self) -> Option<Finding> {
        (!self.0.silent).then_some(self.0.finding)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.finding.message)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let plain = || Complaint::new(Code::OUT_OF_RANGE, message.clone(), "see the reference of this key");
        Self::complaint(Complaint::parse(&message).unwrap_or_else(plain))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong_kind(&found.to_string(), &expected.to_string(), "see the reference of this key")
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        let only = || known.first().copied().filter(|_| known.len() == 1);
        let meant = super::foreign::word(given, known)
            .or_else(|| nearest(given, known.iter().copied()))
            .or_else(only);
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`? It can be {}", listed(known.iter().copied())),
            None => format!("it can be {}", listed(known.iter().copied())),
        };
        let finding = Finding::new(
            Code::UNKNOWN_WORD,
            format!("`{given}` is not one of the words that can stand here"),
        );
        Self::new(finding.help(help), What::Value(meant.map(str::to_owned)))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::unknown_key(key, known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::missing(key, "this section", None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_a_complaint_through_serde() {
        let complaint = Complaint::new(Code::DURATION_WITHOUT_UNIT, "a", "b").instead("c");
        assert_eq!(Complaint::parse(&complaint.to_string()), Some(complaint));
        let fault: Fault = Error::custom("the sky fell");
        assert_eq!(fault.to_string(), "the sky fell");
    }
}
