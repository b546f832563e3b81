//! The front between real sockets, with backends that do as they are told.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Backend, Front};
use crate::target::Protocol;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server whose connections the test holds in its hands.
struct Server {
    listener: TcpListener,
    backend: Backend,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Backend::new(listener.local_addr().unwrap().port());
        Self { listener, backend }
    }

    async fn accept(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }
}

fn front(protocol: Protocol, server: &Server) -> Front {
    let front = Front::bind(0, protocol).unwrap();
    front.route(Some(server.backend.clone()));
    front
}

async fn client(front: &Front) -> TcpStream {
    TcpStream::connect(("127.0.0.1", front.port()))
        .await
        .unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("did not happen")
}

async fn read(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(expected)
    );
}

async fn read_end(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

async fn answer(stream: &mut TcpStream, body: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
}

async fn read_answer(stream: &mut TcpStream, body: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    read(stream, head.as_bytes()).await;
}

#[tokio::test]
async fn what_has_begun_is_finished_and_the_next_request_goes_to_the_new_one() {
    let (old, new) = (Server::new().await, Server::new().await);
    let front = front(Protocol::Http, &old);
    let mut client = client(&front).await;
    client.write_all(GET).await.unwrap();
    let mut at_old = old.accept().await;
    read(&mut at_old, GET).await;
    at_old
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nol")
        .await
        .unwrap();
    front.route(Some(new.backend.clone()));
    let early = timeout(Duration::from_millis(50), old.backend.unused()).await;
    assert!(early.is_err(), "a response is still under way");
    at_old.write_all(b"d!").await.unwrap();
    read_answer(&mut client, "old!").await;
    soon(old.backend.unused()).await;
    read_end(&mut at_old).await;
    client.write_all(GET).await.unwrap();
    let mut at_new = new.accept().await;
    read(&mut at_new, GET).await;
    answer(&mut at_new, "new").await;
    read_answer(&mut client, "new").await;
}

#[tokio::test]
async fn a_request_whose_server_died_unanswered_is_asked_again_only_if_harmless() {
    for (request, repeated) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], true),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", false),
    ] {
        let server = Server::new().await;
        let front = front(Protocol::Http, &server);
        let mut client = client(&front).await;
        client.write_all(request).await.unwrap();
        let mut dying = server.accept().await;
        read(&mut dying, request).await;
        drop(dying);
        if repeated {
            drop(server.accept().await);
            let mut next = server.accept().await;
            read(&mut next, request).await;
            answer(&mut next, "ok").await;
            read_answer(&mut client, "ok").await;
        } else {
            read_end(&mut client).await;
        }
    }
}

#[tokio::test]
async fn a_request_that_ends_every_process_is_given_up_on() {
    let server = Server::new().await;
    let front = front(Protocol::Http, &server);
    let mut client = client(&front).await;
    client.write_all(GET).await.unwrap();
    for _ in 0..4 {
        let mut dying = server.accept().await;
        read(&mut dying, GET).await;
    }
    read_end(&mut client).await;
}

#[tokio::test]
async fn a_server_that_closes_between_requests_is_not_missed() {
    let server = Server::new().await;
    let front = front(Protocol::Http, &server);
    let mut client = client(&front).await;
    for n in 0..3 {
        client.write_all(GET).await.unwrap();
        let mut at_server = server.accept().await;
        read(&mut at_server, GET).await;
        answer(&mut at_server, &n.to_string()).await;
        read_answer(&mut client, &n.to_string()).await;
        drop(at_server);
    }
}

#[tokio::test]
async fn a_client_that_ends_its_side_still_gets_its_answer() {
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let server = Server::new().await;
        let front = front(protocol, &server);
        let mut client = client(&front).await;
        client.write_all(GET).await.unwrap();
        client.shutdown().await.unwrap();
        let mut at_server = server.accept().await;
        read(&mut at_server, GET).await;
        read_end(&mut at_server).await;
        answer(&mut at_server, "late").await;
        drop(at_server);
        read_answer(&mut client, "late").await;
        read_end(&mut client).await;
    }
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte_and_holds_nobody_up() {
    let server = Server::new().await;
    let front = front(Protocol::Http, &server);
    let mut slow = client(&front).await;
    slow.write_all(GET).await.unwrap();
    let mut at_server = server.accept().await;
    read(&mut at_server, GET).await;
    let body = "0123456789abcdef".repeat(1024 * 1024);
    let sent = tokio::spawn({
        let body = body.clone();
        async move {
            answer(&mut at_server, &body).await;
            at_server
        }
    });
    let mut quick = client(&front).await;
    quick.write_all(GET).await.unwrap();
    let mut at_server = server.accept().await;
    read(&mut at_server, GET).await;
    answer(&mut at_server, "quick").await;
    read_answer(&mut quick, "quick").await;
    assert!(!sent.is_finished(), "16 MiB do not fit into buffers");
    read_answer(&mut slow, &body).await;
    soon(sent).await.unwrap();
}

#[tokio::test]
async fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::new().await;
    let front = front(Protocol::Http, &server);
    let mut client = client(&front).await;
    let head = b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n";
    client.write_all(head).await.unwrap();
    let mut at_server = server.accept().await;
    read(&mut at_server, head).await;
    let refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    at_server.write_all(refusal).await.unwrap();
    drop(at_server);
    client.write_all(&vec![0; 100_000]).await.unwrap();
    read(&mut client, refusal).await;
}

#[tokio::test]
async fn connections_that_cannot_be_followed_are_closed_when_they_are_quiet() {
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    for protocol in [Protocol::Http, Protocol::Tcp] {
        let (old, new) = (Server::new().await, Server::new().await);
        let front = front(protocol, &old);
        let mut client = client(&front).await;
        client.write_all(GET).await.unwrap();
        let mut at_old = old.accept().await;
        read(&mut at_old, GET).await;
        at_old.write_all(upgrade).await.unwrap();
        read(&mut client, upgrade).await;
        // Both ways, and the client waits for something when the switch comes.
        client.write_all(b"ping").await.unwrap();
        read(&mut at_old, b"ping").await;
        front.route(Some(new.backend.clone()));
        let patience = Duration::from_millis(100);
        assert!(
            timeout(patience, client.read_u8()).await.is_err(),
            "closed too early"
        );
        at_old.write_all(b"pong").await.unwrap();
        read(&mut client, b"pong").await;
        read_end(&mut client).await;
        soon(old.backend.unused()).await;
    }
}

#[tokio::test]
async fn without_a_process_clients_wait_and_are_told_in_the_end() {
    let server = Server::new().await;
    let front = Front::bind(0, Protocol::Http).unwrap();
    let mut waiting = client(&front).await;
    waiting.write_all(GET).await.unwrap();
    let begun = Instant::now();
    read(&mut waiting, b"HTTP/1.1 503 Service Unavailable\r\n").await;
    assert!(begun.elapsed() >= super::PATIENCE);

    let mut waiting = client(&front).await;
    waiting.write_all(GET).await.unwrap();
    front.route(Some(server.backend.clone()));
    let mut at_server = server.accept().await;
    read(&mut at_server, GET).await;
    answer(&mut at_server, "at last").await;
    read_answer(&mut waiting, "at last").await;
}

#[tokio::test]
async fn clients_that_reset_or_say_nothing_leave_nothing_behind() {
    let server = Server::new().await;
    let front = front(Protocol::Http, &server);
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(client(&front).await);
    }
    for _ in 0..50 {
        let mut resetting = client(&front).await;
        resetting.write_all(GET).await.unwrap();
        let mut at_server = server.accept().await;
        read(&mut at_server, GET).await;
        at_server
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
            .await
            .unwrap();
        // Closing with bytes unread resets the connection.
        let mut byte = [0];
        soon(resetting.read_exact(&mut byte)).await.unwrap();
        drop(resetting);
        read_end(&mut at_server).await;
    }
    soon(server.backend.unused()).await;
    front.close(Duration::ZERO).await;
    assert!(
        TcpStream::connect(("127.0.0.1", front.port()))
            .await
            .is_err()
    );
    for mut client in silent {
        read_end(&mut client).await;
    }
}
