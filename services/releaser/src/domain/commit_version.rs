//! The version of one source commit in one line of versions: it is settled once. Whoever asks
//! again gets the same one, whatever labels, tags or the history say by then.

use decider::Decider;
use ids::Oid;

/// A version, and the commit that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The repository, by its address.
    pub repository: String,
    /// The commit.
    pub commit: Oid,
    /// Such as `latest` or `alpha`: one commit may have a version of each.
    pub channel: String,
    /// What stands before the version in tags, such as `v`.
    pub prefix: String,
    /// The version, with its prefix.
    pub version: String,
}

/// The only thing anyone asks: that a version is the commit's.
#[derive(Debug, Clone)]
pub struct Settle(pub Settled);

/// Nothing is refused: the first one stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {}

/// Decides the versions of commits.
#[derive(Debug)]
pub struct CommitVersions;

impl Decider for CommitVersions {
    const KIND: &'static str = "commit-version";
    type State = Option<Settled>;
    type Command = Settle;
    type Event = Settled;
    type Rejection = Rejection;

    fn decide(
        state: &Option<Settled>,
        Settle(version): &Settle,
    ) -> Result<Vec<Settled>, Rejection> {
        let is_first = state.is_none();
        Ok(is_first.then(|| version.clone()).into_iter().collect())
    }

    fn evolve(state: Option<Settled>, event: &Settled) -> Option<Settled> {
        state.or_else(|| Some(event.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    #[test]
    fn the_first_version_of_a_commit_stays() {
        let settled = |version: &str| Settled {
            repository: "git.example.com/shop/storefront".into(),
            commit: Oid::parse(&"a".repeat(40)).unwrap(),
            channel: "latest".into(),
            prefix: "v".into(),
            version: version.into(),
        };
        let _same = given::<CommitVersions>([])
            .then(&Settle(settled("v1.2.4")), &[settled("v1.2.4")])
            .then(&Settle(settled("v1.3.0")), &[]);
    }
}
