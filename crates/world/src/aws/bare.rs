use std::collections::BTreeMap;

use super::Refusal;

/// An instance outside of any group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bare {
    /// Its id.
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`.
    pub state: &'static str,
    /// When it was launched, in seconds.
    pub launched_s: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    pub(super) until_s: i64,
}

/// Instances outside of groups, and the requests that made them.
#[derive(Debug, Clone, Default)]
pub(super) struct Bares {
    pub(super) all: Vec<Bare>,
    tokens: BTreeMap<String, (u32, String, Vec<usize>)>,
}

impl Bares {
    /// Launches: once for each token, however often it is asked.
    pub(super) fn run(
        &mut self,
        token: &str,
        (count, template, tags): (u32, &str, &[(String, String)]),
        now_s: i64,
    ) -> Result<Vec<Bare>, Refusal> {
        if let Some((asked, from, places)) = self.tokens.get(token) {
            return match (*asked, from.as_str()) == (count, template) {
                true => Ok(places.iter().map(|place| self.all[*place].clone()).collect()),
                false => Err(Refusal::token_mismatch()),
            };
        }
        let first = self.all.len();
        for _ in 0..count {
            let id = format!("i-ba5e{:012x}", self.all.len());
            let tags = tags.iter().cloned().collect();
            self.all.push(Bare { id, state: "pending", launched_s: now_s, tags, until_s: now_s + 40 });
        }
        self.tokens.insert(token.to_owned(), (count, template.to_owned(), (first..self.all.len()).collect()));
        Ok(self.all[first..].to_vec())
    }

    /// Ends instances; ending them again does nothing.
    pub(super) fn end(&mut self, ids: &[String], now_s: i64) -> Result<(), Refusal> {
        if ids.iter().any(|id| !self.all.iter().any(|bare| bare.id == *id)) {
            return Err(Refusal::no_instance(ids));
        }
        for bare in self.all.iter_mut().filter(|bare| ids.contains(&bare.id)) {
            if matches!(bare.state, "pending" | "running") {
                (bare.state, bare.until_s) = ("shutting-down", now_s + 40);
            }
        }
        Ok(())
    }

    /// A moment passes.
    pub(super) fn live(&mut self, now_s: i64) {
        for bare in self.all.iter_mut().filter(|bare| bare.until_s <= now_s) {
            bare.state = match bare.state {
                "pending" => "running",
                "shutting-down" => "terminated",
                state => state,
            };
        }
    }
}
