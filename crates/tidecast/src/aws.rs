//! What the hands that talk to AWS share: one way to each region, and no more calls than it bears.
//!
//! A [`Region`] finds its credentials by the SDK's usual chain, when it is first asked. Each turn opens a [`Visit`], whose
//! calls take their place in the region's [`Bucket`]. Nothing is tried again within a turn: what failed is looked at anew
//! by the next one, which sees what has become of it.

mod bucket;
mod listed;
mod query;
mod region;
mod said;

pub use bucket::{Bucket, Rates};
pub use listed::groups;
pub use query::Ec2;
pub use region::{Region, Visit, Wait};
pub use said::{from_time, to_time};
