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
    /// What it leads to: a commit, as far as that was proved.
    pub commit: Oid,
}

/// All tags of a repository, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Releases, the highest first.
    pub releases: Vec<TagAt>,
    /// Everything with a dash, the highest first.
    pub pre_releases: Vec<TagAt>,
    /// Versions whose tags were proved to lead to no commit: their names are in use.
    pub in_use: Vec<Version>,
    /// How many tags are no versions, or were proved to lead to no commit.
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

    /// Leaves out the highest releases that lead to no commit, until one does.
    pub fn prove_highest(&mut self, is_commit: impl Fn(&Oid) -> bool) {
        let none = |it: &&TagAt| !is_commit(&it.commit);
        let wrong = self.releases.iter().take_while(none).count();
        let wrong: Vec<_> = self.releases.drain(..wrong).collect();
        self.set_apart(wrong);
    }

    /// Leaves out what leads to no commit, down to the three numbers of `lowest`, or all of it.
    /// What is lower takes no part in what comes next, and nobody has to look it up.
    pub fn prove(&mut self, lowest: Option<&Version>, is_commit: impl Fn(&Oid) -> bool) {
        let core = |it: &Version| (it.major, it.minor, it.patch);
        let is_high = |it: &TagAt| lowest.is_none_or(|low| core(&it.version) >= core(low));
        let mut wrong = Vec::new();
        for tags in [&mut self.releases, &mut self.pre_releases] {
            let is_wrong = |it: &mut TagAt| is_high(it) && !is_commit(&it.commit);
            wrong.extend(tags.extract_if(.., is_wrong));
        }
        self.set_apart(wrong);
    }

    fn set_apart(&mut self, wrong: Vec<TagAt>) {
        let ignored = u64::try_from(wrong.len()).unwrap_or(u64::MAX);
        self.ignored = self.ignored.saturating_add(ignored);
        self.in_use.extend(wrong.into_iter().map(|it| it.version));
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

    /// Releases with their pre-releases; those of some numbers lead to a tree.
    fn catalogue(trees: &[u64]) -> Catalogue {
        let tags = (1..=9).flat_map(|number| {
            let to = if trees.contains(&number) { 'b' } else { 'a' };
            let names = ["", "-alpha.1"].map(|it| format!("v{number}.0.0{it}"));
            names.map(|it| (it, oid(to)))
        });
        Catalogue::of(&Naming::default(), tags)
    }

    fn left(all: &Catalogue) -> (Vec<u64>, Vec<u64>, u64) {
        let majors = |it: &[TagAt]| it.iter().map(|it| it.version.major).collect();
        (
            majors(&all.releases),
            majors(&all.pre_releases),
            all.ignored,
        )
    }

    #[test]
    fn the_highest_release_leads_to_a_commit() {
        let mut all = catalogue(&[9, 8, 2]);
        all.prove_highest(|it| *it == oid('a'));
        assert_eq!(left(&all).0, [7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(left(&all).2, 2);
        all.prove_highest(|_| false);
        assert_eq!((all.releases.len(), all.ignored), (0, 9));
    }

    #[test]
    fn what_leads_to_no_commit_is_left_out_as_far_down_as_it_counts() {
        let is_commit = |it: &Oid| *it == oid('a');
        let mut all = catalogue(&[9, 4, 2]);
        let asked = std::cell::Cell::new(0);
        all.prove(Some(&Version::new(4, 0, 0)), |it| {
            asked.set(asked.get() + 1);
            is_commit(it)
        });
        let kept = vec![8, 7, 6, 5, 3, 2, 1];
        assert_eq!(left(&all), (kept.clone(), kept, 4));
        assert_eq!(asked.get(), 12);
        all.prove(None, is_commit);
        assert_eq!(left(&all).0, [8, 7, 6, 5, 3, 1]);
    }
}
