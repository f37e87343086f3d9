/// One line of a group's scaling activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its id.
    pub id: String,
    /// Such as `Launching a new EC2 instance: i-0a`.
    pub description: String,
    /// Why, in AWS's words.
    pub cause: String,
    /// When it began, in seconds.
    pub start_s: i64,
    /// When it ended, if it has.
    pub end_s: Option<i64>,
    /// `InProgress`, `Successful`, `Failed`.
    pub status: &'static str,
    /// What went wrong.
    pub message: Option<String>,
}

/// A time as AWS writes it into causes.
pub(super) fn stamp(at_s: i64) -> String {
    jiff::Timestamp::from_second(at_s).map_or_else(|_| "?".into(), |at| at.to_string())
}
