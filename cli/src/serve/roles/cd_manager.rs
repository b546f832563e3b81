//! cd-manager: decides what runs where; also keeps who may call.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::domain::identity::Identity;
use cd_manager::CdManager;
use eventlog::archive::Archive;
use eventlog::{Position, Repository};
use git::{Author, Limits, Writer};
use intake::Intake;
use proto::access::v1::access_service_server::AccessServiceServer;
use service::config::Backend;
use service::serve;
use tokio::sync::watch;

use super::super::ground::{Ground, open_archive};
use super::super::{access::Access, admin, intake as queue};
use super::AddServices;
use crate::failure::Failure;

/// The role, and who may call.
pub(in crate::serve) struct Part {
    pub(in crate::serve) manager: CdManager,
    access: Access,
    /// Reports that come as events.
    intake: Option<Intake>,
    archive: Option<Arc<Archive>>,
}

/// Puts the role together; makes sure that somebody may call.
pub(in crate::serve) async fn open(ground: &Ground) -> Result<Part, Failure> {
    let identities = Arc::new(Repository::<Identity>::new(Arc::clone(&ground.log)));
    let (clock, entropy) = (ground.clock.as_ref(), ground.entropy.as_ref());
    let shared = ground.config.log.backend == Backend::Nats;
    admin::ensure(
        &ground.data,
        &identities,
        &ground.directory,
        shared,
        clock,
        entropy,
    )
    .await?;
    let access = Access {
        identities,
        directory: ground.directory.clone(),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
        keys: Arc::clone(&ground.keys),
        desk: ground.desk.clone(),
        revoking: Arc::default(),
    };
    let manager = cd_manager::build(deps(ground)?);
    let intake = queue::open(ground, &manager).await?;
    let archive = open_archive(&ground.config).await?.map(Arc::new);
    Ok(Part {
        manager,
        access,
        intake,
        archive,
    })
}

impl Part {
    /// How far the archive is, where there is one.
    pub(in crate::serve) fn archive_position(&self) -> Option<watch::Receiver<Position>> {
        self.archive.as_deref().map(Archive::position)
    }

    /// What it answers.
    pub(in crate::serve) fn services(&self) -> AddServices {
        let (delivery, access) = (self.manager.grpc(), self.access.clone());
        Box::new(move |routes| {
            routes.add_service(delivery).add_service(
                AccessServiceServer::new(access).max_decoding_message_size(serve::MAX_BODY),
            );
        })
    }

    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.manager.clone(), ground.stop.clone());
        ground.watch(cd_manager::ROLE, async move { role.run(stop).await });
        if let Some(archive) = self.archive.clone() {
            let (log, stop) = (Arc::clone(&ground.log), ground.stop.clone());
            ground.watch("archiver", async move { archive.run(log, stop).await });
        }
        if let Some(intake) = self.intake.clone() {
            let stop = ground.stop.clone();
            ground.watch("intake", async move {
                intake.run(stop).await;
                Ok::<(), Infallible>(())
            });
        }
    }
}

fn deps(ground: &Ground) -> Result<cd_manager::Deps, Failure> {
    let config = &ground.config;
    let clock = Arc::clone(&ground.clock);
    let author = Author {
        name: config.author.name.clone(),
        email: config.author.email.clone(),
    };
    let limits = if ground.desk.mirror().is_local() {
        Limits::unlimited()
    } else {
        Limits::github()
    };
    let writer = Writer::spawn(
        ground.desk.mirror().clone(),
        ground.desk.branch(),
        author,
        limits,
        Arc::new(move || clock.now_us()),
    )
    .map_err(|error| Failure::usage(error.code().replace('_', "-"), error.to_string()))?;
    Ok(cd_manager::Deps {
        gate: ground.gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
        desk: ground.desk.clone(),
        writer,
        histories: ground.histories.clone(),
        reads: ground.projector.reads().clone(),
        read_position: ground.projector.position(),
        roles: ground.roles.clone(),
        keys: Arc::clone(&ground.keys),
        layouts: ground.layouts(),
        look_every: Duration::from_millis(config.manifests.look_every_ms),
    })
}
