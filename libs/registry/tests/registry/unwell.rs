//! Registries that are busy, broken, closed, or lie: scripted answers, one per connection, because
//! no real registry does these things when asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use ids::Digest;
use registry::{Address, Client, Credentials, Error, Tagged};

/// Status line and headers, then the body.
type Scripted = (String, &'static [u8]);

const BODY: &[u8] = b"{\"schemaVersion\":2}";
const OTHER: &[u8] = b"{\"schemaVersion\": 2}";

fn answer(status: &str, headers: &str, body: &'static [u8]) -> Scripted {
    let length = body.len();
    (
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n"),
        body,
    )
}

/// A manifest; the header that names another digest is a lie.
fn manifest(body: &'static [u8]) -> Scripted {
    let header = format!(
        "content-type: application/x\r\ndocker-content-digest: {}\r\n",
        Digest::of(b"a lie")
    );
    answer("200 OK", &header, body)
}

fn absent() -> Scripted {
    answer("404 Not Found", "", b"{}")
}

/// Answers connection by connection; tells of every request line.
fn serve(script: Vec<Scripted>) -> (Client, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (head, body) in script {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            let mut first = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(it) = line.to_lowercase().strip_prefix("content-length:") {
                    length = it.trim().parse().unwrap();
                }
                if first.is_empty() {
                    line.trim().clone_into(&mut first);
                }
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let mut stream = reader.into_inner();
            // Whoever asked may have gone away.
            stream.write_all(head.as_bytes()).ok();
            stream.write_all(body).ok();
            tell.send(first).ok();
        }
    });
    let address = Address::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    (Client::new(address, Credentials::default()), told)
}

fn image() -> Digest {
    Digest::of(BODY)
}

#[tokio::test]
async fn nothing_but_not_found_reads_as_absent() {
    for (status, retryable) in [
        ("401 Unauthorized", true),
        ("403 Forbidden", true),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("502 Bad Gateway", true),
        ("301 Moved Permanently", true),
        ("400 Bad Request", false),
        ("405 Method Not Allowed", false),
    ] {
        let (client, told) = serve(vec![answer(status, "retry-after: 7\r\n", b"")]);
        let error = client.tag("api", "rc.0", &image()).await.unwrap_err();
        assert_eq!(error.retryable(), retryable, "{status}: {error}");
        if let Error::Busy { retry_after, .. } = &error {
            assert_eq!(retry_after.unwrap().as_secs(), 7);
        }
        assert_eq!(told.iter().count(), 1, "{status}: nothing was written");
    }
}

#[tokio::test]
async fn a_registry_that_is_away_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let address = Address::parse(&format!("http://{address}")).unwrap();
    let client = Client::new(address, Credentials::default());
    let error = client.manifest("api", "rc.0").await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn headers_are_not_believed() {
    let (client, _told) = serve(vec![manifest(BODY)]);
    let tagged = client.tag("api", "rc.0", &image()).await;
    assert_eq!(tagged.unwrap(), Tagged::Already);

    let (client, _told) = serve(vec![absent(), manifest(OTHER)]);
    let error = client.tag("api", "rc.0", &image()).await.unwrap_err();
    assert!(
        matches!(error, Error::Corrupt { .. }) && !error.retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let created = || answer("201 Created", "", b"");
    let script = vec![absent(), manifest(BODY), created(), manifest(OTHER)];
    let (client, told) = serve(script);
    let tagged = client.tag("api", "rc.0", &image()).await;
    assert_eq!(tagged.unwrap(), Tagged::Taken(Digest::of(OTHER)));
    let lines: Vec<_> = told.iter().collect();
    assert_eq!(lines[2], "PUT /v2/api/manifests/rc.0 HTTP/1.1");
    assert_eq!(
        lines[1],
        format!("GET /v2/api/manifests/{} HTTP/1.1", image())
    );

    let script = vec![absent(), manifest(BODY), created(), absent()];
    let (client, _told) = serve(script);
    let error = client.tag("api", "rc.0", &image()).await.unwrap_err();
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn a_token_is_asked_for_where_it_was_named_and_nowhere_else() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let realm = elsewhere.local_addr().unwrap();
    let header = format!("www-authenticate: Bearer realm=\"http://{realm}/token\"\r\n");
    let (client, _told) = serve(vec![answer("401 Unauthorized", &header, b"")]);
    let error = client.manifest("api", "rc.0").await.unwrap_err();
    assert!(matches!(error, Error::Realm { .. }), "{error}");
    assert!(elsewhere.accept().is_err(), "nobody was sent there");
}
