//! `towpath certificate`: a certificate for an installation that has no authority of its own yet.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Datelike as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::json;
use service::clock::{Clock as _, SystemClock};

use super::Scene;
use crate::args;
use crate::failure::Failure;
use crate::{home, output};

/// Names of the files: as in a Kubernetes secret of type `kubernetes.io/tls`, plus the authority.
const FILES: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];
/// How long both certificates are valid, in years.
const YEARS: i32 = 10;

pub(super) fn run(scene: &Scene, certificate: &args::Certificate) -> Result<(), Failure> {
    for name in &certificate.names {
        let host = name.strip_prefix("*.").unwrap_or(name);
        ServerName::try_from(host).map_err(|error| {
            Failure::usage("certificate-name", format!("`{name}`: {error}"))
                .fix("give a host name such as towpath.example.org, or an address")
        })?;
    }
    let dir = &certificate.out;
    std::fs::create_dir_all(dir).map_err(Failure::io(dir.display()))?;
    let paths = FILES.map(|name| dir.join(name));
    let replaced = paths[0].exists();
    // Whoever trusts the authority would have to be told of a new one.
    let made = certificate.renew || !is_there(&paths, &certificate.names)?;
    if made {
        write(dir, &certificate.names)?;
    }
    if scene.is_json() {
        return output::json(&json!({
            "ca": paths[0], "certificate": paths[1], "key": paths[2], "made": made,
        }));
    }
    let done = if made { "made" } else { "kept" };
    output::line(&format!(
        "{done}: {}, {} and {}",
        paths[0].display(),
        paths[1].display(),
        paths[2].display()
    ))?;
    if made && replaced {
        output::line(
            "the authority is a new one: give ca.crt to everybody who trusted the old one",
        )?;
    }
    Ok(())
}

/// Whether a set is there that serves these names. One that does not is never replaced by
/// itself: others trust its authority.
fn is_there(paths: &[PathBuf; 3], names: &[String]) -> Result<bool, Failure> {
    let fix = "--renew makes a new set for the names that are given, with a new authority: \
               everybody who trusts the ca.crt of before has to be given the new one; or choose \
               another directory with --out";
    let (found, missing): (Vec<_>, Vec<_>) = paths.iter().partition(|it| it.exists());
    if let (Some(found), Some(missing)) = (found.first(), missing.first()) {
        let what = format!(
            "{} is there and {} is not: nothing was changed",
            found.display(),
            missing.display()
        );
        return Err(Failure::refused("certificate-incomplete", what).fix(fix));
    }
    if found.is_empty() {
        return Ok(false);
    }
    for name in names {
        serves(paths, name).map_err(|why| {
            let path = paths[1].display();
            let what = format!("{path} is no certificate for `{name}`: {why}; nothing was changed");
            Failure::refused("certificate-names", what).fix(fix)
        })?;
    }
    Ok(true)
}

/// Asks as a caller would who trusts the authority.
fn serves(paths: &[PathBuf; 3], name: &str) -> Result<(), String> {
    let read = |path: &Path| {
        let read = CertificateDer::from_pem_file(path);
        read.map_err(|error| format!("{}: {error}", path.display()))
    };
    let (authority, leaf) = (read(&paths[0])?, read(&paths[1])?);
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(|error| error.to_string())?;
    let verifier = WebPkiServerVerifier::builder(roots.into())
        .build()
        .map_err(|error| error.to_string())?;
    let asked = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let now = UnixTime::since_unix_epoch(Duration::from_micros(
        SystemClock.now_us().try_into().unwrap_or_default(),
    ));
    let verified = verifier.verify_server_cert(&leaf, &[], &asked, &[], now);
    verified.map(drop).map_err(|error| error.to_string())
}

/// The authority's key is never written: it signs this one certificate and is forgotten.
fn write(dir: &Path, names: &[String]) -> Result<(), Failure> {
    let failed = |error: rcgen::Error| {
        Failure::usage(
            "certificate",
            format!("no certificate can be made: {error}"),
        )
        .fix("give host names or addresses, such as --name towpath.example.com --name 10.0.0.7")
    };
    let key = KeyPair::generate().map_err(failed)?;
    let authority = authority();
    let root = authority.self_signed(&key).map_err(failed)?;
    let issuer = Issuer::new(authority, key);
    let leaf_key = KeyPair::generate().map_err(failed)?;
    let mut leaf = CertificateParams::new(names.to_vec()).map_err(failed)?;
    validity(&mut leaf);
    leaf.distinguished_name
        .push(DnType::CommonName, names[0].clone());
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let leaf = leaf.signed_by(&leaf_key, &issuer).map_err(failed)?;
    home::write_whole(&dir.join(FILES[0]), root.pem().as_bytes(), 0o644)?;
    home::write_whole(&dir.join(FILES[1]), leaf.pem().as_bytes(), 0o644)?;
    let key = leaf_key.serialize_pem();
    home::write_whole(&dir.join(FILES[2]), key.as_bytes(), 0o600)
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    validity(&mut params);
    params
        .distinguished_name
        .push(DnType::CommonName, "Towpath evaluation authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// From the first of this year, so that a clock that is a little behind does not refuse it.
fn validity(params: &mut CertificateParams) {
    let now = chrono::DateTime::from_timestamp_micros(SystemClock.now_us()).unwrap_or_default();
    let year = now.year();
    params.not_before = rcgen::date_time_ymd(year, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + YEARS, 1, 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_is_trusted_for_its_names_and_no_other() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["releaser".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let paths = FILES.map(|name| dir.path().join(name));
        let trusted = |name: &str| serves(&paths, name).is_ok();
        assert!(trusted("releaser") && trusted("127.0.0.1"));
        assert!(!trusted("runner"));
    }

    #[test]
    fn a_set_for_other_names_or_half_of_one_is_named_and_left_alone() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let paths = FILES.map(|name| dir.path().join(name));
        let names = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert!(!is_there(&paths, &names(&["localhost"])).unwrap());
        write(dir.path(), &names(&["localhost", "runner"])).unwrap();
        assert!(is_there(&paths, &names(&["runner"])).unwrap());
        let refused = format!(
            "{:?}",
            is_there(&paths, &names(&["runner", "db"])).unwrap_err()
        );
        assert!(
            refused.contains("`db`") && refused.contains("--renew"),
            "{refused}"
        );
        std::fs::remove_file(&paths[2]).unwrap();
        let refused = format!("{:?}", is_there(&paths, &names(&["runner"])).unwrap_err());
        assert!(
            refused.contains("tls.key") && refused.contains("--renew"),
            "{refused}"
        );
    }

    #[test]
    fn the_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["localhost".to_owned()]).unwrap();
        let mode = |name: &str| {
            let found = std::fs::metadata(dir.path().join(name)).unwrap();
            found.permissions().mode() & 0o777
        };
        assert_eq!((mode("tls.key"), mode("tls.crt")), (0o600, 0o644));
        assert!(!dir.path().join("ca.key").exists());
    }
}
