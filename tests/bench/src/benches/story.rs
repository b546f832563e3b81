//! Deployments as they go in real life, decided by the domain itself.

use anyhow::{Result, anyhow};
use cd_manager::domain::build::{Build, Command as Reported, Report, Routing};
use cd_manager::domain::deployment::{self, Created, Decisions};
use cd_manager::domain::order::{Rule, Verdict};
use cd_manager::domain::slot::{self, Candidate, Outcome, Place, Slot};
use cd_manager::domain::track::{Destination, Kind, Stage};
use eventlog::{Codec, Context, EventLog, LogIdentity, MemLog, Repository, decider::Decider};
use ids::{Digest, Oid, ReleaseType, Uuid, Version, derive};
use std::fmt::Display;
use std::sync::Arc;

use crate::ground::{ENVIRONMENT, NOW_US, application};

/// The log of the benches.
pub(super) fn identity() -> LogIdentity {
    LogIdentity {
        log_id: derive::id("log", &["bench"]),
        epoch: 1,
        created_at_us: NOW_US,
    }
}

/// Who acts, a little later each time.
pub(super) fn context(number: usize) -> Context {
    Context {
        actor: "cd-manager".to_owned(),
        now_us: NOW_US + i64::try_from(number).unwrap_or_default(),
        idempotency: None,
        correlation: None,
        causation: None,
    }
}

/// The report of a build of an application.
pub(super) fn report(application: &str, number: usize) -> (Uuid, Reported) {
    let version = format!("1.0.{number}");
    let id = derive::build(application, application, &version);
    let destination = Destination {
        application: application.to_owned(),
        application_set: "storefront".to_owned(),
        track: "main".to_owned(),
        kind: Kind::PreRelease,
        stages: stages(),
        deployment: derive::deployment(id, application, Kind::PreRelease.as_str(), 0),
    };
    let report = Report {
        definition: application.to_owned(),
        container: application.to_owned(),
        release_type: ReleaseType::Latest,
        digest: Digest::of(version.as_bytes()),
        version: Version::parse(&version).expect("three numbers are a version"),
        registries: vec!["local".to_owned()],
        commit: Some(oid(number)),
        ci_run: None,
    };
    let routing = Routing::To(vec![destination]);
    (id, Reported { report, routing })
}

fn stages() -> Vec<Stage> {
    vec![Stage::new(0, vec![ENVIRONMENT.to_owned()])]
}

fn oid(number: usize) -> Oid {
    Oid::parse(&format!("{number:040x}")).expect("forty hex digits are an object id")
}

/// A log of this many deployments of this many applications, all of which succeeded.
pub(super) async fn log(deployments: usize, applications: usize) -> Result<Arc<dyn EventLog>> {
    let mut story = Story::new(applications);
    for _ in 0..deployments {
        story.go_on().await?;
    }
    Ok(story.log)
}

/// Deployments of some applications, in turns, all of which succeed.
pub(super) struct Story {
    /// What was told so far.
    pub(super) log: Arc<dyn EventLog>,
    teller: Teller,
    newest: Vec<Option<Uuid>>,
    told: usize,
}

impl Story {
    pub(super) fn new(applications: usize) -> Self {
        let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
        let teller = Teller {
            builds: Repository::new(Arc::clone(&log)),
            deployments: Repository::new(Arc::clone(&log)),
            slots: Repository::new(Arc::clone(&log)),
        };
        Self {
            log,
            teller,
            newest: vec![None; applications],
            told: 0,
        }
    }

    /// One more deployment.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        let (number, at) = (self.told, self.told % self.newest.len());
        let (name, newest) = (application(at), self.newest[at]);
        self.newest[at] = Some(self.teller.tell(&name, number, newest).await?);
        self.told += 1;
        Ok(())
    }
}

struct Teller {
    builds: Repository<Build>,
    deployments: Repository<Decisions>,
    slots: Repository<Slot>,
}

impl Teller {
    /// From the report to success; the deployment.
    async fn tell(&self, application: &str, number: usize, newest: Option<Uuid>) -> Result<Uuid> {
        let (build, reported) = report(application, number);
        let position = execute(&self.builds, build, number, &reported).await?;
        let id = derive::deployment(build, application, Kind::PreRelease.as_str(), 0);
        let created = created(build, application, reported.report, position);
        let place = Place {
            environment: ENVIRONMENT.to_owned(),
            application: application.to_owned(),
        };
        let slot = derive::slot(ENVIRONMENT, application);
        let [create, request, record, outcome] = of_deployment(id, &created, number);
        let [offer, start, finish] = of_slot(created.candidate(id), place, newest, number);
        execute(&self.deployments, id, number, &create).await?;
        execute(&self.slots, slot, number, &offer).await?;
        execute(&self.slots, slot, number, &start).await?;
        execute(&self.deployments, id, number, &request).await?;
        execute(&self.deployments, id, number, &record).await?;
        execute(&self.deployments, id, number, &outcome).await?;
        execute(&self.slots, slot, number, &finish).await?;
        Ok(id)
    }
}

async fn execute<D>(
    all: &Repository<D>,
    id: Uuid,
    number: usize,
    command: &D::Command,
) -> Result<u64>
where
    D: Decider + Codec<Event = <D as Decider>::Event>,
    D::State: Send + Sync,
    <D as Decider>::Event: Send + Sync,
    D::Command: Sync,
    D::Rejection: Send + Display,
{
    let done = all.execute(id, &context(number), command).await;
    let position = done.map_err(|error| anyhow!("{error}"))?.position;
    position
        .map(|it| it.0)
        .ok_or_else(|| anyhow!("a {} was told something that changes nothing", D::KIND))
}

fn created(build: Uuid, application: &str, report: Report, reported_at: u64) -> Created {
    Created {
        build,
        application: application.to_owned(),
        application_set: "storefront".to_owned(),
        track: "main".to_owned(),
        kind: Kind::PreRelease,
        stages: stages(),
        definition: report.definition,
        container: report.container,
        version: report.version,
        digest: report.digest,
        registries: report.registries,
        commit: report.commit,
        ci_run: report.ci_run,
        reported_at,
        reason: String::new(),
        replaces: String::new(),
    }
}

fn of_deployment(id: Uuid, created: &Created, number: usize) -> [deployment::Command; 4] {
    let environment = || ENVIRONMENT.to_owned();
    [
        deployment::Command::Create(created.clone()),
        deployment::Command::RequestPromotion {
            environment: environment(),
            since: Some(oid(number)),
            plan: None,
        },
        deployment::Command::RecordCommit {
            environment: environment(),
            commit: oid(number),
            file: crate::ground::config_file(&created.application),
            already: false,
        },
        deployment::Command::RecordOutcome {
            environment: environment(),
            run: derive::run(id, ENVIRONMENT, 0),
            attempt: 0,
            outcome: Ok("http://127.0.0.1:20000/".to_owned()),
        },
    ]
}

fn of_slot(
    candidate: Candidate,
    place: Place,
    newest: Option<Uuid>,
    number: usize,
) -> [slot::Command; 3] {
    let verdict = Verdict {
        is_newer: true,
        rule: Rule::ReportOrder,
    };
    let deployment = candidate.deployment;
    [
        slot::Command::Offer {
            place,
            candidate,
            compared: newest.map(|it| (it, verdict)),
        },
        slot::Command::Start {
            deployment,
            now_us: NOW_US,
            held_above: None,
        },
        slot::Command::Finish {
            deployment,
            outcome: Outcome::Succeeded,
            manifest_commit: oid(number).to_string(),
        },
    ]
}
