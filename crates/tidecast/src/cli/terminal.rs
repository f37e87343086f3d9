//! What the terminal at the other end can show, and the messages that go to it beside the data.

use std::io::{self, IsTerminal, Write};

use super::exit::Failure;

/// How much is said beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chatter {
    /// Errors only.
    Quiet,
    /// Notes and warnings too.
    Normal,
    /// Also what is of interest while looking for a cause.
    Verbose,
}

/// The terminal.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// Whether data on stdout may be coloured.
    pub colour: bool,
    /// Whether messages on stderr may be coloured.
    pub colour_messages: bool,
    /// Whether it shows characters beyond ASCII.
    pub unicode: bool,
    /// Columns that text may take.
    pub width: usize,
    /// Whether a person watches stderr.
    pub watched: bool,
    /// How much to say.
    pub chatter: Chatter,
}

/// What was asked for on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wishes {
    pub no_color: bool,
    pub ascii: bool,
    pub quiet: bool,
    pub verbose: bool,
}

/// Columns where nobody says how many there are.
const USUAL_WIDTH: usize = 80;
/// Narrower than this a chart says nothing; wider, lines are hard to read.
const WIDTHS: (usize, usize) = (40, 132);

impl Terminal {
    /// The terminal that this process talks to.
    pub(crate) fn of(wishes: Wishes) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let env = |name: &str| std::env::var(name).ok();
        let chatter = match wishes {
            Wishes { quiet: true, .. } => Chatter::Quiet,
            Wishes { verbose: true, .. } => Chatter::Verbose,
            _ => Chatter::Normal,
        };
        Self {
            colour: colours(wishes, &env, out),
            colour_messages: colours(wishes, &env, err),
            unicode: speaks_unicode(wishes, &env),
            width: width(&env, out),
            watched: err && env("TERM").as_deref() != Some("dumb"),
            chatter,
        }
    }

    /// Says something worth knowing that stopped nothing.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        self.say(Chatter::Normal, "note", Paint::Cyan, text);
    }

    /// Says something that may be wrong.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        self.say(Chatter::Normal, "warning", Paint::Yellow, text);
    }

    /// Says something for those who look closer.
    pub(crate) fn detail(&self, text: impl std::fmt::Display) {
        self.say(Chatter::Verbose, "detail", Paint::Dim, text);
    }

    /// Says why a command failed.
    pub(crate) fn error(&self, failure: &Failure) {
        self.say(Chatter::Quiet, "error", Paint::Red, &failure.why);
        if let Some(help) = &failure.help {
            self.say(Chatter::Quiet, " help", Paint::Cyan, help);
        }
    }

    /// `text` in characters that this terminal shows.
    pub(crate) fn plain(&self, text: &str) -> String {
        if self.unicode { text.to_owned() } else { text.chars().map(in_ascii).collect() }
    }

    /// A message; one that cannot be delivered is nobody's loss.
    fn say(&self, from: Chatter, kind: &str, paint: Paint, text: impl std::fmt::Display) {
        if self.chatter >= from {
            let kind = paint.on(self.colour_messages, &format!("{kind}:"));
            let _ = writeln!(io::stderr().lock(), "{kind} {}", self.plain(&text.to_string()));
        }
    }
}

/// The nearest that ASCII has.
fn in_ascii(character: char) -> String {
    let near = match character {
        c if c.is_ascii() => return c.to_string(),
        '–' | '—' | '−' => "-",
        '…' => "...",
        '×' => "x",
        '÷' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '→' => "->",
        '·' => "*",
        'µ' => "u",
        '’' | '‘' => "'",
        '“' | '”' => "\"",
        '\u{a0}' | '\u{202f}' => " ",
        _ => "?",
    };
    near.to_owned()
}

/// The few colours used; each says the same as words or shape beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Cyan,
}

impl Paint {
    /// `text` in this colour, if there are colours.
    pub(crate) fn on(self, colour: bool, text: &str) -> String {
        let code = match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Blue => 34,
            Self::Cyan => 36,
        };
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// `--no-color` beats the environment, refusing beats forcing, and forcing beats what the stream is.
fn colours(wishes: Wishes, env: Env, terminal: bool) -> bool {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    if wishes.no_color || set("NO_COLOR") {
        return false;
    }
    if env("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") {
        return true;
    }
    let dumb = env("TERM").is_some_and(|term| term == "dumb");
    terminal && !dumb && env("CLICOLOR").is_none_or(|value| value != "0")
}

/// ASCII where asked for, on a dumb terminal, and where the locale names another character set.
fn speaks_unicode(wishes: Wishes, env: Env) -> bool {
    if wishes.ascii || env("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env).find(|value| !value.is_empty());
    locale.is_none_or(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

fn width(env: Env, terminal: bool) -> usize {
    let told = env("COLUMNS").and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = told.or_else(|| if terminal { seen() } else { None }).unwrap_or(USUAL_WIDTH);
    width.clamp(WIDTHS.0, WIDTHS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[track_caller]
    fn check_colour(pairs: &'static [(&str, &str)], no_color: bool, terminal: bool, expected: bool) {
        let wishes = Wishes { no_color, ..Wishes::default() };
        assert_eq!(colours(wishes, &env(pairs), terminal), expected, "{pairs:?}");
    }

    #[test]
    fn colours_only_what_a_person_looks_at() {
        check_colour(&[], false, true, true);
        check_colour(&[], false, false, false);
        check_colour(&[("NO_COLOR", "1")], false, true, false);
        check_colour(&[("NO_COLOR", "")], false, true, true);
        check_colour(&[("CLICOLOR_FORCE", "1")], false, false, true);
        check_colour(&[("CLICOLOR_FORCE", "0")], false, false, false);
        check_colour(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, true, false);
        check_colour(&[("CLICOLOR_FORCE", "1")], true, true, false);
        check_colour(&[("TERM", "dumb")], false, true, false);
        check_colour(&[("CLICOLOR", "0")], false, true, false);
    }

    #[track_caller]
    fn check_unicode(pairs: &'static [(&str, &str)], expected: bool) {
        assert_eq!(speaks_unicode(Wishes::default(), &env(pairs)), expected, "{pairs:?}");
    }

    #[test]
    fn speaks_ascii_where_the_locale_asks_for_it() {
        check_unicode(&[], true);
        check_unicode(&[("LANG", "de_DE.UTF-8")], true);
        check_unicode(&[("LANG", "en_US.CP1252")], false);
        check_unicode(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], false);
        check_unicode(&[("LC_ALL", ""), ("LANG", "C.UTF-8")], true);
        check_unicode(&[("TERM", "dumb"), ("LANG", "C.UTF-8")], false);
    }

    #[test]
    fn keeps_to_widths_that_can_be_read() {
        assert_eq!(width(&env(&[]), false), 80);
        assert_eq!(width(&env(&[("COLUMNS", "100")]), false), 100);
        assert_eq!(width(&env(&[("COLUMNS", "5")]), false), 40);
        assert_eq!(width(&env(&[("COLUMNS", "999")]), true), 132);
    }
}
