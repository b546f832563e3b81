//! `Explain`: why something is as it is, who can act, what happens next.

use decider::Decider;
use eventlog::Codec;
use ids::{AggregateId, Uuid, derive};
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::Inner;
use crate::domain::build::{self, Build, Status};
use crate::domain::deployment::{Asked, Decisions, Deployment, End, Review};
use crate::domain::explain::{self, Approval, Surroundings, Waiting};
use crate::domain::slot::{self, Slot};
use crate::queries::Shortened;

/// The role that applies manifests.
const RUNNER: &str = "runner";
/// The role that collects approvals.
const LEDGER: &str = "approval-ledger";
/// What is said of an event that this binary does not know.
const NEWER: &str = "written by a newer version of Towpath, which knows what it means";

impl Inner {
    pub(super) async fn explain(&self, subject: &str) -> Result<pb::ExplainResponse, Fault> {
        if let Some((id, release)) = self.release_named(subject).await? {
            return self.explain_release(id, &release).await;
        }
        if let Some((environment, application)) = subject.split_once('/') {
            return self.explain_slot(environment, application).await;
        }
        if let Some(id) = self.find(Shortened::Builds, subject).await?
            && let build::State::Known {
                report,
                status,
                destinations,
            } = self.builds.load(id).await.map_err(Fault::from)?.state
        {
            let mut facts = vec![
                fact("definition", &report.definition),
                fact("container", &report.container),
                fact("version", &report.version),
                fact("release_type", &report.release_type),
                fact("digest", &report.digest),
            ];
            facts.extend(
                destinations
                    .iter()
                    .map(|it| fact("deployment", &it.deployment)),
            );
            let summary = build_summary(&report, &status);
            return Ok(pb::ExplainResponse {
                subject: id.to_string(),
                state: status.as_str().to_owned(),
                summary,
                waiting: vec![],
                facts,
                timeline: self.timeline::<Build>(id).await?,
            });
        }
        let id = self.deployment_id(subject).await?;
        self.explain_deployment(id).await
    }

    async fn explain_deployment(&self, id: Uuid) -> Result<pb::ExplainResponse, Fault> {
        let Some(deployment) = self.readable_deployment(id).await? else {
            return Err(Fault::broken(format!(
                "deployment {id} is listed but not in the log"
            )));
        };
        let mut timeline = self.timeline::<Build>(deployment.created.build).await?;
        timeline.extend(self.timeline::<Decisions>(id).await?);
        for stage in &deployment.created.stages {
            timeline.extend(self.approval_timeline(id, &stage.id).await?);
        }
        for at in &deployment.places {
            for attempt in 0..=at.attempt {
                timeline.extend(
                    self.run_timeline(derive::run(id, &at.environment, attempt))
                        .await?,
                );
            }
        }
        timeline.sort_by_key(|it| it.position);
        Ok(pb::ExplainResponse {
            subject: id.to_string(),
            state: deployment.state_word().to_owned(),
            summary: explain::summary(&deployment),
            waiting: self.waiting(id, &deployment).await?,
            facts: deployment_facts(&deployment),
            timeline,
        })
    }

    pub(super) async fn waiting(
        &self,
        id: Uuid,
        deployment: &Deployment,
    ) -> Result<Vec<pb::Waiting>, Fault> {
        let mut all = self.unreadable(id, deployment);
        if deployment.end.is_some() {
            return Ok(all);
        }
        for at in deployment.stage_at_hand() {
            let created = &deployment.created;
            let slot_id = derive::slot(&at.environment, &created.application);
            let slot = self.readable_slot(slot_id).await?;
            let place = slot::Place {
                environment: at.environment.clone(),
                application: created.application.clone(),
            };
            let world = self.world();
            let now_us = self.deps.clock.now_us();
            let stage = created.stages.iter().find(|it| it.id == at.stage);
            let around = Surroundings {
                slot: &slot,
                holds_above: world
                    .holds_above(&place, &created.application_set, now_us)
                    .collect(),
                gates: stage.map_or(&[], |it| &it.gates),
                runner_is_running: self.deps.roles.is_running(RUNNER),
                approval: stage
                    .filter(|it| !deployment.may_write(&it.id))
                    .and_then(|it| it.approval.as_ref())
                    .map(|policy| Approval {
                        policy,
                        asked: told_about(deployment, &at.stage),
                        is_asked: is_asked(deployment, &at.stage),
                        yes: world.round(id, &at.stage).map_or(&[], |it| &it.yes),
                        ledger_is_running: self.deps.roles.is_running(LEDGER),
                    }),
            };
            all.extend(
                explain::place(id, at, &around, now_us)
                    .into_iter()
                    .map(waiting),
            );
        }
        if let Some(why) = self.troubles.of(&id) {
            all.push(pb::Waiting {
                on: "trouble".into(),
                why,
                who_can_act: "nobody needs to, unless it stays".into(),
                next: "it is tried again by itself, at the latest after 30 s".into(),
                looked_at_us: 0,
            });
        }
        Ok(all)
    }

    async fn explain_slot(
        &self,
        environment: &str,
        application: &str,
    ) -> Result<pb::ExplainResponse, Fault> {
        let id = derive::slot(environment, application);
        let slot = self.readable_slot(id).await?;
        let subject = format!("{}/{}", shown(environment), shown(application));
        if slot == slot::State::default() {
            return Err(Fault::new(Kind::NotFound, "not-found", format!("nothing was ever promoted to `{subject}`"))
                .fix("give a deployment, a build, or `environment/application`; `towpath environments list` shows what there is"));
        }
        let now_us = self.deps.clock.now_us();
        let set = self.application_set_of(&slot).await?;
        let holds: Vec<_> = {
            let world = self.world();
            let above = world.holds_above(&slot.place, &set, now_us);
            slot.holds.active(now_us).chain(above).cloned().collect()
        };
        let state = if slot.in_flight.is_some() {
            "PROMOTING"
        } else if slot.unknown.as_ref().is_some_and(|it| it.unapproved) {
            "UNAPPROVED_CHANGE"
        } else if slot.unknown.is_some() {
            "UNKNOWN_VERSION"
        } else if holds.is_empty() {
            "IDLE"
        } else {
            "HELD"
        };
        Ok(pb::ExplainResponse {
            subject,
            state: state.to_owned(),
            summary: slot_summary(&slot, state),
            waiting: holds
                .into_iter()
                .map(|hold| waiting(explain::held(&hold)))
                .chain(self.unreadable_aggregate(id))
                .collect(),
            facts: slot_facts(&slot),
            timeline: self.timeline::<Slot>(id).await?,
        })
    }

    /// The application set that the slot's last known deployment belonged to.
    async fn application_set_of(&self, slot: &slot::State) -> Result<String, Fault> {
        let current = slot.current.as_ref().map(|it| &it.candidate);
        let Some(candidate) = current.or(slot.newest.as_ref()) else {
            return Ok(String::new());
        };
        let found = self.readable_deployment(candidate.deployment).await?;
        Ok(found
            .map(|it| it.created.application_set.clone())
            .unwrap_or_default())
    }

    async fn timeline<D>(&self, id: Uuid) -> Result<Vec<pb::TimelineEntry>, Fault>
    where
        D: Decider + Codec<Event = <D as Decider>::Event>,
        <D as Decider>::Event: Told,
    {
        let stored = self
            .deps
            .log
            .load(&AggregateId::new(D::KIND, id), 0)
            .await
            .map_err(Fault::from)?;
        let mut entries = Vec::new();
        for commit in &stored {
            for record in &commit.commit.events {
                let text = D::decode(record).map_or_else(|_| NEWER.to_owned(), |it| it.told());
                entries.push(entry(commit, record, text));
            }
        }
        Ok(entries)
    }

    async fn approval_timeline(
        &self,
        id: Uuid,
        stage: &str,
    ) -> Result<Vec<pb::TimelineEntry>, Fault> {
        let approval = AggregateId::new("approval", derive::approval(id, stage));
        let stored = self
            .deps
            .log
            .load(&approval, 0)
            .await
            .map_err(Fault::from)?;
        let mut entries = Vec::new();
        for commit in &stored {
            for record in &commit.commit.events {
                let text = crate::wire::approval_told(record).unwrap_or_else(|_| NEWER.to_owned());
                entries.push(entry(commit, record, text));
            }
        }
        Ok(entries)
    }

    async fn run_timeline(&self, id: Uuid) -> Result<Vec<pb::TimelineEntry>, Fault> {
        let stored = self
            .deps
            .log
            .load(&AggregateId::new("run", id), 0)
            .await
            .map_err(Fault::from)?;
        let mut entries = Vec::new();
        for commit in &stored {
            for record in &commit.commit.events {
                let text = crate::wire::run_told(record).unwrap_or_else(|_| NEWER.to_owned());
                entries.push(entry(commit, record, text));
            }
        }
        Ok(entries)
    }
}

fn is_asked(deployment: &Deployment, stage: &str) -> bool {
    let asked = deployment.asked(stage);
    asked.is_some_and(|it| it.review == Review::Pending)
}

/// What those who have to say yes are asked about; before they are asked anew, what they were
/// asked about before.
fn told_about<'a>(deployment: &'a Deployment, stage: &str) -> Option<&'a Asked> {
    let last = deployment.asked(stage)?;
    let before = deployment
        .asked
        .iter()
        .rfind(|it| it.plan.stage == stage && matches!(it.review, Review::Stale { .. }));
    match last.review {
        Review::Pending => before.or(Some(last)),
        Review::Approved | Review::Rejected { .. } | Review::Stale { .. } => Some(last),
    }
}

pub(super) fn entry(
    commit: &eventlog::Stored,
    record: &eventlog::EventRecord,
    text: String,
) -> pb::TimelineEntry {
    pb::TimelineEntry {
        at_us: commit.commit.recorded_at_us,
        event: record
            .kind
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        actor: commit.commit.actor.clone(),
        text,
        position: commit.position.0,
    }
}

pub(super) fn fact(name: &str, value: &impl ToString) -> pb::Fact {
    pb::Fact {
        name: name.to_owned(),
        value: value.to_string(),
    }
}

fn waiting(it: Waiting) -> pb::Waiting {
    pb::Waiting {
        on: it.on.to_owned(),
        why: it.why,
        who_can_act: it.who_can_act,
        next: it.next,
        looked_at_us: it.looked_at_us.unwrap_or_default(),
    }
}

fn build_summary(report: &build::Report, status: &Status) -> String {
    let what = format!(
        "{}/{} {}",
        report.definition, report.container, report.version
    );
    match status {
        Status::Routed => format!("{what} entered the track of every application made from it."),
        Status::Kept => format!(
            "{what} is kept: no track takes {} builds by itself.",
            report.release_type
        ),
        Status::Unmatched { wanted_manifest } => {
            format!(
                "{what}: no Application is made from it. This manifest would match:\n{wanted_manifest}"
            )
        }
        Status::Quarantined { digest } => {
            format!(
                "{what} was reported with {} and again with {digest}: nothing of it goes further.",
                report.digest
            )
        }
    }
}

fn deployment_facts(deployment: &Deployment) -> Vec<pb::Fact> {
    let created = &deployment.created;
    let mut facts = vec![
        fact("application", &created.application),
        fact("version", &created.version),
        fact("digest", &created.digest),
        fact("kind", &created.kind.as_str()),
        fact("build", &created.build),
    ];
    if let Some(commit) = &created.commit {
        facts.push(fact("source_commit", commit));
    }
    if !created.reason.is_empty() {
        facts.push(fact("reason", &created.reason));
    }
    match &deployment.end {
        Some(End::Superseded { by, rule }) => {
            facts.extend([fact("rule", &rule.as_str()), fact("superseded_by", by)]);
        }
        Some(End::RolledBack { by }) => facts.push(fact("rolled_back_by", by)),
        Some(End::Success | End::Failed { .. } | End::Aborted { .. } | End::Quarantined { .. })
        | None => {}
    }
    facts
}

fn slot_facts(slot: &slot::State) -> Vec<pb::Fact> {
    let mut facts = Vec::new();
    if let Some(current) = &slot.current {
        facts.push(fact("version", &current.candidate.version));
        facts.push(fact("digest", &current.candidate.digest));
        facts.push(fact("deployment", &current.candidate.deployment));
        facts.push(fact("manifest_commit", &current.manifest_commit));
    }
    if let Some(written) = &slot.written {
        facts.push(fact("written_version", written));
    }
    if let Some(edit) = &slot.last_edit {
        facts.push(fact("manual_change_commit", &edit.commit));
        facts.push(fact(
            "manual_change_author",
            &format!("{} <{}>", edit.author_name, edit.author_email),
        ));
    }
    if let Some(unknown) = &slot.unknown {
        facts.push(fact("unknown_version", &unknown.version));
    }
    facts
}

fn slot_summary(slot: &slot::State, state: &str) -> String {
    let place = format!("{}/{}", slot.place.environment, slot.place.application);
    let runs = match &slot.current {
        Some(current) => format!("runs {}", current.candidate.version),
        None => "runs nothing that Towpath brought".to_owned(),
    };
    match &slot.unknown {
        Some(edit) => format!(
            "{place} {runs}; `{}` was written by hand by {} <{}> in {}, and nobody {} it: nothing was restarted.",
            edit.version,
            edit.author_name,
            edit.author_email,
            edit.commit,
            if edit.unapproved {
                "approved"
            } else {
                "reported"
            }
        ),
        None => format!("{place} {runs} and is {state}."),
    }
}

/// An event as a line of a story.
trait Told {
    fn told(&self) -> String;
}

impl Told for build::Event {
    fn told(&self) -> String {
        match self {
            Self::Reported(report) => format!("{} reported with {}", report.version, report.digest),
            Self::Routed(to) => {
                let names: Vec<_> = to.iter().map(|it| it.application.as_str()).collect();
                format!("goes to {}", names.join(", "))
            }
            Self::Kept => "kept for a release".into(),
            Self::Unmatched { .. } => "no application is made from it".into(),
            Self::Quarantined { digest } => format!("reported again with {digest}"),
        }
    }
}

impl Told for crate::domain::deployment::Event {
    fn told(&self) -> String {
        match self {
            Self::Created(it) => format!(
                "{} {} opened ({})",
                it.application,
                it.version,
                it.kind.as_str()
            ),
            Self::PromotionRequested { environment, .. } => {
                format!("the commit to {environment} is requested")
            }
            Self::StageReady(plan) => {
                format!("stage {} asks for approval by {}", plan.stage, plan.policy)
            }
            Self::StageStale { file, field, .. } => {
                format!("what was planned is stale: {file} changed {field}")
            }
            Self::StageApproved { stage, .. } => format!("stage {stage} is approved"),
            Self::StageRejected { stage, by, .. } => format!("stage {stage} was rejected by {by}"),
            Self::StageReopened { stage, .. } => {
                format!("stage {stage} asks for approval once more")
            }
            Self::Committed {
                environment,
                commit,
                file,
                already,
                ..
            } => {
                let how = if *already {
                    "already stands in"
                } else {
                    "written to"
                };
                format!("{how} {file} for {environment} by {commit}")
            }
            Self::Refused {
                environment,
                message,
                ..
            } => format!("{environment} refused: {message}"),
            Self::EnvironmentSucceeded { environment, .. } => format!("{environment} runs it"),
            Self::EnvironmentFailed {
                environment,
                message,
                ..
            } => format!("{environment} failed: {message}"),
            Self::EnvironmentSuperseded {
                environment,
                by,
                rule,
                ..
            } => {
                format!("superseded in {environment} by {by} ({})", rule.as_str())
            }
            Self::StageSucceeded { stage } => format!("stage {stage} is done"),
            Self::Ended(end) => match end {
                End::Success => "done".into(),
                End::Failed { message, .. } => format!("failed: {message}"),
                End::Superseded { by, rule } => format!("superseded by {by} ({})", rule.as_str()),
                End::Aborted { reason } => format!("aborted: {reason}"),
                End::Quarantined { message } => message.clone(),
                End::RolledBack { by } => format!("rolled back by {by}"),
            },
            Self::Retried { environment, .. } => format!("tried again in {environment}"),
        }
    }
}

impl Told for slot::Event {
    fn told(&self) -> String {
        match self {
            Self::Accepted {
                candidate,
                because,
                forced,
                ..
            } => match (because, forced) {
                (_, true) => format!(
                    "{} goes first ({})",
                    candidate.version, candidate.deployment
                ),
                (Some((rule, _)), _) => {
                    format!("{} is newer ({})", candidate.version, rule.as_str())
                }
                (None, _) => format!("{} is the first", candidate.version),
            },
            Self::Superseded {
                deployment,
                by,
                rule,
            } => {
                format!("{deployment} superseded by {by} ({})", rule.as_str())
            }
            Self::Started { deployment } => format!("{deployment} has the slot"),
            Self::Finished {
                deployment,
                outcome,
                ..
            } => format!("{deployment} {}", outcome.as_str()),
            Self::Edited { edit, .. } => format!(
                "`{}` written by hand by {} <{}> in {}",
                edit.version, edit.author_name, edit.author_email, edit.commit
            ),
            Self::Held(hold) => format!("held: {}", hold.reason),
            Self::Released { reason, .. } => format!("released: {reason}"),
        }
    }
}
