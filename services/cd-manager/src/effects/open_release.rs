//! Opens the deployment of a release candidate: along the release stages as the manifests say now.

use std::time::Duration;

use eventlog::Context;
use eventlog::process::Retry;
use ids::Uuid;

use super::{retry, settled};
use crate::Inner;
use crate::domain::deployment::{Command, Created};
use crate::domain::release::Candidate;
use crate::domain::track::{Destination, Kind};
use crate::rpc::report_build::stage;

impl Inner {
    pub(super) async fn open_release(&self, id: Uuid, candidate: &Candidate) -> Result<(), Retry> {
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let name = &candidate.application;
        // Somebody may put back what is missing; until then nobody knows the way.
        let missing = |what: &str| Retry {
            after: Duration::from_secs(1),
            why: format!(
                "{what} at {}, so the release candidate {} has no way to go; restore the manifest",
                snapshot.commit, candidate.report.version
            ),
        };
        let graph = &snapshot.graph;
        let Some(application) = snapshot.application(name) else {
            return Err(missing(&format!("there is no Application `{name}`")));
        };
        let track = graph.track_of(application);
        let Some(track) = track.filter(|it| !it.release_stages.is_empty()) else {
            let what = format!("the ReleaseTrack of `{name}` has no `releaseStages`");
            return Err(missing(&what));
        };
        let stages = track.release_stages.iter();
        let to = Destination {
            application: name.clone(),
            application_set: application.application_set().to_owned(),
            track: track.name().to_owned(),
            kind: Kind::Release,
            stages: stages.map(|it| stage(it, application, &snapshot)).collect(),
            deployment: id,
        };
        let created = Created {
            reason: candidate.reason.clone(),
            ..Created::routed(candidate.build, &candidate.report, &to, candidate.ready_at)
        };
        let context = Context {
            actor: candidate.requested_by.clone(),
            ..self.context(id)
        };
        let command = Command::Create(created);
        settled(self.deployments.execute(id, &context, &command).await).map(drop)
    }
}
