//! What follows when a command meets a release.

use ids::Version;

use super::state::{Item, Pass, Release, Step, Tagged, tag_base};
use super::{Command, Event, Rejection};

pub(super) fn decide(
    release: Option<&Release>,
    command: &Command,
) -> Result<Vec<Event>, Rejection> {
    if let Command::Create {
        application_set,
        bundle,
        track,
        items,
    } = command
    {
        return create(release, application_set, bundle, track, items);
    }
    let release = release.ok_or(Rejection::Unknown)?;
    // Whatever comes late for a pass that is not the last one changes nothing.
    let last = release.last();
    let Some(pass) = last.filter(|it| Some(it.ordinal) == command.ordinal()) else {
        return Ok(vec![]);
    };
    let ordinal = pass.ordinal;
    Ok(match command {
        Command::Number { number, .. } if pass.number.is_none() => vec![Event::Numbered {
            ordinal,
            number: *number,
            tag: tag(&release.tag_base(), *number)?,
        }],
        Command::RecordTag { tagged, .. } if pass.step == Step::Tagging => {
            record_tag(release, pass, tagged)
        }
        Command::Refuse {
            application,
            registry,
            code,
            message,
            ..
        } if pass.step == Step::Tagging => vec![Event::Refused {
            ordinal,
            application: application.clone(),
            registry: registry.clone(),
            code: code.clone(),
            message: message.clone(),
        }],
        Command::RecordEnd { ended, .. } if pass.step == Step::Promoting => vec![match ended {
            Ok(()) => Event::Succeeded { ordinal },
            Err((outcome, message)) => Event::Failed {
                ordinal,
                outcome: *outcome,
                message: message.clone(),
            },
        }],
        Command::Resume { .. } if matches!(pass.step, Step::Failed { .. }) => {
            vec![Event::Resumed { ordinal }]
        }
        Command::Create { .. }
        | Command::Number { .. }
        | Command::RecordTag { .. }
        | Command::Refuse { .. }
        | Command::RecordEnd { .. }
        | Command::Resume { .. } => vec![],
    })
}

impl Command {
    fn ordinal(&self) -> Option<u32> {
        match self {
            Self::Create { .. } => None,
            Self::Number { ordinal, .. }
            | Self::RecordTag { ordinal, .. }
            | Self::Refuse { ordinal, .. }
            | Self::RecordEnd { ordinal, .. }
            | Self::Resume { ordinal } => Some(*ordinal),
        }
    }
}

fn create(
    release: Option<&Release>,
    application_set: &str,
    bundle: &str,
    track: &str,
    items: &[Item],
) -> Result<Vec<Event>, Rejection> {
    if items.is_empty() {
        return Err(Rejection::Empty);
    }
    if let Some(nowhere) = items.iter().find(|it| it.registries.is_empty()) {
        return Err(Rejection::NoRegistry(nowhere.application.clone()));
    }
    // No later number makes a tag longer than this one.
    tag(&tag_base(application_set, bundle), u32::MAX)?;
    let begun = |ordinal| Event::PassBegun {
        ordinal,
        items: items.to_vec(),
    };
    let Some(last) = release.and_then(Release::last) else {
        let created = Event::Created {
            application_set: application_set.to_owned(),
            bundle: bundle.to_owned(),
            track: track.to_owned(),
        };
        return Ok(vec![created, begun(0)]);
    };
    match &last.step {
        Step::Tagging | Step::Promoting => Err(Rejection::Underway(last.name())),
        Step::Succeeded => Err(Rejection::Released(last.name())),
        Step::Refused { .. } | Step::Failed { .. } => Ok(vec![begun(last.ordinal + 1)]),
    }
}

fn tag(base: &str, number: u32) -> Result<Version, Rejection> {
    Version::parse(&format!("{base}-rc.{number}"))
        .map_err(|invalid| Rejection::NoTag(invalid.to_string()))
}

/// The last tag makes the candidate ready, in the same commit.
fn record_tag(release: &Release, pass: &Pass, tagged: &Tagged) -> Vec<Event> {
    let ordinal = pass.ordinal;
    let is_this = |item: &Item, registry: &str| {
        item.application == tagged.application && registry == tagged.registry
    };
    let left: Vec<_> = pass.untagged().collect();
    let is_wanted = left.iter().any(|(item, registry)| is_this(item, registry));
    let (true, Some(tag)) = (is_wanted, &pass.tag) else {
        return vec![];
    };
    let mut events = vec![Event::Tagged {
        ordinal,
        tagged: tagged.clone(),
    }];
    if left.iter().all(|(item, registry)| is_this(item, registry)) {
        events.push(Event::Ready {
            ordinal,
            application_set: release.application_set.clone(),
            bundle: release.bundle.clone(),
            tag: tag.clone(),
            items: pass.items.clone(),
        });
    }
    events
}
