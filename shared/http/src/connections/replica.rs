//! What a replica is told beside a request, and what its answer says of it.

use bothways_upstream::{Attempt, Outcome};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{HOST, InvalidHeaderValue},
};

use super::Unanswered;
use crate::header::{DEADLINE, STOPPING, UNTOUCHED};

/// Names the replica that `attempt` asks, and says how long it has; an error when no header can hold its name.
pub fn address(headers: &mut HeaderMap, attempt: &Attempt) -> Result<(), InvalidHeaderValue> {
    let host = HeaderValue::from_str(attempt.endpoint.authority())?;
    headers.insert(HOST, host);
    let left = HeaderValue::from(attempt.deadline.header());
    headers.insert(DEADLINE, left);
    Ok(())
}

/// What came of `attempt`, and what that says of the replica; `explain` makes an error of there being no answer.
pub fn judge<B, E>(
    attempt: &Attempt,
    answer: Result<Response<B>, Unanswered>,
    explain: impl FnOnce(Unanswered) -> E,
) -> Outcome<Response<B>, E> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ Unanswered::Connect(_)) => return Outcome::Refused(explain(error)),
        Err(error @ Unanswered::Broken(_)) => return Outcome::Unreachable(explain(error)),
    };
    let headers = answer.headers();
    if headers.contains_key(STOPPING) {
        attempt.endpoint.stops();
    }
    match answer.status() {
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY => Outcome::Faulty(answer),
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key(UNTOUCHED) => {
            Outcome::Untouched(answer)
        }
        _ => Outcome::Answered(answer),
    }
}
