//! Restoring: interrupted and repeated, and who is let in meanwhile.

use super::*;
use crate::commit::SealedCommit;
use crate::conformance::{fill, next, slot};
use crate::log::{AppendError, EventLog, LogIdentity, Position, ReadError};
use crate::nats::{OpenError, next_identity, restore};
use std::sync::Arc;
use std::time::Duration;

fn second() -> LogIdentity {
    LogIdentity {
        epoch: 2,
        ..identity()
    }
}

/// A source that breaks off.
fn broken_off(
    commits: &[SealedCommit],
    after: usize,
) -> impl futures::Stream<Item = Result<SealedCommit, OpenError>> + Unpin + Send {
    let first: Vec<_> = commits[..after].iter().cloned().map(Ok).collect();
    let end = [Err(OpenError::Options("the archive broke off".into()))];
    futures::stream::iter(first.into_iter().chain(end))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_restore_lets_nobody_in_and_is_completed_by_repeating_it()
-> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, 20, 30).await?;
    let all = log.read(Position(0), 1000).await?;
    let commits: Vec<_> = all.iter().map(|it| it.commit.clone()).collect();

    let interrupted = restore(&options, &second(), broken_off(&commits, 400)).await;
    assert!(interrupted.is_err());
    let refused = NatsLog::open(&options).await.err();
    assert!(
        matches!(refused, Some(OpenError::Restoring { .. })),
        "{refused:?}"
    );
    let refused = create(&options, &identity()).await.err();
    assert!(
        matches!(refused, Some(OpenError::Restoring { .. })),
        "{refused:?}"
    );
    // Whoever is called meanwhile says what happens, and that it passes.
    let unanswered = until_restoring(&log).await?;
    let stream = options.place.stream(2);
    assert!(unanswered.contains(&stream), "{unanswered}");
    let written = log.append(&next(&slot(1), &log_head(&commits), "x")).await;
    assert!(
        matches!(written, Err(AppendError::Unavailable(_))),
        "{written:?}"
    );

    let source = futures::stream::iter(commits.clone().into_iter().map(Ok));
    let restored = restore(&options, &second(), source).await?;
    assert_eq!(restored.commits, 600);
    assert!(restored.resumed > 0, "{restored:?}");
    let again = NatsLog::open(&options).await?;
    assert_eq!(again.read(Position(0), 1000).await?, all);
    // The writer of the old epoch, on the handle that it always had, once it knows.
    let mut newer = log.newer_epoch();
    assert_eq!(*newer.wait_for(Option::is_some).await?, Some(2));
    let late = SealedCommit::seal(
        crate::conformance::draft(&slot(1), "late"),
        &log_head(&commits),
        1,
    );
    let refused = log.append(&late).await;
    assert_eq!(refused, Err(AppendError::Fenced { commit: 1, log: 2 }));
    assert_eq!(again.tail().await?.position, Position(600));
    Ok(())
}

fn log_head(commits: &[SealedCommit]) -> crate::commit::Head {
    let own = commits.iter().rev().find(|it| it.aggregate == slot(1));
    own.expect("slot 1 was filled").head()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_goes_forward_only_and_does_not_mix_sources() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, 3, 3).await?;
    let all = log.read(Position(0), 1000).await?;
    let commits: Vec<_> = all.iter().map(|it| it.commit.clone()).collect();
    let nothing = futures::stream::iter(Vec::<Result<SealedCommit, OpenError>>::new());
    let same_epoch = restore(&options, &identity(), nothing).await;
    assert!(same_epoch.is_err(), "the log would have been deleted");
    assert_eq!(log.tail().await?.position, Position(9));

    assert!(
        restore(&options, &second(), broken_off(&commits, 6))
            .await
            .is_err()
    );
    let mut other = commits;
    other.swap(4, 5);
    other.swap(3, 5);
    let mixed = restore(
        &options,
        &second(),
        futures::stream::iter(other.into_iter().map(Ok)),
    )
    .await;
    let text = mixed.err().ok_or("another source was taken")?.to_string();
    assert!(text.contains("position"), "{text}");
    Ok(())
}

/// What a call is answered once the handle has noticed that its log is being restored.
pub(super) async fn until_restoring(log: &NatsLog) -> Result<String, Trouble> {
    let noticed = async {
        loop {
            match log.read(Position(0), 1).await {
                Err(ReadError::Unavailable(why)) if why.contains("being restored") => return why,
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(10), noticed).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_restore_goes_into_an_epoch_of_its_own_even_before_the_archive_knows()
-> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, 3, 3).await?;
    let all = log.read(Position(0), 1000).await?;
    let commits: Vec<_> = all.iter().map(|it| it.commit.clone()).collect();
    let whole = || futures::stream::iter(commits.clone().into_iter().map(Ok));
    // The archive goes on saying epoch 1 until somebody copies into it again.
    let archived = identity();
    assert_eq!(next_identity(&options, &archived).await?, second());
    let broken = restore(&options, &second(), broken_off(&commits, 6)).await;
    assert!(broken.is_err());
    assert_eq!(next_identity(&options, &archived).await?.epoch, 2);
    restore(&options, &second(), whole()).await?;
    let third = next_identity(&options, &archived).await?;
    assert_eq!(third.epoch, 3);
    assert_eq!(restore(&options, &third, whole()).await?.commits, 9);
    assert_eq!(NatsLog::open(&options).await?.identity().await?, third);
    Ok(())
}
