//! The stable codes of what can be wrong in a configuration, each with the page that explains it.
//!
//! A code keeps its number and meaning for ever: 01xx are errors, 02xx are warnings, 03xx are warnings of an import. A code that is no longer
//! given is not given to anything else.

mod errors;
mod imports;
mod warnings;

use std::fmt;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but probably does not do what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A stable code such as `TIDE0104`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TIDE{:04}", self.0)
    }
}

impl Code {
    /// The code of this name, whatever its case; `104` and `TIDE104` will do as well.
    pub fn find(name: &str) -> Option<Self> {
        let digits =
            name.get(..4).filter(|start| start.eq_ignore_ascii_case("tide")).map_or(name, |_| &name[4..]);
        let number = digits.parse::<u16>().ok()?;
        Page::all().find(|page| page.code.0 == number).map(|page| page.code)
    }

    /// Errors are 01xx, warnings 02xx and 03xx.
    pub fn severity(self) -> Severity {
        if self.0 < 200 { Severity::Error } else { Severity::Warning }
    }

    /// What the code means.
    pub fn page(self) -> &'static Page {
        Page::all().find(|page| page.code == self).expect("the macro that makes a code also makes its page")
    }
}

/// What there is to know about a code.
#[derive(Debug)]
pub struct Page {
    /// The code.
    pub code: Code,
    /// What it means, in a few words.
    pub title: &'static str,
    /// Why that is refused or warned of.
    pub why: &'static str,
    /// An example that gives the code.
    pub wrong: &'static str,
    /// The same, mended.
    pub right: &'static str,
}

impl Page {
    /// All pages in the order of their codes.
    pub fn all() -> impl Iterator<Item = &'static Page> {
        errors::PAGES.iter().chain(warnings::PAGES).chain(imports::PAGES)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}): {}\n\n{}\n", self.code, self.code.severity().word(), self.title, self.why)?;
        writeln!(f, "Wrong:\n{}\n\nRight:\n{}", indented(self.wrong), indented(self.right))
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// Each line makes a constant of [`Code`] and its [`Page`].
macro_rules! pages {
    ($($name:ident $number:literal $title:literal $why:literal $wrong:literal $right:literal)*) => {
        impl crate::config::codes::Code {
            $(#[doc = $title] pub const $name: Self = Self($number);)*
        }
        pub(super) const PAGES: &[crate::config::codes::Page] = &[$(crate::config::codes::Page {
            code: crate::config::codes::Code::$name,
            title: $title, why: $why, wrong: $wrong, right: $right,
        }),*];
    };
}
use pages;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascend_and_are_found_by_name() {
        let codes: Vec<_> = Page::all().map(|page| page.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        assert_eq!(Code::find("tide0104"), Some(Code::DURATION_WITHOUT_UNIT));
        assert_eq!(Code::find("104"), Some(Code::DURATION_WITHOUT_UNIT));
        assert_eq!(Code::find("TIDE9999"), None);
        assert_eq!(Code::find("ü104"), None);
    }

    #[test]
    fn explain_themselves_in_full() {
        for page in Page::all() {
            assert!(page.why.len() > 20 && !page.wrong.is_empty() && !page.right.is_empty(), "{}", page.code);
            assert_eq!(page.code.severity() == Severity::Error, page.code.0 < 200);
        }
    }
}
