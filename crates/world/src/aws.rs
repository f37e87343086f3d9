//! A pretended AWS account: Auto Scaling groups and bare instances by AWS's own rules, in virtual time.
//!
//! It is pure: [`Account::call`] is one request at one instant, [`Account::pass`] lets time go by, and what goes wrong
//! is a list of [`Spell`]s drawn from a seed. It holds the rules that a fake on the wire does not: sizes stay between
//! minimum and maximum, a group takes 125 scheduled actions with starts of their own, none of them past, at most 50 in one
//! call; they fire up to two minutes late, in order; launches take time and fail; instances are protected, wait for lifecycle hooks, come out of
//! warm pools, and are of more units than one where weights say so; answers lag behind
//! what was done; calls are throttled, refused, or done although their reply is lost. Where AWS's documentation leaves a rule
//! open, the comment says so.

mod account;
mod activity;
mod bare;
mod call;
mod fault;
mod group;
mod policy;
mod refusal;
mod scaling;
mod scheduled;

pub use account::{Account, Done};
pub use activity::Activity;
pub use bare::Bare;
pub use call::{Answer, Call, Page};
pub use fault::{Fault, Faults, Outcome, Spell};
pub use group::{Group, Hook, Instance, Launching, Life, Verdict, WarmPool, Warmth};
pub use policy::Policy;
pub use refusal::Refusal;
pub use scaling::ScalingPolicy;
pub use scheduled::Scheduled;

#[cfg(test)]
mod lives;
#[cfg(test)]
mod tests;
