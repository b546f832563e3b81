//! What a process says about itself: lines on standard error, spans to an OTLP receiver, numbers
//! at `/metrics`. None of them ever holds a header, a body or a token.

mod calls;
mod context;
pub mod metrics;
mod page;
mod text;
mod traces;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use eventlog::observer::{self, EffectSpan, Observer, Outcome};
use eventlog::process::Retry;
use futures::future::{BoxFuture, FutureExt as _};
use opentelemetry::trace::FutureExt as _;
use tracing_subscriber::EnvFilter;

pub use calls::record;
pub use context::inject;
pub use metrics::{Gauge, Metrics};
pub use page::{Peer, metrics_page};
pub use traces::Error;
use traces::Traces;

/// Starts telemetry for this process; a second call changes nothing. `filter` is a
/// `tracing` directive list such as `info,git=debug`.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
    // Somebody else's subscriber is in place, as in tests: theirs stays.
    drop(started);
}

/// Spans and numbers of this process. Clones share them.
#[derive(Debug, Clone)]
pub struct Telemetry {
    metrics: Arc<Metrics>,
    traces: Option<Arc<Traces>>,
}

impl Telemetry {
    /// Counts, and exports spans to `otlp` unless it is empty. `service` names what belongs to no
    /// role in particular. Must run inside the runtime that the process lives in.
    ///
    /// # Errors
    /// When `otlp` is no address of a receiver.
    pub fn open(otlp: &str, service: &'static str, started_at_us: i64) -> Result<Self, Error> {
        let traces = if otlp.is_empty() {
            None
        } else {
            Some(Arc::new(Traces::open(otlp, service)?))
        };
        let metrics = Arc::new(Metrics::new(started_at_us));
        Ok(Self { metrics, traces })
    }

    /// Has everything that runs on the log measured and traced here; the first in a process wins.
    pub fn install(&self) {
        let _first = observer::install(Box::new(self.clone()));
    }

    /// The numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Sends what is left; waits a few seconds at most. Blocks.
    pub fn close(&self) {
        if let Some(traces) = &self.traces {
            traces.close();
        }
    }
}

impl Observer for Telemetry {
    fn traceparent(&self) -> Option<String> {
        context::current()
    }

    fn appended(&self, kind: &str, outcome: Outcome, took: Duration) {
        let outcome = match outcome {
            Outcome::Stored => "stored",
            Outcome::Conflict => "conflict",
            Outcome::Ambiguous => "ambiguous",
            Outcome::Failed => "failed",
        };
        let labels = [("kind", kind), ("outcome", outcome)];
        self.metrics.count("towpath_commits", &labels);
        let kind = [("kind", kind)];
        self.metrics.took("towpath_append_seconds", &kind, took);
    }

    fn commanded(&self, kind: &str, done: bool, took: Duration) {
        let done = if done { "true" } else { "false" };
        let labels = [("kind", kind), ("done", done)];
        self.metrics.took("towpath_command_seconds", &labels, took);
    }

    fn perform(
        &self,
        effect: EffectSpan,
        work: BoxFuture<'static, Result<(), Retry>>,
    ) -> BoxFuture<'static, Result<(), Retry>> {
        let telemetry = self.clone();
        let span = self.traces.as_ref().map(|it| it.effect(&effect));
        async move {
            let began = tokio::time::Instant::now();
            let result = match &span {
                Some(span) => work.with_context(span.clone()).await,
                None => work.await,
            };
            let outcome = if result.is_ok() { "done" } else { "failed" };
            let labels = [("role", effect.role), ("effect", effect.name)];
            let metrics = &telemetry.metrics;
            metrics.took("towpath_effect_seconds", &labels, began.elapsed());
            let counted = [labels[0], labels[1], ("outcome", outcome)];
            metrics.count("towpath_effects", &counted);
            if let Some(span) = &span {
                traces::end_effect(span, &result);
            }
            result
        }
        .boxed()
    }
}
