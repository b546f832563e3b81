//! The fake is as strict as it says: what it shows and sends is as GitHub describes it.

use fake_github::{FakeGitHub, Trouble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HEADERS: &str = "host: x\r\nconnection: close\r\naccept: application/vnd.github+json\r\n\
     x-github-api-version: 2022-11-28\r\nuser-agent: towpath/0\r\n";

async fn call(forge: &FakeGitHub, line: &str, headers: &str, body: &str) -> String {
    let answered = exchange(forge, line, headers, body).await;
    answered.unwrap_or_else(|error| panic!("{line}: {error}"))
}

async fn exchange(
    forge: &FakeGitHub,
    line: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<String> {
    let address = forge.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await?;
    let length = body.len();
    let token = fake_github::TOKEN;
    let text = format!(
        "{line} HTTP/1.1\r\n{headers}authorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn everything_that_it_shows_and_sends_is_as_it_is_described() {
    let forge = FakeGitHub::start().await;
    forge.repository("acme/api", "main");
    let number = forge.open("acme/api", "feat: x", "main", &["a"]);
    forge.retitle("acme/api", number, "fix: x");
    forge.label("acme/api", number, "release/minor", "wilma");
    forge.unlabel("acme/api", number, "release/minor", "wilma");
    let at = |line: &'static str| call(&forge, line, HEADERS, "");
    assert_eq!(status(&at("GET /repos/acme/api/pulls/1").await), "200");
    assert_eq!(status(&at("GET /repos/acme/api/pulls/2").await), "404");
    assert_eq!(
        status(&at("GET /repos/acme/api/labels/release%2Fmajor").await),
        "404"
    );
    let new = r#"{"name":"release/major","color":"b60205","description":"x"}"#;
    for expected in ["201", "422"] {
        let made = call(&forge, "POST /repos/acme/api/labels", HEADERS, new).await;
        assert_eq!(status(&made), expected, "{made}");
    }
    let add = r#"{"labels":["release/major"]}"#;
    let added = call(&forge, "POST /repos/acme/api/issues/1/labels", HEADERS, add).await;
    assert_eq!(status(&added), "200", "{added}");
    let label = "DELETE /repos/acme/api/issues/1/labels/release%2Fmajor";
    assert_eq!(status(&at(label).await), "200");
    assert_eq!(status(&at(label).await), "404");
    forge.merge("acme/api", number, "b");
    let listed = at("GET /repos/acme/api/commits/b/pulls?per_page=100&page=1").await;
    assert!(listed.contains("fix: x"), "{listed}");
    let actions: Vec<_> = forge
        .untold()
        .iter()
        .map(|it| it.payload()["action"].clone())
        .collect();
    assert_eq!(
        actions,
        [
            "opened",
            "edited",
            "labeled",
            "unlabeled",
            "labeled",
            "unlabeled",
            "closed"
        ]
    );
    assert_eq!(forge.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_described_is_noted_against_whoever_sent_it() {
    let forge = FakeGitHub::start().await;
    forge.repository("acme/api", "main");
    for (line, headers, body) in [
        ("GET /user", HEADERS, ""),
        ("GET /repos/acme/api/pulls/1?size=3", HEADERS, ""),
        (
            "POST /repos/acme/api/labels",
            HEADERS,
            r#"{"name":"x","colour":"red"}"#,
        ),
        (
            "GET /repos/acme/api/pulls/1",
            "host: x\r\nconnection: close\r\n",
            "",
        ),
    ] {
        let before = forge.violations().len();
        call(&forge, line, headers, body).await;
        assert!(forge.violations().len() > before, "{line}");
    }
}

#[tokio::test]
async fn open_ones_come_with_commits_that_are_not_on_the_default_branch() {
    let forge = FakeGitHub::start().await;
    forge.repository("acme/api", "main");
    forge.open("acme/api", "feat: x", "develop", &["a"]);
    forge.merge("acme/api", 1, "b");
    forge.open("acme/api", "chore: release", "main", &["a", "b"]);
    let line = "GET /repos/acme/api/commits/b/pulls";
    let both = call(&forge, line, HEADERS, "").await;
    assert!(both.contains("feat: x") && both.contains("chore: release"));
    forge.merge("acme/api", 2, "c");
    forge.open("acme/api", "docs: later", "main", &["b"]);
    let merged = call(&forge, line, HEADERS, "").await;
    assert!(!merged.contains("docs: later"), "{merged}");
    let trouble = Trouble::Limited(3);
    forge.trouble(Some(trouble));
    let limited = call(&forge, line, HEADERS, "").await;
    assert!(
        status(&limited) == "403" && limited.contains("retry-after: 3"),
        "{limited}"
    );
    assert_eq!(forge.violations(), Vec::<String>::new());
}
