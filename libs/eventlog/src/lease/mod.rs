//! Leases: of several replicas of a role only one performs effects. They save work. What is
//! right never depends on them: effects are repeatable, and appends are guarded.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, SqlitePool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::process::Clock;
use crate::projector::{Database, ProjectorError, lease_pool, silent};

/// Takes a free lease, or keeps one's own. No row comes back when somebody else has it.
const ACQUIRE: &str = "INSERT INTO towpath_lease (resource, holder, fence, expires_us) \
     VALUES ($1, $2, 1, $3) ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, \
     expires_us = excluded.expires_us, fence = CASE \
     WHEN towpath_lease.holder = excluded.holder THEN towpath_lease.fence \
     ELSE towpath_lease.fence + 1 END \
     WHERE towpath_lease.holder = excluded.holder OR towpath_lease.expires_us <= $4 \
     RETURNING fence";

const HOLDER: &str = "SELECT holder FROM towpath_lease WHERE resource = $1 AND expires_us > $2";

const RELEASE: &str = "UPDATE towpath_lease SET expires_us = 0 \
     WHERE resource = $1 AND holder = $2 AND fence = $3";

/// How often a lease that somebody else has is asked for, within a little more than the time in
/// which that of a dead one ends.
const TRIES: u32 = 12;

/// Leases in the database of the read models.
#[derive(Debug, Clone)]
pub struct Leases(Pool);

/// Where leases are kept.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A lease that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Of what.
    pub resource: String,
    /// To whom.
    pub holder: String,
    /// Raised each time that somebody else gets it.
    pub fence: i64,
    /// When it ends by itself: microseconds since 1970-01-01 UTC.
    pub expires_us: i64,
}

impl Leases {
    /// Opens the leases beside the read models of a role; makes their table when it is missing.
    pub async fn open(database: &Database) -> Result<Self, ProjectorError> {
        Ok(Self(lease_pool(database).await?))
    }

    /// Takes the lease when it is free or has ended, or prolongs one's own. Nothing when
    /// somebody else has it.
    pub async fn acquire(
        &self,
        resource: &str,
        holder: &str,
        now_us: i64,
        lasts: Duration,
    ) -> Result<Option<Lease>, sqlx::Error> {
        let lasts_us = i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX);
        let expires_us = now_us.saturating_add(lasts_us);
        macro_rules! ask {
            ($pool:expr) => {
                sqlx::query_scalar(ACQUIRE)
                    .bind(resource)
                    .bind(holder)
                    .bind(expires_us)
                    .bind(now_us)
                    .fetch_optional($pool)
                    .await?
            };
        }
        let fence: Option<i64> = match &self.0 {
            Pool::Sqlite(pool) => ask!(pool),
            Pool::Postgres(pool) => ask!(pool),
        };
        Ok(fence.map(|fence| Lease {
            resource: resource.to_owned(),
            holder: holder.to_owned(),
            fence,
            expires_us,
        }))
    }

    /// Who has the lease now; nobody when it is free or has ended.
    pub async fn holder(&self, resource: &str, now_us: i64) -> Result<Option<String>, sqlx::Error> {
        macro_rules! ask {
            ($pool:expr) => {
                sqlx::query_scalar(HOLDER)
                    .bind(resource)
                    .bind(now_us)
                    .fetch_optional($pool)
                    .await
            };
        }
        match &self.0 {
            Pool::Sqlite(pool) => ask!(pool),
            Pool::Postgres(pool) => ask!(pool),
        }
    }

    /// Lets a lease go. Does nothing when somebody else has it by now.
    pub async fn release(&self, lease: &Lease) -> Result<(), sqlx::Error> {
        macro_rules! tell {
            ($pool:expr) => {
                sqlx::query(RELEASE)
                    .bind(&lease.resource)
                    .bind(&lease.holder)
                    .bind(lease.fence)
                    .execute($pool)
                    .await?
                    .rows_affected()
            };
        }
        let released = match &self.0 {
            Pool::Sqlite(pool) => tell!(pool),
            Pool::Postgres(pool) => tell!(pool),
        };
        tracing::debug!(resource = %lease.resource, released, "lease let go");
        Ok(())
    }

    /// Closes the connections.
    pub async fn close(&self) {
        match &self.0 {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// Whether effects may start now.
#[derive(Clone)]
pub struct Gate {
    /// Until when, in the clock's microseconds.
    until_us: watch::Receiver<i64>,
}

/// Keeps a lease for as long as it runs, and opens a gate while it has it.
pub struct Keeper {
    leases: Leases,
    resource: String,
    holder: String,
    lasts: Duration,
    clock: Clock,
    until_us: watch::Sender<i64>,
}

impl Gate {
    /// A gate that never closes: for a role that has no replicas.
    pub fn always() -> Self {
        Self {
            until_us: watch::channel(i64::MAX).1,
        }
    }

    /// Whether effects may start.
    pub fn is_open(&self, now_us: i64) -> bool {
        now_us < *self.until_us.borrow()
    }

    /// Waits until the lease was taken, prolonged or lost.
    pub async fn changed(&mut self) {
        if self.until_us.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Keeper {
    /// Will hold `resource` in the name of `holder`, which no other replica has.
    pub fn new(
        leases: Leases,
        resource: &str,
        holder: &str,
        lasts: Duration,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            leases,
            resource: resource.to_owned(),
            holder: holder.to_owned(),
            lasts,
            clock,
            until_us: watch::Sender::new(0),
        })
    }

    /// What opens while the lease is held. It closes by itself when the lease ends.
    pub fn gate(&self) -> Gate {
        Gate {
            until_us: self.until_us.subscribe(),
        }
    }

    /// Takes the lease before [`Keeper::run`] does, for whoever may not even begin without it.
    /// One whose holder died is waited for; after that, says who has it.
    pub async fn take(&self) -> Result<Result<(), String>, sqlx::Error> {
        let mut tries = 0;
        loop {
            let now_us = (self.clock)();
            let asked = self
                .leases
                .acquire(&self.resource, &self.holder, now_us, self.lasts);
            if let Some(lease) = asked.await? {
                self.until_us.send_replace(lease.expires_us);
                return Ok(Ok(()));
            }
            let holder = self.leases.holder(&self.resource, now_us).await?;
            tries += 1;
            if let (Some(holder), true) = (holder, tries > TRIES) {
                return Ok(Err(holder));
            }
            tokio::time::sleep(self.lasts / (TRIES - 1)).await;
        }
    }

    /// Takes and prolongs the lease until cancelled, then lets it go.
    pub async fn run(&self, cancel: CancellationToken) {
        let mut held = None;
        while !cancel.is_cancelled() {
            let now_us = (self.clock)();
            let asked = self
                .leases
                .acquire(&self.resource, &self.holder, now_us, self.lasts);
            // A server that vanished answers never; by then the lease is over in any case.
            let asked = tokio::time::timeout(self.lasts, asked);
            match asked.await.unwrap_or_else(|_| Err(silent())) {
                Ok(lease) => {
                    let until_us = lease.as_ref().map_or(0, |it| it.expires_us);
                    self.until_us.send_replace(until_us);
                    held = lease;
                }
                // What is held stays held until it ends.
                Err(error) => tracing::warn!(%error, resource = %self.resource, "no lease"),
            }
            cancel
                .run_until_cancelled(tokio::time::sleep(self.lasts / 3))
                .await;
        }
        self.until_us.send_replace(0);
        if let Some(lease) = held
            && let Err(error) = self.leases.release(&lease).await
        {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }
}

#[cfg(test)]
mod tests;
