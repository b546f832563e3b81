//! Spans, exported over OTLP: one service per role, also where one process is all roles.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eventlog::observer::EffectSpan;
use eventlog::process::Retry;
use opentelemetry::trace::{
    SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider,
};

use super::context;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often spans are sent.
const EVERY: Duration = Duration::from_secs(1);

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error(
    "telemetry.otlp: `{endpoint}` cannot be used: {why}; give an address such as http://127.0.0.1:4317"
)]
pub struct Error {
    endpoint: String,
    why: String,
}

/// The roles of this process, each with its own stream of spans.
pub(super) struct Traces {
    endpoint: String,
    service: &'static str,
    /// The streams are made inside of this runtime, whoever asks first.
    runtime: tokio::runtime::Handle,
    providers: Mutex<BTreeMap<&'static str, (SdkTracerProvider, SdkTracer)>>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traces({} to {})", self.service, self.endpoint)
    }
}

impl Traces {
    /// Exports to an address. A receiver that is away costs its spans and nothing else.
    pub(super) fn open(endpoint: &str, service: &'static str) -> Result<Self, Error> {
        let wrong = |why: String| Error {
            endpoint: endpoint.to_owned(),
            why,
        };
        let uri: axum::http::Uri = endpoint
            .parse()
            .map_err(|error: axum::http::uri::InvalidUri| wrong(error.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(wrong("it is no http or https address".to_owned()));
        }
        if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err(Error {
                endpoint: "…@…".to_owned(),
                why: "it holds a user or password".to_owned(),
            });
        }
        let runtime =
            tokio::runtime::Handle::try_current().map_err(|error| wrong(error.to_string()))?;
        let traces = Self {
            endpoint: endpoint.to_owned(),
            service,
            runtime,
            providers: Mutex::default(),
        };
        let own = traces.provider(service).map_err(wrong)?;
        traces.providers().insert(service, own);
        Ok(traces)
    }

    /// Begins the span of a call.
    pub(super) fn call(&self, role: &'static str, name: String, parent: &Context) -> Context {
        let Some(tracer) = self.tracer(role) else {
            return parent.clone();
        };
        let span = tracer.span_builder(name).with_kind(SpanKind::Server);
        parent.with_span(span.start_with_context(&tracer, parent))
    }

    /// Begins the span of an effect, as part of the trace of the commit that led to it.
    pub(super) fn effect(&self, effect: &EffectSpan) -> Context {
        let parent = context::parent(effect.parent.as_deref());
        let Some(tracer) = self.tracer(effect.role) else {
            return parent;
        };
        let mut attributes = vec![KeyValue::new("towpath.effect", effect.name)];
        attributes.extend(
            effect
                .subject
                .map(|it| KeyValue::new("towpath.subject", it.to_string())),
        );
        let span = tracer
            .span_builder(format!("effect {}", effect.name))
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes);
        parent.with_span(span.start_with_context(&tracer, &parent))
    }

    /// Sends what is left.
    pub(super) fn close(&self) {
        for (provider, _) in self.providers().values() {
            if let Err(error) = provider.shutdown_with_timeout(TIMEOUT) {
                tracing::warn!(%error, "the last spans were not exported");
            }
        }
    }

    fn tracer(&self, role: &'static str) -> Option<SdkTracer> {
        let role = if role.is_empty() { self.service } else { role };
        let mut all = self.providers();
        if let Some((_, tracer)) = all.get(role) {
            return Some(tracer.clone());
        }
        let (provider, tracer) = self.provider(role).ok()?;
        all.insert(role, (provider, tracer.clone()));
        Some(tracer)
    }

    fn provider(&self, role: &'static str) -> Result<(SdkTracerProvider, SdkTracer), String> {
        let _inside = self.runtime.enter();
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&self.endpoint)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| error.to_string())?;
        let batches = BatchConfigBuilder::default()
            .with_scheduled_delay(EVERY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder_empty()
            .with_service_name(role)
            .with_attribute(KeyValue::new("service.namespace", "towpath"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("towpath");
        Ok((provider, tracer))
    }

    fn providers(
        &self,
    ) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, (SdkTracerProvider, SdkTracer)>> {
        self.providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the span of an effect. Why it failed is on standard error and in `explain`: the text may
/// hold what programs said, and that is not for a receiver.
pub(super) fn end_effect(context: &Context, result: &Result<(), Retry>) {
    let span = context.span();
    if result.is_err() {
        span.set_status(Status::error("failed; it is tried again"));
    }
    span.end();
}

/// Ends the span of a call.
pub(super) fn end_call(context: &Context, attributes: Vec<KeyValue>, failed: bool) {
    let span = context.span();
    span.set_attributes(attributes);
    if failed {
        span.set_status(Status::error(""));
    }
    span.end();
}
