//! Pull request events as they are stored; the only place that knows both forms.

use std::collections::BTreeSet;

use decider::Decider as _;
use eventlog::{Codec, Consumed, EventRecord, Stored, UnknownEvent};
use ids::{Oid, RepositoryName};
use prost::Message;
use proto::forge::v1 as pb;

use crate::domain::label::Label;
use crate::domain::pull_request::{Event, Key, Merge, Observed, PullRequests, Status};
use crate::process::Fact;

/// What the name of every event of this role begins with.
pub const PACKAGE: &str = "towpath.forge.v1.";

/// What this role does about events of others: nothing.
pub const CONSUMES: &[Consumed] = &[];

impl Codec for PullRequests {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Heard {
                key,
                delivery,
                action,
                sender,
            } => record(
                "PullRequestHeard",
                &pb::PullRequestHeard {
                    repository: key.repository.to_string(),
                    number: key.number,
                    delivery: delivery.clone(),
                    action: action.clone(),
                    sender: sender.clone(),
                },
            ),
            Event::Observed(it) => record(
                "PullRequestObserved",
                &pb::PullRequestObserved {
                    heard: it.heard,
                    title: it.title.clone(),
                    state: it.status.as_str().to_owned(),
                    base: it.base.clone(),
                    head: it.head.clone(),
                    labels: it.labels.clone(),
                },
            ),
            Event::Derived { title, label } => record(
                "LabelDerived",
                &pb::LabelDerived {
                    title: title.clone(),
                    label: text(*label),
                },
            ),
            Event::Overridden { labels, by } => record(
                "LabelOverridden",
                &pb::LabelOverridden {
                    labels: texts(labels),
                    by: by.clone(),
                },
            ),
            Event::TakenOff { label, by } => record(
                "LabelTakenOff",
                &pb::LabelTakenOff {
                    label: label.to_string(),
                    by: by.clone(),
                },
            ),
            Event::ChangeRequested { add, remove } => record(
                "LabelChangeRequested",
                &pb::LabelChangeRequested {
                    add: text(*add),
                    remove: texts(remove),
                },
            ),
            Event::Applied(label) => {
                let label = label.to_string();
                record("LabelApplied", &pb::LabelApplied { label })
            }
            Event::Removed(label) => {
                let label = label.to_string();
                record("LabelRemoved", &pb::LabelRemoved { label })
            }
            Event::Merged { key, merge } => record("PullRequestMerged", &merged(key, merge)),
        }
    }

    fn decode(stored: &EventRecord) -> Result<Event, UnknownEvent> {
        let fields = Fields(stored);
        let (Some(name), 1) = (stored.kind.strip_prefix(PACKAGE), stored.schema) else {
            return Err(unknown(stored));
        };
        Ok(match name {
            "PullRequestHeard" => {
                let it: pb::PullRequestHeard = message(stored)?;
                Event::Heard {
                    key: fields.key(&it.repository, it.number)?,
                    delivery: it.delivery,
                    action: it.action,
                    sender: it.sender,
                }
            }
            "PullRequestObserved" => {
                let it: pb::PullRequestObserved = message(stored)?;
                Event::Observed(Observed {
                    heard: it.heard,
                    title: it.title,
                    status: Status::parse(&it.state).ok_or_else(|| unknown(stored))?,
                    base: it.base,
                    head: it.head,
                    labels: it.labels,
                })
            }
            "LabelDerived" => {
                let it: pb::LabelDerived = message(stored)?;
                Event::Derived {
                    title: it.title,
                    label: fields.opt_label(&it.label)?,
                }
            }
            "LabelOverridden" => {
                let it: pb::LabelOverridden = message(stored)?;
                Event::Overridden {
                    labels: fields.labels(&it.labels)?,
                    by: it.by,
                }
            }
            "LabelTakenOff" => {
                let it: pb::LabelTakenOff = message(stored)?;
                Event::TakenOff {
                    label: fields.label(&it.label)?,
                    by: it.by,
                }
            }
            "LabelChangeRequested" => {
                let it: pb::LabelChangeRequested = message(stored)?;
                Event::ChangeRequested {
                    add: fields.opt_label(&it.add)?,
                    remove: fields.labels(&it.remove)?,
                }
            }
            "LabelApplied" => {
                let it: pb::LabelApplied = message(stored)?;
                Event::Applied(fields.label(&it.label)?)
            }
            "LabelRemoved" => {
                let it: pb::LabelRemoved = message(stored)?;
                Event::Removed(fields.label(&it.label)?)
            }
            "PullRequestMerged" => fields.merged(message(stored)?)?,
            _ => return Err(unknown(stored)),
        })
    }
}

fn merged(key: &Key, it: &Merge) -> pb::PullRequestMerged {
    pb::PullRequestMerged {
        repository: key.repository.to_string(),
        number: key.number,
        title: it.title.clone(),
        base: it.base.clone(),
        head: it.head.clone(),
        merge_commit: it.commit.as_ref().map(Oid::to_string).unwrap_or_default(),
        labels: it.labels.clone(),
        merged_at_us: it.merged_at_us,
        as_told: it.as_told,
        breaks: it.breaks.clone(),
    }
}

fn text(label: Option<Label>) -> String {
    label.map(|it| it.to_string()).unwrap_or_default()
}

fn texts(labels: &BTreeSet<Label>) -> Vec<String> {
    labels.iter().map(Label::to_string).collect()
}

/// What a commit means here; commits of other roles mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let commit = &stored.commit;
    if commit.aggregate.kind() != PullRequests::KIND {
        return Ok(vec![]);
    }
    let id = commit.aggregate.id();
    let fact = |event| Fact { id, event };
    let events = commit.events.iter().map(PullRequests::decode);
    events.map(|it| it.map(fact)).collect()
}

fn record(name: &str, message: &impl Message) -> EventRecord {
    EventRecord {
        kind: format!("{PACKAGE}{name}"),
        schema: 1,
        payload: message.encode_to_vec().into(),
    }
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

/// Reads fields of one record; anything that cannot be a valid value makes the record unknown.
struct Fields<'a>(&'a EventRecord);

impl Fields<'_> {
    fn key(&self, repository: &str, number: u64) -> Result<Key, UnknownEvent> {
        let repository = RepositoryName::parse(repository).map_err(|_| unknown(self.0))?;
        Ok(Key { repository, number })
    }

    fn label(&self, text: &str) -> Result<Label, UnknownEvent> {
        Label::parse(text).ok_or_else(|| unknown(self.0))
    }

    fn opt_label(&self, text: &str) -> Result<Option<Label>, UnknownEvent> {
        if text.is_empty() {
            return Ok(None);
        }
        self.label(text).map(Some)
    }

    fn labels(&self, texts: &[String]) -> Result<BTreeSet<Label>, UnknownEvent> {
        texts.iter().map(|it| self.label(it)).collect()
    }

    fn merged(&self, it: pb::PullRequestMerged) -> Result<Event, UnknownEvent> {
        let commit = if it.merge_commit.is_empty() {
            None
        } else {
            Some(Oid::parse(&it.merge_commit).map_err(|_| unknown(self.0))?)
        };
        Ok(Event::Merged {
            key: self.key(&it.repository, it.number)?,
            merge: Merge {
                title: it.title,
                base: it.base,
                head: it.head,
                commit,
                labels: it.labels,
                breaks: it.breaks,
                merged_at_us: it.merged_at_us,
                as_told: it.as_told,
            },
        })
    }
}

fn unknown(record: &EventRecord) -> UnknownEvent {
    UnknownEvent::new(
        record,
        "not an event that this binary knows, or a field that cannot be read",
    )
}

#[cfg(test)]
mod tests;
