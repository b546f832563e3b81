//! Who is not asked for a while: everybody after a limit, one repository after a refusal.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Response;
use tokio::time::Instant;

use super::Error;

/// The longest that an answer can make us wait: limits are per hour.
const LONGEST: Duration = Duration::from_hours(1);
/// The key of what goes for every repository; none has this name.
const ALL: &str = "";

/// Pauses by repository.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<BTreeMap<String, (Instant, Error)>>);

impl Pauses {
    /// The error because of which nobody is asked about a repository now, when there is one.
    pub(super) fn check(&self, repository: &str) -> Result<(), Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, (until, _)| *until > now);
        match all.get(ALL).or_else(|| all.get(repository)) {
            Some((_, error)) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Remembers what an error asks for.
    pub(super) fn note(&self, repository: &str, error: &Error) {
        let Some((pause, is_for_all)) = error.pause() else {
            return;
        };
        let key = if is_for_all { ALL } else { repository };
        let until = Instant::now() + pause.min(LONGEST);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.to_owned(), (until, error.clone()));
    }
}

/// How long an answer asks to be left alone: `retry-after` in seconds, or the time at which the
/// limit is lifted when nothing is left of it.
pub(super) fn limit(response: &Response, now_us: i64) -> Option<Duration> {
    let number = |name: &str| -> Option<u64> {
        let value = response.headers().get(name)?.to_str().ok()?;
        value.trim().parse().ok()
    };
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds.max(1)));
    }
    if number("x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let now = u64::try_from(now_us / 1_000_000).unwrap_or_default();
    let left = number("x-ratelimit-reset")?.saturating_sub(now);
    Some(Duration::from_secs(left.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(seconds: u64) -> Error {
        Error::Limited {
            what: "GET x".to_owned(),
            why: "slow down".to_owned(),
            pause: Duration::from_secs(seconds),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_goes_for_all_and_a_refusal_for_one_repository() {
        let pauses = Pauses::default();
        let refused = |status: u16| Error::Refused {
            what: "GET x".to_owned(),
            status,
            why: "no".to_owned(),
            fix: "look",
        };
        // What is not there may be all that is not there.
        pauses.note("acme/api", &refused(404));
        assert!(pauses.check("acme/api").is_ok());
        pauses.note("acme/api", &refused(403));
        assert!(pauses.check("acme/api").is_err());
        assert!(pauses.check("acme/web").is_ok());
        pauses.note("acme/web", &limited(120));
        let why = pauses.check("acme/other").unwrap_err().to_string();
        assert!(why.contains("120 s") && why.contains("slow down"), "{why}");
        tokio::time::advance(Duration::from_secs(119)).await;
        assert!(pauses.check("acme/other").is_err());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(pauses.check("acme/api").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_makes_us_wait_for_more_than_an_hour() {
        let pauses = Pauses::default();
        pauses.note("acme/api", &limited(u64::MAX));
        tokio::time::advance(LONGEST + Duration::from_secs(1)).await;
        assert!(pauses.check("acme/api").is_ok());
    }
}
