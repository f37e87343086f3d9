//! What AWS says, in the words of this crate.

use aws_sdk_autoscaling::config::http::HttpResponse;
use aws_sdk_autoscaling::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_autoscaling::primitives::DateTime;
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::Timestamp;

use crate::trouble::{Trouble, one_line};

/// A time as the SDK has it.
pub fn to_time(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}

/// A time that the SDK has; none if it lies outside of all calendars.
pub fn from_time(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

/// What is wrong, and whether it was one call too many.
pub(super) fn trouble<E>(who: &str, what: &str, error: SdkError<E, HttpResponse>) -> (Trouble, bool)
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let who = who.to_owned();
    match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let (code, said) = (service.err().code().unwrap_or(""), service.err().message().unwrap_or(""));
            (refused(who, what, status, code, said), is_too_much(code, status))
        }
        SdkError::DispatchFailure(failure) if failure.as_other().is_none() && failure.is_user() => {
            (Trouble::Unusable { who, why: causes(&failure_text(&failure)) }, false)
        }
        SdkError::DispatchFailure(failure) => {
            let why = causes(&failure_text(&failure));
            match why.to_lowercase().contains("credential") {
                true => (Trouble::Credentials { who, said: why, renew: RENEW.into() }, false),
                false => (Trouble::Unsure { who, what: what.into(), why }, false),
            }
        }
        SdkError::ConstructionFailure(failure) => {
            let why = one_line(&format!("{failure:?}"));
            (Trouble::Unusable { who, why }, false)
        }
        error => {
            let why = causes(&DisplayErrorContext(&error).to_string());
            (Trouble::Unsure { who, what: what.into(), why }, false)
        }
    }
}

fn failure_text(failure: &aws_smithy_runtime_api::client::result::DispatchFailure) -> String {
    failure
        .as_connector_error()
        .map_or_else(|| "no connection".into(), |error| DisplayErrorContext(error).to_string())
}

/// The SDK adds the whole error in its own notation, which says nothing more.
fn causes(text: &str) -> String {
    one_line(text.rsplit_once(" (").map_or(text, |(causes, _)| causes))
}

/// Credentials that cannot be had.
pub(super) fn no_credentials(who: String, error: &dyn std::error::Error) -> Trouble {
    Trouble::Credentials { who, said: causes(&DisplayErrorContext(error).to_string()), renew: RENEW.into() }
}

/// What to do about credentials that are no longer good.
const RENEW: &str = "renew them: `aws sso login` for a profile with SSO, new keys for static ones (a profile is read again, the \
                     environment only by a restart); roles of pods and instances renew themselves, so look whether the \
                     role still exists and trusts this one; and a signature of the wrong time is one of a wrong clock";

pub(super) fn refused(who: String, what: &str, status: u16, code: &str, said: &str) -> Trouble {
    const EXPIRED: [&str; 12] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
    ];
    let said = one_line(said);
    match code {
        _ if is_too_much(code, status) => Trouble::Throttled { who, what: what.into() },
        code if EXPIRED.contains(&code) => Trouble::Credentials { who, said, renew: RENEW.into() },
        // Somebody else's change was in the way: by its status anything may have become of it, by its code nothing has.
        "ResourceContention" => Trouble::Answered { who, status, said: format!("{code} to {what}: {said}") },
        // Something broke on the way: it may be done.
        "" if status >= 500 => {
            Trouble::Unsure { who, what: what.into(), why: format!("it answered {status}") }
        }
        _ if status >= 500 => Trouble::Unsure { who, what: what.into(), why: format!("{code}: {said}") },
        _ => Trouble::Answered { who, status, said: format!("{code} to {what}: {said}") },
    }
}

pub(super) fn is_too_much(code: &str, status: u16) -> bool {
    const TOO_MUCH: [&str; 11] = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "EC2ThrottledException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
    ];
    TOO_MUCH.contains(&code) || status == 429
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, status: u16, kind: &str) {
        assert_eq!(refused("asg".into(), "SetDesiredCapacity", status, code, "so").kind(), kind);
    }

    #[test] // F25, C9
    fn tells_what_may_be_done_from_what_is_not() {
        check("Throttling", 400, "throttled");
        check("RequestLimitExceeded", 503, "throttled");
        check("SlowDown", 503, "throttled");
        // A quota is no rate.
        check("LimitExceeded", 400, "answered");
        check("ResourceContention", 500, "answered");
        check("InvalidSignatureException", 403, "credentials");
        check("AccessDenied", 403, "answered");
        check("ExpiredToken", 403, "credentials");
        check("ValidationError", 400, "answered");
        check("ScalingActivityInProgress", 400, "answered");
        check("InternalFailure", 500, "unsure");
        check("ServiceUnavailable", 503, "unsure");
        check("", 502, "unsure");
    }
}
