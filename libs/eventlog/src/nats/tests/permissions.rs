//! What the server refuses a role, with the configuration that is shipped.

use std::time::Duration;

use async_nats::{Event, ServerError};
use tokio::sync::mpsc;

use super::*;
use crate::commit::{Head, SealedCommit};
use crate::conformance::draft;
use crate::log::{AppendError, EventLog as _, Position};
use crate::nats::Place;
use crate::nats::permissions::{OPERATOR, Secret, authorization, users};
use ids::{AggregateId, Uuid};

fn as_user(servers: &Servers, user: &str) -> Options {
    let mut options = servers.options();
    options.user = Some(user.to_owned());
    options.password = Some(format!("secret-of-{user}"));
    options.timeouts.request = Duration::from_millis(500);
    options
}

fn guarded() -> Result<Servers, Trouble> {
    let with_secrets: Vec<_> = users(&Place::default())
        .into_iter()
        .map(|it| {
            let secret = Secret::Plain(format!("secret-of-{}", it.name));
            (it, secret)
        })
        .collect();
    Servers::start(Kind::Current, 1, &authorization(&with_secrets))
}

fn commit(kind: &str) -> SealedCommit {
    let aggregate = AggregateId::new(kind, Uuid::from_u128(1));
    SealedCommit::seal(draft(&aggregate, "first"), &Head::NONE, identity().epoch)
}

/// A bare client of a user, and the server's refusals.
async fn bare(
    options: &Options,
) -> Result<(async_nats::Client, mpsc::UnboundedReceiver<String>), Trouble> {
    let (send, refusals) = mpsc::unbounded_channel();
    let client = async_nats::ConnectOptions::new()
        .user_and_password(
            options.user.clone().unwrap_or_default(),
            options.password.clone().unwrap_or_default(),
        )
        .custom_inbox_prefix(options.inbox())
        .event_callback(move |event| {
            let send = send.clone();
            async move {
                if let Event::ServerError(ServerError::Other(text)) = event {
                    let _closed = send.send(text).is_err();
                }
            }
        })
        .connect(&options.servers[..])
        .await?;
    Ok((client, refusals))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_writes_its_own_kinds_and_reads_everything() -> Result<(), Trouble> {
    let servers = guarded()?;
    create(&as_user(&servers, OPERATOR), &identity()).await?;
    let manager = NatsLog::open(&as_user(&servers, "cd-manager")).await?;
    let ledger = NatsLog::open(&as_user(&servers, "approval-ledger")).await?;
    manager.append(&commit("build")).await?;
    ledger.append(&commit("approval")).await?;
    let mut subscription = manager.subscribe(Position(0)).await?;
    assert_eq!(subscription.batch(1).await?[0].commit, commit("build"));
    assert_eq!(subscription.batch(1).await?[0].commit, commit("approval"));
    let foreign = commit("checkpoint");
    let refused = manager.append(&foreign).await;
    assert!(
        matches!(&refused, Err(AppendError::Forbidden(why)) if why.contains("tp.evt.checkpoint")),
        "{refused:?}"
    );
    assert!(ledger.head(&foreign.aggregate).await? == Head::NONE);
    let mut unknown = as_user(&servers, "cd-manager");
    unknown.password = Some("wrong".into());
    let refused = NatsLog::open(&unknown).await.err();
    let text = refused.ok_or("it was opened")?.to_string();
    assert!(
        text.contains("cd-manager") && !text.contains("wrong"),
        "{text}"
    );
    assert!(text.contains("`[log] user`"), "{text}");
    Ok(())
}

/// The server leaves a question that is not allowed unanswered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_another_role_is_named_with_the_setting() -> Result<(), Trouble> {
    let servers = guarded()?;
    let mut options = as_user(&servers, "cd-manager");
    options.timeouts.patience = Duration::from_secs(2);
    let refused = create(&options, &identity()).await.err();
    let text = refused.ok_or("it was created")?.to_string();
    for part in ["`cd-manager`", "`[log] user`", "STREAM.CREATE"] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    let manager = as_user(&servers, "cd-manager");
    create(&as_user(&servers, OPERATOR), &identity()).await?;
    let log = NatsLog::open(&manager).await?;
    let refused = log.append(&commit("approval")).await;
    let text = refused.err().ok_or("it was stored")?.to_string();
    assert!(text.contains("`[log] user`"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_refuses_a_role_everything_else() -> Result<(), Trouble> {
    let servers = guarded()?;
    let operator = as_user(&servers, OPERATOR);
    create(&operator, &identity()).await?;
    let options = as_user(&servers, "cd-manager");
    let log = NatsLog::open(&options).await?;
    log.append(&commit("build")).await?;
    let (client, mut refusals) = bare(&options).await?;
    for subject in [
        "tp.evt.approval.00000000000000000000000000000001",
        "$JS.API.STREAM.PURGE.TP_EVT",
        "$JS.API.STREAM.DELETE.TP_EVT",
        "$JS.API.STREAM.UPDATE.TP_EVT",
        "$JS.API.STREAM.CREATE.TP_EVT_2",
        "$JS.API.STREAM.MSG.DELETE.TP_EVT",
        "$JS.API.STREAM.MSG.GET.TP_DLQ",
    ] {
        client.publish(subject, "{}".into()).await?;
        let refused = refusals.recv().await.ok_or("the connection ended")?;
        assert!(
            refused.contains("Publish") && refused.contains(subject),
            "{refused}"
        );
    }
    for subject in ["_INBOX_approval-ledger.>", "_INBOX.>", "tp.evt.>", ">"] {
        let _refused = client.subscribe(subject).await?;
        let refused = refusals.recv().await.ok_or("the connection ended")?;
        assert!(
            refused.contains("Subscription") && refused.contains(subject),
            "{refused}"
        );
    }
    assert_eq!(log.tail().await?.position, Position(1));
    NatsLog::open(&options).await?;
    Ok(())
}
