//! What a server says beside its answers: a person hears it once, on standard error.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt as _};
use http::{Request, Response};
use service::stale;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

/// A channel that passes on what the server says about its answers.
#[derive(Clone)]
pub(crate) struct Heard {
    channel: Channel,
    said: Arc<AtomicBool>,
}

impl From<Channel> for Heard {
    fn from(channel: Channel) -> Self {
        Self {
            channel,
            said: Arc::default(),
        }
    }
}

impl Service<Request<Body>> for Heard {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.channel.call(request);
        let said = Arc::clone(&self.said);
        async move {
            let answer = answer.await?;
            if let Some(why) = answer.headers().get(stale::HEADER)
                && !said.swap(true, Ordering::Relaxed)
            {
                let why = why.to_str().unwrap_or_default();
                // Standard error is closed: the answer itself is what was asked for.
                drop(writeln!(
                    std::io::stderr(),
                    "warning[stale]: what is shown may be old: {why}"
                ));
            }
            Ok(answer)
        }
        .boxed()
    }
}
