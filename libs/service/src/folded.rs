//! What a role folds from the log for itself and its readers: a state, and how far it is folded.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use eventlog::{EventLog, Position};
use tokio::sync::watch;

use crate::fault::{Fault, Kind};

/// How long a reader waits for what was recorded before.
const PATIENCE: Duration = Duration::from_secs(5);

/// A state that is folded by one and read by many.
#[derive(Debug, Default)]
pub struct Folded<W> {
    world: RwLock<W>,
    reached: watch::Sender<Position>,
}

impl<W> Folded<W> {
    /// The state, for as long as the guard is held: nothing is folded meanwhile.
    pub fn read(&self) -> RwLockReadGuard<'_, W> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in facts. Nobody waits when there are none.
    pub fn observe<F>(&self, facts: &[F], observe: impl Fn(&mut W, &F)) {
        if !facts.is_empty() {
            self.change(|world| facts.iter().for_each(|it| observe(world, it)));
        }
    }

    /// Changes the state.
    pub fn change<T>(&self, change: impl FnOnce(&mut W) -> T) -> T {
        change(&mut self.world.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything up to this position is folded.
    pub fn passed(&self, position: Position) {
        self.reached.send_replace(position);
    }

    /// Waits until everything is folded that was recorded before this call.
    ///
    /// # Errors
    /// [`Kind::Unknown`] when that takes longer than five seconds, or the log cannot be asked.
    pub async fn caught_up(&self, log: &dyn EventLog, role: &str) -> Result<(), Fault> {
        let tail = log.tail().await?.position;
        let mut reached = self.reached.subscribe();
        let waited = tokio::time::timeout(PATIENCE, reached.wait_for(|now| *now >= tail)).await;
        if let Ok(Ok(_)) = waited {
            return Ok(());
        }
        let what = format!("log position {tail} is not known here yet");
        let fix = format!("repeat the call; `towpath status` shows whether the role `{role}` runs");
        Err(Fault::new(Kind::Unknown, "read-model-behind", what).fix(fix))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use access::domain::identity::{Command, Identity};
    use eventlog::{Context, LogIdentity, MemLog, Repository};
    use ids::Uuid;

    use super::*;

    async fn append(log: &Arc<MemLog>) -> Position {
        let identities = Repository::<Identity>::new(Arc::clone(log) as Arc<dyn EventLog>);
        let context = Context {
            actor: "wilma".to_owned(),
            now_us: 0,
            idempotency: None,
            correlation: None,
            causation: None,
        };
        let command = Command::Create {
            name: "ci".to_owned(),
            groups: Vec::new(),
            is_service: true,
            token_hash: [0; 32],
            expires_at_us: None,
        };
        let done = identities.execute(Uuid::from_u128(2), &context, &command);
        done.await.unwrap().position.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_what_was_recorded_before_and_not_for_ever() {
        let log = Arc::new(MemLog::new(LogIdentity {
            log_id: Uuid::from_u128(1),
            epoch: 1,
            created_at_us: 0,
        }));
        let folded = Arc::new(Folded::<Vec<u8>>::default());
        folded.caught_up(&*log, "forge").await.unwrap();
        let tail = append(&log).await;
        let fault = folded.caught_up(&*log, "forge").await.unwrap_err();
        assert_eq!(fault.kind, Kind::Unknown);
        assert!(fault.fix.contains("`forge`"), "{}", fault.fix);
        let folds = Arc::clone(&folded);
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE / 2).await;
            folds.observe(&[1, 2], |world, fact| world.push(*fact));
            folds.passed(tail);
        });
        folded.caught_up(&*log, "forge").await.unwrap();
        assert_eq!(*folded.read(), [1, 2]);
    }
}
