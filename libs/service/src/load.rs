//! How much is done at once. What comes beyond is told so at once and costs next to nothing, so
//! that a flood slows callers down and not the server.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use access::Principal;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::middleware::Next;
use futures::future::poll_fn;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::authn;
use crate::fault::{Fault, Kind};
use crate::serve::MAX_BODY;

/// Calls that are worked on at once. Each holds at most one message, so this bounds memory.
const CALLS: usize = 128;
/// Answers under way at once, streams such as watches included.
const ANSWERS: usize = 1_024;
/// How long a caller may take to begin its message.
const FIRST_BYTES: Duration = Duration::from_secs(10);
/// What precedes a gRPC message: whether it is compressed, and its length in four bytes.
const PREFIX: usize = 5;

/// What is left of what can be done at once. Clones share it.
#[derive(Debug, Clone)]
pub struct Load {
    calls: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            calls: Arc::new(Semaphore::new(CALLS)),
            answers: Arc::new(Semaphore::new(ANSWERS)),
        }
    }
}

/// Lets a call through when there is room for it and its message is not too large. Stands behind
/// the gate: strangers take nobody's room.
pub async fn limit(State(load): State<Load>, request: Request, next: Next) -> Response<Body> {
    if request.extensions().get::<Principal>().is_none() {
        return next.run(request).await;
    }
    let is_grpc = authn::is_grpc(request.headers());
    let request = if is_grpc {
        match within_size(request).await {
            Ok(request) => request,
            Err(fault) => return authn::answer(fault, is_grpc),
        }
    } else {
        request
    };
    let (Ok(call), Ok(answer)) = (
        Arc::clone(&load.calls).try_acquire_owned(),
        Arc::clone(&load.answers).try_acquire_owned(),
    ) else {
        return authn::answer(too_many(), is_grpc);
    };
    let response = next.run(request).await;
    drop(call);
    response.map(|body| {
        Body::new(Held {
            body,
            permit: Some(answer),
        })
    })
}

fn too_many() -> Fault {
    let what = format!("more than {CALLS} calls are under way");
    Fault::new(Kind::Exhausted, "too-many-calls", what)
        .fix("wait a moment, then repeat the call, with the same key if it has one")
}

/// Looks at the length that the first message announces, before anything of it is kept.
async fn within_size(request: Request) -> Result<Request, Fault> {
    let (head, mut body) = request.into_parts();
    let mut begun: Vec<Frame<Bytes>> = Vec::new();
    let mut prefix = Vec::with_capacity(PREFIX);
    while prefix.len() < PREFIX {
        let next = poll_fn(|task| Pin::new(&mut body).poll_frame(task));
        let frame = tokio::time::timeout(FIRST_BYTES, next).await.map_err(|_| {
            Fault::new(
                Kind::Invalid,
                "message-missing",
                "no message followed the call",
            )
        })?;
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let wanted = (PREFIX - prefix.len()).min(data.len());
                    prefix.extend_from_slice(&data[..wanted]);
                }
                begun.push(frame);
            }
            // The service says what is wrong with half a message.
            Some(Err(_)) | None => break,
        }
    }
    if let [_, a, b, c, d] = prefix[..]
        && u32::from_be_bytes([a, b, c, d]) as usize > MAX_BODY
    {
        let size = u32::from_be_bytes([a, b, c, d]);
        let what = format!("the message has {size} bytes, more than {MAX_BODY}");
        return Err(Fault::new(Kind::Exhausted, "message-too-large", what)
            .fix("send less at once; no call needs as much"));
    }
    begun.reverse();
    let body = Body::new(Begun { begun, body });
    Ok(Request::from_parts(head, body))
}

/// A body of which the beginning was read already.
struct Begun {
    /// The last one comes first.
    begun: Vec<Frame<Bytes>>,
    body: Body,
}

impl HttpBody for Begun {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.begun.pop() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.body).poll_frame(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.body.is_end_stream()
    }
}

/// An answer that takes room until it has ended.
struct Held {
    body: Body,
    permit: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(task);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.permit = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::header;
    use axum::routing::post;
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    use super::*;

    fn grpc(body: impl Into<Body>) -> Request {
        let caller = Principal {
            name: "ci".to_owned(),
            groups: Vec::new(),
            is_service: true,
        };
        Request::post("/call")
            .header(header::CONTENT_TYPE, "application/grpc")
            .extension(caller)
            .body(body.into())
            .unwrap()
    }

    fn app(load: &Load, wait: &Arc<Notify>) -> Router {
        let wait = Arc::clone(wait);
        let echo = move |body: Bytes| async move {
            if body.is_empty() {
                wait.notified().await;
            }
            body
        };
        Router::new()
            .route("/call", post(echo))
            .layer(axum::middleware::from_fn_with_state(load.clone(), limit))
    }

    fn code(response: &Response<Body>) -> Option<&str> {
        response.headers().get("grpc-status")?.to_str().ok()
    }

    #[tokio::test]
    async fn a_message_is_passed_on_whole_or_refused_by_its_length() {
        let app = app(&Load::default(), &Arc::default());
        let message = [&[0, 0, 0, 0, 6][..], b"abcdef"].concat();
        let pieces = message
            .chunks(2)
            .map(|it| Ok::<_, std::io::Error>(Bytes::copy_from_slice(it)))
            .collect::<Vec<_>>();
        let body = Body::from_stream(futures::stream::iter(pieces));
        let answer = app.clone().oneshot(grpc(body)).await.unwrap();
        let echoed = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(echoed, message);
        let length = u32::try_from(MAX_BODY + 1).unwrap().to_be_bytes();
        let large = [&[0][..], &length].concat();
        let answer = app.oneshot(grpc(large)).await.unwrap();
        assert_eq!(code(&answer), Some("8"), "RESOURCE_EXHAUSTED");
    }

    #[tokio::test]
    async fn strangers_take_no_room_and_need_none() {
        let load = Load::default();
        let app = app(&load, &Arc::default());
        let message = [&[0, 0, 0, 0, 1][..], b"a"].concat();
        let stranger = || {
            let mut request = grpc(message.clone());
            request.extensions_mut().clear();
            request
        };
        let answer = app.clone().oneshot(stranger()).await.unwrap();
        assert_eq!(
            load.answers.available_permits(),
            ANSWERS,
            "while it is sent"
        );
        assert_eq!(code(&answer), None);
        let _all = load.calls.try_acquire_many(u32::try_from(CALLS).unwrap());
        let answer = app.clone().oneshot(stranger()).await.unwrap();
        assert_eq!(code(&answer), None);
        let answer = app.oneshot(grpc(message.clone())).await.unwrap();
        assert_eq!(code(&answer), Some("8"));
    }

    #[tokio::test]
    async fn what_is_too_much_is_refused_at_once_and_room_comes_back() {
        let (load, wait) = (Load::default(), Arc::<Notify>::default());
        let app = app(&load, &wait);
        let first: Vec<_> = (0..CALLS)
            .map(|_| tokio::spawn(app.clone().oneshot(grpc(Body::empty()))))
            .collect();
        while load.calls.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let beyond = app.clone().oneshot(grpc(Body::empty())).await.unwrap();
        assert_eq!(code(&beyond), Some("8"));
        wait.notify_waiters();
        for call in first {
            let answer = call.await.unwrap().unwrap();
            assert_eq!(code(&answer), None);
        }
        assert_eq!(load.calls.available_permits(), CALLS);
        assert_eq!(load.answers.available_permits(), ANSWERS);
    }
}
