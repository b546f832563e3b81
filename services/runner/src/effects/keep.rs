//! Keeps running what succeeded last: where it does not run, on a new machine, after somebody
//! cleaned up, after an old disk came back or a start failed, it is applied again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ids::Uuid;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::Plan;
use crate::Inner;
use crate::process::Due;

/// How often targets are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The pause after a first failure; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = LOOK;
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Looks until stopped.
pub(crate) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = look_for_ever(&inner) => {}
    }
}

async fn look_for_ever(inner: &Inner) {
    // What succeeded last in half of a log is not what has to run.
    let mut caught_up = inner.is_caught_up.subscribe();
    if caught_up.wait_for(|it| *it).await.is_err() {
        return;
    }
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failures = Failures::default();
    loop {
        every.tick().await;
        if inner.deps.gate.is_open(inner.deps.clock.now_us()) {
            inner.look(&mut failures).await;
        }
    }
}

/// What could not be started, by slot: it is left in peace for longer each time.
#[derive(Debug, Default)]
struct Failures(BTreeMap<Uuid, Failure>);

#[derive(Debug)]
struct Failure {
    run: Uuid,
    pause: Duration,
    not_before: Instant,
}

impl Failures {
    /// Whether this may be tried now.
    fn allow(&self, slot: Uuid, run: Uuid) -> bool {
        let last = self.0.get(&slot);
        last.is_none_or(|it| it.run != run || it.not_before <= Instant::now())
    }

    fn note(&mut self, slot: Uuid, run: Uuid) {
        let last = self.0.get(&slot).filter(|it| it.run == run);
        let pause = last.map_or(FIRST_PAUSE, |it| (it.pause * 2).min(LONGEST_PAUSE));
        let not_before = Instant::now() + pause;
        let failure = Failure {
            run,
            pause,
            not_before,
        };
        self.0.insert(slot, failure);
    }
}

impl Inner {
    async fn look(&self, failures: &mut Failures) {
        let slots: Vec<_> = self.world().current().map(|(slot, _)| slot).collect();
        for slot in slots {
            let Some(due) = self.owed(slot).await else {
                failures.0.remove(&slot);
                continue;
            };
            if !failures.allow(slot, due.run) {
                continue;
            }
            let name = format!("{}/{}", due.environment, due.image.application);
            match self.start_again(slot, &due).await {
                Ok(()) => {
                    failures.0.remove(&slot);
                }
                Err(why) => {
                    tracing::warn!(%name, %why, "what ran before does not run");
                    failures.note(slot, due.run);
                }
            }
        }
    }

    /// What has to be started in a slot now.
    async fn owed(&self, slot: Uuid) -> Option<Due> {
        let serving = self.deps.target.observe(slot).await.run;
        self.world().owed(slot, serving).cloned()
    }

    async fn start_again(&self, slot: Uuid, due: &Due) -> Result<(), String> {
        let desk = &self.deps.desk;
        let about = desk.about(&due.commit, &due.image.application, &due.environment);
        let snapshot = about.await.map_err(|it| it.to_string())?;
        let desired = match self.plan(due, &snapshot).await.map_err(|it| it.why)? {
            Plan::Apply(desired) => desired,
            Plan::Impossible(why) => return Err(why),
        };
        // Something newer may have begun meanwhile.
        if self.owed(slot).await.is_none_or(|it| it.run != due.run) {
            return Ok(());
        }
        let applied = self.deps.target.apply(*desired).await;
        applied.map(drop).map_err(|it| it.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_left_in_peace_for_longer_each_time() {
        let (slot, run) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut failures = Failures::default();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            assert!(failures.allow(slot, run));
            failures.note(slot, run);
            let begun = Instant::now();
            while !failures.allow(slot, run) {
                tokio::time::advance(LOOK).await;
            }
            pauses.push(begun.elapsed().as_secs());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
        failures.note(slot, run);
        assert!(!failures.allow(slot, run));
        assert!(failures.allow(slot, Uuid::from_u128(3)), "another run");
        assert!(failures.allow(Uuid::from_u128(4), run), "another slot");
    }
}
