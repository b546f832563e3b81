//! The versions that a repository has.

use std::cmp::Ordering;

use ids::Oid;
use semver::Version;

use crate::tag::{Ignored, Naming};

/// A tag that is a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagAt {
    /// Its name, whole.
    pub name: String,
    /// The version in it.
    pub version: Version,
    /// The commit that it leads to.
    pub commit: Oid,
}

/// All tags of a repository, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Releases, the highest first.
    pub releases: Vec<TagAt>,
    /// Everything with a dash, the highest first.
    pub pre_releases: Vec<TagAt>,
    /// How many tags are no versions.
    pub ignored: u64,
    /// Those of them that are, but cannot be counted up from.
    pub too_large: Vec<String>,
}

impl Catalogue {
    /// Reads the tags of a repository.
    pub fn of(naming: &Naming, tags: impl IntoIterator<Item = (String, Oid)>) -> Self {
        let mut all = Self::default();
        for (name, commit) in tags {
            match naming.read(&name) {
                Ok(version) => {
                    let is_release = version.pre.is_empty();
                    let tag = TagAt {
                        name,
                        version,
                        commit,
                    };
                    if is_release {
                        all.releases.push(tag);
                    } else {
                        all.pre_releases.push(tag);
                    }
                }
                Err(Ignored::TooLarge { .. }) => {
                    all.ignored += 1;
                    all.too_large.push(name);
                }
                Err(Ignored::OtherPrefix { .. } | Ignored::NoVersion { .. }) => all.ignored += 1,
            }
        }
        all.releases.sort_by(higher_first);
        all.pre_releases.sort_by(higher_first);
        all
    }

    /// The versions at a commit, the highest first.
    pub fn at<'a>(&'a self, commit: &'a Oid) -> impl Iterator<Item = &'a TagAt> {
        let all = self.releases.iter().chain(&self.pre_releases);
        all.filter(move |it| it.commit == *commit)
    }

    /// All tags, whatever they are.
    pub fn all(&self) -> impl Iterator<Item = &TagAt> {
        self.releases.iter().chain(&self.pre_releases)
    }
}

/// By precedence; of two that are equal in that, the one without build metadata is the first.
fn higher_first(a: &TagAt, b: &TagAt) -> Ordering {
    let order = b.version.cmp_precedence(&a.version);
    order
        .then_with(|| b.version.build.is_empty().cmp(&a.version.build.is_empty()))
        .then_with(|| a.name.cmp(&b.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> Oid {
        Oid::parse(&digit.to_string().repeat(40)).unwrap()
    }

    #[test]
    fn versions_are_sorted_by_precedence_and_the_rest_is_counted() {
        let names = [
            "v1.9.0",
            "v1.10.0+b",
            "v1.10.0",
            "v1.10.0+a",
            "v1.10.0-rc.1",
            "latest",
            "v1",
            "1.11.0",
            "v99999999999999999999.0.0",
        ];
        let tags = names.map(|it| (it.to_owned(), oid('a')));
        let all = Catalogue::of(&Naming::default(), tags);
        let found: Vec<_> = all.releases.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found, ["v1.10.0", "v1.10.0+a", "v1.10.0+b", "v1.9.0"]);
        assert_eq!((all.pre_releases.len(), all.ignored), (1, 4));
        assert_eq!(all.too_large, ["v99999999999999999999.0.0"]);
        assert_eq!(all.at(&oid('a')).count(), 5);
        assert_eq!(all.at(&oid('b')).count(), 0);
    }
}
