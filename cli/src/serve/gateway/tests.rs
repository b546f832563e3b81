//! Peers that are there and say nothing, as a stopped process does.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::Request as Plain;
use http_body_util::BodyExt as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::serve::presence;

const METHOD: &str = "/towpath.release.v1.ReleaseService/ListReleases";

fn peer(address: SocketAddr, keep_alive: Duration) -> Peer {
    let url = format!("http://{address}");
    Peer {
        role: Role::Releaser,
        channel: presence::channel(&url, None, keep_alive).unwrap(),
        url: url.as_str().into(),
    }
}

fn call() -> axum::http::request::Builder {
    Plain::post(format!("http://gateway{METHOD}")).header("content-type", "application/grpc")
}

/// Takes every connection and never says a word.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

fn assert_names(headers: &HeaderMap, address: SocketAddr) {
    let status = Status::from_header_map(headers).unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    for part in ["`releaser`", &format!("http://{address}")] {
        assert!(status.message().contains(part), "no {part} in {status}");
    }
    assert!(status.metadata().get_bin("towpath-fix-bin").is_some());
}

#[tokio::test]
async fn a_role_that_says_nothing_is_named_when_its_time_is_over() {
    let address = silent().await;
    let begun = Instant::now();
    let call = call().body(Body::empty()).unwrap();
    let answer = forward(
        peer(address, Duration::from_mins(1)),
        Duration::from_millis(300),
        call,
    );
    assert_names(answer.await.headers(), address);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn the_callers_own_deadline_counts_where_it_is_shorter() {
    let address = silent().await;
    let begun = Instant::now();
    let call = call()
        .header("grpc-timeout", "300m")
        .body(Body::empty())
        .unwrap();
    let answer = forward(peer(address, Duration::from_mins(1)), PATIENCE, call).await;
    assert_names(answer.headers(), address);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_role_that_is_known_to_be_away_is_not_waited_for_as_long() {
    let address = silent().await;
    let roles = Roles::default();
    roles.elsewhere("releaser", Some("no answer".into()));
    let peers = Peers::from(vec![peer(address, Duration::from_mins(1))]);
    let begun = Instant::now();
    let call = call().body(Body::empty()).unwrap();
    let answer = routes(&peers, &roles).oneshot(call).await.unwrap();
    assert_names(answer.headers(), address);
    assert!(begun.elapsed() < PATIENCE / 2);
}

/// Passes on what both ends say until it is told to stop, and then keeps both ends open.
async fn relay(to: SocketAddr, stop: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(to).await.unwrap();
        tokio::select! {
            _ended = copy_bidirectional(&mut near, &mut far) => {}
            () = stop.notified() => std::future::pending::<()>().await,
        }
    });
    address
}

#[tokio::test]
async fn a_stream_has_no_deadline_and_ends_by_name_when_the_peer_stops() {
    let patience = Duration::from_millis(500);
    let streams = any(|| async {
        let first = futures::stream::iter([Ok::<_, Infallible>(Frame::data("first".into()))]);
        let frames = first.chain(futures::stream::pending());
        let body = Body::new(StreamBody::new(
            frames as futures::stream::Chain<_, futures::stream::Pending<_>>,
        ));
        Response::new(body)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let router = axum::Router::new().route(METHOD, streams);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let stop = Arc::new(Notify::new());
    let address = relay(server, Arc::clone(&stop)).await;

    let call = call().body(Body::empty()).unwrap();
    let answer = forward(peer(address, Duration::from_millis(200)), patience, call).await;
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap().as_ref(), b"first");
    let quiet = tokio::time::timeout(patience * 3, body.frame()).await;
    assert!(quiet.is_err(), "it lives longer than a call may: {quiet:?}");

    stop.notify_one();
    let last = tokio::time::timeout(Duration::from_secs(10), body.frame()).await;
    let last = last.expect("the stopped peer is noticed").unwrap().unwrap();
    assert_names(&last.into_trailers().unwrap(), address);
}

#[test]
fn the_callers_deadline_is_read_as_grpc_writes_it() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        asked_for(&headers)
    };
    assert_eq!(read("2S"), Some(Duration::from_secs(2)));
    assert_eq!(read("1H"), Some(Duration::from_hours(1)));
    assert_eq!(read("250m"), Some(Duration::from_millis(250)));
    assert_eq!(read("99999999u"), Some(Duration::from_micros(99_999_999)));
    for wrong in ["", "S", "+2S", "2", "2s", "123456789S", "2 S"] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
    assert_eq!(asked_for(&HeaderMap::new()), None);
}
