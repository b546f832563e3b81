//! Putting a log back: the same commits at the same positions, in a stream of a later epoch.

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use futures::stream::{Stream, StreamExt as _};

use super::api::{Api, Seek};
use super::connect::connect;
use super::error::OpenError;
use super::message;
use super::open::{failed, find};
use super::options::Options;
use super::stream::{self, Says};
use crate::commit::SealedCommit;
use crate::log::LogIdentity;

/// Messages on their way at once.
const FLYING: usize = 256;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The stream that holds the log now.
    pub stream: String,
    /// Commits that it holds.
    pub commits: u64,
    /// How many of them an interrupted restore had put there before.
    pub resumed: u64,
}

/// Replaces the log by these commits, in order from position 1, in the epoch of `identity`;
/// with the operator's credentials.
///
/// The old stream is deleted first: export or archive what it holds. From then until the end
/// the new stream says that it is being restored and no role opens it. Repeating an interrupted
/// restore completes it.
pub async fn restore<S>(
    options: &Options,
    identity: &LogIdentity,
    commits: S,
) -> Result<Restored, OpenError>
where
    S: Stream<Item = Result<SealedCommit, OpenError>> + Unpin + Send,
{
    let (client, link) = connect(options).await?;
    let work = Work {
        api: Api::new(client.clone(), options.timeouts),
        options,
        identity: *identity,
        stream: options.place.stream(identity.epoch),
    };
    let restored = work.run(commits).await;
    let _ended = client.drain().await.is_err();
    restored.map_err(|error| link.explained(error, options))
}

/// What a log becomes when it is restored: what an interrupted restore of it has begun, or an
/// epoch later than any that is there or was archived.
pub async fn next_identity(
    options: &Options,
    archived: &LogIdentity,
) -> Result<LogIdentity, OpenError> {
    let (client, link) = connect(options).await?;
    let found = find(&Api::new(client.clone(), options.timeouts), options).await;
    let _ended = client.drain().await.is_err();
    let found = found.map_err(|error| link.explained(error, options))?;
    let epoch = match found.map(|it| stream::says(&it)) {
        Some(Ok(Says::Restoring(it)))
            if it.log_id == archived.log_id && it.epoch > archived.epoch =>
        {
            it.epoch
        }
        Some(Ok(Says::Log(it) | Says::Restoring(it))) if it.log_id == archived.log_id => {
            it.epoch.max(archived.epoch) + 1
        }
        Some(Ok(Says::Log(_) | Says::Restoring(_)) | Err(_)) | None => archived.epoch + 1,
    };
    Ok(LogIdentity { epoch, ..*archived })
}

struct Work<'a> {
    api: Api,
    options: &'a Options,
    identity: LogIdentity,
    stream: String,
}

impl Work<'_> {
    async fn run<S>(&self, mut commits: S) -> Result<Restored, OpenError>
    where
        S: Stream<Item = Result<SealedCommit, OpenError>> + Unpin + Send,
    {
        let staged = self.stage().await?;
        let resumed = self.tail().await?;
        let mut flying = Vec::new();
        let mut position = 0;
        while let Some(commit) = commits.next().await {
            let commit = match commit {
                Ok(commit) => commit,
                Err(error) => {
                    // What was sent stays, and is not sent again.
                    self.land(&mut flying).await?;
                    return Err(error);
                }
            };
            position += 1;
            if position < resumed {
                continue;
            }
            if position == resumed {
                self.same(position, &commit).await?;
                continue;
            }
            flying.push((position, self.send(&commit, position).await?));
            if flying.len() >= FLYING {
                self.land(&mut flying).await?;
            }
        }
        self.land(&mut flying).await?;
        if position < resumed {
            return Err(self.wrong(format!(
                "the stream holds {resumed} commits already, the source only {position}"
            )));
        }
        self.finish(staged).await?;
        Ok(Restored {
            stream: self.stream.clone(),
            commits: position,
            resumed,
        })
    }

    /// Makes the new stream, marked as being restored, in place of whatever holds the subjects.
    async fn stage(&self) -> Result<Config, OpenError> {
        let says = Says::Restoring(self.identity);
        let wanted = stream::wanted(self.options, &says);
        if let Some(found) = find(&self.api, self.options).await? {
            let is_ours = found.name == self.stream;
            match stream::says(&found) {
                Ok(Says::Restoring(it)) if is_ours && it == self.identity => {
                    stream::check(&wanted, &found)?;
                    return Ok(found);
                }
                Ok(Says::Log(it)) if it.epoch >= self.identity.epoch => {
                    return Err(self.wrong(format!(
                        "the log is in epoch {} already: restore into a later one",
                        it.epoch
                    )));
                }
                Ok(_) | Err(_) => {}
            }
            let deleted = self.api.delete(&found.name).await;
            deleted.map_err(|e| failed(&format!("deleting stream {}", found.name), &e))?;
        }
        let made = self.api.create(&wanted).await;
        let made = made.map_err(|e| failed(&format!("creating stream {}", self.stream), &e))?;
        stream::check(&wanted, &made.config)?;
        Ok(made.config)
    }

    async fn tail(&self) -> Result<u64, OpenError> {
        let info = self.api.info(&self.stream).await;
        let info = info.map_err(|e| failed("reading the restored stream", &e))?;
        Ok(info.state.last_sequence)
    }

    /// What an interrupted restore put there must be of the same source.
    async fn same(&self, position: u64, commit: &SealedCommit) -> Result<(), OpenError> {
        let found = self.api.get(&self.stream, &Seek::At(position)).await;
        let found = found.map_err(|e| failed("reading the restored stream", &e))?;
        let hash = found
            .map(|it| message::glance(position, &it.headers))
            .transpose()?
            .map(|it| it.hash);
        if hash == Some(commit.hash()) {
            return Ok(());
        }
        Err(self.wrong(format!(
            "position {position} holds another commit than the source: delete stream {} and \
             start again",
            self.stream
        )))
    }

    /// Sends one commit to exactly where it was: the guard is on the position, since replicated
    /// servers refuse two messages of one subject on their way.
    async fn send(
        &self,
        commit: &SealedCommit,
        position: u64,
    ) -> Result<PublishAckFuture, OpenError> {
        let subject = message::subject(&self.options.place.prefix, &commit.aggregate);
        let mut headers = message::headers(commit);
        headers.insert("Nats-Expected-Stream", self.stream.as_str());
        headers.insert("Nats-Expected-Last-Sequence", (position - 1).to_string());
        headers.insert(
            "Nats-Msg-Id",
            format!("{}:{}", commit.aggregate, commit.version),
        );
        let message = PublishMessage::build()
            .headers(headers)
            .payload(commit.bytes().clone());
        let sent = self.api.context.send_publish(subject, message).await;
        sent.map_err(|e| self.wrong(format!("position {position}: {e}")))
    }

    /// Waits for the answers to what was sent.
    async fn land(&self, flying: &mut Vec<(u64, PublishAckFuture)>) -> Result<(), OpenError> {
        for (position, answer) in flying.drain(..) {
            let answer = answer.await;
            let ack = answer.map_err(|e| self.wrong(format!("position {position}: {e}")))?;
            if ack.sequence != position {
                let why = format!("position {position} became {}", ack.sequence);
                return Err(self.wrong(why));
            }
        }
        Ok(())
    }

    /// Says that the log is whole: from now on roles open it.
    async fn finish(&self, staged: Config) -> Result<(), OpenError> {
        let whole = Config {
            description: Some(stream::describe(&Says::Log(self.identity))),
            ..staged
        };
        let done = self.api.update(&whole).await;
        done.map_err(|e| failed(&format!("finishing stream {}", self.stream), &e))?;
        Ok(())
    }

    fn wrong(&self, why: String) -> OpenError {
        OpenError::Failed {
            what: format!("restoring into stream {}; repeat it", self.stream),
            why,
        }
    }
}
