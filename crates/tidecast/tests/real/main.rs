//! tidecast against real servers, real disks and real kills. What is not installed is skipped, and said.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod garbage;
mod kills;
mod lost_scrapes;
mod rules;
mod servers;
mod service;
mod sessions;
mod targets;
mod weeks;
