use super::{Activity, Bare, Group, Refusal, ScalingPolicy, Scheduled};

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// DescribeAutoScalingGroups: these, or all.
    Groups {
        /** By name. */
        names: Vec<String>,
        /** Which page. */
        page: Page,
    },
    /// DescribeScalingActivities, newest first.
    Activities {
        /** Of which group. */
        group: String,
        /** Which page. */
        page: Page,
    },
    /// DescribeScheduledActions.
    Scheduled {
        /** Of which group; of all, if it is empty. */
        group: String,
        /** Which page. */
        page: Page,
    },
    /// DescribePolicies.
    Policies {
        /** Of which group; of all, if it is empty. */
        group: String,
        /** Which page. */
        page: Page,
    },
    /// BatchPutScheduledUpdateGroupAction.
    Schedule {
        /** For which group. */
        group: String,
        /** What. */
        actions: Vec<Scheduled>,
    },
    /// BatchDeleteScheduledAction.
    Unschedule {
        /** Of which group. */
        group: String,
        /** By name. */
        names: Vec<String>,
    },
    /// SetDesiredCapacity.
    SetDesired {
        /** Of which group. */
        group: String,
        /** How many. */
        desired: u32,
    },
    /// UpdateAutoScalingGroup, as far as sizes go.
    Update {
        /** Which group. */
        group: String,
        /** Fewest, most, desired. */
        sizes: [Option<u32>; 3],
    },
    /// SetInstanceProtection.
    Protect {
        /** Of which group. */
        group: String,
        /** Which. */
        ids: Vec<String>,
        /** From scale-in. */
        protected: bool,
    },
    /// TerminateInstanceInAutoScalingGroup.
    End {
        /** Which. */
        id: String,
        /** Whether the group shall be smaller by it. */
        decrement: bool,
    },
    /// CreateOrUpdateTags of one group.
    Tag {
        /** Which group. */
        group: String,
        /** Keys and values. */
        tags: Vec<(String, String)>,
    },
    /// DeleteTags of one group.
    Untag {
        /** Which group. */
        group: String,
        /** Keys. */
        keys: Vec<String>,
    },
    /// RunInstances of EC2.
    Run {
        /** Makes the request idempotent. */
        token: String,
        /** How few are enough. */
        least: u32,
        /** How many. */
        count: u32,
        /** From which launch template. */
        template: String,
        /** Tags of each. */
        tags: Vec<(String, String)>,
    },
    /// TerminateInstances of EC2.
    EndBare {
        /** Which. */
        ids: Vec<String>,
    },
    /// CreateTags of EC2.
    TagBare {
        /** Of which instances. */
        ids: Vec<String>,
        /** Keys and values. */
        tags: Vec<(String, String)>,
    },
    /// DeleteTags of EC2.
    UntagBare {
        /** Of which instances. */
        ids: Vec<String>,
        /** Keys; whatever their values are. */
        keys: Vec<String>,
    },
    /// DescribeInstances of EC2, by tags.
    Bare {
        /** Keys and values; all of them. */
        tags: Vec<(String, String)>,
        /** Which page. */
        page: Page,
    },
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// What comes before it: what the page before said.
    pub from: usize,
    /// How many at most.
    pub most: usize,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Groups, and where the next page begins.
    Groups(Vec<Group>, Option<usize>),
    /// Activities.
    Activities(Vec<Activity>, Option<usize>),
    /// Scheduled actions, each with its group.
    Scheduled(Vec<(String, Scheduled)>, Option<usize>),
    /// Scaling policies, each with its group.
    Policies(Vec<(String, ScalingPolicy)>, Option<usize>),
    /// Names of a batch that were not done, with code and sentence.
    Failed(Vec<(String, String, String)>),
    /// Instances outside of groups.
    Bare(Vec<Bare>, Option<usize>),
    /// It is done, and there is nothing to say.
    Done,
}

impl Call {
    /// Its name in policies.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Groups { .. } => "autoscaling:DescribeAutoScalingGroups",
            Self::Activities { .. } => "autoscaling:DescribeScalingActivities",
            Self::Scheduled { .. } => "autoscaling:DescribeScheduledActions",
            Self::Policies { .. } => "autoscaling:DescribePolicies",
            Self::Schedule { .. } => "autoscaling:BatchPutScheduledUpdateGroupAction",
            Self::Unschedule { .. } => "autoscaling:BatchDeleteScheduledAction",
            Self::SetDesired { .. } => "autoscaling:SetDesiredCapacity",
            Self::Update { .. } => "autoscaling:UpdateAutoScalingGroup",
            Self::Protect { .. } => "autoscaling:SetInstanceProtection",
            Self::End { .. } => "autoscaling:TerminateInstanceInAutoScalingGroup",
            Self::Tag { .. } => "autoscaling:CreateOrUpdateTags",
            Self::Untag { .. } => "autoscaling:DeleteTags",
            Self::Run { .. } => "ec2:RunInstances",
            Self::EndBare { .. } => "ec2:TerminateInstances",
            Self::TagBare { .. } => "ec2:CreateTags",
            Self::UntagBare { .. } => "ec2:DeleteTags",
            Self::Bare { .. } => "ec2:DescribeInstances",
        }
    }

    /// How it is refused where calls are too many.
    pub(super) fn too_many(&self) -> Refusal {
        if self.action().starts_with("ec2:") { Refusal::too_many() } else { Refusal::throttled() }
    }

    /// Whether it changes anything.
    pub fn writes(&self) -> bool {
        !self.action().contains(":Describe")
    }

    /// Whether it changes a size.
    pub(super) fn resizes(&self) -> bool {
        matches!(self, Self::SetDesired { .. } | Self::End { .. })
    }
}

impl Page {
    /// The page of a list, and where the next one begins.
    pub(super) fn of<T>(self, all: Vec<T>) -> (Vec<T>, Option<usize>) {
        let next = self.from + self.most;
        let more = (next < all.len()).then_some(next);
        (all.into_iter().skip(self.from).take(self.most).collect(), more)
    }
}
