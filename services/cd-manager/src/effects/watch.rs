//! Looks at the branch and finds versions that a person wrote by hand: deploys those that the
//! log knows, says which it does not, and holds the slot either way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use git::CommitFacts;
use ids::{Oid, Uuid, Version, derive};
use manifests::Location;
use source::Snapshot;
use tokio_util::sync::CancellationToken;

use super::hold_of;
use crate::Inner;
use crate::domain::build::{self, Routing};
use crate::domain::deployment::{self, Created};
use crate::domain::hold::{Hold, Source};
use crate::domain::slot::{self, Edit, Place};
use crate::domain::track::{Destination, Kind, Stage};

/// How often the fold of the log is looked at until it has caught up.
const CATCH_UP_TRIES: u32 = 1_000;
/// The pause between two looks.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(5);

/// Looks until stopped, in the middle of a look if need be: a remote that hangs keeps nobody.
/// A branch that cannot be reached is tried again at the next look.
pub(crate) async fn watch(inner: Arc<Inner>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = look_for_ever(&inner) => {}
    }
}

/// What the last look saw and settled.
struct Seen {
    snapshot: Arc<Snapshot>,
    /// What the log knew to be written then.
    written: BTreeMap<Place, String>,
}

async fn look_for_ever(inner: &Inner) {
    let mut seen: Option<Seen> = None;
    let mut said = String::new();
    let mut every = tokio::time::interval(inner.deps.look_every);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let trouble = match inner.deps.desk.look().await {
            Ok(now)
                if seen
                    .as_ref()
                    .is_some_and(|it| it.snapshot.commit == now.commit) =>
            {
                None
            }
            Ok(now) => {
                inner.route_unmatched(&now).await;
                let planned = inner.look_at_plans(&now).await;
                match inner.look_for_edits(seen.as_ref(), &now).await {
                    Ok(written) => {
                        let snapshot = now;
                        seen = Some(Seen { snapshot, written });
                        planned.err()
                    }
                    Err(why) => Some(why),
                }
            }
            Err(error) => Some(error.to_string()),
        };
        // The same trouble is said once, not every second.
        let why = trouble.unwrap_or_default();
        if !why.is_empty() && why != said {
            tracing::warn!(%why, "the manifests could not be looked at");
        }
        said = why;
    }
}

impl Inner {
    /// Builds that nothing was made of enter the track of an application that appeared since.
    async fn route_unmatched(&self, now: &Arc<Snapshot>) {
        let waiting: Vec<_> = self
            .world()
            .unmatched()
            .map(|(id, it)| (id, it.clone()))
            .collect();
        for (id, mut report) in waiting {
            let Ok(routing @ Routing::To(_)) =
                crate::rpc::report_build::route(id, &mut report, now)
            else {
                continue;
            };
            let command = build::Command { report, routing };
            if let Err(error) = self.builds.execute(id, &self.context(id), &command).await {
                tracing::warn!(%error, build = %id, "a build could not be routed");
            }
        }
    }

    /// Says what the log knew to be written, once every place is settled.
    async fn look_for_edits(
        &self,
        before: Option<&Seen>,
        now: &Snapshot,
    ) -> Result<BTreeMap<Place, String>, String> {
        let snapshot = before.map(|it| &*it.snapshot);
        let changed: BTreeSet<&str> = now
            .files
            .iter()
            .filter(|(path, blob)| snapshot.is_none_or(|it| it.files.get(*path) != Some(*blob)))
            .map(|(path, _)| path.as_str())
            .collect();
        self.catch_up().await?;
        let written = self.world().written();
        // A file that we changed and a person changed back between two looks is the same file.
        let moved =
            |place: &Place| before.is_some_and(|it| it.written.get(place) != written.get(place));
        let mut unsettled = false;
        for (place, location) in places(now) {
            if changed.contains(location.file.as_str()) || moved(&place) {
                unsettled |= !self.look_at(&place, &location, snapshot, now).await?;
            }
        }
        if unsettled {
            Err("a slot is busy; it is looked at again".into())
        } else {
            Ok(written)
        }
    }

    /// Waits until everything that was recorded before now is known here. Whatever stands in git
    /// because of us was recorded as under way before it was pushed: compared with less than
    /// that, our own commits would look like somebody else's.
    pub(crate) async fn catch_up(&self) -> Result<(), String> {
        let tail = self
            .deps
            .log
            .tail()
            .await
            .map_err(|error| error.to_string())?
            .position
            .0;
        for _ in 0..CATCH_UP_TRIES {
            if self.world().position() >= tail {
                return Ok(());
            }
            tokio::time::sleep(CATCH_UP_PAUSE).await;
        }
        Err(format!("the log is not known up to position {tail} yet"))
    }

    /// Says whether everything about the place is settled.
    async fn look_at(
        &self,
        place: &Place,
        location: &Location,
        before: Option<&Snapshot>,
        now: &Snapshot,
    ) -> Result<bool, String> {
        let Some(found) = self.version_at(location, now).await? else {
            return Ok(true);
        };
        if self.is_expected(place, &found) {
            return Ok(true);
        }
        let Some(commit) = self.last_commit_of(&location.file, before, now).await? else {
            return Ok(true);
        };
        if commit.trailer("Towpath-Change").is_none() {
            return self.take_over(place, &found, &commit, now).await;
        }
        self.look_for_rewriting(place, &found, now).await
    }

    /// Our own commit stands last and is not what the log says: either this look is out of date,
    /// or somebody took later commits off the branch. The end of a promotion is recorded after
    /// its push, so a branch that still stands where it stood tells the two apart.
    async fn look_for_rewriting(
        &self,
        place: &Place,
        found: &str,
        now: &Snapshot,
    ) -> Result<bool, String> {
        self.catch_up().await?;
        if self.is_expected(place, found) {
            return Ok(true);
        }
        let again = self
            .deps
            .desk
            .look()
            .await
            .map_err(|error| error.to_string())?;
        if again.commit != now.commit {
            return Ok(false);
        }
        let mirror = self.deps.desk.mirror();
        let tip = mirror
            .commit(&now.commit)
            .await
            .map_err(|error| error.to_string())?;
        tracing::warn!(%found, environment = place.environment, application = place.application, "the branch was rewritten");
        self.take_over(place, found, &tip, now).await
    }

    /// The version in the manifest: what the template captured, or the text when it does not
    /// match; `None` when nothing is there or the file cannot be read.
    async fn version_at(
        &self,
        location: &Location,
        now: &Snapshot,
    ) -> Result<Option<String>, String> {
        let Some(blob) = now.files.get(&location.file) else {
            return Ok(None);
        };
        let bytes = self
            .deps
            .desk
            .mirror()
            .blob(blob)
            .await
            .map_err(|error| error.to_string())?;
        let current = manifests::current_scalar(
            &location.file,
            &bytes,
            &location.document,
            &location.pointer,
        );
        let Ok(Some(text)) = current else {
            return Ok(None);
        };
        Ok(Some(
            location
                .template
                .matches(&text)
                .and_then(|it| it.version)
                .unwrap_or(text),
        ))
    }

    /// Whether the log accounts for the version: it wrote it, writes it now, or saw it before.
    fn is_expected(&self, place: &Place, found: &str) -> bool {
        let world = self.world();
        match world.slot(&place.environment, &place.application) {
            // The first promotion here is under way: what stands there was there before.
            Some(slot) if slot.written.is_none() && slot.in_flight.is_some() => true,
            Some(slot) if slot.written.is_some() => {
                let flying = slot
                    .in_flight
                    .as_ref()
                    .is_some_and(|it| it.version.as_str() == found);
                let forced = slot
                    .forced
                    .as_ref()
                    .is_some_and(|it| it.version.as_str() == found);
                flying || forced || slot.written.as_deref() == Some(found)
            }
            // What stood there before Towpath came is nobody's edit unless the log knows it.
            Some(_) | None => !is_deployed_somewhere(&world, place, found),
        }
    }

    async fn last_commit_of(
        &self,
        file: &str,
        before: Option<&Snapshot>,
        now: &Snapshot,
    ) -> Result<Option<CommitFacts>, String> {
        let mirror = self.deps.desk.mirror();
        let since: Option<&Oid> = before.map(|it| &it.commit);
        let mut commits = mirror
            .commits(since, &now.commit)
            .await
            .map_err(|error| error.to_string())?;
        if before.is_some()
            && !commits
                .iter()
                .any(|it| it.changed_paths.iter().any(|path| path == file))
        {
            // The branch was rewritten: look at all of it.
            commits = mirror
                .commits(None, &now.commit)
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(commits
            .into_iter()
            .find(|it| it.changed_paths.iter().any(|path| path == file)))
    }

    async fn take_over(
        &self,
        place: &Place,
        found: &str,
        commit: &CommitFacts,
        now: &Snapshot,
    ) -> Result<bool, String> {
        let mut edit = Edit {
            version: printable(found),
            commit: commit.oid.clone(),
            author_name: printable(&commit.author_name),
            author_email: printable(&commit.author_email),
            deployment: None,
            unapproved: false,
        };
        let slot = derive::slot(&place.environment, &place.application);
        let by = format!(
            "{} <{}> in {}",
            edit.author_name, edit.author_email, edit.commit
        );
        let asks_approval = now
            .application(&place.application)
            .is_some_and(|it| now.graph.asks_approval(it, &place.environment));
        let set_aside = |edit: Edit, reason: String| {
            let id = derive::id("hold", &[&slot.to_string(), edit.commit.as_str()]);
            slot::Command::SeeUnknownVersion {
                place: place.clone(),
                edit,
                hold: manual_hold(id, place, reason),
            }
        };
        let command = match self.known_build(place, found, &by, now) {
            None => {
                let reason = format!(
                    "UNKNOWN_VERSION: `{found}` was written by hand by {by}, and nobody reported it"
                );
                set_aside(edit, reason)
            }
            Some(_) if asks_approval => {
                edit.unapproved = true;
                let reason = format!(
                    "UNAPPROVED_CHANGE: `{found}` was written by hand by {by} where an approval is asked for"
                );
                set_aside(edit, reason)
            }
            Some(created) => {
                let kind = format!(
                    "{}:{}:{}",
                    Kind::Manual.as_str(),
                    place.environment,
                    edit.commit
                );
                let id = derive::deployment(created.build, &place.application, &kind, 0);
                self.open_manual(id, &created).await?;
                edit.deployment = Some(id);
                let reason = format!("`{found}` was written by hand by {by}");
                let hold = manual_hold(hold_of(id), place, reason);
                slot::Command::Force {
                    place: place.clone(),
                    candidate: created.candidate(id),
                    hold,
                    edit: Some(edit),
                }
            }
        };
        self.tell_slot(slot, place, &command)
            .await
            .map_err(|error| error.to_string())
    }

    async fn open_manual(&self, id: Uuid, created: &Created) -> Result<(), String> {
        self.tell(id, deployment::Command::Create(created.clone()))
            .await
            .map_err(|error| error.to_string())
    }

    /// The build that the log knows under this version, made into a deployment of one place.
    fn known_build(&self, place: &Place, found: &str, by: &str, now: &Snapshot) -> Option<Created> {
        Version::parse(found).ok()?;
        let application = now.application(&place.application)?;
        let world = self.world();
        let mut builds = world.builds_of(&application.build_definition, found);
        let built = builds.find(|(_, _, report)| {
            let runs = now
                .graph
                .applications_of(&report.definition, &report.container);
            runs.iter().any(|it| it.name() == place.application)
        });
        // The tag of a release candidate is known, too.
        let candidate = || world.candidate_of(&place.application, found);
        let (build, position, report) =
            built.or_else(|| candidate().map(|it| (it.build, it.ready_at, &it.report)))?;
        let to = Destination {
            application: place.application.clone(),
            application_set: application.application_set().to_owned(),
            track: String::new(),
            kind: Kind::Manual,
            stages: vec![Stage::new(0, vec![place.environment.clone()])],
            deployment: Uuid::nil(),
        };
        Some(Created {
            reason: format!("written by hand by {by}"),
            ..Created::routed(build, report, &to, position)
        })
    }
}

fn is_deployed_somewhere(world: &crate::process::World, place: &Place, version: &str) -> bool {
    world
        .deployment_ids()
        .filter_map(|id| world.deployment(id))
        .any(|it| {
            it.created.application == place.application && it.created.version.as_str() == version
        })
}

fn manual_hold(id: Uuid, place: &Place, reason: String) -> Hold {
    Hold {
        id,
        scope: "app".into(),
        subject: format!("{}/{}", place.environment, place.application),
        reason,
        until_us: None,
        source: Source::ManualChange,
    }
}

/// A text from git, without what could drive a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|it| !it.is_control())
        .take(200)
        .collect()
}

/// Every place whose version stands somewhere. Costs the number of manifests.
fn places(now: &Snapshot) -> BTreeMap<Place, Location> {
    let mut found = BTreeMap::new();
    let environments: Vec<_> = now
        .graph
        .environments()
        .map(|it| it.meta.name.to_string())
        .collect();
    for application in now.graph.applications() {
        for environment in &environments {
            if let Ok(location) = now.graph.version_location(application, environment) {
                let place = Place {
                    environment: environment.clone(),
                    application: application.name().to_owned(),
                };
                found.insert(place, location);
            }
        }
    }
    found
}
