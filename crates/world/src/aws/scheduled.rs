use super::Refusal;

/// A scheduled action: sizes that a group takes on at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduled {
    /// Its name, unique within the group.
    pub name: String,
    /// When it starts, in seconds; unique within the group.
    pub start_s: i64,
    /// The fewest from then on.
    pub min: Option<u32>,
    /// The most from then on.
    pub max: Option<u32>,
    /// How many from then on.
    pub desired: Option<u32>,
    /// A cron expression, for actions that come again. The pretended account never moves those on; it holds them for counting.
    pub recurrence: Option<String>,
    /// When it really fires: up to [`Scheduled::LATE_S`] after its start.
    pub(super) fires_s: i64,
}

impl Scheduled {
    /// The most that one group takes; AWS raises it for nobody.
    pub const MOST: usize = 125;
    /// The most in one call.
    pub const BATCH: usize = 50;
    /// How late one may fire.
    pub const LATE_S: i64 = 120;

    /// From `start_s` on, at least `min`.
    pub fn floor(name: impl Into<String>, start_s: i64, min: u32) -> Self {
        Self { name: name.into(), start_s, min: Some(min), ..Self::default() }
    }

    /// What is said of it where a group has as many as it may have.
    pub(super) fn over_quota(&self) -> (String, String, String) {
        let refusal = Refusal::limit("125 scheduled actions are allowed in a group");
        (self.name.clone(), refusal.code.to_owned(), refusal.said)
    }
}

impl super::Group {
    /// Puts a batch of actions; the names of those that were not, with code and sentence.
    pub(super) fn schedule(
        &mut self,
        actions: &[Scheduled],
        lateness_s: i64,
        partly: bool,
        now_s: i64,
    ) -> Result<Vec<(String, String, String)>, Refusal> {
        if actions.is_empty() || actions.len() > Scheduled::BATCH {
            return Err(Refusal::validation(format!(
                "{} scheduled actions in one batch: 1 to 50 are allowed",
                actions.len()
            )));
        }
        let mut failed = Vec::new();
        for (place, action) in actions.iter().enumerate() {
            let put = match partly && place % 3 == 1 {
                true => Err(Refusal::contention()),
                false => self.schedule_one(action, lateness_s, now_s),
            };
            if let Err(refusal) = put {
                failed.push((action.name.clone(), refusal.code.to_owned(), refusal.said));
            }
        }
        Ok(failed)
    }

    fn schedule_one(&mut self, action: &Scheduled, lateness_s: i64, now_s: i64) -> Result<(), Refusal> {
        if action.start_s <= now_s {
            return Err(Refusal::validation("Given start time is in the past"));
        }
        if action.min.is_none() && action.max.is_none() && action.desired.is_none() {
            return Err(Refusal::validation(
                "at least one of MinSize, MaxSize and DesiredCapacity is needed",
            ));
        }
        if action.name.is_empty() || action.name.len() > 255 {
            return Err(Refusal::validation("a name has 1 to 255 characters"));
        }
        let same = |other: &&Scheduled| other.start_s == action.start_s && other.name != action.name;
        if let Some(other) = self.scheduled.values().find(same) {
            return Err(Refusal::exists(format!(
                "An action with the same start time exists: {}",
                other.name
            )));
        }
        if !self.scheduled.contains_key(&action.name) && self.scheduled.len() >= Scheduled::MOST {
            return Err(Refusal::limit("125 scheduled actions are allowed in a group"));
        }
        let fires_s = action.start_s + lateness_s;
        self.scheduled.insert(action.name.clone(), Scheduled { fires_s, ..action.clone() });
        Ok(())
    }

    /// Takes a batch of actions away; the names of those that were not there.
    pub(super) fn unschedule(&mut self, names: &[String]) -> Result<Vec<(String, String, String)>, Refusal> {
        if names.is_empty() || names.len() > Scheduled::BATCH {
            return Err(Refusal::validation(format!(
                "{} names in one batch: 1 to 50 are allowed",
                names.len()
            )));
        }
        let gone = names.iter().filter(|name| self.scheduled.remove(*name).is_none());
        Ok(gone
            .map(|name| (name.clone(), "ValidationError".into(), "Scheduled action name not found".into()))
            .collect())
    }
}
