//! How the outside fails, in sentences that name the thing.

use crate::egress::Refusal;

/// Why something outside did not work, naming the thing, as a sentence in lower case.
///
/// Every edge speaks it: sources, stores and scalers. Inside, nothing fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A rule of [`crate::egress`] forbids the connection.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No connection came about, or it broke.
    #[error("{who} cannot be reached: {why}")]
    Unreachable {
        /// What was asked.
        who: String,
        /// What the network says.
        why: String,
    },
    /// The whole answer was not there in time.
    #[error("{who} did not answer within {limit_ms} ms")]
    Slow {
        /// What was asked.
        who: String,
        /// How long it had.
        limit_ms: u64,
    },
    /// Who is to ask has not asked lately.
    #[error("{who} has not asked {}", .since.map_or("yet".to_owned(), |since| format!("since {since}")))]
    Unasked {
        /// Who.
        who: String,
        /// When it last asked.
        since: Option<jiff::Timestamp>,
    },
    /// It knows us, and does not let us.
    #[error("{who} does not let tidecast {what}: {rule}")]
    Forbidden {
        /// What was asked.
        who: String,
        /// What was tried: a verb and what it was to be done to.
        what: String,
        /// The permission to add, in the other side's own words.
        rule: String,
    },
    /// What was asked for is not there.
    #[error("{who} has no {what}")]
    Missing {
        /// What was asked.
        who: String,
        /// What is missing, and what may be meant.
        what: String,
    },
    /// Somebody changes the same thing again and again, so that what was decided fits no more.
    #[error("{who} has changed since this was decided: {why}; the next turn decides anew")]
    Changed {
        /// What was to be changed.
        who: String,
        /// What was found.
        why: String,
    },
    /// It answered with a status that is no success.
    #[error("{who} answered {status}: {said}")]
    Answered {
        /// What was asked.
        who: String,
        /// The HTTP status.
        status: u16,
        /// What it said, cut to a line.
        said: String,
    },
    /// It wants us to go elsewhere, which could carry credentials to a stranger.
    #[error(
        "{who} answered {status} and points to {to}; redirects are never followed, give the final address"
    )]
    Redirected {
        /// What was asked.
        who: String,
        /// The HTTP status.
        status: u16,
        /// Where it points.
        to: String,
    },
    /// More came, or would come, than a limit allows.
    #[error("{who} sent more than {limit} {unit}, which is the limit")]
    TooMuch {
        /// What was asked.
        who: String,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// It answered with something that is no answer.
    #[error("{who} sent something that cannot be used: {why}")]
    Garbled {
        /// What was asked.
        who: String,
        /// What is wrong with it.
        why: String,
    },
    /// Several series came where the demand is one.
    #[error("{who} answered with {count} series where one is expected, among them {}; wrap the query in sum()", .names.join(" and "))]
    ManySeries {
        /// What was asked.
        who: String,
        /// How many came.
        count: usize,
        /// The first few of them.
        names: Vec<String>,
    },
    /// It was asked too often; it is asked less from here on.
    #[error(
        "{who} is asked too often and did not do {what}: it is asked half as often now, and again in the next turn"
    )]
    Throttled {
        /// What was asked.
        who: String,
        /// The call.
        what: String,
    },
    /// It would have to be asked more often than is good for it.
    #[error("{what} waits for the next turn: {who} is asked {per_s} times a second at most just now")]
    Paced {
        /// What would have been asked.
        who: String,
        /// The call.
        what: String,
        /// The rate, with its decimals.
        per_s: String,
    },
    /// It does not take our credentials any more.
    #[error("{who} refuses the credentials: {said}; {renew}")]
    Credentials {
        /// What was asked.
        who: String,
        /// What it says.
        said: String,
        /// What to do about it.
        renew: String,
    },
    /// A change that may be made or not: no answer tells.
    #[error(
        "{who} may have done {what} or not: {why}; nothing is tried twice before it is seen what stands there"
    )]
    Unsure {
        /// What was asked.
        who: String,
        /// The call.
        what: String,
        /// Why nobody knows.
        why: String,
    },
    /// Of several things, some were done.
    #[error("{who} did only a part of it: {what}")]
    Partly {
        /// What was asked.
        who: String,
        /// What was not done, and why.
        what: String,
    },
    /// The settings given for something cannot work.
    #[error("{who} cannot be set up: {why}")]
    Unusable {
        /// What was to be set up.
        who: String,
        /// What is wrong.
        why: String,
    },
    /// No room on the disk: nothing was written, and the next attempt may work.
    #[error("{who} has no room left on its disk; nothing was written")]
    Full {
        /// The store.
        who: String,
    },
    /// What was read is not what was written.
    #[error("{who} is damaged: {why}")]
    Damaged {
        /// The store.
        who: String,
        /// What does not fit.
        why: String,
    },
    /// A newer version of tidecast has written it.
    #[error(
        "{who} has format {found}, and this version knows formats up to {known}; run the newer version, or restore a snapshot from before the upgrade"
    )]
    Newer {
        /// The store.
        who: String,
        /// The format found.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The operating system reports an error of the disk or the file.
    #[error("{who} failed: {why}")]
    Broken {
        /// The store or file.
        who: String,
        /// What the system says.
        why: String,
    },
}

impl Trouble {
    /// A short word for metrics and for the state that is shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Slow { .. } => "slow",
            Self::Unasked { .. } => "unasked",
            Self::Forbidden { .. } => "forbidden",
            Self::Missing { .. } => "missing",
            Self::Changed { .. } => "changed",
            Self::Answered { .. } => "answered",
            Self::Redirected { .. } => "redirected",
            Self::TooMuch { .. } => "tooMuch",
            Self::Garbled { .. } => "garbled",
            Self::ManySeries { .. } => "manySeries",
            Self::Throttled { .. } => "throttled",
            Self::Paced { .. } => "paced",
            Self::Credentials { .. } => "credentials",
            Self::Unsure { .. } => "unsure",
            Self::Partly { .. } => "partly",
            Self::Unusable { .. } => "unusable",
            Self::Full { .. } => "full",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer",
            Self::Broken { .. } => "broken",
        }
    }
}

/// The first line of what a stranger said, without control characters and not longer than a line.
pub(crate) fn one_line(said: &str) -> String {
    const CHARS_MAX: usize = 200;
    let clean: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > CHARS_MAX {
        line = line.chars().take(CHARS_MAX).collect::<String>() + "…";
    }
    if line.is_empty() { "nothing".into() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_a_strangers_words_as_one_short_line() {
        assert_eq!(one_line("a\u{1b}[31m\n\n b\tc"), "a [31m b c");
        assert_eq!(one_line(" \n"), "nothing");
        assert_eq!(one_line(&"x".repeat(5_000)).chars().count(), 201);
    }
}
