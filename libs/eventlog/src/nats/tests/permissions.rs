//! What the server refuses a role, with the configuration that is shipped.

use std::time::Duration;

use async_nats::{Event, ServerError};
use futures::TryStreamExt as _;
use tokio::sync::mpsc;

use super::*;
use crate::checkpoint::Lie;
use crate::commit::{Head, SealedCommit};
use crate::conformance::draft;
use crate::log::{AppendError, EventLog as _, Position};
use crate::nats::Place;
use crate::nats::permissions::{OPERATOR, Secret, accounts, users};
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
    Servers::start(Kind::Current, 1, &accounts(&with_secrets))
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
        let end = subject.trim_start_matches("$JS.API.");
        assert!(
            refused.contains("Publish") && refused.contains(end),
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

/// How many messages of a kind that is nobody's here lie in the log.
async fn smuggled(operator: &async_nats::Client) -> Result<usize, Trouble> {
    let context = async_nats::jetstream::new(operator.clone());
    let stream = context.get_stream("TP_EVT").await?;
    let held = stream.info_builder().subjects("tp.evt.approval.>");
    Ok(held.fetch().await?.try_collect::<Vec<_>>().await?.len())
}

/// A server sends its answers wherever the question says, also into a stream. Whoever is in
/// another account than the streams cannot name a place there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_of_the_server_becomes_a_message_of_the_log() -> Result<(), Trouble> {
    let servers = guarded()?;
    create(&as_user(&servers, OPERATOR), &identity()).await?;
    let (operator, _refusals) = bare(&as_user(&servers, OPERATOR)).await?;
    let reports = async_nats::jetstream::stream::Config {
        name: "TP_IN".into(),
        subjects: vec!["tp.in.>".into()],
        ..Default::default()
    };
    let context = async_nats::jetstream::new(operator.clone());
    context.create_stream(reports).await?;
    let log = NatsLog::open(&as_user(&servers, "releaser")).await?;
    log.append(&commit("release")).await?;
    let foreign = "tp.evt.approval.00000000000000000000000000000001";
    for (user, subject, body) in [
        ("ci", "tp.in.build.api", "{}"),
        ("runner", "$JS.API.STREAM.INFO.TP_EVT", ""),
        ("runner", "$JS.API.STREAM.NAMES", ""),
        ("runner", "$JS.API.STREAM.MSG.GET.TP_EVT", r#"{"seq":1}"#),
        ("runner", "$JS.API.CONSUMER.CREATE.TP_EVT", "{}"),
        ("runner", "$JS.API.CONSUMER.MSG.NEXT.TP_EVT.x", "1"),
        (
            "runner",
            "tp.evt.run.00000000000000000000000000000001",
            "{}",
        ),
    ] {
        let (client, _refusals) = bare(&as_user(&servers, user)).await?;
        let sent = client.publish_with_reply(subject, foreign, body.into());
        sent.await?;
        // What was asked later on the same connection is answered later.
        client.request(subject, body.into()).await.ok();
        assert_eq!(smuggled(&operator).await?, 0, "{user}: {subject}");
    }
    // Nor does a consumer that delivers there.
    let (client, _refusals) = bare(&as_user(&servers, "runner")).await?;
    for subject in [
        foreign,
        "$JS.API.STREAM.PURGE.TP_EVT",
        "$JS.API.STREAM.DELETE.TP_EVT",
        "$JS.API.STREAM.DELETE.TP_IN",
    ] {
        // Without bodies, as these questions want it.
        let config = format!(
            r#"{{"stream_name":"TP_EVT","config":{{"deliver_subject":"{subject}","ack_policy":"none","headers_only":true}}}}"#
        );
        let create = client.request("$JS.API.CONSUMER.CREATE.TP_EVT", config.into());
        create.await?;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(smuggled(&operator).await?, 0);
    let held = context.get_stream("TP_EVT").await?;
    // The release, and what the runner may write: twice.
    assert_eq!(held.get_info().await?.state.messages, 3);
    context.get_stream("TP_IN").await?;
    let reply = operator.publish_with_reply("tp.in.build.api", foreign, "{}".into());
    reply.await?;
    while smuggled(&operator).await? == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A role's password lets anything be written below its own kinds. Nobody writes behind that: it
/// would be lost when the log is restored from the archive, which ends there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_role_writes_stops_every_role_at_once() -> Result<(), Trouble> {
    let servers = guarded()?;
    create(&as_user(&servers, OPERATOR), &identity()).await?;
    let manager = NatsLog::open(&as_user(&servers, "cd-manager")).await?;
    manager.append(&commit("build")).await?;
    let (runner, _refusals) = bare(&as_user(&servers, "runner")).await?;
    let subject = "tp.evt.run.00000000000000000000000000000001";
    runner.request(subject, "x".into()).await?;
    let mut halted = manager.halted();
    let why = halted.wait_for(Option::is_some).await?.clone();
    let why = why.unwrap_or_default();
    assert!(
        why.contains("LogDamaged") && why.contains("position 2"),
        "{why}"
    );
    let refused = manager.append(&commit("slot")).await;
    assert!(
        matches!(refused, Err(AppendError::Lie(Lie::Damaged { .. }))),
        "{refused:?}"
    );
    let refused = NatsLog::open(&as_user(&servers, "cd-manager")).await.err();
    assert!(refused.is_some_and(|it| it.is_mended_by_restoring()));
    Ok(())
}
