//! Files with secrets: read when they are needed, and never repeated.

use super::*;

fn connection(directory: &Path, api_url: &str) -> Connection {
    let settings = GitHub {
        api_url: api_url.to_owned(),
        webhook_secret_file: Some(directory.join("secret")),
        token_file: Some(directory.join("token")),
        ..GitHub::default()
    };
    Connection::of(&settings).unwrap()
}

#[test]
fn nothing_is_configured_until_both_files_are_named() {
    assert!(Connection::of(&GitHub::default()).is_none());
}

#[test]
fn two_secrets_hold_at_once_and_what_is_wrong_is_said_without_them() {
    let dir = tempfile::tempdir().unwrap();
    let connection = connection(dir.path(), "https://api.github.com");
    assert!(connection.check().is_err(), "there are no files");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("token", "ghp_s3cr3t\n");
    write(
        "secret",
        "s3cr3t-of-the-webhook\n\n  the-next-s3cr3t-of-it\r\n",
    );
    connection.check().unwrap();
    let secrets = connection.secrets().unwrap();
    let texts: Vec<_> = secrets.iter().map(Secret::expose).collect();
    assert_eq!(texts, ["s3cr3t-of-the-webhook", "the-next-s3cr3t-of-it"]);
    assert_eq!(format!("{secrets:?}"), "[***, ***]");
    for wrong in [
        "",
        "\n \n",
        "s3cr3t",
        "s3cr3t-s3cr3t-s3cr3t\nb\n",
        "s3cr3t-s3cr3t-s3cr3t\n".repeat(3).as_str(),
    ] {
        write("secret", wrong);
        let why = connection.check().unwrap_err().to_string();
        assert!(
            why.contains("webhook_secret_file") && !why.contains("s3cr3t"),
            "{why}"
        );
    }
    write("secret", "s3cr3t-of-the-webhook");
    for wrong in ["", "ghp_s3cr3t\nghp_s3cr3t", "ghp s3cr3t", "ghp_s3cr3té"] {
        write("token", wrong);
        let why = connection.check().unwrap_err().to_string();
        assert!(
            why.contains("token_file") && !why.contains("s3cr3t"),
            "{why}"
        );
    }
}

#[test]
fn repositories_are_named_by_the_host_of_the_forge_not_of_its_api() {
    let nowhere = Path::new("/nowhere");
    for (api_url, host) in [
        ("https://api.github.com", "github.com"),
        ("https://api.github.com/", "github.com"),
        ("https://GHE.example.com/api/v3/", "ghe.example.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
    ] {
        assert_eq!(connection(nowhere, api_url).host().unwrap(), host);
    }
    assert!(connection(nowhere, "nonsense").host().is_err());
}
