//! `CreateRelease`: what succeeded last in pre-release, under the next number.

use decider::Decider as _;
use eventlog::Context;
use ids::{AggregateId, Name, Uuid};
use proto::release::v1 as pb;
use registry::Address;
use service::fault::{Coded as _, Fault, Kind, shown};
use source::Snapshot;

use super::shape;
use crate::Inner;
use crate::domain::release::{Command, Item, Release, Releases};
use crate::process::release_id;

impl Inner {
    pub(super) async fn create_release(
        &self,
        context: &Context,
        request: &pb::CreateReleaseRequest,
    ) -> Result<pb::CreateReleaseResponse, Fault> {
        let set = named("application_set", &request.application_set)?;
        let bundle = named("bundle", &request.bundle)?;
        let id = release_id(set.as_str(), bundle.as_str());
        let (track, items) = if self.was_done(id, context).await? {
            // The answer is that of the first time, whatever the manifests say by now.
            (String::new(), vec![])
        } else {
            self.read_now().await?;
            self.contents(set.as_str()).await?
        };
        let command = Command::Create {
            application_set: set.to_string(),
            bundle: bundle.to_string(),
            track,
            items,
        };
        if request.dry_run {
            return self.create_dry(id, &command).await;
        }
        let context = Context {
            correlation: Some(id),
            ..context.clone()
        };
        let done = self.releases.execute(id, &context, &command).await?;
        let Some(mut release) = done.state else {
            return Err(Fault::broken(format!(
                "release {id} was decided and is not known"
            )));
        };
        let ordinal = release.last().map_or(0, |it| it.ordinal);
        self.number(id, ordinal).await?;
        self.read_now().await?;
        // The pass as it began, with the number that is its own for ever: repeating the call
        // gives the same answer wherever the release has got to meanwhile.
        let tag = self.tag_of(id, ordinal);
        if let Some(pass) = release.passes.last_mut() {
            pass.tag = tag;
        }
        let mut shaped = shape::release(id, &release);
        if let Some(known) = self.world().release(id) {
            shaped.requested_by.clone_from(&known.requested_by);
            shaped.created_at_us = known.created_at_us;
        }
        Ok(pb::CreateReleaseResponse {
            release: Some(shaped),
        })
    }

    fn tag_of(&self, id: Uuid, ordinal: u32) -> Option<ids::Version> {
        let world = self.world();
        let passes = &world.release(id)?.release.passes;
        passes.iter().find(|it| it.ordinal == ordinal)?.tag.clone()
    }

    /// Whether a call with this key was done before.
    async fn was_done(&self, id: Uuid, context: &Context) -> Result<bool, Fault> {
        let Some(key) = &context.idempotency else {
            return Ok(false);
        };
        let aggregate = AggregateId::new(Releases::KIND, id);
        let found = self.deps.log.resolve(&aggregate, key.commit_id).await;
        Ok(found?.is_some())
    }

    /// What the answer would be, up to the number, which is not reserved.
    async fn create_dry(
        &self,
        id: Uuid,
        command: &Command,
    ) -> Result<pb::CreateReleaseResponse, Fault> {
        let state = self.releases.load(id).await?.state;
        let events = Releases::decide(&state, command)
            .map_err(|it| Fault::new(Kind::Rejected, it.code(), it.to_string()).fix(it.fix()))?;
        let release: Option<Release> = Releases::fold(state, &events);
        Ok(pb::CreateReleaseResponse {
            release: release.map(|it| shape::release(id, &it)),
        })
    }

    /// The track of an application set, and what succeeded last for each of its applications.
    async fn contents(&self, set: &str) -> Result<(String, Vec<Item>), Fault> {
        let snapshot = self.deps.desk.look().await.map_err(|error| {
            Fault::new(Kind::Unknown, "manifests-unusable", error.to_string()).fix(
                "nothing was recorded; make the manifests repository readable and repeat the call",
            )
        })?;
        let graph = &snapshot.graph;
        if graph.application_set(set).is_none() {
            let what = format!("there is no ApplicationSet `{set}` at {}", snapshot.commit);
            return Err(broken(&snapshot).unwrap_or_else(|| {
                Fault::new(Kind::NotFound, "unknown-application-set", what)
                    .fix("`towpath manifests graph` in a clone shows those that there are")
            }));
        }
        let applications = graph.applications_in(set);
        let names: Vec<_> = applications.iter().map(|it| it.name()).collect();
        if names.len() > 1 {
            let what = format!(
                "ApplicationSet `{set}` holds {} applications ({}), and this version of Towpath releases sets of one",
                names.len(),
                names.join(", ")
            );
            return Err(Fault::new(Kind::Rejected, "several-applications", what)
                .fix("give each application that is released by itself a set of its own; bundles of several come with a later version"));
        }
        let track = applications.first().and_then(|it| graph.track_of(it));
        let Some(track) = track.filter(|it| !it.release_stages.is_empty()) else {
            let what = format!("ApplicationSet `{set}` has no application or no `releaseStages`");
            return Err(broken(&snapshot).unwrap_or_else(|| {
                Fault::new(Kind::Rejected, "no-release-stages", what)
                    .fix("give its ReleaseTrack `releaseStages`, and the set an application")
            }));
        };
        let items = names.iter().map(|name| self.item(name, &snapshot));
        Ok((track.name().to_owned(), items.collect::<Result<_, _>>()?))
    }

    fn item(&self, application: &str, snapshot: &Snapshot) -> Result<Item, Fault> {
        if let Some(why) = self.world().doubt(application) {
            let what = format!(
                "a newer version of Towpath wrote about `{application}`, so nobody here can say what succeeded last: {why}"
            );
            return Err(Fault::new(Kind::Rejected, "unknown-event", what)
                .fix("nothing was recorded; repeat the call when this role is upgraded"));
        }
        let found = self.world().last_success(application).cloned();
        let item = found.ok_or_else(|| {
            let what = format!("nothing of `{application}` has succeeded in pre-release yet");
            Fault::new(Kind::Rejected, "nothing-succeeded", what).fix(format!(
                "`towpath deployments list --application {application}` shows what is on its way"
            ))
        })?;
        for name in &item.registries {
            check_registry(name, snapshot)?;
        }
        Ok(item)
    }
}

/// A registry that the tag cannot be written to is found before anything is recorded.
fn check_registry(name: &str, snapshot: &Snapshot) -> Result<(), Fault> {
    let found = snapshot.graph.artifact_registry(name);
    let why = match found.map(|it| (&it.oci_layout, &it.url)) {
        None => format!(
            "there is no ArtifactRegistry `{name}` at {}",
            snapshot.commit
        ),
        Some((None, None)) => {
            format!("ArtifactRegistry `{name}` says neither `url` nor `ociLayout`")
        }
        Some((None, Some(url))) => match Address::parse(url) {
            Ok(_) => return Ok(()),
            Err(error) => format!("ArtifactRegistry `{name}`: {error}"),
        },
        Some((Some(_), _)) => return Ok(()),
    };
    Err(broken(snapshot).unwrap_or_else(|| {
        Fault::new(Kind::Rejected, "unknown-registry", why)
            .fix("the build was reported in it: correct its manifest, then repeat the call")
    }))
}

/// What is wrong with the manifests, if anything is: what is broken reads as absent.
fn broken(snapshot: &Snapshot) -> Option<Fault> {
    let first = snapshot.problems.first()?;
    let what = format!("the manifests at {} are broken: {first}", snapshot.commit);
    Some(
        Fault::new(Kind::Rejected, "manifests-unusable", what)
            .fix("nothing was recorded; mend the manifests, then repeat the call"),
    )
}

fn named(field: &'static str, text: &str) -> Result<Name, Fault> {
    Name::parse(text).map_err(|invalid| {
        let what = format!("`{field}`: {invalid}");
        Fault::new(Kind::Invalid, "invalid-value", what)
            .fix(format!("`{}` cannot be part of a tag", shown(text)))
    })
}
