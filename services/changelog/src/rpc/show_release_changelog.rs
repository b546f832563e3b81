//! `ShowReleaseChangelog`: what is new in an environment by a release.

use ids::{Digest, Uuid};
use prost::Message as _;
use proto::changelog::v1 as pb;
use proto::found;
use service::fault::{Fault, Kind, shown};
use versioning::changelog::{End, Part, Standing, Union, UnionSide};

use crate::Inner;
use crate::domain::changelog::State;
use crate::process::{Stand, World};

/// How an application stands, and the name of what says so.
struct Known {
    stand: Stand,
    part: Part,
    digest: String,
}

impl Inner {
    pub(super) async fn show_release_changelog(
        &self,
        request: &pb::ShowReleaseChangelogRequest,
    ) -> Result<pb::ShowReleaseChangelogResponse, Fault> {
        self.read_now().await?;
        let (mut answer, stands) = {
            let world = self.world();
            let id = release(&world, &request.release)?;
            let answer = head(&world, id, &request.environment)?;
            let stands = world.stands(id, &answer.environment);
            (answer, stands)
        };
        let mut all = Vec::new();
        for stand in stands {
            all.push(self.known(stand).await?);
        }
        let parts: Vec<_> = all.iter().map(|it| it.part.clone()).collect();
        let union = Union::of(&parts);
        answer.added = commits(&union.added);
        answer.removed = commits(&union.removed);
        answer.applications = all.into_iter().map(shape).collect();
        answer.digest = Digest::of(&answer.encode_to_vec()).to_string();
        Ok(pb::ShowReleaseChangelogResponse {
            changelog: Some(answer),
        })
    }

    /// What is known of an application: from the records, or why there is none.
    async fn known(&self, stand: Stand) -> Result<Known, Fault> {
        let (standing, digest) = self.standing(&stand).await?;
        let item = &stand.item;
        let part = Part {
            application: item.application.clone(),
            from: stand.from.as_ref().map(|it| it.version.clone()),
            to: item.version.clone(),
            remarks: Vec::new(),
            standing,
        };
        Ok(Known {
            stand,
            part,
            digest,
        })
    }

    async fn standing(&self, stand: &Stand) -> Result<(Standing, String), Fault> {
        let unknown = |why: String| Ok((Standing::Unknown(why), String::new()));
        if let Some(why) = &stand.doubt {
            return unknown(format!("unknown-event: {why}"));
        }
        let Some((from, to)) = stand.ends() else {
            if stand.is_same_image() {
                return Ok((Standing::Unchanged, String::new()));
            }
            let silent = match &stand.from {
                Some(from) if from.commit.is_none() => &from.version,
                Some(_) | None => &stand.item.version,
            };
            return unknown(format!("no-commit: the report of {silent} named no commit"));
        };
        let Some(range) = stand.range() else {
            return Ok((Standing::Unchanged, String::new()));
        };
        let (written, writes, aside) = {
            let world = self.world();
            let aside = world.why_aside(range).map(str::to_owned);
            (world.written(range), world.writes(stand), aside)
        };
        if let Some(why) = aside {
            return unknown(format!("unknown-event: {why}"));
        }
        let state = match written {
            Some(changelog) => self.changelogs.load(changelog).await?.state,
            None => State::Pending,
        };
        Ok(match state {
            State::Generated(content) => {
                let mut changelog = content.changelog;
                let named = |version: Option<&str>, oid: &ids::Oid| End {
                    revision: version.unwrap_or_default().to_owned(),
                    oid: oid.clone(),
                };
                let ran = stand.from.as_ref().map(|it| it.version.as_str());
                changelog.from = from.map(|it| named(ran, it));
                changelog.to = named(Some(&stand.item.version), to);
                let known = Standing::Known(Box::new(changelog));
                (known, content.digest.to_string())
            }
            State::Unavailable(it) => return unknown(format!("{}: {}", it.code, it.why)),
            State::Pending => {
                let why = match writes.map(|it| self.troubles.of(&it)) {
                    Some(trouble) => trouble.unwrap_or_else(|| "it is being written".to_owned()),
                    None => "it is written once the release has a deployment".to_owned(),
                };
                (Standing::Pending(why), String::new())
            }
        })
    }
}

/// The release that a text names.
fn release(world: &World, text: &str) -> Result<Uuid, Fault> {
    match world.releases_named(text).as_slice() {
        [only] => match world.why_aside(*only) {
            None => Ok(*only),
            Some(why) => {
                let what = format!("the release `{}` is left alone: {why}", shown(text));
                Err(Fault::new(Kind::Rejected, "unknown-event", what)
                    .fix("repeat the call when this role is upgraded"))
            }
        },
        [] => {
            let what = format!("there is no release `{}`", shown(text));
            Err(Fault::new(Kind::NotFound, "not-found", what).fix(
                "`towpath release list` shows all; give an id, the beginning of one, `application-set/bundle` or a tag",
            ))
        }
        _ => {
            let what = format!("several releases begin with `{}`", shown(text));
            Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
        }
    }
}

/// The answer without its applications: which release, where.
fn head(world: &World, id: Uuid, asked: &str) -> Result<pb::ReleaseChangelog, Fault> {
    let environments = world.environments(id);
    let environment = match (asked, environments.last()) {
        ("", Some(last)) => last.clone(),
        ("", None) => {
            let what = "the release has no deployment yet, so it is not known where it goes";
            return Err(Fault::new(Kind::Rejected, "no-stages-yet", what)
                .fix("name the environment, or repeat the call once `towpath release show` names a deployment"));
        }
        (asked, Some(_)) if !environments.iter().any(|it| it == asked) => {
            let what = format!("the release does not go to `{}`", shown(asked));
            return Err(Fault::new(Kind::NotFound, "unknown-environment", what)
                .fix(format!("it goes to {}", environments.join(", "))));
        }
        (asked, _) => asked.to_owned(),
    };
    let release = world.release(id);
    let told = |it: fn(&crate::process::Release) -> &str| {
        release
            .map(|release| it(release).to_owned())
            .unwrap_or_default()
    };
    Ok(pb::ReleaseChangelog {
        release_id: id.to_string(),
        application_set: told(|it| &it.application_set),
        bundle: told(|it| &it.bundle),
        tag: told(|it| it.tag.as_deref().unwrap_or_default()),
        environment,
        environments: environments.to_vec(),
        ..pb::ReleaseChangelog::default()
    })
}

fn shape(it: Known) -> pb::ReleaseApplication {
    let Known {
        stand,
        part,
        digest,
    } = it;
    let (message, found) = match &part.standing {
        Standing::Known(changelog) => (String::new(), Some(found::to_wire(changelog))),
        Standing::Unchanged => (String::new(), None),
        Standing::Pending(why) | Standing::Unknown(why) => (why.clone(), None),
    };
    let commit = |it: Option<ids::Oid>| it.map(|it| it.to_string()).unwrap_or_default();
    let (from_version, from_commit) = stand.from.map(|it| (it.version, it.commit)).unzip();
    let (runs_version, runs_commit) = stand.runs.map(|it| (it.version, it.commit)).unzip();
    pb::ReleaseApplication {
        application: part.application,
        standing: part.standing.name().to_ascii_uppercase(),
        message,
        from_version: from_version.unwrap_or_default(),
        from_commit: commit(from_commit.flatten()),
        to_version: stand.item.version,
        to_commit: commit(stand.item.commit),
        arrived_at_us: stand.arrived_at_us.unwrap_or_default(),
        runs_version: runs_version.unwrap_or_default(),
        runs_commit: commit(runs_commit.flatten()),
        found,
        digest,
        frozen: stand.is_frozen,
    }
}

fn commits(side: &UnionSide<'_>) -> Vec<pb::UnionCommit> {
    let names = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    let shown = side.shown.iter().map(|it| pb::UnionCommit {
        commit: it.it.oid.to_string(),
        shown: true,
        applications: names(&it.applications),
        left_out_for: names(&it.left_out_for),
    });
    let left_out = side.left_out.iter().map(|it| pb::UnionCommit {
        commit: it.it.oid.to_string(),
        shown: false,
        applications: names(&it.applications),
        left_out_for: Vec::new(),
    });
    shown.chain(left_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Fact, Item, News, Opened};

    /// A release of `shop` that begins with this digit, and its deployment if it is open.
    fn begun(digit: u8, bundle: &str, stages: &[&str]) -> Vec<Fact> {
        let id = Uuid::from_bytes([digit; 16]);
        let created = News::Created {
            application_set: "shop".to_owned(),
            bundle: bundle.to_owned(),
        };
        let item = Item {
            application: "api".to_owned(),
            definition: "api".to_owned(),
            version: "v1".to_owned(),
            digest: String::new(),
            commit: None,
        };
        let items = vec![item];
        let begun = News::Begun { ordinal: 0, items };
        let mut all = vec![Fact::Release(id, created), Fact::Release(id, begun)];
        if !stages.is_empty() {
            all.push(Fact::Opened(Opened {
                deployment: ids::derive::deployment(id, "api", "RELEASE", 0),
                application: "api".to_owned(),
                environments: stages.iter().map(|it| (*it).to_owned()).collect(),
                definition: "api".to_owned(),
                version: "shop-1-rc.0".to_owned(),
                digest: String::new(),
                commit: None,
            }));
        }
        all
    }

    fn world(facts: &[Fact]) -> World {
        let mut world = World::default();
        for fact in facts {
            world.observe(fact);
        }
        world
    }

    fn refused<T: std::fmt::Debug>(answer: Result<T, Fault>) -> tonic::Code {
        tonic::Status::from(answer.unwrap_err()).code()
    }

    #[test]
    fn a_release_is_named_as_elsewhere_or_refused() {
        let all = [begun(0x11, "1", &[]), begun(0x12, "2", &[])].concat();
        let mut world = world(&all);
        let first = Uuid::from_bytes([0x11; 16]);
        for text in ["shop/1", "shop-1", "11111111", &first.to_string()] {
            assert_eq!(release(&world, text).unwrap(), first, "{text}");
        }
        for text in ["", "111", "shop/3", "shop", "\u{1b}[2J"] {
            assert_eq!(refused(release(&world, text)), tonic::Code::NotFound);
        }
        for fact in begun(0x11, "1", &[]) {
            let Fact::Release(_, news) = fact else { return };
            let other = Uuid::from_u128(first.as_u128() + 1);
            world.observe(&Fact::Release(other, news));
        }
        let code = refused(release(&world, "11111111"));
        assert_eq!(code, tonic::Code::InvalidArgument);
        let second = Uuid::from_bytes([0x12; 16]);
        let aggregate = ids::AggregateId::new("release", second);
        world.set_aside(&aggregate, "from the future".to_owned());
        let code = refused(release(&world, "shop/2"));
        assert_eq!(code, tonic::Code::FailedPrecondition);
    }

    #[test]
    fn it_goes_where_its_deployments_go_and_last_to_the_last_of_these() {
        let id = Uuid::from_bytes([0x11; 16]);
        let world = world(&begun(0x11, "1", &["staging", "production"]));
        let at = |asked: &str| head(&world, id, asked).map(|it| it.environment);
        assert_eq!(at("").unwrap(), "production");
        assert_eq!(at("staging").unwrap(), "staging");
        assert_eq!(refused(at("development")), tonic::Code::NotFound);
    }

    #[test]
    fn where_it_goes_is_not_known_before_anything_of_its_set_went_there() {
        let id = Uuid::from_bytes([0x11; 16]);
        let world = world(&begun(0x11, "1", &[]));
        let at = |asked: &str| head(&world, id, asked).map(|it| it.environment);
        assert_eq!(refused(at("")), tonic::Code::FailedPrecondition);
        assert_eq!(at("production").unwrap(), "production");
    }
}
