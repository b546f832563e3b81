//! Which tags are versions: one prefix and strict Semantic Versioning behind it.

use semver::Version;

/// How the tags of a repository are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// What stands before the version, such as `v` or `storefront/v`; may be empty.
    pub prefix: String,
    /// Whether a version without the prefix counts, too.
    pub accept_bare: bool,
}

/// Why a tag is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// It begins otherwise.
    #[error("it does not begin with `{prefix}`")]
    OtherPrefix {
        /// What it would begin with.
        prefix: String,
    },
    /// What follows the prefix is no version.
    #[error("`{rest}` is no version of Semantic Versioning 2.0.0: {detail}")]
    NoVersion {
        /// What follows the prefix.
        rest: String,
        /// What is wrong with it.
        detail: String,
    },
    /// It is a version, but no version can be counted up from it.
    #[error("a number in `{rest}` is too large: the largest that can be counted up is {max}", max = u64::MAX - 1)]
    TooLarge {
        /// What follows the prefix.
        rest: String,
    },
}

impl Default for Naming {
    /// `v1.2.3`, and nothing else.
    fn default() -> Self {
        Self {
            prefix: "v".to_owned(),
            accept_bare: false,
        }
    }
}

impl Naming {
    /// The version that a tag names; for any other tag, why it names none.
    pub fn read(&self, tag: &str) -> Result<Version, Ignored> {
        let rest = match tag.strip_prefix(&self.prefix) {
            Some(rest) => rest,
            None if self.accept_bare => tag,
            None => {
                return Err(Ignored::OtherPrefix {
                    prefix: self.prefix.clone(),
                });
            }
        };
        let too_large = || Ignored::TooLarge {
            rest: rest.to_owned(),
        };
        match Version::parse(rest) {
            Ok(version) if [version.major, version.minor, version.patch].contains(&u64::MAX) => {
                Err(too_large())
            }
            Ok(version) => Ok(version),
            Err(_) if is_too_large(rest) => Err(too_large()),
            Err(error) => Err(Ignored::NoVersion {
                rest: rest.to_owned(),
                detail: error.to_string(),
            }),
        }
    }

    /// Whether a text can begin the name of a tag: the rules of git, without those that only the
    /// whole name can break. <https://git-scm.com/docs/git-check-ref-format>
    pub fn is_prefix(text: &str) -> bool {
        let odd = |it: char| it.is_control() || it.is_whitespace() || "~^:?*[\\".contains(it);
        let begins = text.starts_with(['/', '.', '-']);
        let holds = ["..", "//", "@{", "/.", ".lock/"];
        !text.contains(odd) && !begins && !holds.iter().any(|it| text.contains(it))
    }

    /// The tag that names a version.
    pub fn write(&self, version: &Version) -> String {
        format!("{}{version}", self.prefix)
    }
}

/// Whether nothing but the size of a number keeps a text from being a version. Semantic Versioning
/// knows no largest number; we do.
fn is_too_large(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let smaller: Vec<&str> = core
        .split('.')
        .map(|number| {
            let counts = !number.starts_with('0') && number.bytes().all(|it| it.is_ascii_digit());
            if counts && number.len() > 19 {
                "1"
            } else {
                number
            }
        })
        .collect();
    let behind = &text[core.len()..];
    Version::parse(&format!("{}{behind}", smaller.join("."))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(prefix: &str, accept_bare: bool) -> Naming {
        Naming {
            prefix: prefix.to_owned(),
            accept_bare,
        }
    }

    fn why(naming: &Naming, tag: &str) -> String {
        naming.read(tag).unwrap_err().to_string()
    }

    #[test]
    fn a_prefix_is_what_git_lets_a_tag_begin_with() {
        for good in ["", "v", "web/v", "release-", "@", "web/api@"] {
            assert!(Naming::is_prefix(good), "{good}");
        }
        for bad in [
            "v ", "v\n", "-v", "/v", ".v", "a..b", "a//v", "a/.b/v", "a.lock/v", "@{v", "v*", "v\\",
        ] {
            assert!(!Naming::is_prefix(bad), "{bad}");
        }
    }

    #[test]
    fn a_tag_is_the_prefix_and_a_strict_version() {
        let v = Naming::default();
        for (tag, version) in [
            ("v1.2.3", "1.2.3"),
            ("v0.0.0", "0.0.0"),
            ("v2.4.12-alpha.3", "2.4.12-alpha.3"),
            (
                "v4.0.0-beta.6+1106.build.1025",
                "4.0.0-beta.6+1106.build.1025",
            ),
        ] {
            let read = v.read(tag).unwrap();
            assert_eq!(read.to_string(), version);
            assert_eq!(v.write(&read), tag);
        }
        let own = naming("storefront/v", false);
        assert_eq!(own.read("storefront/v1.0.0").unwrap().to_string(), "1.0.0");
        assert!(own.read("v1.0.0").is_err());
        assert_eq!(
            naming("", false).read("1.0.0").unwrap().to_string(),
            "1.0.0"
        );
    }

    #[test]
    fn everything_else_is_ignored_with_the_reason() {
        let v = Naming::default();
        for tag in ["1.2.3", "V1.2.3", "release-1.2.3", "", "unstable"] {
            assert_eq!(why(&v, tag), "it does not begin with `v`", "{tag}");
        }
        for tag in [
            "v",
            "v1.2",
            "v01.2.3",
            "vv1.2.3",
            "v1.2.3.4",
            "v1.2.3-01",
            "v 1.2.3",
            "v1.2.3 ",
            "version-1",
            "v1.2.3-",
            "v1.2.3+",
        ] {
            assert!(
                why(&v, tag).contains("is no version of Semantic Versioning"),
                "{tag}"
            );
        }
    }

    #[test]
    fn a_bare_version_counts_where_that_is_said() {
        let both = naming("v", true);
        assert_eq!(both.read("1.2.3").unwrap(), both.read("v1.2.3").unwrap());
        assert!(matches!(
            both.read("V1.2.3"),
            Err(Ignored::NoVersion { .. })
        ));
        assert!(matches!(
            both.read("vv1.2.3"),
            Err(Ignored::NoVersion { .. })
        ));
    }

    #[test]
    fn a_number_that_cannot_be_counted_up_has_a_reason_of_its_own() {
        let v = Naming::default();
        for tag in [
            "v18446744073709551616.0.0",
            "v1.99999999999999999999999.0-rc.1+x",
            "v1.2.18446744073709551615",
            "v99999999999999999999999.999999999999999999.99999999999999999",
        ] {
            assert!(
                matches!(v.read(tag), Err(Ignored::TooLarge { .. })),
                "{tag}"
            );
        }
        assert!(v.read("v1.2.18446744073709551614").is_ok());
        // Too large and wrong is wrong.
        for tag in [
            "v18446744073709551616.0",
            "v18446744073709551616.0.0-01",
            "v018446744073709551616.0.0",
        ] {
            assert!(
                matches!(v.read(tag), Err(Ignored::NoVersion { .. })),
                "{tag}"
            );
        }
    }
}
