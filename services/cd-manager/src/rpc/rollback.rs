//! `Rollback`: back to a version that ran there before. Needs neither CI nor a new build.

use std::time::Duration;

use eventlog::Context;
use ids::{Uuid, derive};
use manifests::{Diagnostic, Values};
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind as FaultKind, shown};

use crate::Inner;
use crate::domain::build;
use crate::domain::deployment::{Command, Created, Deployment};
use crate::domain::slot::{self, Placed};
use crate::domain::track::{Kind, Stage};
use crate::effects::hold_of;

/// How often a slot that is about to be free is looked at again.
const SETTLE_TRIES: u32 = 200;
/// The pause between two looks.
const SETTLE_PAUSE: Duration = Duration::from_millis(10);

impl Inner {
    pub(super) async fn rollback(
        &self,
        context: &Context,
        request: &pb::RollbackRequest,
    ) -> Result<pb::RollbackResponse, Fault> {
        let (environment, application) = (&request.environment, &request.application);
        let key = context
            .idempotency
            .map(|it| it.commit_id.to_string())
            .unwrap_or_default();
        // Of the key alone, so that a repeated call finds its own deployment whatever came since.
        let id = derive::id(
            "deployment",
            &[Kind::Rollback.as_str(), environment, application, &key],
        );
        if let Some(known) = self.deployments.load(id).await.map_err(Fault::from)?.state {
            return self.answer_again(id, &known, environment).await;
        }
        let reason = match request.reason.as_str() {
            "" => String::new(),
            given => super::text("reason", given)?,
        };
        let slot = self.settled_slot(environment, application).await?;
        let to = target(&slot, request)?.clone();
        let before = Created {
            kind: Kind::Rollback,
            track: String::new(),
            stages: vec![Stage::new(0, vec![environment.clone()])],
            reason,
            replaces: slot.written.clone().unwrap_or_default(),
            ..self.deployment_of(&to).await?
        };
        let response = pb::RollbackResponse {
            deployment_id: id.to_string(),
            from_version: before.replaces.clone(),
            to_version: to.candidate.version.to_string(),
            hold_id: hold_of(id).to_string(),
            diff: self.diff(environment, &before).await?,
        };
        refuse_needless(&slot, &to)?;
        self.refuse_quarantined(&before).await?;
        self.require_image(&before).await?;
        if request.dry_run {
            return Ok(response);
        }
        let context = Context {
            correlation: Some(id),
            ..context.clone()
        };
        self.deployments
            .execute(id, &context, &Command::Create(before))
            .await?;
        self.read_now().await?;
        Ok(response)
    }

    /// The answer that an earlier call with the same key got.
    async fn answer_again(
        &self,
        id: Uuid,
        known: &Deployment,
        environment: &str,
    ) -> Result<pb::RollbackResponse, Fault> {
        let created = &known.created;
        Ok(pb::RollbackResponse {
            deployment_id: id.to_string(),
            from_version: created.replaces.clone(),
            to_version: created.version.to_string(),
            hold_id: hold_of(id).to_string(),
            diff: self.diff(environment, created).await?,
        })
    }

    /// What was reported with two digests goes nowhere, not even back.
    async fn refuse_quarantined(&self, created: &Created) -> Result<(), Fault> {
        let build = self
            .builds
            .load(created.build)
            .await
            .map_err(Fault::from)?
            .state;
        if let build::State::Known {
            status: build::Status::Quarantined { digest },
            ..
        } = build
        {
            let what = format!(
                "{} {} is QUARANTINED: it was reported with {} and again with {digest}",
                created.application, created.version, created.digest
            );
            return Err(Fault::new(FaultKind::Rejected, "build-quarantined", what)
                .fix("roll back to another version with --to"));
        }
        Ok(())
    }

    /// The slot, once a promotion that has just succeeded there has left it: whoever saw the
    /// success goes back from it, not from what ran before.
    async fn settled_slot(
        &self,
        environment: &str,
        application: &str,
    ) -> Result<slot::State, Fault> {
        let id = derive::slot(environment, application);
        for _ in 0..SETTLE_TRIES {
            let slot = self.slots.load(id).await.map_err(Fault::from)?.state;
            let Some(flying) = &slot.in_flight else {
                return Ok(slot);
            };
            let deployment = self
                .deployments
                .load(flying.deployment)
                .await
                .map_err(Fault::from)?;
            if deployment.state.is_none_or(|it| it.end.is_none()) {
                return Ok(slot);
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        }
        Ok(self.slots.load(id).await.map_err(Fault::from)?.state)
    }

    /// The deployment that brought what the slot remembers.
    async fn deployment_of(&self, placed: &Placed) -> Result<Created, Fault> {
        let id = placed.candidate.deployment;
        match self.deployments.load(id).await.map_err(Fault::from)?.state {
            Some(deployment) => Ok(deployment.created.clone()),
            None => Err(Fault::broken(format!(
                "the slot names deployment {id}, which is not in the log"
            ))),
        }
    }

    /// Refuses before anything is written when no registry on this machine has the image.
    async fn require_image(&self, created: &Created) -> Result<(), Fault> {
        let snapshot = self.manifests().await?;
        let mut looked = Vec::new();
        for name in &created.registries {
            let Some(registry) = snapshot.graph.artifact_registry(name) else {
                continue;
            };
            // Other registries are asked once they are spoken to at all.
            let Some(layout) = &registry.oci_layout else {
                return Ok(());
            };
            let path = self.deps.layouts.join(layout);
            let digest = created.digest.clone();
            looked.push(path.display().to_string());
            let has = tokio::task::spawn_blocking(move || {
                oci::Layout::open(&path).is_ok_and(|layout| layout.has(&digest))
            });
            if has.await.map_err(Fault::broken)? {
                return Ok(());
            }
        }
        if looked.is_empty() {
            return Ok(());
        }
        let what = format!(
            "the image {} of {} {} is gone from {}",
            created.digest,
            created.application,
            created.version,
            looked.join(", ")
        );
        Err(Fault::new(FaultKind::Rejected, "image-gone", what)
            .fix("restore the image under that digest, or roll back to another version with --to"))
    }

    /// What the commit changes, line by line: the same before and after it was made, because
    /// both sides are made from what the file holds now.
    async fn diff(&self, environment: &str, to: &Created) -> Result<String, Fault> {
        let snapshot = self.manifests().await?;
        let refused = |problem: Diagnostic| {
            Fault::new(
                FaultKind::Rejected,
                "manifests-unusable",
                problem.to_string(),
            )
            .fix("correct the manifest, then roll back")
        };
        let location = snapshot
            .version_location(&to.application, environment)
            .map_err(refused)?;
        let blob = snapshot.files.get(&location.file).ok_or_else(|| {
            let what = format!("`{}` is not there any more", location.file);
            Fault::new(FaultKind::Rejected, "manifests-unusable", what).fix("restore the file")
        })?;
        let now = self
            .deps
            .desk
            .mirror()
            .blob(blob)
            .await
            .map_err(Fault::broken)?;
        let with = |version: &str| {
            let values = Values {
                version: version.to_owned(),
                image: None,
                digest: Some(to.digest.to_string()),
                commit: to.commit.as_ref().map(ToString::to_string),
            };
            manifests::set_version(&location.file, &now, &location, &values).map(|it| it.bytes)
        };
        let after = with(to.version.as_str()).map_err(refused)?;
        let before = match to.replaces.as_str() {
            "" => now.clone(),
            version => with(version).map_err(refused)?,
        };
        Ok(lines_changed(&location.file, &before, &after))
    }
}

fn target<'a>(slot: &'a slot::State, request: &pb::RollbackRequest) -> Result<&'a Placed, Fault> {
    let place = format!(
        "{}/{}",
        shown(&request.environment),
        shown(&request.application)
    );
    let history = || {
        let mut versions: Vec<_> = Vec::new();
        for it in slot.history.iter().rev() {
            let version = it.candidate.version.as_str();
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        if versions.is_empty() {
            "nothing has succeeded there yet; `towpath environments list` shows what runs where"
                .to_owned()
        } else {
            format!(
                "what succeeded there, newest first: {}",
                versions.join(", ")
            )
        }
    };
    let found = if request.to_version.is_empty() {
        slot.rollback_default()
    } else {
        slot.success_of(&request.to_version)
    };
    found.ok_or_else(|| {
        let what = match request.to_version.as_str() {
            "" => format!("there is no version before the current one in {place}"),
            version => format!(
                "version `{}` never reached SUCCESS in {place}",
                shown(version)
            ),
        };
        Fault::new(FaultKind::Rejected, "never-ran-there", what).fix(history())
    })
}

fn refuse_needless(slot: &slot::State, to: &Placed) -> Result<(), Fault> {
    let runs = slot
        .current
        .as_ref()
        .is_some_and(|it| it.candidate.version == to.candidate.version);
    let written = slot.written.as_deref() == Some(to.candidate.version.as_str());
    if runs && written && slot.in_flight.is_none() {
        let what = format!("version {} is what runs there now", to.candidate.version);
        return Err(Fault::new(FaultKind::Rejected, "already-there", what)
            .fix("to stop newer builds from replacing it, use `towpath hold create`"));
    }
    match &slot.forced {
        None => Ok(()),
        Some(other) => {
            let what = format!(
                "deployment {} was asked for before and is about to start",
                other.deployment
            );
            Err(Fault::new(FaultKind::Rejected, "busy", what).fix("roll back when it has ended"))
        }
    }
}

/// A unified diff of the lines that differ, without context: an edit changes one scalar.
fn lines_changed(file: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (
        String::from_utf8_lossy(before),
        String::from_utf8_lossy(after),
    );
    let mut diff = format!("--- a/{file}\n+++ b/{file}\n");
    for (n, (old, new)) in before.lines().zip(after.lines()).enumerate() {
        if old != new {
            let line = n + 1;
            diff.extend([format!("@@ -{line} +{line} @@\n-{old}\n+{new}\n")]);
        }
    }
    diff
}
