//! What is read of answers; what is sent is judged by GitHub's own description in
//! `libs/fake-github`.

use super::*;

#[test]
fn a_part_of_a_path_never_becomes_two() {
    let base = Url::parse("https://ghe.example.com/api/v3").unwrap();
    let mut url = base;
    url.path_segments_mut()
        .unwrap()
        .pop_if_empty()
        .extend(["labels", "release/minor", "../x?y#z"]);
    assert_eq!(
        url.as_str(),
        "https://ghe.example.com/api/v3/labels/release%2Fminor/..%2Fx%3Fy%23z"
    );
}

#[test]
fn statuses_say_whether_asking_again_helps() {
    let of = |status: u16, body: &str, limit: Option<u64>| {
        let status = StatusCode::from_u16(status).unwrap();
        error::of_status(
            "GET x",
            status,
            body.as_bytes(),
            limit.map(Duration::from_secs),
        )
    };
    assert_eq!(of(200, "", None), None);
    assert_eq!(of(422, "", None), None);
    assert!(matches!(of(503, "", None), Some(Error::Away { .. })));
    assert!(matches!(of(429, "", None), Some(Error::Away { .. })));
    let limited = of(403, "{}", Some(7)).unwrap();
    assert_eq!(limited.pause(), Some((Duration::from_secs(7), true)));
    let secondary = "{\"message\":\"You have exceeded a secondary rate limit.\"}";
    assert!(matches!(
        of(403, secondary, None),
        Some(Error::Limited { .. })
    ));
    let refused = of(
        403,
        "{\"message\":\"Resource not accessible\\u0007\"}",
        None,
    )
    .unwrap();
    assert_eq!(refused.pause(), Some((Duration::from_mins(1), false)));
    assert!(
        refused.to_string().contains("Resource not accessible;"),
        "{refused}"
    );
    let unknown = of(401, "{}", None).unwrap();
    assert_eq!(unknown.pause(), Some((Duration::from_mins(1), true)));
    assert!(of(404, "nonsense", Some(9)).unwrap().is_absent());
    assert!(of(301, "", None).unwrap().to_string().contains("renamed"));
}

#[tokio::test]
async fn nobody_there_is_said_and_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let api_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = service::config::GitHub {
        api_url,
        webhook_secret_file: file("secret", "0123456789abcdef"),
        token_file: file("token", "ghs_s3cr3t"),
        ..service::config::GitHub::default()
    };
    let connection = Connection::of(&settings).unwrap();
    let github = GitHub::new(connection, Arc::new(service::SystemClock)).unwrap();
    for _ in 0..2 {
        let error = github.pull("acme/api", 7).await.unwrap_err();
        assert!(error.is_passing(), "{error}");
        let why = error.to_string();
        assert!(why.starts_with("GET repos/acme/api/pulls/7: "), "{why}");
        assert!(why.contains("refused") && !why.contains("s3cr3t"), "{why}");
    }
    std::fs::remove_file(dir.path().join("token")).unwrap();
    let error = github.pull("acme/api", 7).await.unwrap_err();
    assert!(matches!(error, Error::Unready(_)), "{error}");
}

#[test]
fn what_holds_no_certificate_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    assert!(tls::config(None).is_ok());
    assert!(tls::config(Some(&path)).unwrap_err().contains("ca.pem"));
    std::fs::write(&path, "no certificate").unwrap();
    assert!(
        tls::config(Some(&path))
            .unwrap_err()
            .contains("no certificate")
    );
}
