//! What runs on the log, told to whoever measures and traces it. One observer for the process,
//! installed at start; without one, nothing is told and nothing is stored with commits.

use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::process::Retry;

static OBSERVER: OnceLock<Box<dyn Observer>> = OnceLock::new();

/// Measures and traces.
pub trait Observer: Send + Sync + 'static {
    /// The W3C `traceparent` of what runs now; nothing outside of any trace.
    fn traceparent(&self) -> Option<String>;

    /// An append was answered.
    fn appended(&self, kind: &str, outcome: Outcome, took: Duration);

    /// A command was done, refused or given up.
    fn commanded(&self, kind: &str, done: bool, took: Duration);

    /// Runs an effect as part of the trace of what led to it.
    fn perform(
        &self,
        effect: EffectSpan,
        work: BoxFuture<'static, Result<(), Retry>>,
    ) -> BoxFuture<'static, Result<(), Retry>>;
}

/// What became of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Stored,
    /// Another commit was faster.
    Conflict,
    /// Nobody knows yet.
    Ambiguous,
    /// Refused, or the log is away.
    Failed,
}

/// An effect as traces and metrics name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectSpan {
    /// The role that performs it.
    pub role: &'static str,
    /// What sort of effect.
    pub name: &'static str,
    /// What it belongs to, such as a deployment.
    pub subject: Option<ids::Uuid>,
    /// The `traceparent` of the commit that led to it.
    pub parent: Option<String>,
}

/// Installs the observer of this process. Says whether it is the first: a second one is dropped.
pub fn install(observer: Box<dyn Observer>) -> bool {
    OBSERVER.set(observer).is_ok()
}

pub(crate) fn observer() -> Option<&'static dyn Observer> {
    OBSERVER.get().map(AsRef::as_ref)
}
