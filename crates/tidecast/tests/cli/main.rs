//! The command line from outside: what people and scripts see.

mod common;

mod backtest;
mod demo;
mod exit_codes;
mod forecast;
mod input;
mod looks;
mod simulate;
