//! `towpath nats-config`: the users of NATS and what their accounts, and what each may do, as its configuration has it.

use std::path::Path;

use eventlog::nats::Place;
use eventlog::nats::permissions::{self, Secret};

use crate::failure::Failure;
use crate::output;

pub(super) fn run(passwords: Option<&Path>) -> Result<(), Failure> {
    let mut users = Vec::new();
    for user in permissions::users(&Place::default()) {
        let secret = if let Some(dir) = passwords {
            Secret::Plain(password(dir, &user.name)?)
        } else {
            let name = user.name.to_ascii_uppercase().replace('-', "_");
            Secret::Variable(format!("TOWPATH_NATS_{name}"))
        };
        users.push((user, secret));
    }
    output::line(permissions::accounts(&users).trim_end())
}

fn password(dir: &Path, user: &str) -> Result<String, Failure> {
    let path = dir.join(format!("nats-{user}.password"));
    crate::serve::password(&format!("the password of the NATS user {user}"), &path)
}
