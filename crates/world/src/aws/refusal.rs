/// How AWS says no: a code, a sentence, and the HTTP status that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {said}")]
pub struct Refusal {
    /// Such as `ValidationError`.
    pub code: &'static str,
    /// The sentence.
    pub said: String,
    /// The HTTP status.
    pub status: u16,
}

impl Refusal {
    fn new(code: &'static str, status: u16, said: impl Into<String>) -> Self {
        Self { code, said: said.into(), status }
    }

    /// The request is not one that can be carried out.
    pub fn validation(said: impl Into<String>) -> Self {
        Self::new("ValidationError", 400, said)
    }

    /// Of these there are as many as there may be.
    pub fn limit(said: impl Into<String>) -> Self {
        Self::new("LimitExceeded", 400, said)
    }

    /// There is one like it.
    pub fn exists(said: impl Into<String>) -> Self {
        Self::new("AlreadyExists", 400, said)
    }

    /// An activity is under way that excludes it.
    pub fn in_progress(said: impl Into<String>) -> Self {
        Self::new("ScalingActivityInProgress", 400, said)
    }

    /// Somebody else is changing the same thing.
    pub fn contention() -> Self {
        Self::new("ResourceContention", 500, "You already have a pending update to this resource.")
    }

    /// Too many calls.
    pub fn throttled() -> Self {
        Self::new("Throttling", 400, "Rate exceeded")
    }

    /// Too many calls, as EC2 says it.
    pub fn too_many() -> Self {
        Self::new("RequestLimitExceeded", 503, "Request limit exceeded.")
    }

    /// Signed longer ago than five minutes.
    pub fn signed_long_ago() -> Self {
        Self::new("RequestExpired", 400, "Request has expired.")
    }

    /// One of several instances may not be ended.
    pub fn not_permitted() -> Self {
        let said = "The instance may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.";
        Self::new("OperationNotPermitted", 400, said)
    }

    /// The credentials were good once.
    pub fn expired() -> Self {
        Self::new("ExpiredToken", 403, "The security token included in the request is expired")
    }

    /// The policy does not allow it.
    pub fn denied(action: &str) -> Self {
        let said = format!(
            "User: arn:aws:sts::123456789012:assumed-role/tidecast is not authorized to perform: {action} \
             because no identity-based policy allows the {action} action"
        );
        Self::new("AccessDenied", 403, said)
    }

    /// AWS itself is unwell.
    pub fn internal() -> Self {
        Self::new("InternalFailure", 500, "An internal error has occurred.")
    }

    /// The region is down.
    pub fn unavailable() -> Self {
        Self::new("ServiceUnavailable", 503, "Service Unavailable")
    }

    /// No such instances.
    pub fn no_instance(ids: &[String]) -> Self {
        let said = format!("The instance IDs '{}' do not exist", ids.join(", "));
        Self::new("InvalidInstanceID.NotFound", 400, said)
    }

    /// A token with other parameters than before.
    pub fn token_mismatch() -> Self {
        let said = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        Self::new("IdempotentParameterMismatch", 400, said)
    }

    /// No machines left.
    pub fn no_capacity() -> Self {
        let said = "We currently do not have sufficient capacity in the Availability Zone you requested.";
        Self::new("InsufficientInstanceCapacity", 500, said)
    }
}
