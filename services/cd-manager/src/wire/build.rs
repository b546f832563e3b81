//! Build events.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::delivery::v1 as pb;

use super::{Fields, bytes, message, name, opt_text, record, stages_from_wire, stages_to_wire};
use crate::domain::build::{Build, Event, Report};
use crate::domain::track::{Destination, Kind};

impl Codec for Build {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Reported(report) => record(
                "BuildReported",
                &pb::BuildReported {
                    definition: report.definition.clone(),
                    container: report.container.clone(),
                    version: report.version.to_string(),
                    release_type: report.release_type.to_string(),
                    digest: report.digest.to_string(),
                    registries: report.registries.clone(),
                    commit: opt_text(report.commit.as_ref()),
                    ci_run: report.ci_run.unwrap_or_default(),
                },
            ),
            Event::Routed(destinations) => record(
                "BuildRouted",
                &pb::BuildRouted {
                    destinations: destinations.iter().map(destination).collect(),
                },
            ),
            Event::Kept => record("BuildKept", &pb::BuildKept {}),
            Event::Unmatched { wanted_manifest } => record(
                "BuildUnmatched",
                &pb::BuildUnmatched {
                    wanted_manifest: wanted_manifest.clone(),
                },
            ),
            Event::Quarantined { digest } => record(
                "BuildQuarantined",
                &pb::BuildQuarantined {
                    digest: digest.to_string(),
                },
            ),
        }
    }

    fn decode(stored: &EventRecord) -> Result<Event, UnknownEvent> {
        let fields = Fields(stored);
        match name(stored)? {
            "BuildReported" => {
                let it: pb::BuildReported = message(stored)?;
                Ok(Event::Reported(Report {
                    definition: it.definition,
                    container: it.container,
                    version: fields.version(&it.version)?,
                    release_type: fields.word(it.release_type.parse().ok())?,
                    digest: fields.digest(&it.digest)?,
                    registries: it.registries,
                    commit: fields.opt_oid(&it.commit)?,
                    ci_run: (it.ci_run != 0).then_some(it.ci_run),
                }))
            }
            "BuildRouted" => {
                let it: pb::BuildRouted = message(stored)?;
                let destinations = it.destinations.into_iter().map(|it| {
                    Ok(Destination {
                        application: it.application,
                        application_set: it.application_set,
                        track: it.track,
                        kind: fields.word(Kind::parse(&it.kind))?,
                        stages: stages_from_wire(&fields, it.stages)?,
                        deployment: fields.uuid(&it.deployment_id)?,
                    })
                });
                Ok(Event::Routed(
                    destinations.collect::<Result<_, UnknownEvent>>()?,
                ))
            }
            "BuildKept" => Ok(Event::Kept),
            "BuildUnmatched" => {
                let it: pb::BuildUnmatched = message(stored)?;
                Ok(Event::Unmatched {
                    wanted_manifest: it.wanted_manifest,
                })
            }
            "BuildQuarantined" => {
                let it: pb::BuildQuarantined = message(stored)?;
                Ok(Event::Quarantined {
                    digest: fields.digest(&it.digest)?,
                })
            }
            _ => Err(fields.wrong()),
        }
    }
}

fn destination(it: &Destination) -> pb::Destination {
    pb::Destination {
        application: it.application.clone(),
        application_set: it.application_set.clone(),
        track: it.track.clone(),
        kind: it.kind.as_str().to_owned(),
        stages: stages_to_wire(&it.stages),
        deployment_id: bytes(it.deployment),
    }
}
