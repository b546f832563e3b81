//! Lays what a stage would do before those who have to say yes, and finds out whether it is
//! still what was planned.

use eventlog::Stored;
use eventlog::process::Retry;
use ids::{AggregateId, Oid, Uuid};
use manifests::Location;
use source::Snapshot;

use super::retry;
use crate::Inner;
use crate::domain::build::Build;
use crate::domain::deployment::{Command, Deployment};
use crate::domain::plan::{About, Change, Plan, track_digest};

/// The code of a refusal by the check at commit time.
pub(super) const STALE: &str = "plan-stale";

/// What differs from a plan, in words.
pub(super) struct Difference {
    /// The file.
    pub(super) file: String,
    /// The first field in it; empty when only comments or layout differ.
    pub(super) field: String,
}

impl Inner {
    pub(super) async fn lay_open(&self, id: Uuid, stage: &str, revision: u32) -> Result<(), Retry> {
        let Some(deployment) = self.deployment(id).await? else {
            return Ok(());
        };
        let created = &deployment.created;
        let found = created.stages.iter().find(|it| it.id == stage);
        let Some((stage, policy)) = found.and_then(|it| Some((it, it.approval.clone()?))) else {
            return Ok(());
        };
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let changes = self
            .changes(&deployment, &stage.environments, &snapshot)
            .await?;
        let about = About {
            stage: stage.id.clone(),
            revision,
            track: track_digest(&created.track, created.kind, &created.stages),
            policy,
            requested_by: self.requester(id, created.build).await?,
            application: created.application.clone(),
            version: created.version.clone(),
        };
        self.tell(id, Command::Ask(Plan::new(about, changes))).await
    }

    /// Says whether what would be done in the environments that still wait is what was planned;
    /// records it when it is not.
    pub(super) async fn is_as_planned(
        &self,
        id: Uuid,
        deployment: &Deployment,
        plan: &Plan,
        snapshot: &Snapshot,
    ) -> Result<bool, Retry> {
        let environments = plan.environments();
        let now = self.changes(deployment, &environments, snapshot).await?;
        let Some(other) = plan.differs(&now) else {
            return Ok(true);
        };
        let difference = self.difference(deployment, plan, other, snapshot).await;
        self.tell_stale(id, plan, None, difference).await?;
        Ok(false)
    }

    pub(super) async fn tell_stale(
        &self,
        id: Uuid,
        plan: &Plan,
        environment: Option<String>,
        difference: Difference,
    ) -> Result<(), Retry> {
        let command = Command::RecordStale {
            stage: plan.stage.clone(),
            revision: plan.revision,
            environment,
            file: difference.file,
            field: difference.field,
        };
        self.tell(id, command).await
    }

    /// Plans whose configuration was changed on the branch are asked about anew, so that nobody
    /// signs what will not run.
    pub(super) async fn look_at_plans(&self, now: &Snapshot) -> Result<(), String> {
        let asking: Vec<_> = self
            .world()
            .asking()
            .map(|(id, deployment, asked)| (id, deployment.clone(), asked.plan.clone()))
            .collect();
        let mut trouble = Ok(());
        for (id, deployment, plan) in asking {
            let looked = self.is_as_planned(id, &deployment, &plan, now).await;
            if let Err(error) = looked {
                // The others are looked at all the same; this one is again when it is promoted.
                trouble = Err(error.why);
            }
        }
        trouble
    }

    pub(super) async fn deployment(&self, id: Uuid) -> Result<Option<Box<Deployment>>, Retry> {
        let loaded = self.deployments.load(id).await;
        Ok(loaded.map_err(|error| retry(&error))?.state)
    }

    async fn changes(
        &self,
        deployment: &Deployment,
        environments: &[String],
        snapshot: &Snapshot,
    ) -> Result<Vec<Change>, Retry> {
        let created = &deployment.created;
        let mut changes = Vec::new();
        for environment in environments {
            let location = snapshot
                .version_location(&created.application, environment)
                .map_err(|problem| retry(&problem))?;
            let blob = snapshot.files.get(&location.file).cloned();
            let bytes = match &blob {
                None => {
                    let why = format!("`{}` is not there", location.file);
                    return Err(retry(&why));
                }
                Some(blob) => self.blob(blob).await?,
            };
            changes.push(Change {
                environment: environment.clone(),
                application: created.application.clone(),
                digest: created.digest.clone(),
                configuration: configuration(&bytes, &location)?,
                file: location.file,
                blob,
            });
        }
        Ok(changes)
    }

    /// The file and the field in which a change differs from the plan.
    async fn difference(
        &self,
        deployment: &Deployment,
        plan: &Plan,
        now: &Change,
        snapshot: &Snapshot,
    ) -> Difference {
        let application = &deployment.created.application;
        let location = snapshot.version_location(application, &now.environment);
        let field = match (location, &now.blob) {
            (Ok(location), Some(blob)) => match self.blob(blob).await {
                Ok(bytes) => self.field(plan, &now.environment, &bytes, &location).await,
                Err(_) => String::new(),
            },
            _ => String::new(),
        };
        Difference {
            file: now.file.clone(),
            field,
        }
    }

    /// The first field of an environment's file that is not as it was when the plan was made.
    pub(super) async fn field(
        &self,
        plan: &Plan,
        environment: &str,
        now: &[u8],
        location: &Location,
    ) -> String {
        let Some(blob) = plan.change(environment).and_then(|it| it.blob.as_ref()) else {
            return String::new();
        };
        match self.blob(blob).await {
            Ok(before) => manifests::first_difference(&location.file, &before, now, location)
                .unwrap_or_default(),
            // The file is named in any case.
            Err(_) => String::new(),
        }
    }

    async fn blob(&self, blob: &Oid) -> Result<Vec<u8>, Retry> {
        let read = self.deps.desk.mirror().blob(blob).await;
        read.map_err(|error| retry(&error))
    }

    /// Who asked for a deployment: whoever reported its build, or the person who asked for it.
    async fn requester(&self, id: Uuid, build: Uuid) -> Result<String, Retry> {
        let by = self.requested_by(id).await?;
        if by != crate::ROLE {
            return Ok(by);
        }
        let aggregate = AggregateId::new(<Build as decider::Decider>::KIND, build);
        let loaded = self.deps.log.load(&aggregate, 0).await;
        let commits: Vec<Stored> = loaded.map_err(|error| retry(&error))?;
        Ok(commits.first().map_or(by, |it| it.commit.actor.clone()))
    }
}

/// The name of everything around the version.
pub(super) fn configuration(bytes: &[u8], location: &Location) -> Result<Oid, Retry> {
    let around = manifests::without_version(&location.file, bytes, location)
        .map_err(|problem| retry(&problem))?;
    git::blob_id(&around).map_err(|error| retry(&error))
}
