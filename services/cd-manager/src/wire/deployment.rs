//! Deployment events.

use eventlog::{Codec, EventRecord, UnknownEvent};
use ids::{Digest, Oid, Uuid};
use proto::delivery::v1 as pb;

use super::{
    Fields, bytes, message, name, opt_text, record, review, stages_from_wire, stages_to_wire,
};
use crate::domain::deployment::{Created, Decisions, End, Event};
use crate::domain::order::Rule;
use crate::domain::track::Kind;

impl Codec for Decisions {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Created(created) => record("DeploymentCreated", &created_to_wire(created)),
            Event::PromotionRequested {
                stage,
                environment,
                attempt,
                since,
                plan,
            } => requested(
                (stage, environment, *attempt),
                since.as_ref(),
                plan.as_ref(),
            ),
            Event::StageReady(plan) => review::ready(plan),
            Event::StageStale {
                stage,
                environments,
                revision,
                plan,
                file,
                field,
            } => review::stale((stage, environments), (*revision, plan), (file, field)),
            Event::StageApproved {
                stage,
                revision,
                plan,
                round,
            } => review::approved(stage, *revision, plan, *round),
            Event::StageReopened {
                stage,
                environments,
                revision,
                plan,
                round,
            } => review::reopened((stage, environments), (*revision, plan), *round),
            Event::StageRejected {
                stage,
                environments,
                revision,
                plan,
                round,
                by,
                comment,
                spoke_for,
            } => review::rejected(
                (stage, environments),
                (*revision, plan, *round),
                (by, comment, spoke_for),
            ),
            Event::Committed {
                stage,
                environment,
                commit,
                file,
                already,
                attempt,
            } => committed((stage, environment, *attempt), (commit, file), *already),
            Event::Refused {
                stage,
                environment,
                code,
                message,
            } => refused(stage, environment, code, message),
            Event::EnvironmentSucceeded {
                stage,
                environment,
                run,
                url,
            } => succeeded(stage, environment, *run, url),
            Event::EnvironmentFailed {
                stage,
                environment,
                run,
                message,
            } => failed(stage, environment, *run, message),
            Event::EnvironmentSuperseded {
                stage,
                environment,
                by,
                rule,
            } => superseded(stage, environment, *by, *rule),
            Event::StageSucceeded { stage } => {
                let stage = stage.clone();
                record("StageSucceeded", &pb::StageSucceeded { stage })
            }
            Event::Ended(end) => ended(end),
            Event::Retried {
                environment,
                attempt,
            } => record(
                "DeploymentRetried",
                &pb::DeploymentRetried {
                    environment: environment.clone(),
                    attempt: *attempt,
                },
            ),
        }
    }

    fn decode(stored: &EventRecord) -> Result<Event, UnknownEvent> {
        let fields = Fields(stored);
        let name = name(stored)?;
        if let Some(end) = end_from_wire(&fields, name)? {
            return Ok(Event::Ended(end));
        }
        if let Some(event) = review::from_wire(&fields, name)? {
            return Ok(event);
        }
        match name {
            "DeploymentCreated" => created_from_wire(&fields, message(stored)?).map(Event::Created),
            "PromotionRequested" => {
                let it: pb::PromotionRequested = message(stored)?;
                Ok(Event::PromotionRequested {
                    stage: it.stage,
                    environment: it.environment,
                    attempt: it.attempt,
                    since: fields.opt_oid(&it.since)?,
                    plan: fields.opt_digest(&it.plan_digest)?,
                })
            }
            "ManifestCommitted" => {
                let it: pb::ManifestCommitted = message(stored)?;
                Ok(Event::Committed {
                    stage: it.stage,
                    environment: it.environment,
                    commit: fields.oid(&it.commit)?,
                    file: it.file,
                    already: it.already,
                    attempt: it.attempt,
                })
            }
            "PromotionRefused" => {
                let it: pb::PromotionRefused = message(stored)?;
                let (stage, environment) = (it.stage, it.environment);
                Ok(Event::Refused {
                    stage,
                    environment,
                    code: it.code,
                    message: it.message,
                })
            }
            "EnvironmentSucceeded" => {
                let it: pb::EnvironmentSucceeded = message(stored)?;
                let run = fields.uuid(&it.run_id)?;
                Ok(Event::EnvironmentSucceeded {
                    stage: it.stage,
                    environment: it.environment,
                    run,
                    url: it.url,
                })
            }
            "EnvironmentFailed" => {
                let it: pb::EnvironmentFailed = message(stored)?;
                let (run, message) = (fields.uuid(&it.run_id)?, it.message);
                Ok(Event::EnvironmentFailed {
                    stage: it.stage,
                    environment: it.environment,
                    run,
                    message,
                })
            }
            "EnvironmentSuperseded" => {
                let it: pb::EnvironmentSuperseded = message(stored)?;
                Ok(Event::EnvironmentSuperseded {
                    stage: it.stage,
                    environment: it.environment,
                    by: fields.uuid(&it.by)?,
                    rule: fields.word(Rule::parse(&it.rule))?,
                })
            }
            "StageSucceeded" => {
                let it: pb::StageSucceeded = message(stored)?;
                Ok(Event::StageSucceeded { stage: it.stage })
            }
            "DeploymentRetried" => {
                let it: pb::DeploymentRetried = message(stored)?;
                Ok(Event::Retried {
                    environment: it.environment,
                    attempt: it.attempt,
                })
            }
            _ => Err(fields.wrong()),
        }
    }
}

fn requested(
    (stage, environment, attempt): (&str, &str, u32),
    since: Option<&Oid>,
    plan: Option<&Digest>,
) -> EventRecord {
    let message = pb::PromotionRequested {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        attempt,
        since: opt_text(since),
        plan_digest: plan.map(ToString::to_string).unwrap_or_default(),
    };
    record("PromotionRequested", &message)
}

fn committed(
    (stage, environment, attempt): (&str, &str, u32),
    (commit, file): (&Oid, &str),
    already: bool,
) -> EventRecord {
    let message = pb::ManifestCommitted {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        commit: commit.to_string(),
        file: file.to_owned(),
        already,
        attempt,
    };
    record("ManifestCommitted", &message)
}

fn refused(stage: &str, environment: &str, code: &str, message: &str) -> EventRecord {
    let message = pb::PromotionRefused {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
    };
    record("PromotionRefused", &message)
}

fn succeeded(stage: &str, environment: &str, run: Uuid, url: &str) -> EventRecord {
    let message = pb::EnvironmentSucceeded {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        run_id: bytes(run),
        url: url.to_owned(),
    };
    record("EnvironmentSucceeded", &message)
}

fn failed(stage: &str, environment: &str, run: Uuid, message: &str) -> EventRecord {
    let message = pb::EnvironmentFailed {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        run_id: bytes(run),
        message: message.to_owned(),
    };
    record("EnvironmentFailed", &message)
}

fn superseded(stage: &str, environment: &str, by: Uuid, rule: Rule) -> EventRecord {
    let message = pb::EnvironmentSuperseded {
        stage: stage.to_owned(),
        environment: environment.to_owned(),
        by: bytes(by),
        rule: rule.as_str().to_owned(),
    };
    record("EnvironmentSuperseded", &message)
}

fn ended(end: &End) -> EventRecord {
    match end {
        End::Success => record("DeploymentSucceeded", &pb::DeploymentSucceeded {}),
        End::Failed {
            environment,
            message,
        } => record(
            "DeploymentFailed",
            &pb::DeploymentFailed {
                environment: environment.clone(),
                message: message.clone(),
            },
        ),
        End::Superseded { by, rule } => record(
            "DeploymentSuperseded",
            &pb::DeploymentSuperseded {
                by: bytes(*by),
                rule: rule.as_str().to_owned(),
            },
        ),
        End::Aborted { reason } => record(
            "DeploymentAborted",
            &pb::DeploymentAborted {
                reason: reason.clone(),
            },
        ),
        End::Quarantined { message } => record(
            "DeploymentQuarantined",
            &pb::DeploymentQuarantined {
                message: message.clone(),
            },
        ),
        End::RolledBack { by } => record(
            "DeploymentRolledBack",
            &pb::DeploymentRolledBack { by: bytes(*by) },
        ),
    }
}

fn end_from_wire(fields: &Fields<'_>, name: &str) -> Result<Option<End>, UnknownEvent> {
    let stored = fields.0;
    Ok(Some(match name {
        "DeploymentSucceeded" => End::Success,
        "DeploymentFailed" => {
            let it: pb::DeploymentFailed = message(stored)?;
            End::Failed {
                environment: it.environment,
                message: it.message,
            }
        }
        "DeploymentSuperseded" => {
            let it: pb::DeploymentSuperseded = message(stored)?;
            End::Superseded {
                by: fields.uuid(&it.by)?,
                rule: fields.word(Rule::parse(&it.rule))?,
            }
        }
        "DeploymentAborted" => {
            let it: pb::DeploymentAborted = message(stored)?;
            End::Aborted { reason: it.reason }
        }
        "DeploymentQuarantined" => {
            let it: pb::DeploymentQuarantined = message(stored)?;
            End::Quarantined {
                message: it.message,
            }
        }
        "DeploymentRolledBack" => {
            let it: pb::DeploymentRolledBack = message(stored)?;
            End::RolledBack {
                by: fields.uuid(&it.by)?,
            }
        }
        _ => return Ok(None),
    }))
}

fn created_to_wire(it: &Created) -> pb::DeploymentCreated {
    pb::DeploymentCreated {
        build_id: bytes(it.build),
        application: it.application.clone(),
        application_set: it.application_set.clone(),
        track: it.track.clone(),
        kind: it.kind.as_str().to_owned(),
        stages: stages_to_wire(&it.stages),
        definition: it.definition.clone(),
        container: it.container.clone(),
        version: it.version.to_string(),
        digest: it.digest.to_string(),
        registries: it.registries.clone(),
        commit: opt_text(it.commit.as_ref()),
        ci_run: it.ci_run.unwrap_or_default(),
        reported_at_position: it.reported_at,
        reason: it.reason.clone(),
        replaces: it.replaces.clone(),
    }
}

fn created_from_wire(
    fields: &Fields<'_>,
    it: pb::DeploymentCreated,
) -> Result<Created, UnknownEvent> {
    Ok(Created {
        build: fields.uuid(&it.build_id)?,
        application: it.application,
        application_set: it.application_set,
        track: it.track,
        kind: fields.word(Kind::parse(&it.kind))?,
        stages: stages_from_wire(fields, it.stages)?,
        definition: it.definition,
        container: it.container,
        version: fields.version(&it.version)?,
        digest: fields.digest(&it.digest)?,
        registries: it.registries,
        commit: fields.opt_oid(&it.commit)?,
        ci_run: (it.ci_run != 0).then_some(it.ci_run),
        reported_at: it.reported_at_position,
        reason: it.reason,
        replaces: it.replaces,
    })
}
