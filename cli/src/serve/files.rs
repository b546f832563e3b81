//! The files that the configuration names: each is there, can be read, and is what it should be.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use service::config::{self, Backend, Log, Tls};
use service::{Config, serve};

use crate::failure::Failure;

/// Checks all of them, and names the first that cannot be used by its setting.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    if let Some(tls) = &config.tls {
        pair(tls)?;
    }
    nats(&config.log)?;
    let reads = &config.reads;
    if !reads.url.is_empty() {
        if let Some(path) = &reads.password_file {
            password("reads.password_file", path)?;
        }
        if let Some(path) = root_certificate(&reads.url) {
            authority("reads.url, sslrootcert", Path::new(path))?;
        }
    }
    config
        .roles
        .ca
        .as_deref()
        .map_or(Ok(()), |path| authority("roles.ca", path))
}

/// Those that a log on NATS is reached with.
pub(super) fn nats(log: &Log) -> Result<(), Failure> {
    if log.backend == Backend::Sqlite {
        return Ok(());
    }
    if let Some(path) = &log.password_file {
        password("log.password_file", path)?;
    }
    log.ca
        .as_deref()
        .map_or(Ok(()), |path| authority("log.ca", path))
}

/// The password in a file, without the line break that editors leave at its end.
pub(crate) fn password(setting: &str, path: &Path) -> Result<String, Failure> {
    let refuse = |why: &str| {
        unusable(setting, path, why).fix("write the password into that file, as one line of text")
    };
    regular(path).map_err(|why| refuse(&why))?;
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error.to_string()))?;
    let password = text.trim();
    if password.is_empty() {
        return Err(refuse("it is empty"));
    }
    if password.contains(char::is_control) {
        return Err(refuse(
            "a line break or another control character stands inside the password",
        ));
    }
    Ok(password.to_owned())
}

/// Reading a pipe would wait for whoever writes into it, perhaps for ever; and it is read again.
fn regular(path: &Path) -> Result<(), String> {
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if found.is_file() {
        Ok(())
    } else {
        Err("it is no regular file".to_owned())
    }
}

fn authority(setting: &str, path: &Path) -> Result<(), Failure> {
    let refuse = |why: String| {
        unusable(setting, path, &why)
            .fix("give the certificates to trust as a PEM file, or leave the setting out")
    };
    regular(path).map_err(refuse)?;
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(error.to_string()))?;
    if found.is_empty() {
        return Err(refuse("it holds no certificate".to_owned()));
    }
    let mut roots = RootCertStore::empty();
    for each in found {
        roots.add(each).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(())
}

/// The server's own certificate, and the key that belongs to it.
fn pair(tls: &Tls) -> Result<(), Failure> {
    let Err(error) = serve::acceptor(tls) else {
        return Ok(());
    };
    let (path, why) = match error {
        config::Error::Io { path, error } => (path, error.to_string()),
        config::Error::Syntax { path, error } => (path, error),
        other @ (config::Error::Value { .. } | config::Error::Variable { .. }) => {
            return Err(other.into());
        }
    };
    let setting = if path == tls.key {
        "tls.key"
    } else {
        "tls.certificate"
    };
    Err(unusable(setting, &path, &why)
        .fix("give the certificate chain and its private key as PEM files"))
}

/// The authority that the URL of a PostgreSQL server names. A path that is written with escapes
/// is left to whoever connects.
fn root_certificate(url: &str) -> Option<&str> {
    let (_, parameters) = url.split_once('?')?;
    let mut parameters = parameters.split('&');
    let path = parameters.find_map(|it| it.strip_prefix("sslrootcert="))?;
    (!path.contains('%')).then_some(path)
}

fn unusable(setting: &str, path: &Path, why: &str) -> Failure {
    let message = format!("{setting}: {} cannot be used: {why}", path.display());
    Failure::usage("configuration-file", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(failure: Result<impl std::fmt::Debug, Failure>) -> String {
        format!("{:?}", failure.unwrap_err())
    }

    /// Says no to what `change` makes of a configuration, by the names of setting and file.
    fn refuses(change: impl FnOnce(&mut Config), words: &[&str]) {
        let mut config = Config::default();
        config.log.backend = Backend::Nats;
        config.reads.url = "postgres://towpath@db/towpath".into();
        assert!(check(&config).is_ok());
        change(&mut config);
        let why = why(check(&config));
        for word in words {
            assert!(why.contains(word), "{why} lacks {word}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_setting() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let none = || Some("/nowhere/x".into());
        refuses(
            |it| it.log.password_file = none(),
            &["log.password_file", "/nowhere/x", "No such"],
        );
        refuses(|it| it.log.ca = none(), &["log.ca", "/nowhere/x"]);
        refuses(
            |it| it.reads.password_file = none(),
            &["reads.password_file", "/nowhere/x"],
        );
        refuses(|it| it.roles.ca = none(), &["roles.ca", "/nowhere/x"]);
        let url = "postgres://towpath@db/towpath?sslmode=verify-full&sslrootcert=/nowhere/x";
        refuses(|it| it.reads.url = url.into(), &["reads.url", "/nowhere/x"]);
        let tls = Tls {
            certificate: "/nowhere/c".into(),
            key: "/nowhere/k".into(),
        };
        refuses(|it| it.tls = Some(tls), &["tls.certificate", "/nowhere/c"]);
    }

    #[test]
    fn a_file_that_holds_something_else_is_named_with_its_setting() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let prose = file("prose", "no certificate");
        refuses(
            |it| it.log.ca = Some(prose.clone()),
            &["log.ca", "no certificate"],
        );
        let empty = file("empty", "\n");
        refuses(
            |it| it.log.password_file = Some(empty),
            &["log.password_file", "empty"],
        );
        let two = file("two", "one\ntwo\n");
        refuses(
            |it| it.reads.password_file = Some(two),
            &["reads.password_file", "line break"],
        );
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        refuses(
            |it| it.log.password_file = Some(pipe.clone()),
            &["log.password_file", "no regular file"],
        );
        refuses(|it| it.log.ca = Some(pipe), &["log.ca", "no regular file"]);
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = file("crt", &made.cert.pem());
        let tls = Tls {
            certificate: certificate.clone(),
            key: prose,
        };
        refuses(|it| it.tls = Some(tls), &["tls.key", "prose"]);
        let other = rcgen::KeyPair::generate().unwrap();
        let key = file("key", &other.serialize_pem());
        let tls = Tls { certificate, key };
        refuses(|it| it.tls = Some(tls), &["tls.certificate", "crt"]);
    }

    #[test]
    fn a_password_is_what_stands_in_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "secret\n").unwrap();
        assert_eq!(password("log.password_file", &path).unwrap(), "secret");
    }
}
