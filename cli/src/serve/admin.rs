//! The identity of whoever owns the data directory: a token in a file that only they can read.

use std::path::Path;

use access::domain::identity::{Command, Identity};
use access::{Directory, Token, Unauthenticated};
use eventlog::{Context, ExecuteError, Repository};
use ids::derive;
use service::Clock;
use service::entropy::Entropy;

use crate::failure::Failure;
use crate::home::{TOKEN_FILE, write_whole};

/// The identity's name.
const NAME: &str = "admin";

/// What the admin of this data directory is called. A log on NATS has several of them: the first
/// is `admin`, and each other one has a name of its own, so that none ends the token of another.
async fn name(
    data: &Path,
    identities: &Repository<Identity>,
    shared: bool,
) -> Result<String, Failure> {
    let first = identities
        .load(derive::identity(NAME))
        .await
        .map_err(|error| Failure::broke("log", error.to_string()))?;
    if !shared || first.head.version == 0 {
        return Ok(NAME.to_owned());
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let place = access::hash(&format!("{}:{}", host.trim(), data.display()));
    let [a, b, c, d, ..] = place;
    Ok(format!("{NAME}-{:08x}", u32::from_be_bytes([a, b, c, d])))
}

/// Makes sure that the token in the file is accepted. The file comes first: killed in between,
/// the next start finds it and goes on.
pub(super) async fn ensure(
    data: &Path,
    identities: &Repository<Identity>,
    directory: &Directory,
    shared: bool,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<(), Failure> {
    let path = data.join(TOKEN_FILE);
    let found = std::fs::read_to_string(&path)
        .map(|it| it.trim().to_owned())
        .unwrap_or_default();
    let token = match directory.authenticate(&found) {
        Ok(_) => return Ok(()),
        // Written by a start that was killed before it was recorded.
        Err(Unauthenticated::Unknown) if !found.is_empty() => found,
        // There is none, or it was revoked and stays so.
        Err(_) => {
            let token = Token::from_random(entropy.secret());
            write_whole(&path, token.reveal().as_bytes(), 0o600)?;
            token.reveal().to_owned()
        }
    };
    let context = Context {
        actor: "towpath".to_owned(),
        now_us: clock.now_us(),
        idempotency: None,
        correlation: None,
        causation: None,
    };
    let name = name(data, identities, shared).await?;
    let id = derive::identity(&name);
    let broke = |error: &dyn std::fmt::Display| Failure::broke("log", error.to_string());
    // Whoever may write the data directory is its admin: a lost token is replaced.
    match identities.execute(id, &context, &Command::Revoke).await {
        Ok(_) | Err(ExecuteError::Rejected(_)) => {}
        Err(error) => return Err(broke(&error)),
    }
    let create = Command::Create {
        name,
        groups: vec![access::authorize::ADMIN.to_owned()],
        is_service: false,
        token_hash: access::hash(&token),
        expires_at_us: None,
    };
    identities
        .execute(id, &context, &create)
        .await
        .map_err(|error| broke(&error))?;
    Ok(())
}
