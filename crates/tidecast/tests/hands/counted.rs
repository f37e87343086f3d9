//! Sessions as somebody counts them, for hands that ask before they end a server.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use tidecast::source::{Census, Headcount};
use tidecast::trouble::Trouble;

/// The sessions of servers by name; of those that are not there nothing is told.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<BTreeMap<String, Headcount>>);

impl Counted {
    pub(crate) fn tell(&self, name: &str, count: u32, at: Timestamp) {
        self.0.lock().unwrap().insert(name.to_owned(), Headcount { count, at, targets: 1 });
    }

    pub(crate) fn forget(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

#[async_trait]
impl Census for Counted {
    fn name(&self) -> String {
        "the count".into()
    }

    async fn sessions(&self, _: Timestamp) -> Result<BTreeMap<String, Headcount>, Trouble> {
        Ok(self.0.lock().unwrap().clone())
    }
}
