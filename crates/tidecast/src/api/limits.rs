//! A number on everything that a caller can ask for.

use std::time::Duration;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Until an answer begins.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Requests under way at one time; more are told to come back.
pub const AT_ONCE_MAX: usize = 256;
/// Followers of the event stream at one time.
pub const FOLLOWERS_MAX: usize = 100;
/// Entries of a page unless asked for.
pub const PAGE_DEFAULT: usize = 100;
/// The most entries of a page.
pub const PAGE_MAX: usize = 1_000;
/// The most points of a history or a forecast in one answer.
pub const POINTS_MAX: usize = 11_000;
/// The most measurements of one push.
pub const PUSHED_MAX: usize = 10_000;
/// The most decrees at one time.
pub const DECREES_MAX: usize = 10_000;
/// The longest that a decree may hold.
pub const DECREE_DAYS_MAX: i64 = 366;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;
/// How many days accuracy looks back at most.
pub const ACCURACY_DAYS_MAX: i64 = 8;
