//! The command line from outside: what people and scripts see.

mod common;

mod backtest;
mod exit_codes;
mod forecast;
mod input;
mod looks;
mod simulate;
