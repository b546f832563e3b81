//! Watching that the log stays the one that was opened. NATS can come back with an older copy of
//! its store, with another stream, or with other settings, and would say nothing.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Info;
use tokio::time::Instant;

use super::api::{ApiError, Seek, codes};
use super::options::Options;
use super::stream::{self, Says};
use super::{Shared, message};
use crate::checkpoint::Lie;
use crate::log::{Position, ReadError};

/// How often the log is looked at while nothing changes.
const EVERY: Duration = Duration::from_secs(1);

/// How soon a suspicion is looked at again.
const AGAIN: Duration = Duration::from_millis(200);

/// A leader that was just elected may not have read all of its own log: so long a suspicion must
/// last.
const ELECTION: Duration = Duration::from_secs(2);

/// What a look came to.
enum Seen {
    /// The log.
    Fine,
    /// Not the log; may be a leader that is not ready.
    Suspect(Lie),
    /// Not the log.
    Certain(Lie),
    /// Nobody answers.
    Nothing(String),
}

/// Looks until the log is closed; after it halted only for a later epoch.
pub(super) async fn run(shared: Arc<Shared>, options: Options) {
    let mut changes = shared.link.changes.subscribe();
    let mut suspected: Option<Instant> = None;
    loop {
        let at = *changes.borrow_and_update();
        let pause = match look(&shared, &options).await {
            Seen::Fine => {
                suspected = None;
                shared.confirmed.send_replace(Some(at));
                EVERY
            }
            Seen::Suspect(lie) => {
                let since = *suspected.get_or_insert_with(Instant::now);
                let patience = if shared.wanted.num_replicas > 1 {
                    ELECTION
                } else {
                    AGAIN
                };
                if since.elapsed() >= patience {
                    shared.halt(&lie);
                }
                AGAIN
            }
            Seen::Certain(lie) => {
                shared.halt(&lie);
                EVERY
            }
            Seen::Nothing(why) => {
                // Whoever answers next may be another leader, as new as the one suspected.
                suspected = None;
                tracing::debug!(%why, "the log cannot be looked at");
                AGAIN
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            _ = changes.changed() => {}
        }
    }
}

async fn look(shared: &Shared, options: &Options) -> Seen {
    // Before asking: what is appended meanwhile is no lie.
    let highest = *Shared::lock(&shared.highest);
    let info = match shared.api.glimpse(&shared.stream).await {
        Ok(info) => info,
        Err(ApiError::Refused { code, .. }) if code == codes::STREAM_NOT_FOUND => {
            return elsewhere(shared, options).await;
        }
        Err(error) => return Seen::Nothing(error.to_string()),
    };
    if let Some(lie) = other(shared, &info) {
        return Seen::Certain(lie);
    }
    let tail = Position(info.state.last_sequence);
    if tail < highest.position {
        let read = highest.position;
        return Seen::Suspect(Lie::LogRewound { read, tail });
    }
    shared.tail.send_if_modified(|it| {
        let moved = tail > *it;
        *it = tail.max(*it);
        moved
    });
    if highest.position.0 == 0 {
        return Seen::Fine;
    }
    let at = highest.position;
    match shared.api.look(&shared.stream, &Seek::At(at.0)).await {
        Ok(Some(found)) => match message::glance(at.0, &found.headers) {
            Ok(seen) if seen.hash == highest.hash => Seen::Fine,
            Ok(_) | Err(_) => Seen::Suspect(Lie::LogForked { at }),
        },
        Ok(None) => Seen::Suspect(Lie::LogForked { at }),
        Err(error) => Seen::Nothing(error.to_string()),
    }
}

/// How a stream of the same name is not the log that was opened.
fn other(shared: &Shared, info: &Info) -> Option<Lie> {
    let ours = shared.identity;
    match stream::says(&info.config) {
        Ok(Says::Log(found)) if found.log_id != ours.log_id => Some(Lie::WrongLog {
            expected: ours.log_id,
            found: found.log_id,
        }),
        Ok(Says::Log(found)) if found.epoch != ours.epoch => Some(Lie::EpochAdvanced {
            read: ours.epoch,
            found: found.epoch,
        }),
        Ok(Says::Log(_)) => changed(shared, info),
        // Opened as it is, without a word of its identity.
        Err(_) if info.config.description == shared.wanted.description => changed(shared, info),
        Ok(Says::Restoring(_)) | Err(_) => Some(Lie::ConfigChanged {
            stream: shared.stream.clone(),
            field: "description".into(),
            wanted: stream::describe(&Says::Log(ours)),
            found: info.config.description.clone().unwrap_or_default(),
        }),
    }
}

/// A setting that is not what it was when the log was opened.
fn changed(shared: &Shared, info: &Info) -> Option<Lie> {
    let it = stream::difference(&shared.wanted, &info.config)?;
    Some(Lie::ConfigChanged {
        stream: shared.stream.clone(),
        field: it.field,
        wanted: it.wanted,
        found: it.found,
    })
}

/// The stream is gone: perhaps the log was restored into another one.
async fn elsewhere(shared: &Shared, options: &Options) -> Seen {
    let gone = Seen::Nothing(format!(
        "stream {} is gone; a restore makes it again",
        shared.stream
    ));
    let names = shared.api.streams(&options.place.subjects()).await;
    let Some(name) = names.ok().and_then(|it| it.into_iter().next()) else {
        return gone;
    };
    let Ok(info) = shared.api.glimpse(&name).await else {
        return gone;
    };
    let says = stream::says(&info.config);
    let is_next = matches!(&says, Ok(Says::Restoring(it)) if it.log_id == shared.identity.log_id);
    shared.restoring.send_replace(is_next.then_some(name));
    match says {
        Ok(Says::Log(found)) if found.log_id == shared.identity.log_id => {
            if found.epoch > shared.identity.epoch {
                shared.newer.send_replace(Some(found.epoch));
                Seen::Certain(Lie::EpochAdvanced {
                    read: shared.identity.epoch,
                    found: found.epoch,
                })
            } else {
                Seen::Certain(Lie::EpochRegressed {
                    read: shared.identity.epoch,
                    found: found.epoch,
                })
            }
        }
        Ok(Says::Log(found)) => Seen::Certain(Lie::WrongLog {
            expected: shared.identity.log_id,
            found: found.log_id,
        }),
        Ok(Says::Restoring(_)) | Err(_) => gone,
    }
}

impl Shared {
    /// Ends this handle, for ever; the first reason stays.
    pub(super) fn halt(&self, lie: &Lie) {
        let is_first = self.halt.send_if_modified(|it| {
            let is_first = it.is_none();
            if is_first {
                *it = Some(lie.clone());
            }
            is_first
        });
        if is_first {
            tracing::error!(%lie, "the log halts");
            self.said.send_replace(Some(lie.to_string()));
            self.wake();
        }
    }

    /// Whether the log was found to be itself since the connection last changed.
    pub(super) fn is_confirmed(&self) -> bool {
        *self.confirmed.borrow() == Some(*self.link.changes.borrow())
    }

    /// Waits until the log was found to be itself on this connection: before that nothing is
    /// written to it.
    pub(super) async fn confirmed(&self) -> Result<(), ReadError> {
        self.answers()?;
        if self.is_confirmed() {
            return Ok(());
        }
        let mut confirmed = self.confirmed.subscribe();
        let waiting = async {
            while !self.is_confirmed() {
                if confirmed.changed().await.is_err() {
                    return Err(ReadError::Closed);
                }
            }
            Ok(())
        };
        let patience = self.api.timeouts.patience;
        match tokio::time::timeout(patience, self.unless_halted(waiting)).await {
            Ok(result) => result,
            Err(_) => Err(ReadError::Unavailable("NATS is not connected".into())),
        }
    }
}
