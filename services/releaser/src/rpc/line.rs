//! The line that a version is in: what stands before its last number, and in which channel it is
//! counted. A version of a line is its core, its channel, and a number.

use ids::ReleaseType;
use semver::Version;
use service::fault::{Fault, Kind, shown};
use versioning::channel;
use versioning::tag::Naming;

/// Whose third number is counted.
const LATEST: &str = "latest";

/// A line of versions, and a number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Such as `v1.4` or `v1.4.2`.
    pub(super) core: String,
    /// Such as `latest` or `alpha`.
    pub(super) channel: &'static str,
    /// The number.
    pub(super) number: u64,
}

impl Line {
    /// The line of a version, and its number there.
    ///
    /// # Errors
    /// The text is no version with that prefix, or none that a release of this type has.
    pub(super) fn of(prefix: &str, of: ReleaseType, text: &str) -> Result<Self, Fault> {
        let naming = Naming {
            prefix: prefix.to_owned(),
            accept_bare: false,
        };
        let version = naming
            .read(text)
            .map_err(|why| invalid("version", text, &why.to_string()))?;
        if !version.build.is_empty() {
            let why = "it has build metadata, which no image tag can hold";
            return Err(invalid("version", text, why));
        }
        let Version {
            major,
            minor,
            patch,
            ..
        } = version;
        let numbered = channel::name(of).and_then(|it| Some((it, channel::number(&version, it)?)));
        match (numbered, of) {
            (Some((channel, number)), _) => Ok(Self {
                core: format!("{prefix}{major}.{minor}.{patch}"),
                channel,
                number,
            }),
            // A hotfix may be named by the third number, too.
            (None, ReleaseType::Latest | ReleaseType::Hotfix) if version.pre.is_empty() => {
                Ok(Self {
                    core: format!("{prefix}{major}.{minor}"),
                    channel: LATEST,
                    number: patch,
                })
            }
            (None, _) => {
                let why = format!("it is no version of a release of type {of}");
                Err(invalid("version", text, &why))
            }
        }
    }

    /// The version with another number in the same line.
    pub(super) fn version(&self, number: u64) -> String {
        let Self { core, channel, .. } = self;
        if *channel == LATEST {
            format!("{core}.{number}")
        } else {
            format!("{core}-{channel}.{number}")
        }
    }

    /// The number of another version in the same line; nothing when it is in another one.
    pub(super) fn number_of(&self, version: &str) -> Option<u64> {
        let rest = version.strip_prefix(&self.core)?;
        let rest = if self.channel == LATEST {
            rest
        } else {
            rest.strip_prefix('-')?.strip_prefix(self.channel)?
        };
        // Build metadata makes no other version.
        let number = rest.strip_prefix('.')?;
        let number = number.split_once('+').map_or(number, |it| it.0);
        number.parse().ok()
    }
}

/// A field that cannot be what it says.
pub(super) fn invalid(field: &'static str, text: &str, why: &str) -> Fault {
    let what = format!("`{field}` is `{}`: {why}", shown(text));
    Fault::new(Kind::Invalid, "invalid-value", what)
        .fix("`towpath version compute --server` fills the request in by itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_its_line_and_its_number() {
        for (prefix, of, text, core, channel, number) in [
            ("v", ReleaseType::Latest, "v1.4.2", "v1.4", "latest", 2),
            ("v", ReleaseType::Hotfix, "v1.4.2", "v1.4", "latest", 2),
            ("", ReleaseType::Latest, "0.0.1", "0.0", "latest", 1),
            (
                "v",
                ReleaseType::Alpha,
                "v1.4.2-alpha.0",
                "v1.4.2",
                "alpha",
                0,
            ),
            (
                "web/v",
                ReleaseType::Hotfix,
                "web/v1.4.2-hotfix.12",
                "web/v1.4.2",
                "hotfix",
                12,
            ),
        ] {
            let line = Line::of(prefix, of, text).unwrap();
            assert_eq!(line.core, core);
            assert_eq!((line.channel, line.number), (channel, number));
            assert_eq!(line.version(number), text);
            assert_eq!(line.number_of(text), Some(number));
            assert_eq!(line.number_of(&format!("{text}+linux")), Some(number));
        }
    }

    #[test]
    fn versions_of_other_lines_have_no_number_in_this_one() {
        let line = Line::of("v", ReleaseType::Latest, "v1.4.2").unwrap();
        for other in [
            "v1.40.2",
            "v1.4.2-alpha.1",
            "v2.4.2",
            "1.4.2",
            "v1.4",
            "v1.4.2.3",
        ] {
            assert_eq!(line.number_of(other), None, "{other}");
        }
        let line = Line::of("v", ReleaseType::Alpha, "v1.4.2-alpha.1").unwrap();
        for other in [
            "v1.4.2",
            "v1.4.2-beta.1",
            "v1.4.20-alpha.1",
            "v1.4.2-alphas.1",
        ] {
            assert_eq!(line.number_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_no_release_of_the_type_is_named_is_refused() {
        for (of, text) in [
            (ReleaseType::Latest, "v1.4.2-alpha.1"),
            (ReleaseType::Alpha, "v1.4.2"),
            (ReleaseType::Alpha, "v1.4.2-beta.1"),
            (ReleaseType::Beta, "v1.4.2-beta"),
            (ReleaseType::None, "v1.4.2"),
            (ReleaseType::Latest, "v1.4.2+linux"),
            (ReleaseType::Latest, "1.4.2"),
            (ReleaseType::Latest, "v1.4"),
            (ReleaseType::Latest, "v1.4.99999999999999999999"),
            (ReleaseType::Latest, ""),
        ] {
            let fault = Line::of("v", of, text).unwrap_err();
            assert_eq!(fault.kind, Kind::Invalid, "{of} {text}");
        }
    }
}
