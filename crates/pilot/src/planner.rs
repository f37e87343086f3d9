//! From needs to sizes: the cheapest plan that covers every need, and its summary in few actions.
//!
//! Everything here is arithmetic on plain numbers, so that a replay of thousands of days can call it in its inner loop;
//! [`crate::plan`] puts times and reasons to it.

mod compress;
mod exact;
mod minima;
mod reach;
mod table;
mod window;

pub use compress::{Compression, compress};
pub use exact::{DownMax, LEVELS_MAX, Problem, Rules, Solution, solve};
pub use window::{Held, most_within};
