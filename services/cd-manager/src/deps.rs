//! What the role needs from outside, all of it given.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eventlog::projector::Reads;
use eventlog::{EventLog, Position};
use git::Writer;
use service::Clock;
use service::entropy::Entropy;
use service::key::Keys;
use service::role::Roles;
use source::{Desk, Histories};
use tokio::sync::watch;

/// What the role needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids of holds.
    pub entropy: Arc<dyn Entropy>,
    /// The manifests.
    pub desk: Desk,
    /// The one writer of the manifests' branch.
    pub writer: Writer,
    /// Histories of source repositories.
    pub histories: Histories,
    /// Read models.
    pub reads: Reads,
    /// How far the read models are.
    pub read_position: watch::Receiver<Position>,
    /// Which roles run.
    pub roles: Roles,
    /// Idempotency keys.
    pub keys: Arc<Keys>,
    /// What relative paths of OCI layouts in manifests are relative to.
    pub layouts: PathBuf,
    /// How often the branch is looked at.
    pub look_every: Duration,
    /// Open while this replica may act; the others only observe.
    pub gate: eventlog::lease::Gate,
}
