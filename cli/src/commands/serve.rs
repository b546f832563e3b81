//! `towpath serve`: some of the roles in this process.

use service::Config;
use service::role::Role;

use super::{Scene, up};
use crate::args;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, serve: args::Serve) -> Result<(), Failure> {
    let data = scene.data()?;
    let leave = !serve.up.stop_applications;
    let mut roles = serve.roles;
    roles.sort_unstable();
    roles.dedup();
    let config = up::configure(&data, serve.up)?;
    check(&config, &roles)?;
    if serve.check_config {
        return output::line("the configuration can be used");
    }
    up::run_roles(&data, &config, &roles, leave).await
}

/// What can be known before anything is opened.
fn check(config: &Config, roles: &[Role]) -> Result<(), Failure> {
    config.validate()?;
    if config.manifests.url.is_empty() {
        return Err(crate::serve::no_manifests());
    }
    let elsewhere = Role::ALL.iter().any(|it| !roles.contains(it));
    if elsewhere && config.log.backend == service::config::Backend::Sqlite {
        return Err(Failure::usage(
            "log-backend",
            "a file cannot be shared by roles in several processes",
        )
        .fix("set log.backend = \"nats\" and log.url, or run all roles in one process with `towpath up`"));
    }
    Ok(())
}
