//! W3C trace context: `traceparent` as text, in headers and in commits.

use axum::http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

const HEADER: &str = "traceparent";

/// The context of what runs now, when it belongs to a trace.
pub(super) fn current() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags() & TraceFlags::SAMPLED
        )
    })
}

/// A context that a span can be the child of; what cannot be read begins a new trace.
pub(super) fn parent(text: Option<&str>) -> Context {
    let nothing = Context::new();
    match text.and_then(parse) {
        Some(found) => nothing.with_remote_span_context(found),
        None => nothing,
    }
}

/// The context that a caller sent.
pub(super) fn sent(headers: &HeaderMap) -> Context {
    parent(headers.get(HEADER).and_then(|it| it.to_str().ok()))
}

/// Passes the context of what runs now on to whoever is called next.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(value) = current().and_then(|it| HeaderValue::try_from(it).ok()) {
        headers.insert(HEADER, value);
    }
}

fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
    };
    let has_form = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    // Version 00 has four parts; a later one may have more, and ff is none.
    if !has_form || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let found = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    found.is_valid().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_sent_is_what_was_read() {
        let _guard = parent(Some(GOOD)).attach();
        assert_eq!(current().as_deref(), Some(GOOD));
        let mut headers = HeaderMap::new();
        inject(&mut headers);
        assert_eq!(headers[HEADER], GOOD);
    }

    #[test]
    fn nonsense_begins_a_new_trace() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333ü-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(current(), None);
    }
}
