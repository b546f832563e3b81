//! Settings of the stream changed behind our back: the next start names the field.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};

use super::*;
use crate::checkpoint::Lie;
use crate::commit::Head;
use crate::conformance::{next, slot};
use crate::log::{AppendError, EventLog as _};
use crate::nats::api::Api;
use crate::nats::connect::connect;
use crate::nats::stream::{Says, wanted};
use crate::nats::{OpenError, Timeouts};

type Change = fn(&mut Config);

async fn operator(options: &Options) -> Result<Api, Trouble> {
    let (client, _) = connect(options).await?;
    Ok(Api::new(client, Timeouts::default()))
}

/// Makes a stream that differs in one setting, as an operator could, and opens it.
async fn refusal(servers: &Servers, change: Change) -> Result<OpenError, Trouble> {
    let options = fresh(servers);
    opened(&options).await?.close().await;
    let api = operator(&options).await?;
    let mut config = wanted(&options, &Says::Log(identity()));
    change(&mut config);
    api.delete(&config.name).await?;
    api.create(&config).await?;
    let refused = NatsLog::open(&options).await.err();
    let again = create(&options, &identity()).await.err();
    assert_eq!(refused, again, "a migration refuses it as well");
    refused.ok_or_else(|| "it was opened".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_setting_is_named_with_what_was_wanted() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let changes: [(Change, &str, &str, &str); 6] = [
        (|it| it.deny_purge = false, "deny_purge", "true", "unset"),
        (|it| it.deny_delete = false, "deny_delete", "true", "unset"),
        (
            |it| it.retention = RetentionPolicy::Interest,
            "retention",
            "limits",
            "interest",
        ),
        (
            |it| it.subjects.push("other.>".into()),
            "subjects",
            ".evt.>",
            "other.>",
        ),
        (
            |it| it.max_age = Duration::from_hours(1),
            "max_age",
            "0",
            "3600000000000",
        ),
        (
            |it| it.description = Some("orders".into()),
            "description",
            "",
            "orders",
        ),
    ];
    for (change, field, wanted, found) in changes {
        let text = refusal(&servers, change).await?.to_string();
        for part in [field, wanted, found] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_changed_under_an_open_log_halts_it() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let mut config = wanted(&options, &Says::Log(identity()));
    config.max_age = Duration::from_hours(1);
    operator(&options).await?.update(&config).await?;
    let mut halted = log.halted();
    let why = halted.wait_for(Option::is_some).await?.clone();
    assert!(why.is_some_and(|it| it.contains("max_age")));
    let refused = log.append(&next(&slot(1), &Head::NONE, "late")).await;
    assert!(
        matches!(refused, Err(AppendError::Lie(Lie::ConfigChanged { .. }))),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_without_the_log_says_what_to_run() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let refused = NatsLog::open(&fresh(&servers)).await.err();
    let text = refused.ok_or("it was opened")?.to_string();
    assert!(text.contains("towpath migrate"), "{text}");
    let mut away = Options::new("nats://127.0.0.1:1");
    away.timeouts.connect = Duration::ZERO;
    let refused = NatsLog::open(&away).await.err();
    assert!(
        matches!(refused, Some(OpenError::Unreachable { .. })),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test]
async fn creating_twice_keeps_the_first_identity() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let mut other = identity();
    other.log_id = ids::Uuid::from_u128(404);
    assert_eq!(create(&options, &identity()).await?, identity());
    assert_eq!(create(&options, &other).await?, identity());
    assert_eq!(NatsLog::open(&options).await?.identity().await?, identity());
    Ok(())
}

/// A server that takes only the default of 1 MiB with its headers would close the connection of
/// whoever appends the largest commit.
#[tokio::test]
async fn a_server_with_too_small_messages_is_refused() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "max_payload: 1MB")?;
    let refused = create(&fresh(&servers), &identity()).await.err();
    assert!(
        matches!(refused, Some(OpenError::MaxPayload { .. })),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test]
async fn fewer_copies_than_configured_are_a_matter_of_the_setting() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let mut options = fresh(&servers);
    opened(&options).await?.close().await;
    options.replicas = 3;
    let refused = NatsLog::open(&options).await.err();
    let text = refused.ok_or("it was opened")?.to_string();
    assert!(
        text.contains("`[log] replicas`") && !text.contains("restore the log"),
        "{text}"
    );
    Ok(())
}
