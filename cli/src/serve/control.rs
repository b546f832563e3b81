//! `ControlService`: the installation itself.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use approval_ledger::ApprovalLedger;
use cd_manager::CdManager;
use changelog::Changelog;
use eventlog::{Durability, EventLog, Item, LogIdentity, Position, ReadError, Stored};
use forge::Forge;
use futures::stream::{BoxStream, StreamExt as _};
use proto::control::v1 as pb;
use proto::control::v1::control_service_client::ControlServiceClient;
use proto::control::v1::control_service_server::ControlService;
use releaser::Releaser;
use runner::Runner;
use service::fault::{Fault, Kind};
use service::role::Roles;
use source::Desk;
use tokio::sync::{OnceCell, mpsc, watch};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::presence::Peers;

/// How long another role may take to say how it is.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// The same, of a role whose health says that it is away: it may run all the same with something
/// in it stopped, and is the one that can say what.
const BRIEFLY: std::time::Duration = std::time::Duration::from_millis(500);

/// The roles of this process, as far as `status` asks them.
#[derive(Clone)]
pub(super) struct Here {
    pub(super) manager: Option<CdManager>,
    pub(super) releaser: Option<Releaser>,
    pub(super) ledger: Option<ApprovalLedger>,
    pub(super) changelog: Option<Changelog>,
    pub(super) runner: Option<Runner>,
    pub(super) forge: Option<Forge>,
}

impl Here {
    /// What each role cannot read and leaves alone, as `role: aggregate: why`.
    fn set_aside(&self) -> Vec<String> {
        let all = [
            (
                cd_manager::ROLE,
                self.manager.as_ref().map(CdManager::set_aside),
            ),
            (
                releaser::ROLE,
                self.releaser.as_ref().map(Releaser::set_aside),
            ),
            (
                approval_ledger::ROLE,
                self.ledger.as_ref().map(ApprovalLedger::set_aside),
            ),
            (
                changelog::ROLE,
                self.changelog.as_ref().map(Changelog::set_aside),
            ),
            (runner::ROLE, self.runner.as_ref().map(Runner::set_aside)),
            (forge::ROLE, self.forge.as_ref().map(Forge::set_aside)),
        ];
        let named = |(role, aside): (&str, Option<Vec<String>>)| {
            let aside = aside.unwrap_or_default().into_iter();
            aside.map(|it| format!("{role}: {it}")).collect::<Vec<_>>()
        };
        all.into_iter().flat_map(named).collect()
    }
}

/// The gRPC service.
#[derive(Clone)]
pub(super) struct Control {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) read_position: watch::Receiver<Position>,
    pub(super) archive_position: Option<watch::Receiver<Position>>,
    pub(super) desk: Desk,
    pub(super) roles: Roles,
    pub(super) here: Here,
    pub(super) peers: Peers,
    pub(super) manifests_url: String,
    pub(super) data: PathBuf,
    pub(super) fsync_us: Arc<OnceCell<u64>>,
}

impl Control {
    /// What the log says of itself, and where it ends. Of one that is not what it was, where it was
    /// read up to, and why it is not.
    async fn log_now(&self) -> Result<(Option<LogIdentity>, Position, Option<String>), Fault> {
        let asked = async {
            let identity = self.log.identity().await?;
            Ok((identity, self.log.tail().await?))
        };
        match asked.await {
            Ok((identity, tail)) => Ok((Some(identity), tail.position, None)),
            Err(ReadError::Lie(lie)) => {
                Ok((None, *self.read_position.borrow(), Some(lie.to_string())))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn status(&self, here: bool) -> Result<pb::GetStatusResponse, Fault> {
        let (identity, tail, lie) = self.log_now().await?;
        let data = self.data.clone();
        let measure = || async move {
            tokio::task::spawn_blocking(move || super::fsync::median_us(&data))
                .await
                .unwrap_or_default()
        };
        let (tip, problems) = match self.desk.look().await {
            Ok(snapshot) => {
                let problems = snapshot.problems.iter().map(ToString::to_string).collect();
                (snapshot.commit.to_string(), problems)
            }
            Err(error) => (String::new(), vec![error.to_string()]),
        };
        let known = if here {
            self.roles.here()
        } else {
            self.roles.all()
        };
        let log = lie.map(|why| ("log", Some(why)));
        let known = log.into_iter().chain(known);
        let roles = known.map(|(name, stopped)| pb::Role {
            name: name.to_owned(),
            state: if stopped.is_some() {
                "stopped"
            } else {
                "running"
            }
            .to_owned(),
            message: stopped.unwrap_or_default(),
        });
        let mut unwell = match &self.here.runner {
            Some(runner) => runner.unwell().await,
            None => vec![],
        };
        unwell.extend(self.here.forge.iter().flat_map(Forge::unwell));
        let read_position = self.read_position.borrow().0;
        Ok(pb::GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            log_id: identity.map_or_else(String::new, |it| it.log_id.to_string()),
            epoch: identity.map_or(0, |it| it.epoch),
            log_position: tail.0,
            read_position,
            archive_position: self.archive_position.as_ref().map(|it| it.borrow().0),
            durability: durability(self.log.durability()).to_owned(),
            fsync_us: *self.fsync_us.get_or_init(measure).await,
            manifests_url: self.manifests_url.clone(),
            manifests_branch: self.desk.branch().to_owned(),
            manifests_tip: tip,
            manifest_problems: problems,
            roles: roles.collect(),
            deployments_in_progress: self
                .here
                .manager
                .as_ref()
                .map_or(0, |it| it.in_progress() as u64),
            unwell: unwell
                .into_iter()
                .map(|(name, why)| format!("{name}: {why}"))
                .collect(),
            set_aside: self.here.set_aside(),
        })
    }
}

impl Control {
    /// Adds what only the other roles know: how their parts are doing.
    async fn add_peers(&self, status: &mut pb::GetStatusResponse, caller: &MetadataMap) {
        let token = caller.get("authorization");
        let asked = self.peers.all().map(|peer| async move {
            let is_away = self.roles.why_stopped(peer.role.as_str()).is_some();
            let patience = if is_away { BRIEFLY } else { PATIENCE };
            let mut request = Request::new(pb::GetStatusRequest { here: true });
            request.set_timeout(patience);
            if let Some(token) = token {
                request
                    .metadata_mut()
                    .insert("authorization", token.clone());
            }
            let mut client = ControlServiceClient::new(peer.channel.clone());
            let answer = tokio::time::timeout(patience, client.get_status(request)).await;
            (peer.role, answer)
        });
        for (role, answer) in futures::future::join_all(asked).await {
            // Who does not answer is listed as stopped already.
            let Ok(Ok(answer)) = answer else { continue };
            let there = answer.into_inner();
            status.unwell.extend(there.unwell);
            status.set_aside.extend(there.set_aside);
            status.roles.extend(
                there
                    .roles
                    .into_iter()
                    .filter(|it| it.name != role.as_str())
                    .map(|it| pb::Role {
                        name: format!("{}/{}", role.as_str(), it.name),
                        ..it
                    }),
            );
        }
    }
}

#[tonic::async_trait]
impl ControlService for Control {
    type TailLogStream = BoxStream<'static, Result<pb::TailLogResponse, Status>>;

    async fn get_status(
        &self,
        request: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let mut status = self.status(request.get_ref().here).await?;
        if !request.get_ref().here {
            self.add_peers(&mut status, request.metadata()).await;
        }
        Ok(Response::new(status))
    }

    async fn tail_log(
        &self,
        request: Request<pb::TailLogRequest>,
    ) -> Result<Response<Self::TailLogStream>, Status> {
        let request = request.into_inner();
        let after = Position(request.after_position);
        let tail = self.log.tail().await.map_err(Fault::from)?.position;
        if after > tail {
            let what = format!("the log ends at position {}, before {}", tail.0, after.0);
            return Err(Fault::new(Kind::Invalid, "position-beyond-log", what)
                .fix("leave --after out, or give a position that is there")
                .into());
        }
        let mut subscription = self.log.subscribe(after).await.map_err(Fault::from)?;
        let (send, receive) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let item = tokio::select! {
                    () = send.closed() => return,
                    item = subscription.next() => item,
                };
                let told = match item {
                    Ok(Item::Commit(stored)) => send.send(Ok(shape(&stored))).await,
                    Ok(Item::CaughtUp(_)) if request.once => return,
                    Ok(Item::CaughtUp(_)) => Ok(()),
                    Err(error) => {
                        // The last word of this stream, whether somebody listens or not.
                        drop(send.send(Err(Fault::from(error).into())).await);
                        return;
                    }
                };
                if told.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(
            tokio_stream::wrappers::ReceiverStream::new(receive).boxed(),
        ))
    }
}

fn durability(it: Durability) -> &'static str {
    match it {
        Durability::Fsync => "fsync",
        Durability::Replicated => "replicated",
        Durability::OsBuffered => "os-buffered",
        Durability::Memory => "memory",
    }
}

fn shape(stored: &Stored) -> pb::TailLogResponse {
    let mut hash = String::with_capacity(64);
    for byte in stored.commit.hash() {
        // Writing to a String cannot fail.
        let _ok = write!(hash, "{byte:02x}");
    }
    pb::TailLogResponse {
        position: stored.position.0,
        aggregate: stored.commit.aggregate.to_string(),
        version: stored.commit.version,
        recorded_at_us: stored.commit.recorded_at_us,
        actor: stored.commit.actor.clone(),
        hash,
        kinds: stored
            .commit
            .events
            .iter()
            .map(|it| it.kind.clone())
            .collect(),
    }
}
