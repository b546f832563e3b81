//! `towpath serve`.

use clap::Args as ClapArgs;
use service::role::Role;

use super::Up;

#[derive(Debug, ClapArgs)]
pub(crate) struct Serve {
    /// A role: cd-manager, releaser, approval-ledger, changelog, runner or
    /// forge. May be repeated.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// Check the configuration and say what is wrong with it, start nothing.
    #[arg(long)]
    pub(crate) check_config: bool,
    #[command(flatten)]
    pub(crate) up: Up,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| {
        let words: Vec<_> = Role::ALL.iter().map(|it| it.as_str()).collect();
        format!("there is no such role; the roles are {}", words.join(", "))
    })
}
