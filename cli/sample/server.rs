//! The sample application: a small HTTP/1.1 server that needs nothing but itself, so that the
//! demo and the tests deploy something real on any machine.
//!
//! It listens on 127.0.0.1 at the port named by `PORT` and answers `/` (name and version as
//! JSON), `/version` and `/healthz`. Who it is, it reads from the files `name` and `version`
//! next to its executable; a file `broken` there makes `/healthz` answer 500 with its content.
//! SIGTERM ends it by default.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// A request's head may be this long, in bytes; a body is read and thrown away.
const HEAD_LIMIT: u64 = 16 * 1024;
/// A connection on which nothing is asked is closed after this.
const IDLE: Duration = Duration::from_secs(60);

struct Application {
    name: String,
    version: String,
    broken: Option<String>,
}

struct Request {
    method: String,
    path: String,
    body_length: u64,
    close: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("sample: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let executable = std::env::current_exe().map_err(|e| format!("where am I? {e}"))?;
    let directory = executable.parent().unwrap_or(Path::new("/"));
    let application = Arc::new(Application {
        name: read(directory, "name")?.unwrap_or_else(|| "sample".to_owned()),
        version: read(directory, "version")?.ok_or("there is no file `version` next to me")?,
        broken: read(directory, "broken")?,
    });
    let port = std::env::var("PORT").map_err(|_| "PORT is not set")?;
    let port: u16 = port
        .parse()
        .map_err(|_| format!("PORT={port} is no port"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|e| format!("cannot listen on 127.0.0.1:{port}: {e}"))?;
    println!(
        "{} {} listens on 127.0.0.1:{port}",
        application.name, application.version
    );
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of file descriptors: some connection has to end first.
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        let application = Arc::clone(&application);
        let served = std::thread::Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || serve(&stream, &application));
        if let Err(e) = served {
            eprintln!("sample: a connection is dropped: {e}");
        }
    }
    Ok(())
}

fn read(directory: &Path, name: &str) -> Result<Option<String>, String> {
    match std::fs::read_to_string(directory.join(name)) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(format!("cannot read `{name}`: {e}")),
    }
}

/// Answers requests until the client closes, asks to close, or sends what is no request.
fn serve(stream: &TcpStream, application: &Application) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = next_request(&mut reader)? {
        io::copy(
            &mut (&mut reader).take(request.body_length),
            &mut io::sink(),
        )?;
        let (status, content_type, body) = answer(application, &request);
        let connection = if request.close { "close" } else { "keep-alive" };
        let mut response = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             Connection: {connection}\r\n\r\n",
            body.len()
        );
        if request.method != "HEAD" {
            response.push_str(&body);
        }
        (&mut &*stream).write_all(response.as_bytes())?;
        if request.close {
            break;
        }
    }
    Ok(())
}

fn answer(application: &Application, request: &Request) -> (&'static str, &'static str, String) {
    let text = "text/plain; charset=utf-8";
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return ("405 Method Not Allowed", text, "only GET\n".to_owned());
    }
    match request.path.as_str() {
        "/" => {
            let (name, version) = (json(&application.name), json(&application.version));
            let body = format!("{{\"app\":{name},\"version\":{version}}}\n");
            ("200 OK", "application/json", body)
        }
        "/version" => ("200 OK", text, application.version.clone()),
        "/healthz" => match &application.broken {
            None => ("200 OK", text, "ok".to_owned()),
            Some(why) => ("500 Internal Server Error", text, why.clone()),
        },
        _ => ("404 Not Found", text, "not found\n".to_owned()),
    }
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The head of the next request; None when the client is done. What is no request is an error
/// and ends the connection.
fn next_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut head = reader.take(HEAD_LIMIT);
    let Some(first) = line(&mut head)? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut request = Request {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        body_length: 0,
        close: version != "HTTP/1.1",
    };
    loop {
        let field = line(&mut head)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if field.is_empty() {
            return Ok(Some(request));
        }
        let (name, value) = field.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            request.body_length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            // Nobody sends this application bodies; without reading one it cannot go on.
            request.close = true;
        } else if name.eq_ignore_ascii_case("connection") {
            request.close |= value.eq_ignore_ascii_case("close");
        }
    }
}

fn line(head: &mut io::Take<&mut BufReader<&TcpStream>>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with('\n') {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(line.trim_end().to_owned()))
}
