//! A receiver of spans that speaks OTLP over gRPC, as a collector does.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// Keeps everything it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<ResourceSpans>>>,
}

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans;
        self.received.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Spans {
    /// Listens on a free port for as long as the test lasts.
    pub(crate) async fn receive() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let spans = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            received: Arc::default(),
        };
        let service = TraceServiceServer::new(spans.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        spans
    }

    /// Every span of a trace, with the service that sent it.
    pub(crate) fn of(&self, trace: &[u8]) -> Vec<(String, Span)> {
        let received = self.received.lock().unwrap();
        let mut found = Vec::new();
        for from in received.iter() {
            let service = service(from);
            let spans = from.scope_spans.iter().flat_map(|it| &it.spans);
            let spans = spans.filter(|it| it.trace_id == trace);
            found.extend(spans.map(|it| (service.clone(), it.clone())));
        }
        found
    }

    /// Everything that was received, as text.
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.received.lock().unwrap())
    }
}

fn service(from: &ResourceSpans) -> String {
    let resource = from.resource.as_ref();
    let attributes = resource.iter().flat_map(|it| &it.attributes);
    let mut names = attributes.filter(|it| it.key == "service.name");
    let value = names.next().and_then(|it| it.value.clone()?.value);
    match value {
        Some(Value::StringValue(name)) => name,
        other => panic!("a service has a name: {other:?}"),
    }
}
