//! The identity of whoever owns the data directory: a token in a file that only they can read.

use std::path::Path;

use access::domain::identity::{Command, Identity, Rejection};
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
    Ok(own_name(data))
}

fn own_name(data: &Path) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let place = access::hash(&format!("{}:{}", host.trim(), data.display()));
    let [a, b, c, d, ..] = place;
    format!("{NAME}-{:08x}", u32::from_be_bytes([a, b, c, d]))
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
    let enrol = Enrol {
        identities,
        token_hash: access::hash(&token),
        now_us: clock.now_us(),
    };
    let name = name(data, identities, shared).await?;
    if name != NAME {
        tracing::warn!(
            "this installation has an admin already; whoever owns {} becomes another one, \
             `{name}` (`towpath access revoke {name}` ends it)",
            data.display()
        );
    }
    enrol.admin(data, name, shared).await
}

/// Records the token of an admin.
struct Enrol<'a> {
    identities: &'a Repository<Identity>,
    token_hash: [u8; 32],
    now_us: i64,
}

impl Enrol<'_> {
    /// Under this name, or under the one of this data directory when somebody else has taken it
    /// meanwhile: only a token that was kept here may be ended here.
    async fn admin(&self, data: &Path, mut name: String, shared: bool) -> Result<(), Failure> {
        if shared && name == NAME {
            if self.create(&name).await? {
                return Ok(());
            }
            name = own_name(data);
        }
        // Whoever may write the data directory is its admin: a lost token is replaced.
        self.execute(&name, &Command::Revoke).await?;
        if self.create(&name).await? {
            return Ok(());
        }
        let why = format!("somebody else created `{name}` meanwhile; start again");
        Err(Failure::broke("admin", why))
    }

    /// Says whether it did: the name may be taken.
    async fn create(&self, name: &str) -> Result<bool, Failure> {
        let create = Command::Create {
            name: name.to_owned(),
            groups: vec![access::authorize::ADMIN.to_owned()],
            is_service: false,
            token_hash: self.token_hash,
            expires_at_us: None,
        };
        let refused = self.execute(name, &create).await?;
        Ok(refused.is_none())
    }

    async fn execute(&self, name: &str, command: &Command) -> Result<Option<Rejection>, Failure> {
        let context = Context {
            actor: "towpath".to_owned(),
            now_us: self.now_us,
            idempotency: None,
            correlation: None,
            causation: None,
        };
        let id = derive::identity(name);
        match self.identities.execute(id, &context, command).await {
            Ok(_) => Ok(None),
            Err(ExecuteError::Rejected(rejection)) => Ok(Some(rejection)),
            Err(error) => Err(Failure::broke("log", error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eventlog::{EventLog, LogIdentity, MemLog};
    use ids::{AggregateId, Uuid};

    use super::*;

    /// The one that records as the second had looked before the first recorded.
    #[tokio::test]
    async fn of_two_that_begin_at_once_neither_ends_the_token_of_the_other() {
        let log = Arc::new(MemLog::new(LogIdentity {
            log_id: Uuid::from_u128(1),
            epoch: 1,
            created_at_us: 0,
        }));
        let identities = Repository::<Identity>::new(Arc::clone(&log) as Arc<dyn EventLog>);
        let (first, second) = (Path::new("/data/first"), Path::new("/data/second"));
        let admin = name(first, &identities, true).await.unwrap();
        assert_eq!(name(second, &identities, true).await.unwrap(), admin);
        for (data, token) in [(first, "first"), (second, "second"), (second, "again")] {
            let enrol = Enrol {
                identities: &identities,
                token_hash: access::hash(token),
                now_us: 0,
            };
            enrol.admin(data, admin.clone(), true).await.unwrap();
        }
        let directory = Directory::new(|| 0);
        for name in [NAME, &own_name(second)] {
            let aggregate = AggregateId::new("identity", derive::identity(name));
            for stored in log.load(&aggregate, 0).await.unwrap() {
                directory.observe(&stored).unwrap();
            }
        }
        let who = |token| directory.authenticate(token).map(|it| it.name);
        assert_eq!(who("first").as_deref(), Ok(NAME));
        assert_eq!(who("second"), Err(Unauthenticated::Revoked));
        assert_eq!(who("again"), Ok(own_name(second)));
    }
}
