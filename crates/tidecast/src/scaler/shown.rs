use async_trait::async_trait;
use jiff::Timestamp;
use tidecast_pilot::{Decision, Sighting};

use super::{Receipt, Scaler};
use crate::trouble::Trouble;

/// Changes nothing (S6.1): the board that everybody reads shows each decision beside what was measured.
#[derive(Debug, Clone, Copy)]
pub struct Shown;

#[async_trait]
impl Scaler for Shown {
    fn name(&self) -> String {
        "the board".into()
    }

    async fn sight(&self, _: Timestamp) -> Result<Option<Sighting>, Trouble> {
        Ok(None)
    }

    async fn carry_out(&self, _: &Decision) -> Result<Receipt, Trouble> {
        Ok(Receipt::Shown)
    }
}
