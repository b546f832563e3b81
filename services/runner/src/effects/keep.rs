//! Keeps running what succeeded last: a slot that the target does not know, on a new machine or
//! after somebody cleaned up, is applied again.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::apply::Plan;
use crate::Inner;
use crate::target::Condition;

/// How often targets are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until stopped.
pub(crate) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = look_for_ever(&inner) => {}
    }
}

async fn look_for_ever(inner: &Inner) {
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if inner.deps.gate.is_open(inner.deps.clock.now_us()) {
            inner.look().await;
        }
    }
}

impl Inner {
    async fn look(&self) {
        let current: Vec<_> = self
            .world()
            .current()
            .map(|(slot, it)| (slot, it.clone()))
            .collect();
        for (slot, due) in current {
            if self.deps.target.observe(slot).await.condition != Condition::NotFound {
                continue;
            }
            // Something newer may have begun since the list was made.
            let still = self
                .world()
                .current()
                .any(|(other, it)| other == slot && it.run == due.run);
            if !still {
                continue;
            }
            let Ok(snapshot) = self
                .deps
                .desk
                .about(&due.commit, &due.image.application, &due.environment)
                .await
            else {
                continue;
            };
            match self.plan(&due, &snapshot).await {
                Ok(Plan::Apply(desired)) => {
                    let name = desired.slot_name.clone();
                    if let Err(error) = self.deps.target.apply(*desired).await {
                        tracing::warn!(%name, %error, "what ran before could not be started again");
                    }
                }
                Ok(Plan::Impossible(why)) => {
                    tracing::warn!(%why, "what ran before cannot be started again");
                }
                Err(error) => tracing::warn!(%error, "what ran before could not be looked up"),
            }
        }
    }
}
