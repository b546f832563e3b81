//! `towpath serve`: some of the roles in this process.

use std::path::Path;

use eventlog::nats::permissions;
use service::Config;
use service::role::Role;

use super::{Scene, up};
use crate::args;
use crate::failure::Failure;
use crate::{output, serve};

pub(super) async fn run(scene: &Scene, asked: args::Serve) -> Result<(), Failure> {
    let data = scene.data()?;
    let leave = !asked.up.stop_applications;
    let mut roles = asked.roles;
    roles.sort_unstable();
    roles.dedup();
    let config = up::configure(&data, asked.up)?;
    check(&data, &config, &roles)?;
    if asked.check_config {
        return output::line("the configuration can be used");
    }
    up::run_roles(&data, &config, &roles, leave).await
}

/// What can be known before anything is opened.
fn check(data: &Path, config: &Config, roles: &[Role]) -> Result<(), Failure> {
    config.validate()?;
    if config.manifests.url.is_empty() {
        return Err(serve::no_manifests());
    }
    let elsewhere = Role::ALL.iter().any(|it| !roles.contains(it));
    if elsewhere && config.log.backend == service::config::Backend::Sqlite {
        return Err(Failure::usage(
            "log-backend",
            "a file cannot be shared by roles in several processes",
        )
        .fix("set log.backend = \"nats\" and log.url, or run all roles in one process with `towpath up`"));
    }
    own_user(config, roles)?;
    all_are_known(config, roles)?;
    if !config.reads.url.is_empty() {
        serve::database(data, config, roles)?;
    }
    if roles.contains(&Role::Forge) {
        serve::check_github(config)?;
    }
    serve::check_files(config)
}

/// A role with the NATS user of another one reads everything and is refused its first write.
fn own_user(config: &Config, here: &[Role]) -> Result<(), Failure> {
    let user = config.log.user.as_str();
    let known = permissions::ROLES.iter().map(|it| it.0);
    let mut others = known.chain([permissions::OPERATOR, permissions::CI]);
    let is_own = here.iter().any(|it| it.as_str() == user);
    if config.log.backend == service::config::Backend::Sqlite
        || is_own
        || !others.any(|it| it == user)
    {
        return Ok(());
    }
    let roles: Vec<_> = here.iter().map(|it| it.as_str()).collect();
    let roles = roles.join(" and ");
    Err(Failure::usage(
        "nats-user",
        format!("log.user: `{user}` is the NATS user of somebody else, not of {roles}"),
    )
    .fix(
        "give the role its own user in log.user (or TOWPATH_LOG_USER) and log.password_file;          `towpath nats-config` writes one for each role",
    ))
}

/// cd-manager passes calls on to the other roles: it has to be told where each of them answers.
fn all_are_known(config: &Config, here: &[Role]) -> Result<(), Failure> {
    if !here.contains(&Role::CdManager) {
        return Ok(());
    }
    let missing: Vec<_> = Role::ALL
        .into_iter()
        .filter(|it| !here.contains(it) && !config.roles.at.contains_key(it))
        .map(|it| format!("roles.{}", it.as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        "roles-missing",
        format!(
            "cd-manager passes calls on to the other roles, and nothing says where some of them \
             answer: not set are {}",
            missing.join(", ")
        ),
    )
    .fix(
        "give each an address under [roles], such as runner = \"https://runner:7070\" (or \
         TOWPATH_ROLES_RUNNER), or run it in this process with --role",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_user_of_its_own() {
        let with = |user: &str| {
            let mut config = Config::default();
            config.log.backend = service::config::Backend::Nats;
            config.log.user = user.into();
            config
        };
        for user in ["changelog", "operator", "ci"] {
            let refused = own_user(&with(user), &[Role::Runner]);
            let refused = format!("{:?}", refused.unwrap_err());
            assert!(
                refused.contains(user) && refused.contains("runner"),
                "{refused}"
            );
        }
        for user in ["runner", "", "somebody-else"] {
            assert!(own_user(&with(user), &[Role::Runner]).is_ok(), "{user}");
        }
        assert!(own_user(&with("changelog"), &[Role::Runner, Role::Changelog]).is_ok());
    }

    #[test]
    fn cd_manager_has_to_know_where_every_other_role_answers() {
        let mut config = Config::default();
        let here = [Role::CdManager, Role::Changelog];
        for role in [Role::Releaser, Role::ApprovalLedger] {
            let refused = format!("{:?}", all_are_known(&config, &here).unwrap_err());
            let name = format!("roles.{}", role.as_str());
            assert!(
                refused.contains(&name) && refused.contains("roles.runner"),
                "{refused}"
            );
            assert!(!refused.contains("roles.changelog"), "{refused}");
            config.roles.at.insert(role, "http://there:1".into());
        }
        for role in [Role::Runner, Role::Forge] {
            config.roles.at.insert(role, "http://there:1".into());
        }
        assert!(all_are_known(&config, &here).is_ok());
        assert!(all_are_known(&Config::default(), &[Role::Runner]).is_ok());
        assert!(all_are_known(&Config::default(), &Role::ALL).is_ok());
    }
}
