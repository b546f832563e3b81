//! Which servers keep a log without losing or doubling commits.

use super::error::OpenError;
use super::options::{Options, Profile};
use crate::log::{Durability, MAX_COMMIT_BYTES};

/// What the headers of a commit take at most, in bytes.
pub(super) const HEADER_BYTES: usize = 4096;

/// Below this, two writers of one aggregate can both win on a replicated stream.
const REPLICATED: [u64; 3] = [2, 9, 21];

/// Judges a server; `Ok` holds what to warn of.
pub(super) fn judge(
    version: &str,
    max_payload: usize,
    options: &Options,
) -> Result<Vec<String>, OpenError> {
    let found = parts(version);
    let refuse = |why: &str, wanted: &str| OpenError::Version {
        found: version.to_owned(),
        why: why.to_owned(),
        wanted: wanted.to_owned(),
    };
    if options.replicas > 1 && found < REPLICATED {
        return Err(refuse(
            "lets two writers of one aggregate both win on a replicated stream",
            "2.9.21",
        ));
    }
    let wanted = MAX_COMMIT_BYTES + HEADER_BYTES;
    if max_payload < wanted {
        let found = max_payload;
        return Err(OpenError::MaxPayload { found, wanted });
    }
    match options.profile {
        Profile::Development => Ok(warnings(version, found)),
        Profile::Production => {
            if !is_recommended(found) {
                let why = "has known loss of acknowledged data or open security advisories";
                return Err(refuse(why, "2.14.5 (or 2.12.15 of that line)"));
            }
            if options.replicas < 3 {
                return Err(OpenError::Options(
                    "the production profile wants `[log] replicas = 3`".into(),
                ));
            }
            if !matches!(
                options.durability,
                Durability::Fsync | Durability::Replicated
            ) {
                return Err(OpenError::Options(
                    "the production profile wants `[log] durability` declared: `fsync` when \
                     nats-server.conf has `sync_interval: always`, else `replicated`"
                        .into(),
                ));
            }
            Ok(Vec::new())
        }
    }
}

fn warnings(version: &str, found: [u64; 3]) -> Vec<String> {
    let mut warnings = Vec::new();
    if found < [2, 10, 0] {
        warnings.push(format!(
            "nats-server {version} has no `sync_interval: always`: a power cut loses the last \
             two minutes; run 2.14.5 or newer for anything that matters"
        ));
    } else if !is_recommended(found) {
        warnings.push(format!(
            "nats-server {version} has known defects; run 2.14.5 or newer"
        ));
    }
    warnings
}

fn is_recommended(found: [u64; 3]) -> bool {
    found >= [2, 14, 5] || ([2, 12, 15]..[2, 13, 0]).contains(&found)
}

/// Major, minor, patch; a suffix such as `-beta.1` is of the patch before it.
fn parts(version: &str) -> [u64; 3] {
    let mut parts = version
        .split(|it: char| !it.is_ascii_digit())
        .map(|it| it.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(replicas: usize, profile: Profile) -> Options {
        Options {
            replicas,
            profile,
            durability: Durability::Fsync,
            ..Options::new("nats://unused")
        }
    }

    #[test]
    fn replicas_need_a_server_that_checks_when_it_stores() {
        let judged =
            |version, replicas| judge(version, 2 << 20, &options(replicas, Profile::Development));
        for version in ["2.9.10", "2.9.20", "2.8.4"] {
            let refused = judged(version, 3).unwrap_err().to_string();
            assert!(
                refused.contains("2.9.21") && refused.contains(version),
                "{refused}"
            );
            assert!(!judged(version, 1).unwrap().is_empty(), "{version} warns");
        }
        assert!(judged("2.9.21", 3).is_ok());
        assert!(judged("2.15.1", 3).unwrap().is_empty());
    }

    #[test]
    fn production_wants_a_server_without_known_loss_three_copies_and_a_word_about_disks() {
        let judged =
            |version, replicas| judge(version, 2 << 20, &options(replicas, Profile::Production));
        for version in ["2.14.4", "2.12.14", "2.13.9", "2.11.17"] {
            assert!(judged(version, 3).is_err(), "{version}");
        }
        for version in ["2.14.5", "2.12.15", "2.15.1"] {
            assert!(judged(version, 3).is_ok(), "{version}");
            assert!(judged(version, 1).is_err(), "{version} with one copy");
        }
        let mut silent = options(3, Profile::Production);
        silent.durability = Durability::OsBuffered;
        assert!(judge("2.15.1", 2 << 20, &silent).is_err());
    }

    #[test]
    fn a_server_that_takes_no_large_commit_is_refused() {
        let refused = judge("2.15.1", 1 << 20, &options(1, Profile::Development));
        assert!(
            matches!(refused, Err(OpenError::MaxPayload { .. })),
            "{refused:?}"
        );
    }
}
