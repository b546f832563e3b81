//! `towpath changelog`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Changelog {
    /// A deployment's id, or the beginning of it: what it changes. Or a release, as
    /// `application-set/bundle` or by the tag of a pass: what is new in an environment by it. Or
    /// `A..B`, two revisions of a repository on this machine: what B has and A has not, and the
    /// other way round. An empty one is HEAD.
    #[arg(value_name = "DEPLOYMENT|RELEASE|A..B")]
    pub(crate) subject: String,
    /// For a release, also by the beginning of its id: where it goes [default: the last
    /// environment that it goes to].
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// For `A..B`: the repository, or a directory in it [default: the current directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
}

impl Changelog {
    /// Whether a repository is meant, and nothing that the server knows: neither ids nor names
    /// hold two dots.
    pub(crate) fn is_range(&self) -> bool {
        self.subject.contains("..")
    }

    /// Whether a release is meant, and no deployment: only a name or a tag holds what no id does.
    pub(crate) fn is_release(&self) -> bool {
        let of_id = |it: char| it.is_ascii_hexdigit() || it == '-';
        self.environment.is_some() || !self.subject.chars().all(of_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_says_what_it_is() {
        let of = |subject: &str, environment: Option<&str>| Changelog {
            subject: subject.to_owned(),
            environment: environment.map(str::to_owned),
            repo: None,
        };
        for deployment in [
            "6ba7b810",
            "6BA7B810-9dad",
            "6ba7b810-9dad-51d1-80b4-00c04fd430c8",
        ] {
            assert!(!of(deployment, None).is_release() && !of(deployment, None).is_range());
            assert!(of(deployment, Some("production")).is_release());
        }
        for release in ["shop/2026.11", "shop-2026.11-rc.0", "cafe/1"] {
            assert!(of(release, None).is_release() && !of(release, None).is_range());
        }
        for range in ["v1..v2", "..", "v1..", "a/b..c"] {
            assert!(of(range, None).is_range(), "{range}");
        }
    }
}
