//! The roles, each put together from the ground.

pub(super) mod approval_ledger;
pub(super) mod cd_manager;
pub(super) mod changelog;
pub(super) mod forge;
pub(super) mod releaser;
pub(super) mod runner;

use eventlog::Projection;
use service::role::Role;
use tonic::service::RoutesBuilder;

/// Adds a role's gRPC services to the front.
pub(super) type AddServices = Box<dyn FnOnce(&mut RoutesBuilder) + Send>;

/// The read models of a role.
pub(crate) fn projections(of: &[Role]) -> Vec<Box<dyn Projection>> {
    of.iter()
        .flat_map(|role| match role {
            Role::CdManager => ::cd_manager::projections::all(),
            Role::Releaser
            | Role::ApprovalLedger
            | Role::Changelog
            | Role::Runner
            | Role::Forge => vec![],
        })
        .collect()
}
