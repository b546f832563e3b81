//! What can be said about a slot at any time, without waiting for what is being done to it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::supervisor::SETTLED;

use crate::target::{Condition, Desired, Observation};

/// What everybody may look at.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What serves.
    pub(super) serving: Option<Serving>,
    /// What is going on beyond that: a start, a restart, an end.
    pub(super) doing: Option<(Condition, String)>,
    pub(super) port: Option<u16>,
    /// How often what serves has ended by itself of late.
    pub(super) ends: Option<Ends>,
}

/// Ends that nobody asked for, each soon after the one before.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    times: u32,
    last: Instant,
    how: String,
}

impl Ends {
    /// One more; those before count while it had not served for [`SETTLED`].
    pub(super) fn more(before: Option<Self>, settled: bool, how: String) -> Self {
        let times = before.filter(|_| !settled).map_or(0, |it| it.times) + 1;
        Self {
            times,
            last: Instant::now(),
            how,
        }
    }

    /// Whether it goes on: more than once, and not long ago.
    fn is_trouble(&self) -> bool {
        self.times > 1 && self.last.elapsed() < SETTLED
    }
}

/// What serves in a slot.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    pub(super) desired: Desired,
    /// None while it is restarted.
    pub(super) pid: Option<u32>,
    pub(super) adopted: bool,
    /// The last probes' verdict, if it is bad.
    pub(super) unhealthy: Option<String>,
}

pub(super) fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    /// See [`crate::target::Target::observe`].
    pub(super) fn observation(&self) -> Observation {
        let serving = self.serving.as_ref();
        let (condition, message) = match (&self.doing, serving) {
            (Some((condition, text)), Some(serving)) if serving.pid.is_some() => (
                *condition,
                format!("{} serves; {text}", serving.desired.version),
            ),
            (Some((condition, text)), _) => (*condition, text.clone()),
            (None, None) => (Condition::NotFound, "nothing runs here".to_owned()),
            (None, Some(serving)) => match &serving.unhealthy {
                None if self.ends.as_ref().is_some_and(Ends::is_trouble) => {
                    let ends = self.ends.as_ref();
                    let (times, how) = ends.map_or((0, ""), |it| (it.times, &it.how));
                    let version = &serving.desired.version;
                    (
                        Condition::Failed,
                        format!("{version} serves, but ended by itself {times} times, last: {how}"),
                    )
                }
                Some(answer) => (
                    Condition::Failed,
                    format!("{} is not healthy: {answer}", serving.desired.version),
                ),
                None => (
                    Condition::Current,
                    format!("{} serves", serving.desired.version),
                ),
            },
        };
        Observation {
            condition,
            message,
            digest: serving.map(|serving| serving.desired.digest.clone()),
            version: serving.map(|serving| serving.desired.version.clone()),
            run: serving.map(|serving| serving.desired.run),
            pid: serving.and_then(|serving| serving.pid),
            port: self.port,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::process::state::tests::record;

    #[test]
    fn what_is_being_done_is_told_before_what_serves() {
        let mut seen = Seen::default();
        assert_eq!(seen.observation().condition, Condition::NotFound);
        seen.serving = Some(Serving {
            desired: record().desired,
            pid: Some(7),
            adopted: false,
            unhealthy: None,
        });
        let plain = seen.observation();
        assert_eq!(
            (plain.condition, &*plain.message),
            (Condition::Current, "1.2.3 serves")
        );
        assert_eq!(
            (plain.version.as_deref(), plain.pid),
            (Some("1.2.3"), Some(7))
        );
        seen.serving.as_mut().unwrap().unhealthy = Some("GET / answered 500".into());
        let sick = seen.observation();
        assert_eq!(sick.condition, Condition::Failed);
        assert_eq!(sick.message, "1.2.3 is not healthy: GET / answered 500");
        seen.doing = Some((Condition::InProgress, "starting 2".into()));
        let busy = seen.observation();
        assert_eq!(busy.condition, Condition::InProgress);
        assert_eq!(busy.message, "1.2.3 serves; starting 2");
        seen.serving.as_mut().unwrap().pid = None;
        assert_eq!(seen.observation().message, "starting 2");
    }
}
