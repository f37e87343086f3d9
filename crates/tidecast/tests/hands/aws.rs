//! EC2 Auto Scaling groups and CloudWatch: the scaler through the real SDK, against an account pretended by AWS's own
//! rules in virtual time, and against moto, which knows the wire by heart and hardly any rule.

mod account;
mod behaviour;
mod campaign;
mod cloudwatch;
mod decisions;
mod drains;
mod figures;
mod fleet;
mod fleet_campaign;
mod form;
mod imported;
mod lives;
mod moto;
mod policy;
mod show;
mod suite;
mod xml;

pub(crate) use account::Wire;
pub(crate) use policy::shipped;
