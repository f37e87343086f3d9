//! The `tidecast` command.

fn main() {}
