//! `ReportBuild`: CI says that a build exists. gRPC, HTTP and events end here.

use std::sync::Arc;

use decider::Decider;
use eventlog::Context;
use ids::{AggregateId, Digest, Name, Oid, ReleaseType, Uuid, Version, derive};
use manifests::kinds::{Application, BuildDefinition, Target};
use policy::{Policy, Who};
use prost::Message as _;
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind as FaultKind};
use source::Snapshot;

use crate::Inner;
use crate::domain::build::{Build, Command, Report, Routing, State, Status};
use crate::domain::deployment::{self, Created};
use crate::domain::track::{Destination, Kind, Stage};

impl Inner {
    /// Records a build. Without a key, the build's own identity is the key.
    pub(crate) async fn report_build(
        &self,
        caller: &str,
        key: Option<&str>,
        request: &pb::ReportBuildRequest,
    ) -> Result<pb::ReportBuildResponse, Fault> {
        self.report_build_as_seen(caller, key, request, None).await
    }

    /// The same with manifests that were looked at since the report came.
    pub(crate) async fn report_build_as_seen(
        &self,
        caller: &str,
        key: Option<&str>,
        request: &pb::ReportBuildRequest,
        seen: Option<Arc<Snapshot>>,
    ) -> Result<pb::ReportBuildResponse, Fault> {
        let mut report = parse(request)?;
        let id = derive::build(
            &report.definition,
            &report.container,
            report.version.as_str(),
        );
        let idempotency = match key {
            Some(key) if !request.dry_run => Some(self.deps.keys.take(
                caller,
                "ReportBuild",
                key,
                &request.encode_to_vec(),
            )?),
            Some(_) | None => None,
        };
        let known = self.builds.load(id).await.map_err(Fault::from)?.state;
        let settled = match &known {
            State::Known {
                report: first,
                status,
                ..
            } => first.digest == report.digest && !matches!(status, Status::Unmatched { .. }),
            State::Unreported => false,
        };
        if settled {
            self.open_all(id, &known).await?;
            return answer(id, &report.digest, &known);
        }
        let snapshot = match seen {
            Some(snapshot) => snapshot,
            None => self.manifests().await?,
        };
        let routing = route(id, &mut report, &snapshot)?;
        let digest = report.digest.clone();
        let command = Command { report, routing };
        if request.dry_run {
            let state = decide_dry(&known, &command)?;
            return answer(id, &digest, &state);
        }
        let context = Context {
            actor: caller.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency,
            correlation: Some(id),
            causation: None,
        };
        let done = self.builds.execute(id, &context, &command).await?;
        self.open_all(id, &done.state).await?;
        answer(id, &digest, &done.state)
    }

    /// Opens the deployments that the answer names, so that whoever gets it can ask for them.
    /// The process does the same after a crash in between: whoever is second changes nothing.
    async fn open_all(&self, id: Uuid, state: &State) -> Result<(), Fault> {
        let State::Known {
            report,
            status: Status::Routed,
            destinations,
        } = state
        else {
            return Ok(());
        };
        let aggregate = AggregateId::new(<Build as Decider>::KIND, id);
        let first = self
            .deps
            .log
            .load(&aggregate, 0)
            .await
            .map_err(Fault::from)?;
        let Some(reported_at) = first.first().map(|it| it.position.0) else {
            return Ok(());
        };
        for to in destinations {
            let created = Created::routed(id, report, to, reported_at);
            let context = self.context(to.deployment);
            let command = deployment::Command::Create(created);
            self.deployments
                .execute(to.deployment, &context, &command)
                .await?;
        }
        Ok(())
    }
}

fn decide_dry(known: &State, command: &Command) -> Result<State, Fault> {
    use service::fault::Coded as _;
    let events = Build::decide(known, command)
        .map_err(|it| Fault::new(FaultKind::Rejected, it.code(), it.to_string()).fix(it.fix()))?;
    Ok(Build::fold(known.clone(), &events))
}

fn parse(request: &pb::ReportBuildRequest) -> Result<Report, Fault> {
    let named = |field: &'static str| {
        move |invalid: ids::Invalid| {
            Fault::new(
                FaultKind::Invalid,
                "invalid-value",
                format!("`{field}`: {invalid}"),
            )
            .fix("correct the field and report again; nothing was recorded")
        }
    };
    let release_type = match request.release_type.as_str() {
        "" => ReleaseType::Latest,
        text => text.parse().map_err(named("release_type"))?,
    };
    let commit = match request.commit.as_str() {
        "" => None,
        text => Some(Oid::parse(text).map_err(named("commit"))?),
    };
    for registry in &request.registries {
        Name::parse(registry).map_err(named("registries"))?;
    }
    Ok(Report {
        definition: Name::parse(&request.definition)
            .map_err(named("definition"))?
            .to_string(),
        container: Name::parse(&request.container)
            .map_err(named("container"))?
            .to_string(),
        version: Version::parse(&request.version).map_err(named("version"))?,
        release_type,
        digest: Digest::parse(&request.digest).map_err(named("digest"))?,
        registries: request.registries.clone(),
        commit,
        ci_run: (request.ci_run != 0).then_some(request.ci_run),
    })
}

/// Where the manifests send the build. Registries that the report does not name are those of the
/// definition.
pub(crate) fn route(
    id: Uuid,
    report: &mut Report,
    snapshot: &Arc<Snapshot>,
) -> Result<Routing, Fault> {
    let graph = &snapshot.graph;
    let Some(definition) = graph.build_definition(&report.definition) else {
        if let Some(broken) = broken(snapshot) {
            return Err(broken);
        }
        let what = format!(
            "there is no BuildDefinition `{}` at {}",
            report.definition, snapshot.commit
        );
        return Err(Fault::new(FaultKind::NotFound, "unknown-definition", what)
            .fix("add its manifest, or report under a known one"));
    };
    check_container(report, definition)?;
    if report.registries.is_empty() {
        let known = graph.registries_of(definition, &report.container);
        report.registries = known.iter().map(|it| it.name().to_owned()).collect();
    }
    if let Some(unknown) = report
        .registries
        .iter()
        .find(|it| graph.artifact_registry(it).is_none())
    {
        if let Some(broken) = broken(snapshot) {
            return Err(broken);
        }
        let what = format!(
            "there is no ArtifactRegistry `{unknown}` at {}",
            snapshot.commit
        );
        return Err(Fault::new(FaultKind::NotFound, "unknown-registry", what)
            .fix("add its manifest, or name a known one"));
    }
    let applications = graph.applications_of(&report.definition, &report.container);
    if let Some(problem) = missing_parts(&applications, snapshot) {
        return Err(problem);
    }
    if applications.is_empty() {
        let wanted_manifest = graph.nearest_match(&report.definition, &report.container);
        return Ok(Routing::Unmatched { wanted_manifest });
    }
    let to: Vec<_> = applications
        .iter()
        .filter_map(|it| destination(id, report.release_type, it, snapshot))
        .collect();
    Ok(if to.is_empty() {
        Routing::Kept
    } else {
        Routing::To(to)
    })
}

/// What is broken in the manifests reads as absent, so while something an application is made of
/// is absent and something is broken, nobody knows where a build goes.
fn missing_parts(applications: &[&Application], snapshot: &Snapshot) -> Option<Fault> {
    let graph = &snapshot.graph;
    let is_whole = |it: &&Application| graph.track_of(it).is_some();
    if !applications.is_empty() && applications.iter().all(is_whole) {
        return None;
    }
    broken(snapshot)
}

/// What is wrong with the manifests, if anything is.
fn broken(snapshot: &Snapshot) -> Option<Fault> {
    let first = snapshot.problems.first()?;
    let what = format!("the manifests at {} are broken: {first}", snapshot.commit);
    Some(
        Fault::new(FaultKind::Rejected, "manifests-unusable", what)
            .fix("nothing was recorded; mend the manifests, then report again"),
    )
}

fn check_container(report: &Report, definition: &BuildDefinition) -> Result<(), Fault> {
    if definition.containers.is_empty() || definition.container(&report.container).is_some() {
        return Ok(());
    }
    let known: Vec<_> = definition
        .containers
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let what = format!(
        "BuildDefinition `{}` has no container `{}`",
        report.definition, report.container
    );
    Err(Fault::new(FaultKind::NotFound, "unknown-container", what)
        .fix(format!("it has: {}", known.join(", "))))
}

/// The part of the application's track that takes builds of this type, if one does.
fn destination(
    build: Uuid,
    release_type: ReleaseType,
    application: &Application,
    snapshot: &Snapshot,
) -> Option<Destination> {
    let graph = &snapshot.graph;
    let set = graph.application_set_of(application)?;
    let track = graph.track_of(application)?;
    let (kind, stages) = if set.pre_release_from.contains(&release_type) {
        (Kind::PreRelease, &track.pre_release_stages)
    } else if release_type == ReleaseType::Hotfix {
        (Kind::Hotfix, &track.hotfix_stages)
    } else {
        return None;
    };
    if stages.is_empty() {
        return None;
    }
    Some(Destination {
        application: application.name().to_owned(),
        application_set: set.name().to_owned(),
        track: track.name().to_owned(),
        kind,
        stages: stages
            .iter()
            .map(|it| stage(it, application, snapshot))
            .collect(),
        deployment: derive::deployment(build, application.name(), kind.as_str(), 0),
    })
}

/// Snapshots a stage. What this version cannot check becomes a gate: it waits, never passes.
pub(crate) fn stage(
    it: &manifests::kinds::Stage,
    application: &Application,
    snapshot: &Snapshot,
) -> Stage {
    let targets = it
        .environments
        .iter()
        .map(|name| snapshot.graph.target_of(application, name));
    let unknown = targets
        .filter(|it| *it != Target::Process)
        .map(|it| format!("target {it}"));
    let asked = [
        ("soak", it.soak_us.is_some()),
        ("windows", !it.windows.is_empty()),
        ("conditions", !it.conditions.is_empty()),
        ("verify", !it.verify.is_empty()),
    ];
    Stage {
        id: it.id.clone(),
        environments: it.environments.clone(),
        gates: asked
            .into_iter()
            .filter(|(_, is_asked)| *is_asked)
            .map(|(name, _)| name.to_owned())
            .chain(unknown)
            .collect(),
        approval: it.approval_policy.as_ref().map(policy),
    }
}

fn policy(it: &manifests::kinds::Policy) -> Policy {
    use manifests::kinds::{Policy as Written, Stakeholder};
    let all = |policies: &[Written]| policies.iter().map(policy).collect();
    match it {
        Written::Stakeholder { who, min } => Policy::Stakeholder {
            who: match who {
                Stakeholder::Group(name) => Who::Group(name.clone()),
                Stakeholder::User(name) => Who::User(name.clone()),
            },
            min: *min,
        },
        Written::AnyOf { min, policies } => Policy::AnyOf {
            min: *min,
            policies: all(policies),
        },
        Written::AllOf { policies } => Policy::AllOf {
            policies: all(policies),
        },
    }
}

fn answer(id: Uuid, digest: &Digest, state: &State) -> Result<pb::ReportBuildResponse, Fault> {
    let State::Known {
        report,
        status,
        destinations,
    } = state
    else {
        return Err(Fault::broken(format!(
            "build {id} was decided and is not known"
        )));
    };
    if report.digest != *digest {
        let what = format!(
            "version {} of {}/{} was reported with {}, and now with {digest}: build {id} is QUARANTINED",
            report.version, report.definition, report.container, report.digest
        );
        return Err(Fault::new(FaultKind::Rejected, "digest-changed", what)
            .fix("a version names one image for ever: give the new image a new version"));
    }
    let wanted_manifest = match status {
        Status::Unmatched { wanted_manifest } => wanted_manifest.clone(),
        Status::Routed | Status::Kept | Status::Quarantined { .. } => String::new(),
    };
    Ok(pb::ReportBuildResponse {
        build_id: id.to_string(),
        state: status.as_str().to_owned(),
        deployments: destinations
            .iter()
            .map(|it| pb::DeploymentRef {
                id: it.deployment.to_string(),
                application: it.application.clone(),
            })
            .collect(),
        wanted_manifest,
    })
}
