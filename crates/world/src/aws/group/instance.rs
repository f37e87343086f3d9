/// One instance of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// What it is doing.
    pub life: Life,
    /// When it was launched, in seconds.
    pub launched_s: i64,
    /// When what it is doing is over, for lives that end.
    pub until_s: i64,
    /// Whether scale-in leaves it alone.
    pub protected: bool,
    /// Whether its health check succeeds.
    pub healthy: bool,
    /// Of how many units of its group's sizes it is.
    pub weight: u32,
    /// Since when it has waited for a hook, if it does.
    pub(super) waits_s: i64,
    pub(super) activity: usize,
}

/// The lifecycle states that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Launched, not serving.
    Pending,
    /// Launched, and kept from serving until its hook is completed.
    PendingWait,
    /// Serving.
    InService,
    /// Going.
    Terminating,
    /// Going, as soon as its hook is completed.
    TerminatingWait,
    /// On its way into the warm pool.
    WarmedPending,
    /// The same, until its hook is completed.
    WarmedPendingWait,
    /// In the warm pool, stopped.
    WarmedStopped,
    /// In the warm pool, running.
    WarmedRunning,
}

impl Life {
    /// As AWS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
            Self::WarmedPending => "Warmed:Pending",
            Self::WarmedPendingWait => "Warmed:Pending:Wait",
            Self::WarmedStopped => "Warmed:Stopped",
            Self::WarmedRunning => "Warmed:Running",
        }
    }

    /// Whether its group's desired capacity counts it.
    pub fn counts(self) -> bool {
        matches!(self, Self::Pending | Self::PendingWait | Self::InService)
    }

    /// Whether it is ready in the warm pool.
    pub fn is_warm(self) -> bool {
        matches!(self, Self::WarmedStopped | Self::WarmedRunning)
    }
}

impl Instance {
    pub(super) fn new(id: String, launched_s: i64, until_s: i64) -> Self {
        Self {
            id,
            life: Life::Pending,
            launched_s,
            until_s,
            protected: false,
            healthy: true,
            weight: 1,
            waits_s: 0,
            activity: 0,
        }
    }
}
