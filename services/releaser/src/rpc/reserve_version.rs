//! `ReserveVersion`: the version of a commit, which no other commit gets.

use std::collections::BTreeSet;

use decider::Decider as _;
use eventlog::{Context, Stored};
use ids::{AggregateId, Oid, ReleaseType, RepositoryName, Uuid, derive};
use proto::release::v1 as pb;
use service::fault::{Fault, Kind};
use versioning::tag::Naming;

use super::line::{Line, invalid};
use crate::Inner;
use crate::domain::commit_version::{CommitVersions, Settle, Settled};
use crate::domain::version::{Key, Rejection, Reserve, State, Version};

/// Versions in use that a caller may name; those below the first one matter to nobody.
const TAKEN: usize = 10_000;
/// Versions of others that an answer names.
const PASSED: usize = 20;
/// What no prefix of a tag is longer than.
const PREFIX: usize = 100;

/// A request that makes sense.
struct Asked {
    repository: RepositoryName,
    commit: Oid,
    prefix: String,
    line: Line,
    taken: BTreeSet<u64>,
}

impl Inner {
    pub(super) async fn reserve_version(
        &self,
        context: &Context,
        request: &pb::ReserveVersionRequest,
    ) -> Result<pb::ReserveVersionResponse, Fault> {
        let asked = Asked::read(request)?;
        if let Some(settled) = self.settled(&asked, context).await? {
            return Ok(settled);
        }
        let reserve = asked.reserve();
        let aggregate = asked.numbers();
        if request.dry_run {
            let state = self.versions.load(aggregate).await?.state;
            let events = Version::decide(&state, &reserve).map_err(exhausted)?;
            let state = Version::fold(state, &events);
            return Ok(pb::ReserveVersionResponse {
                version: asked.number(&state)?,
                repository: asked.repository.to_string(),
                passed: asked.passed(&state),
                ..pb::ReserveVersionResponse::default()
            });
        }
        // The key belongs to what is settled below, once both are decided: whoever dies between
        // them gets the same number again.
        let unkeyed = Context {
            idempotency: None,
            correlation: Some(asked.id()),
            ..context.clone()
        };
        let reserved = self.versions.execute(aggregate, &unkeyed, &reserve).await;
        let reserved = reserved.map_err(|error| Fault::of_command(error, exhausted))?;
        let version = asked.number(&reserved.state)?;
        let keyed = Context {
            correlation: Some(asked.id()),
            ..context.clone()
        };
        let settle = Settle(Settled {
            repository: asked.repository.to_string(),
            commit: asked.commit.clone(),
            channel: asked.line.channel.to_owned(),
            prefix: asked.prefix.clone(),
            version,
        });
        let done = self.commit_versions.execute(asked.id(), &keyed, &settle);
        done.await
            .map_err(|error| Fault::of_command(error, |never| match never {}))?;
        // Somebody may have settled another one meanwhile: the number is a gap then.
        let settled = self.settled(&asked, context).await?;
        settled.ok_or_else(|| Fault::broken("a version was settled and is not known"))
    }

    /// What the commit has already, from whom, and what it left to others. The call that settled
    /// it gets the same answer whenever it is repeated.
    async fn settled(
        &self,
        asked: &Asked,
        context: &Context,
    ) -> Result<Option<pb::ReserveVersionResponse>, Fault> {
        let Some(settled) = self.commit_versions.load(asked.id()).await?.state else {
            return Ok(None);
        };
        let aggregate = AggregateId::new(CommitVersions::KIND, asked.id());
        let commits = self.deps.log.load(&aggregate, 0).await?;
        let Some(Stored { commit: first, .. }) = commits.first() else {
            return Err(Fault::broken("a version was settled and is not in the log"));
        };
        let numbers = self.versions.load(asked.numbers()).await?.state;
        let key = context.idempotency.as_ref().map(|it| it.commit_id);
        Ok(Some(pb::ReserveVersionResponse {
            version: settled.version,
            repository: settled.repository,
            reserved: true,
            earlier: key != Some(first.commit_id),
            reserved_by: first.actor.clone(),
            reserved_at_us: first.recorded_at_us,
            passed: asked.passed(&numbers),
        }))
    }
}

impl Asked {
    fn read(request: &pb::ReserveVersionRequest) -> Result<Self, Fault> {
        let repository = RepositoryName::parse(&request.repository)
            .or_else(|_| RepositoryName::of_url(&request.repository))
            .map_err(|why| {
                Fault::new(
                    Kind::Invalid,
                    "invalid-value",
                    format!("`repository`: {why}"),
                )
                .fix("give its address, or host and path, such as git.example.com/shop/api")
            })?;
        let commit = Oid::parse(&request.commit)
            .map_err(|why| invalid("commit", &request.commit, &why.to_string()))?;
        let of: ReleaseType = request.release_type.parse().map_err(|_| {
            let why = "it can be LATEST, ALPHA, BETA or HOTFIX";
            invalid("release_type", &request.release_type, why)
        })?;
        if !Naming::is_prefix(&request.prefix) || request.prefix.len() > PREFIX {
            let why = "it cannot begin the name of a tag, or is too long";
            return Err(invalid("prefix", &request.prefix, why));
        }
        if request.taken.len() > TAKEN {
            let what = format!(
                "`taken` names {} versions: at most {TAKEN}",
                request.taken.len()
            );
            return Err(Fault::new(Kind::Invalid, "invalid-value", what).fix(
                "name only those that are as high as `version`, or higher, in the same line",
            ));
        }
        let line = Line::of(&request.prefix, of, &request.version)?;
        let taken = request.taken.iter();
        let taken = taken.filter_map(|it| line.number_of(it)).collect();
        Ok(Self {
            repository,
            commit,
            prefix: request.prefix.clone(),
            line,
            taken,
        })
    }

    /// The commit in its line: who asks for the number, and where the answer is settled.
    fn id(&self) -> Uuid {
        let Self {
            repository, commit, ..
        } = self;
        let channel = self.line.channel;
        let parts = [repository.as_str(), channel, &self.prefix, commit.as_str()];
        derive::id("commit-version", &parts)
    }

    /// Where the numbers of the line are given out.
    fn numbers(&self) -> Uuid {
        let Line { core, channel, .. } = &self.line;
        derive::id("version", &[self.repository.as_str(), core, channel])
    }

    fn reserve(&self) -> Reserve {
        Reserve {
            key: Key {
                repository: self.repository.to_string(),
                core: self.line.core.clone(),
                channel: self.line.channel.to_owned(),
            },
            first: self.line.number,
            taken: self.taken.clone(),
            asker: self.id(),
            commit: Some(self.commit.clone()),
        }
    }

    fn number(&self, state: &State) -> Result<String, Fault> {
        let number = state.number_of(self.id());
        let number =
            number.ok_or_else(|| Fault::broken("a number was reserved and is not known"))?;
        Ok(self.line.version(number))
    }

    /// Versions that would have done, and whose they are.
    fn passed(&self, state: &State) -> Vec<pb::ReservedVersion> {
        let end = state.number_of(self.id()).unwrap_or_default();
        let passed = state.between(self.line.number, end).take(PASSED);
        let passed = passed.map(|(number, owner)| pb::ReservedVersion {
            version: self.line.version(number),
            commit: owner
                .commit
                .as_ref()
                .map(Oid::to_string)
                .unwrap_or_default(),
        });
        passed.collect()
    }
}

fn exhausted(Rejection::Exhausted: Rejection) -> Fault {
    let what = "every number of this line of versions was given out";
    Fault::new(Kind::Rejected, "numbers-exhausted", what)
        .fix("release a version with a higher major or minor number")
}
