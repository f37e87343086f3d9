//! The configuration from outside: files in, findings out.

#![allow(clippy::unwrap_used, reason = "a test says that something went wrong by panicking")]

#[cfg(feature = "kubernetes")]
mod chart;
mod files;
mod imports;
#[cfg(feature = "kubernetes")]
mod manifests;
mod mistakes;
mod pages;
mod reload;
