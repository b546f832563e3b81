//! Following the log by its headers: what the tail is, and which ids were used.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;

use super::api::ApiError;
use super::cursor::{self, Wants};
use super::{Shared, message, recent};
use crate::checkpoint::Lie;
use crate::log::{Position, ReadError};

/// Before trying again.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Follows the log until it is closed or halts.
pub(super) async fn run(shared: Arc<Shared>, tail: u64) {
    let first = tail.saturating_sub(recent::WINDOW);
    shared.followed.send_replace(first);
    let mut halted = shared.halt.subscribe();
    let following = async {
        loop {
            if let Err(error) = follow(&shared).await {
                tracing::debug!(%error, "following the log");
                *Shared::lock(&shared.unfollowed) = error.to_string();
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = shared.stop.cancelled() => {}
        _ = halted.wait_for(Option::is_some) => {}
        () = following => {}
    }
}

/// Reads on from where it was; ends when it got stuck or lost.
async fn follow(shared: &Shared) -> Result<(), ApiError> {
    let wants = Wants {
        from: *shared.followed.borrow() + 1,
        subject: None,
        headers_only: true,
    };
    let mut messages = cursor::messages(&shared.api, &shared.stream, wants).await?;
    let taking = async {
        loop {
            take(shared, &mut messages).await?;
        }
    };
    tokio::select! {
        ended = taking => ended,
        () = stalled(shared) => {
            Err(ApiError::Away("nothing comes although there is more".into()))
        }
    }
}

async fn take(shared: &Shared, messages: &mut pull::Stream) -> Result<(), ApiError> {
    let message = cursor::next(messages).await?;
    let position = cursor::position(&message)?;
    let followed = *shared.followed.borrow();
    if position <= followed {
        return Ok(());
    }
    if position != followed + 1 {
        let why = format!("position {position} came after {followed}");
        return Err(ApiError::Away(why));
    }
    let headers = message.headers.clone().unwrap_or_default();
    match message::glance(position, &headers) {
        Ok(seen) => shared.saw(position, seen.commit_id, seen.hash),
        // Readers stop here. What is written behind it would be lost when the log is restored.
        Err(corrupt) => shared.halt(&Lie::Damaged {
            at: Position(position),
            why: corrupt.to_string(),
        }),
    }
    shared.followed.send_replace(position);
    Shared::lock(&shared.unfollowed).clear();
    Ok(())
}

/// Ends when the log goes on and nothing of it comes here.
async fn stalled(shared: &Shared) {
    loop {
        let before = *shared.followed.borrow();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let is_behind = shared.tail.borrow().0 > before;
        if is_behind && *shared.followed.borrow() == before {
            return;
        }
    }
}

impl Shared {
    /// Waits until the ids of everything up to a position are known: as long as it goes on. How
    /// much there is to read at the start depends on the log, how fast it comes on the machine.
    pub(super) async fn followed_to(&self, position: u64) -> Result<(), ReadError> {
        let mut followed = self.followed.subscribe();
        let patience = self.api.timeouts.patience;
        loop {
            if *followed.borrow_and_update() >= position {
                return Ok(());
            }
            let more = async {
                // The sender lives as long as we do.
                let _ended = followed.changed().await.is_err();
                Ok(())
            };
            let waited = tokio::time::timeout(patience, self.unless_halted(more)).await;
            let Ok(more) = waited else {
                return Err(self.nothing_came(position));
            };
            more?;
        }
    }

    fn nothing_came(&self, position: u64) -> ReadError {
        let (patience, why) = (self.api.timeouts.patience, Self::lock(&self.unfollowed));
        let colon = if why.is_empty() { "" } else { ": " };
        ReadError::Unavailable(format!(
            "of the log up to position {position} nothing came in {patience:?}{colon}{why}"
        ))
    }

    /// Does something, but not longer than the log serves.
    pub(super) async fn unless_halted<T>(
        &self,
        work: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let mut halted = self.halt.subscribe();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(ReadError::Closed),
            _ = halted.wait_for(Option::is_some) => {
                self.serves()?;
                Err(ReadError::Closed)
            }
            done = work => done,
        }
    }
}
