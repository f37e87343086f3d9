use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::bare::Bares;
use super::policy::Asked;
use super::{Answer, Bare, Call, Faults, Group, Outcome, Page, Policy, Refusal, Scheduled};
use crate::{Chance, Purpose};

/// One account in one region.
#[derive(Debug)]
pub struct Account {
    now_s: i64,
    groups: BTreeMap<String, Group>,
    bares: Bares,
    /// What was there at earlier times, for descriptions that lag behind.
    past: VecDeque<(i64, BTreeMap<String, Group>, Vec<Bare>)>,
    /// What goes wrong.
    pub faults: Faults,
    /// What callers may do; anything, if there is none.
    pub policy: Option<Policy>,
    /// Calls in a second that are not refused as too many, and how many at once.
    pub rate: (f64, f64),
    tokens: (f64, i64),
    launches: Chance,
    replies: Chance,
    /// Everything that was done, with its time.
    pub log: Vec<(i64, Call)>,
    /// How many calls came, refused ones too.
    pub calls: u64,
    /// How many actions of batches were refused as their group had as many as it may have.
    pub over_quota: u64,
    /// When launches outside of groups found no machines, in seconds.
    pub wanting: Vec<i64>,
    /// How many launches outside of groups found machines for a part only.
    pub partly: u64,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// It was answered.
    Answered(Answer),
    /// It was refused.
    Refused(Refusal),
    /// Nothing came back.
    Lost,
}

/// Seconds that pass at once.
const STEP_S: i64 = 5;
/// How long what was is remembered.
const PAST_S: i64 = 120;

impl Account {
    /// An account at `now_s`, whose chance comes from `seed`.
    pub fn new(now_s: i64, seed: u64) -> Self {
        Self {
            now_s,
            groups: BTreeMap::new(),
            bares: Bares::default(),
            past: VecDeque::new(),
            faults: Faults::default(),
            policy: None,
            rate: (20.0, 60.0),
            tokens: (60.0, now_s),
            launches: Chance::of(seed, Purpose::Launches),
            replies: Chance::of(seed, Purpose::Replies),
            log: Vec::new(),
            calls: 0,
            over_quota: 0,
            wanting: Vec::new(),
            partly: 0,
        }
    }

    /// Puts a group there.
    pub fn add(&mut self, group: Group) {
        self.groups.insert(group.name.clone(), group);
    }

    /// A group as it really is.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn group(&self, name: &str) -> &Group {
        &self.groups[name]
    }

    /// The same, to change it as somebody else would.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn group_mut(&mut self, name: &str) -> &mut Group {
        self.groups.get_mut(name).expect("the group is there")
    }

    /// Puts an instance outside of groups there that somebody else has launched.
    pub fn add_bare(&mut self, tags: &[(&str, &str)]) {
        let tags: Vec<_> = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.bares.add(&tags, self.now_s);
    }

    /// Instances outside of groups as they really are.
    pub fn bares(&self) -> &[Bare] {
        &self.bares.all
    }

    /// The time.
    pub fn now_s(&self) -> i64 {
        self.now_s
    }

    /// Time goes by until `until_s`; never back.
    pub fn pass(&mut self, until_s: i64) {
        while self.now_s < until_s {
            self.now_s = (self.now_s + STEP_S).min(until_s);
            let mood = self.faults.mood(self.now_s);
            for group in self.groups.values_mut() {
                group.live(self.now_s, mood, &mut self.launches);
            }
            self.bares.live(self.now_s);
            self.remember();
        }
    }

    /// Keeps what is, if anybody may see it late.
    fn remember(&mut self) {
        let lags = self.faults.spells.iter().any(|spell| matches!(spell.fault, super::Fault::Lag(_)));
        if lags {
            self.past.push_back((self.now_s, self.groups.clone(), self.bares.all.clone()));
            while self.past.front().is_some_and(|(at_s, ..)| *at_s < self.now_s - PAST_S) {
                self.past.pop_front();
            }
        }
    }

    /// One request, now.
    pub fn call(&mut self, call: Call) -> Done {
        self.calls += 1;
        let outcome = self.faults.strike(&call, self.now_s, &mut self.replies);
        match outcome {
            Outcome::Throttled => return Done::Refused(call.too_many()),
            Outcome::Internal => return Done::Refused(Refusal::internal()),
            Outcome::Expired => return Done::Refused(Refusal::expired()),
            Outcome::Down => return Done::Refused(Refusal::unavailable()),
            Outcome::EndRefused if matches!(call, Call::End { .. }) => {
                return Done::Refused(Refusal::contention());
            }
            Outcome::InProgress => {
                let said = "Scaling activity is in progress and blocks this action";
                return Done::Refused(Refusal::in_progress(said));
            }
            _ => {}
        }
        if !self.take_token() {
            return Done::Refused(call.too_many());
        }
        if !self.permits(&call) {
            return Done::Refused(Refusal::denied(call.action()));
        }
        let answered = match &call {
            Call::Schedule { actions, .. } if outcome == Outcome::QuotaFull => {
                Ok(Answer::Failed(actions.iter().map(Scheduled::over_quota).collect()))
            }
            Call::Bare { tags, page } => Ok(self.described(tags, page, outcome)),
            Call::EndBare { ids } if outcome == Outcome::EndRefused => {
                let some: Vec<String> = ids.iter().skip(1).step_by(3).cloned().collect();
                self.bares.end(&some, self.now_s).and(Err(Refusal::not_permitted()))
            }
            _ => self.answer(&call, outcome == Outcome::PartlyDone),
        };
        if call.writes() && answered.is_ok() {
            self.log.push((self.now_s, call));
        }
        if let Ok(Answer::Failed(failed)) = &answered {
            self.over_quota += failed.iter().filter(|(_, code, _)| code == "LimitExceeded").count() as u64;
        }
        match answered {
            _ if outcome == Outcome::ReplyLost => Done::Lost,
            Ok(answer) => Done::Answered(answer),
            Err(refusal) => Done::Refused(refusal),
        }
    }

    fn take_token(&mut self) -> bool {
        let (tokens, then_s) = self.tokens;
        let filled = (tokens + self.rate.0 * (self.now_s - then_s) as f64).min(self.rate.1);
        self.tokens = ((filled - 1.0).max(0.0), self.now_s);
        filled >= 1.0
    }

    fn permits(&self, call: &Call) -> bool {
        let Some(policy) = &self.policy else { return true };
        let tags_of = |name: &String| self.groups.get(name).map(|g| g.tags.clone()).unwrap_or_default();
        let mut asked = Asked::default();
        match call {
            Call::Schedule { group, .. }
            | Call::Unschedule { group, .. }
            | Call::SetDesired { group, .. }
            | Call::Update { group, .. }
            | Call::Protect { group, .. } => asked.resource_tags = tags_of(group),
            Call::Tag { group, tags } => {
                asked.resource_tags = tags_of(group);
                asked.request_tags = tags.iter().cloned().collect();
            }
            Call::Untag { group, keys } => {
                asked.resource_tags = tags_of(group);
                asked.request_tags = keys.iter().map(|key| (key.clone(), String::new())).collect();
            }
            Call::End { id, .. } => {
                let holds = |g: &&Group| g.instances.iter().any(|i| i.id == *id);
                asked.resource_tags =
                    self.groups.values().find(holds).map(|g| g.tags.clone()).unwrap_or_default();
            }
            Call::Run { tags, .. } => asked.request_tags = tags.iter().cloned().collect(),
            Call::EndBare { ids } => return self.permits_each(policy, call, ids, &[]),
            Call::TagBare { ids, tags } => return self.permits_each(policy, call, ids, tags),
            Call::UntagBare { ids, keys } => {
                let keys: Vec<_> = keys.iter().map(|key| (key.clone(), String::new())).collect();
                return self.permits_each(policy, call, ids, &keys);
            }
            _ => {}
        }
        policy.allows(call.action(), &asked)
    }

    /// A call to several instances needs the right to each; of those that are not there, it is told afterwards.
    fn permits_each(&self, policy: &Policy, call: &Call, ids: &[String], tags: &[(String, String)]) -> bool {
        self.bares.all.iter().filter(|bare| ids.contains(&bare.id)).all(|bare| {
            let request_tags = tags.iter().cloned().collect();
            policy.allows(call.action(), &Asked { resource_tags: bare.tags.clone(), request_tags })
        })
    }

    /// Instances outside of groups as a description shows them; those that ended for an hour more.
    fn described(&mut self, tags: &[(String, String)], page: &Page, outcome: Outcome) -> Answer {
        let mut shown: Vec<Bare> = match outcome {
            Outcome::Blank => Vec::new(),
            _ => self.seen().1.to_vec(),
        };
        if let Outcome::Patchy(young_s) = outcome {
            shown.retain_mut(|bare| bare.is_told(self.now_s - young_s, &mut self.replies));
        }
        let has = |bare: &Bare| tags.iter().all(|(key, value)| bare.tags.get(key) == Some(value));
        shown.retain(|bare| has(bare) && !bare.is_forgotten(self.now_s));
        let (bares, next) = Page { most: page.most.min(1_000), ..*page }.of(shown);
        Answer::Bare(bares, next)
    }

    /// The groups and instances as descriptions show them: they may lag behind.
    fn seen(&self) -> (&BTreeMap<String, Group>, &[Bare]) {
        let lag_s = self.faults.lag_s(self.now_s);
        let then =
            self.past.iter().rev().find(|(at_s, ..)| *at_s <= self.now_s - lag_s).filter(|_| lag_s > 0);
        then.map_or((&self.groups, &self.bares.all), |(_, groups, bares)| (groups, bares))
    }

    fn answer(&mut self, call: &Call, partly: bool) -> Result<Answer, Refusal> {
        let now_s = self.now_s;
        if let Some(read) = self.read(call) {
            return read;
        }
        match call {
            Call::Run { token, least, count, template, tags } => {
                let mood = self.faults.mood(now_s);
                let known = self.bares.knows(token);
                if !known && (mood.no_capacity || self.launches.happens(mood.fails)) {
                    self.wanting.push(now_s);
                    return Err(Refusal::no_capacity());
                }
                let some = ((f64::from(*count) * mood.share) as u32).clamp(*least, *count);
                self.partly += u64::from(!known && some < *count);
                return self
                    .bares
                    .run(token, (*count, some, template, tags), now_s)
                    .map(|bares| Answer::Bare(bares, None));
            }
            Call::EndBare { ids } => return self.bares.end(ids, now_s).map(|()| Answer::Done),
            Call::TagBare { ids, tags } => return self.bares.tag(ids, tags).map(|()| Answer::Done),
            Call::UntagBare { ids, keys } => return self.bares.untag(ids, keys).map(|()| Answer::Done),
            _ => {}
        }
        let lateness = self.launches.whole(0, Scheduled::LATE_S);
        let group = self.written(call)?;
        match call {
            Call::Schedule { actions, .. } => {
                return group.schedule(actions, lateness, partly, now_s).map(Answer::Failed);
            }
            Call::Unschedule { names, .. } => return group.unschedule(names).map(Answer::Failed),
            Call::SetDesired { desired, .. } => {
                group.set_desired(*desired, "a user request explicitly set group desired capacity", now_s)?;
            }
            Call::Update { sizes, .. } => group.constrain(*sizes, "a user request", now_s)?,
            Call::Protect { ids, protected, .. } => group.protect(ids, *protected)?,
            Call::End { id, decrement } => group.terminate(id, *decrement, now_s)?,
            Call::Tag { tags, .. } => {
                let keys = group.tags.keys().chain(tags.iter().map(|(key, _)| key));
                // What AWS itself puts there does not count.
                let counted: BTreeSet<_> = keys.filter(|key| !key.starts_with("aws:")).collect();
                if counted.len() > 50 {
                    return Err(Refusal::limit("a resource has at most 50 tags"));
                }
                group.tags.extend(tags.iter().cloned());
            }
            Call::Untag { keys, .. } => keys.iter().for_each(|key| _ = group.tags.remove(key)),
            _ => unreachable!("{} is answered above", call.action()),
        }
        Ok(Answer::Done)
    }

    /// The answer to a call that reads.
    fn read(&self, call: &Call) -> Option<Result<Answer, Refusal>> {
        let groups = self.seen().0;
        let page = |page: &Page, most: usize| Page { most: page.most.min(most), ..*page };
        let of = |name: &String| {
            groups.get(name).ok_or_else(|| Refusal::validation(format!("Group {name} not found")))
        };
        let some = |name: &String| match name.is_empty() {
            true => Ok(groups.values().collect::<Vec<_>>()),
            false => of(name).map(|group| vec![group]),
        };
        Some(match call {
            Call::Groups { names, page: asked } => {
                let all = groups.values().filter(|g| names.is_empty() || names.contains(&g.name)).cloned();
                let (groups, next) = page(asked, 100).of(all.collect());
                Ok(Answer::Groups(groups, next))
            }
            Call::Activities { group, page: asked } => of(group).map(|group| {
                let (mut newest, ended): (Vec<_>, Vec<_>) =
                    group.activities.iter().rev().cloned().partition(|activity| activity.end_s.is_none());
                newest.extend(ended);
                let (activities, next) = page(asked, 100).of(newest);
                Answer::Activities(activities, next)
            }),
            Call::Scheduled { group, page: asked } => some(group).map(|groups| {
                let of_one = |g: &&Group| g.scheduled.values().map(|a| (g.name.clone(), a.clone())).collect();
                let all = groups.iter().flat_map::<Vec<_>, _>(of_one).collect();
                let (actions, next) = page(asked, 100).of(all);
                Answer::Scheduled(actions, next)
            }),
            Call::Policies { group, page: asked } => some(group).map(|groups| {
                let of_one = |g: &&Group| g.policies.iter().map(|p| (g.name.clone(), p.clone())).collect();
                let all = groups.iter().flat_map::<Vec<_>, _>(of_one).collect();
                let (policies, next) = page(asked, 100).of(all);
                Answer::Policies(policies, next)
            }),
            _ => return None,
        })
    }

    /// The group that a call changes.
    fn written(&mut self, call: &Call) -> Result<&mut Group, Refusal> {
        let name = match call {
            Call::Schedule { group, .. }
            | Call::Unschedule { group, .. }
            | Call::SetDesired { group, .. }
            | Call::Update { group, .. }
            | Call::Protect { group, .. }
            | Call::Tag { group, .. }
            | Call::Untag { group, .. } => group.clone(),
            Call::End { id, .. } => {
                let holds = |g: &&Group| g.instances.iter().any(|i| i.id == *id);
                self.groups.values().find(holds).map(|group| group.name.clone()).unwrap_or_default()
            }
            _ => String::new(),
        };
        self.groups.get_mut(&name).ok_or_else(|| {
            Refusal::validation(format!("AutoScalingGroup name not found - no such group: {name}"))
        })
    }
}
