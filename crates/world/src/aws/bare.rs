use std::collections::BTreeMap;

use super::Refusal;
use crate::Chance;

/// An instance outside of any group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bare {
    /// Its id.
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`.
    pub state: &'static str,
    /// When it was launched, in seconds.
    pub launched_s: i64,
    /// When its end was asked for.
    pub ended_s: Option<i64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    pub(super) until_s: i64,
}

/// How long what has ended is still described: "a short while", EC2's documentation says, "about an hour".
const TOLD_S: i64 = 3_600;

impl Bare {
    /// Whether it is there to stay.
    pub fn stays(&self) -> bool {
        matches!(self.state, "pending" | "running")
    }

    /// Whether it ended so long ago that it is described no more.
    pub(super) fn is_forgotten(&self, now_s: i64) -> bool {
        self.state == "terminated" && now_s - self.until_s >= TOLD_S
    }

    /// Whether it is described where what has happened since `then_s` may not be known; if so, perhaps as it was.
    pub(super) fn is_told(&mut self, then_s: i64, chance: &mut Chance) -> bool {
        let late = chance.happens(0.5);
        if late && self.ended_s.is_some_and(|at_s| at_s > then_s) {
            self.state = "running";
        }
        !(late && self.launched_s > then_s)
    }
}

/// How many, from which template, with which tags: with one token always the same.
type Wish = (u32, String, Vec<(String, String)>);

/// Instances outside of groups, and the requests that made them.
#[derive(Debug, Clone, Default)]
pub(super) struct Bares {
    pub(super) all: Vec<Bare>,
    tokens: BTreeMap<String, (Wish, Vec<usize>)>,
}

impl Bares {
    /// Whether something was launched with this token.
    pub(super) fn knows(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// One more.
    pub(super) fn add(&mut self, tags: &[(String, String)], now_s: i64) {
        let id = format!("i-ba5e{:012x}", self.all.len());
        let tags = tags.iter().cloned().collect();
        let (state, ended_s, until_s) = ("pending", None, now_s + 40);
        self.all.push(Bare { id, state, launched_s: now_s, ended_s, tags, until_s });
    }

    /// Launches `some` of `count`: once for each token, however often it is asked.
    pub(super) fn run(
        &mut self,
        token: &str,
        (count, some, template, tags): (u32, u32, &str, &[(String, String)]),
        now_s: i64,
    ) -> Result<Vec<Bare>, Refusal> {
        let wish = (count, template.to_owned(), tags.to_vec());
        if let Some((known, places)) = self.tokens.get(token) {
            return match *known == wish {
                true => Ok(places.iter().map(|place| self.all[*place].clone()).collect()),
                false => Err(Refusal::token_mismatch()),
            };
        }
        let first = self.all.len();
        for _ in 0..some {
            self.add(tags, now_s);
        }
        self.tokens.insert(token.to_owned(), (wish, (first..self.all.len()).collect()));
        Ok(self.all[first..].to_vec())
    }

    /// Ends instances; ending them again does nothing.
    pub(super) fn end(&mut self, ids: &[String], now_s: i64) -> Result<(), Refusal> {
        self.check(ids)?;
        for bare in self.all.iter_mut().filter(|bare| ids.contains(&bare.id) && bare.stays()) {
            (bare.state, bare.ended_s, bare.until_s) = ("shutting-down", Some(now_s), now_s + 40);
        }
        Ok(())
    }

    /// Tags instances.
    pub(super) fn tag(&mut self, ids: &[String], tags: &[(String, String)]) -> Result<(), Refusal> {
        self.check(ids)?;
        let named = self.all.iter_mut().filter(|bare| ids.contains(&bare.id));
        named.for_each(|bare| bare.tags.extend(tags.iter().cloned()));
        Ok(())
    }

    /// Takes tags away; one that is not there is none.
    pub(super) fn untag(&mut self, ids: &[String], keys: &[String]) -> Result<(), Refusal> {
        self.check(ids)?;
        let named = self.all.iter_mut().filter(|bare| ids.contains(&bare.id));
        named.for_each(|bare| bare.tags.retain(|key, _| !keys.contains(key)));
        Ok(())
    }

    fn check(&self, ids: &[String]) -> Result<(), Refusal> {
        let known = |id: &String| self.all.iter().any(|bare| bare.id == *id);
        if ids.iter().all(known) { Ok(()) } else { Err(Refusal::no_instance(ids)) }
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
