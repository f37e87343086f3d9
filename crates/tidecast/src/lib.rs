//! The hands of tidecast: everything that waits, every socket, every file. The judgment lies in the crates
//! below; what is here fetches a briefing's facts and carries a decision out.
//!
//! Read in this order: [`trouble`] is how the outside fails; [`egress`] is the only way to an address that a user
//! gave.

pub mod egress;
pub mod trouble;
