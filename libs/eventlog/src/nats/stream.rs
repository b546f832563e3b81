//! The stream that holds the log: its settings, and the line that says which log it is.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use ids::Uuid;
use serde_json::Value;

use super::error::{NUM_REPLICAS, OpenError};
use super::options::Options;
use super::policy::HEADER_BYTES;
use crate::log::{LogIdentity, MAX_COMMIT_BYTES};

/// How long the server remembers message ids. Every append is settled long before.
const DUPLICATES: Duration = Duration::from_mins(2);

/// A field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) field: String,
    pub(super) wanted: String,
    pub(super) found: String,
}

/// What a stream says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// The log, whole.
    Log(LogIdentity),
    /// A log that is being restored.
    Restoring(LogIdentity),
}

/// The settings of the stream. Nothing in it can be deleted, overwritten or dropped; a full disk
/// is an error of the writer, never the loss of the oldest commits.
pub(super) fn wanted(options: &Options, says: &Says) -> Config {
    let epoch = match says {
        Says::Log(identity) | Says::Restoring(identity) => identity.epoch,
    };
    Config {
        name: options.place.stream(epoch),
        description: Some(describe(says)),
        subjects: vec![options.place.subjects()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        num_replicas: options.replicas,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_bytes: -1,
        max_consumers: -1,
        max_message_size: i32::try_from(MAX_COMMIT_BYTES + HEADER_BYTES).unwrap_or(i32::MAX),
        duplicate_window: DUPLICATES,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

/// Compares every setting but name, description and where the copies are. More copies than
/// wanted are no difference.
pub(super) fn difference(wanted: &Config, found: &Config) -> Option<Difference> {
    const FREE: &[&str] = &["name", "description", "metadata", "placement", NUM_REPLICAS];
    if found.num_replicas < wanted.num_replicas {
        return Some(Difference {
            field: NUM_REPLICAS.into(),
            wanted: wanted.num_replicas.to_string(),
            found: found.num_replicas.to_string(),
        });
    }
    let (wanted, found) = (fields(wanted), fields(found));
    let names = wanted.keys().chain(found.keys());
    let mut names: Vec<_> = names.filter(|it| !FREE.contains(&it.as_str())).collect();
    names.sort();
    let differs = |name: &&&String| {
        let of = |fields: &serde_json::Map<String, Value>| {
            fields
                .get(name.as_str())
                .filter(|it| !is_unset(it))
                .cloned()
        };
        of(&wanted) != of(&found)
    };
    let name = names.iter().find(differs)?;
    let text = |fields: &serde_json::Map<String, Value>| {
        fields
            .get(name.as_str())
            .map_or_else(|| "unset".to_owned(), Value::to_string)
    };
    Some(Difference {
        field: (*name).clone(),
        wanted: text(&wanted),
        found: text(&found),
    })
}

/// Refuses a stream with other settings.
pub(super) fn check(wanted: &Config, found: &Config) -> Result<(), OpenError> {
    match difference(wanted, found) {
        None => Ok(()),
        Some(it) => Err(OpenError::Config {
            stream: found.name.clone(),
            field: it.field,
            wanted: it.wanted,
            found: it.found,
        }),
    }
}

fn fields(config: &Config) -> serde_json::Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(fields)) => fields,
        // A struct is an object.
        Ok(_) | Err(_) => serde_json::Map::new(),
    }
}

/// Servers write out some defaults and leave out others.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_i64() == Some(0),
        Value::String(it) => it.is_empty() || it == "none" || it == "default",
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.values().all(is_unset),
    }
}

/// The line that says which log it is; `description` is there on every server.
pub(super) fn describe(says: &Says) -> String {
    let (state, it) = match says {
        Says::Log(identity) => ("log", identity),
        Says::Restoring(identity) => ("restoring", identity),
    };
    format!(
        "towpath {state}={} epoch={} created_us={}",
        it.log_id, it.epoch, it.created_at_us
    )
}

/// Reads that line.
pub(super) fn says(config: &Config) -> Result<Says, OpenError> {
    let description = config.description.as_deref().unwrap_or_default();
    read(description).ok_or_else(|| OpenError::Identity {
        stream: config.name.clone(),
        found: description.to_owned(),
    })
}

fn read(description: &str) -> Option<Says> {
    let mut words = description.split(' ');
    if words.next()? != "towpath" {
        return None;
    }
    let (state, log_id) = words.next()?.split_once('=')?;
    let identity = LogIdentity {
        log_id: Uuid::try_parse(log_id).ok()?,
        epoch: words.next()?.strip_prefix("epoch=")?.parse().ok()?,
        created_at_us: words.next()?.strip_prefix("created_us=")?.parse().ok()?,
    };
    match state {
        "log" => Some(Says::Log(identity)),
        "restoring" => Some(Says::Restoring(identity)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Config);

    fn identity() -> LogIdentity {
        LogIdentity {
            log_id: Uuid::from_u128(5),
            epoch: 3,
            created_at_us: -7,
        }
    }

    #[test]
    fn a_stream_says_which_log_it_is() {
        for says in [Says::Log(identity()), Says::Restoring(identity())] {
            assert_eq!(read(&describe(&says)), Some(says));
        }
        for other in [
            "",
            "orders",
            "towpath log=5 epoch=1 created_us=0",
            "towpath log",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn every_setting_that_matters_is_compared() {
        let wanted = wanted(&Options::new("nats://unused"), &Says::Log(identity()));
        assert_eq!(difference(&wanted, &wanted), None);
        let found = |change: fn(&mut Config)| {
            let mut config = wanted.clone();
            change(&mut config);
            difference(&wanted, &config).map(|it| it.field)
        };
        let changes: [(Change, &str); 8] = [
            (|it| it.deny_purge = false, "deny_purge"),
            (|it| it.deny_delete = false, "deny_delete"),
            (|it| it.subjects.push("tp.more.>".into()), "subjects"),
            (|it| it.retention = RetentionPolicy::Interest, "retention"),
            (|it| it.discard = DiscardPolicy::Old, "discard"),
            (|it| it.max_age = Duration::from_hours(1), "max_age"),
            (|it| it.allow_message_ttl = true, "allow_msg_ttl"),
            (|it| it.num_replicas = 0, "num_replicas"),
        ];
        for (change, field) in changes {
            assert_eq!(found(change).as_deref(), Some(field));
        }
        assert_eq!(found(|it| it.num_replicas = 5), None);
        assert_eq!(found(|it| it.name = "TP_EVT_9".into()), None);
    }
}
