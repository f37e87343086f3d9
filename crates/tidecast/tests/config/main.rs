//! The configuration from outside: files in, findings out.

#![allow(clippy::unwrap_used, reason = "a test says that something went wrong by panicking")]

mod files;
mod mistakes;
mod pages;
mod reload;
