//! One connection of a client, from its first byte to its last, over as many processes as it
//! outlives.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::exchange::Exchange;
use super::pipe::{Pipe, Read};
use super::{Lease, RETRY, Routes};

/// A connection that we cannot follow is closed this long after the server last spoke, when
/// its process is no longer the one that serves.
const QUIET: Duration = Duration::from_millis(50);
/// A client that keeps a connection without asking anything loses it after this.
const IDLE: Duration = Duration::from_mins(2);
/// After the end the client's bytes are still taken for this long: closing with bytes unread
/// would take the answer away from the client (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);
/// A request larger than this is not repeated elsewhere, in bytes.
const REPEATED: usize = 64 * 1024;
/// A request is repeated this often: a process that is just ending may still accept the first
/// repetition, and one that ends because of the request must not be ended again and again.
const REPEATS: u32 = 3;

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: text/plain\r\nContent-Length: 36\r\nConnection: close\r\nRetry-After: 1\r\n\r\n\
    no process serves this slot for now\n";

/// Passes bytes until one side or the other is done.
pub(super) async fn serve(client: TcpStream, routes: &Routes) {
    let _slower = client.set_nodelay(true);
    let mut connection = Connection::new(client, routes);
    match connection.run().await {
        Ok(()) => connection.close().await,
        // The client is gone, or the server broke off: nobody is left to be told more.
        Err(e) => tracing::debug!("connection ended: {e}"),
    }
}

struct Connection<'a> {
    client: TcpStream,
    server: Option<Server>,
    routes: &'a Routes,
    exchange: Exchange,
    to_server: Pipe,
    to_client: Pipe,
    client_done: bool,
    server_done: bool,
    /// What was asked since the last answer, as long as it may be asked again.
    asked: Option<Vec<u8>>,
    repeats: u32,
    last_byte: Instant,
    client_spoke_last: bool,
}

struct Server {
    stream: TcpStream,
    lease: Lease,
    told_end: bool,
}

/// What woke a connection up.
enum Ready {
    ClientRead,
    ServerRead,
    ClientWrite,
    ServerWrite,
    Switched,
    Timer,
}

impl<'a> Connection<'a> {
    fn new(client: TcpStream, routes: &'a Routes) -> Self {
        Self {
            client,
            server: None,
            routes,
            exchange: if routes.http.load(Ordering::Relaxed) {
                Exchange::http()
            } else {
                Exchange::opaque()
            },
            to_server: Pipe::new(),
            to_client: Pipe::new(),
            client_done: false,
            server_done: false,
            asked: None,
            repeats: 0,
            last_byte: Instant::now(),
            client_spoke_last: false,
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        let mut switches = self.routes.current.subscribe();
        loop {
            self.leave_old_server();
            if self.is_over() {
                return Ok(());
            }
            if self.server.is_none() && (!self.to_server.is_empty() || self.exchange.is_opaque()) {
                self.connect().await?;
            }
            match self.ready(&mut switches).await? {
                Ready::ClientRead => self.read_client()?,
                Ready::ServerRead => self.read_server()?,
                Ready::ClientWrite => self.to_client.drain(&self.client)?,
                Ready::ServerWrite => self.write_server().await?,
                Ready::Switched => {}
                Ready::Timer => {
                    if self.is_expired() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Between two requests nothing ties the client to the process that answered before.
    fn leave_old_server(&mut self) {
        let between = self.exchange.is_between() && self.to_server.is_empty();
        if between && (self.server_done || self.is_outdated()) {
            self.server = None;
            self.server_done = false;
        }
        if between && self.server.is_none() {
            self.to_client.release();
            self.to_server.release();
        }
    }

    fn is_flushed(&self) -> bool {
        self.to_server.is_empty() && self.to_client.is_empty()
    }

    fn is_outdated(&self) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| !self.routes.is_current(&server.lease.backend))
    }

    fn is_over(&self) -> bool {
        if !self.to_client.is_empty() {
            return false;
        }
        if self.server_done {
            return true;
        }
        self.client_done && self.to_server.is_empty() && self.exchange.is_between()
    }

    /// When a connection is ended although neither side did.
    fn expiry(&self) -> Option<Instant> {
        if self.exchange.is_opaque() {
            let quiet = self.is_outdated() && self.is_flushed() && !self.client_spoke_last;
            return quiet.then(|| self.last_byte + QUIET);
        }
        let idle = self.exchange.is_between() && self.is_flushed();
        idle.then(|| self.last_byte + IDLE)
    }

    fn is_expired(&self) -> bool {
        self.expiry().is_some_and(|at| Instant::now() >= at)
    }

    async fn connect(&mut self) -> io::Result<()> {
        let connecting = async {
            tokio::time::sleep(RETRY * self.repeats).await;
            self.routes.connect().await
        };
        // A client that hangs up while it waits is not waited for.
        let connected = tokio::select! {
            connected = connecting => connected,
            gone = gone(&self.client), if !self.client_done => return Err(gone),
        };
        let Some((stream, lease)) = connected else {
            if !self.exchange.is_opaque() {
                self.client.write_all(UNAVAILABLE).await?;
            }
            self.close().await;
            return Err(io::Error::other("no process serves"));
        };
        self.server = Some(Server {
            stream,
            lease,
            told_end: false,
        });
        self.last_byte = Instant::now();
        Ok(())
    }

    async fn ready(
        &self,
        switches: &mut tokio::sync::watch::Receiver<Option<super::Backend>>,
    ) -> io::Result<Ready> {
        let server = self.server.as_ref().map(|server| &server.stream);
        let server_readable = async {
            match server {
                Some(server) => server.readable().await,
                None => std::future::pending().await,
            }
        };
        let server_writable = async {
            match server {
                Some(server) => server.writable().await,
                None => std::future::pending().await,
            }
        };
        let told_end = self.server.as_ref().is_none_or(|server| server.told_end);
        let has_more = !self.to_server.is_empty() || (self.client_done && !told_end);
        let expiry = self.expiry();
        let timer = async {
            match expiry {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ready = self.client.readable(), if self.to_server.is_empty() && !self.client_done =>
                ready.map(|()| Ready::ClientRead),
            ready = server_readable, if self.to_client.is_empty() && !self.server_done =>
                ready.map(|()| Ready::ServerRead),
            ready = self.client.writable(), if !self.to_client.is_empty() =>
                ready.map(|()| Ready::ClientWrite),
            ready = server_writable, if has_more => ready.map(|()| Ready::ServerWrite),
            _ = switches.changed() => Ok(Ready::Switched),
            () = timer => Ok(Ready::Timer),
        }
    }

    fn read_client(&mut self) -> io::Result<()> {
        match self.to_server.fill(&self.client)? {
            Read::NotYet => {}
            Read::End => self.client_done = true,
            Read::Some => {
                // A new request begins: it goes where requests go now.
                if self.exchange.is_between() {
                    if self.server_done || self.is_outdated() {
                        self.server = None;
                        self.server_done = false;
                    }
                    self.asked = Some(Vec::new());
                    self.repeats = 0;
                }
                let bytes = self.to_server.content();
                self.exchange.client(bytes);
                if let Some(asked) = &mut self.asked {
                    asked.extend_from_slice(bytes);
                }
                let too_long = |asked: &mut Vec<u8>| asked.len() > REPEATED;
                self.asked.take_if(too_long);
                self.last_byte = Instant::now();
                self.client_spoke_last = true;
            }
        }
        Ok(())
    }

    fn read_server(&mut self) -> io::Result<()> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        match self.to_client.fill(&server.stream) {
            Ok(Read::NotYet) => {}
            Ok(Read::Some) => {
                self.exchange.server(self.to_client.content());
                self.asked = None;
                self.last_byte = Instant::now();
                self.client_spoke_last = false;
            }
            Ok(Read::End) => self.server_gone(None)?,
            Err(e) => self.server_gone(Some(e))?,
        }
        Ok(())
    }

    async fn write_server(&mut self) -> io::Result<()> {
        let Some(server) = &mut self.server else {
            return Ok(());
        };
        if self.to_server.is_empty() {
            server.told_end = true;
            // A peer that is gone already needs no telling.
            let _gone = server.stream.shutdown().await;
            return Ok(());
        }
        if self.to_server.drain(&server.stream).is_err() {
            // It listens no more, but may have answered before: that is still to be read, and
            // the reading ends the connection.
            self.to_server = Pipe::new();
            server.told_end = true;
        }
        Ok(())
    }

    /// The server closed the connection. Nobody notices between two requests; a request that
    /// it did not begin to answer is asked again if that is harmless.
    fn server_gone(&mut self, cause: Option<io::Error>) -> io::Result<()> {
        self.server_done = true;
        if self.exchange.is_between() {
            return Ok(());
        }
        if self.exchange.may_repeat()
            && self.repeats < REPEATS
            && let Some(asked) = self.asked.clone()
        {
            self.repeats += 1;
            self.server = None;
            self.server_done = false;
            self.exchange.restart();
            self.exchange.client(&asked);
            self.to_server.refill(asked);
            return Ok(());
        }
        match cause {
            Some(cause) if self.to_client.is_empty() => Err(cause),
            _ => Ok(()),
        }
    }

    /// Ends the connection so that the client gets all that was sent to it.
    async fn close(&mut self) {
        self.server = None;
        if self.client.shutdown().await.is_err() || self.client_done {
            return;
        }
        let mut rest = [0; 1024];
        let drained = async { while let Ok(1..) = self.client.read(&mut rest).await {} };
        let _late = timeout(LINGER, drained).await;
    }
}

/// Waits until the client has reset the connection. One that only ended its sending side still
/// waits for an answer.
async fn gone(client: &TcpStream) -> io::Error {
    loop {
        if let Err(e) = client.ready(tokio::io::Interest::ERROR).await {
            return e;
        }
        match client.take_error() {
            Ok(Some(e)) | Err(e) => return e,
            Ok(None) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
