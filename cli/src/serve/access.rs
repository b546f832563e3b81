//! `AccessService`: identities over gRPC.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::domain::identity::{Command, Identity, Rejection};
use access::{Directory, Token, authorize};
use decider::Decider as _;
use eventlog::{Context, Repository};
use ids::{Name, derive};
use prost::Message;
use proto::access::v1 as pb;
use proto::access::v1::access_service_server::AccessService;
use service::Clock;
use service::entropy::Entropy;
use service::fault::{Fault, Kind};
use service::key::Keys;
use source::{Desk, Snapshot};
use tonic::{Request, Response, Status};

/// The gRPC service.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) identities: Arc<Repository<Identity>>,
    pub(super) directory: Directory,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) keys: Arc<Keys>,
    pub(super) desk: Desk,
    pub(super) revoking: Arc<tokio::sync::Mutex<()>>,
}

/// The stable code of a rejection, and what to do about it.
fn code(rejection: &Rejection) -> (&'static str, &'static str) {
    match rejection {
        Rejection::Taken => (
            "name-taken",
            "revoke that identity first, or choose another name",
        ),
        Rejection::Unknown => ("not-found", "`towpath access list` shows all"),
    }
}

impl Access {
    fn context<T: Message>(
        &self,
        request: &Request<T>,
        method: &str,
        dry_run: bool,
    ) -> Result<Context, Fault> {
        self.keys
            .context(request, method, dry_run, self.clock.now_us())
    }

    async fn execute(
        &self,
        name: &str,
        context: &Context,
        command: &Command,
    ) -> Result<bool, Fault> {
        match self
            .identities
            .execute(derive::identity(name), context, command)
            .await
        {
            Ok(done) => Ok(done.repeated),
            Err(error) => Err(Fault::of_command(error, |rejection| {
                let (code, fix) = code(&rejection);
                Fault::new(Kind::Rejected, code, rejection.to_string()).fix(fix)
            })),
        }
    }

    /// Waits until the directory knows; it follows the log within milliseconds.
    async fn see_revoked(&self, name: &str) {
        for _ in 0..200 {
            let knows = |it: &access::Listed| it.principal.name == name && it.is_revoked;
            if self.directory.list().iter().any(knows) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Without an admin nobody could let anybody in again.
    fn keep_an_admin(&self, name: &str) -> Result<(), Fault> {
        let is_admin = |it: &access::Listed| {
            !it.is_revoked
                && it.expires_at_us.is_none()
                && it
                    .principal
                    .groups
                    .iter()
                    .any(|group| group == authorize::ADMIN)
        };
        let admins: Vec<_> = self.directory.list().into_iter().filter(is_admin).collect();
        match admins.as_slice() {
            [only] if only.principal.name == name => {
                let what = format!("`{name}` is the only admin: nobody could let anybody in again");
                Err(Fault::new(Kind::Rejected, "last-admin", what).fix(
                    "create another admin first; to change the token of this machine's admin, delete admin.token in the data directory and start again",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Finds out whether a command would be refused.
    async fn decide(&self, name: &str, command: &Command) -> Result<(), Fault> {
        let loaded = self.identities.load(derive::identity(name)).await?;
        Identity::decide(&loaded.state, command)
            .map(drop)
            .map_err(|rejection| {
                let (code, fix) = code(&rejection);
                Fault::new(Kind::Rejected, code, rejection.to_string()).fix(fix)
            })
    }

    /// Refuses groups that mean nothing: known are those of the table of methods, and those that
    /// an approval policy names now. Manifests that cannot be read know no group and deny none.
    async fn know(&self, groups: &[String]) -> Result<(), Fault> {
        let mut known: BTreeSet<String> = authorize::known_groups()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let unknown = |known: &BTreeSet<String>| groups.iter().find(|it| !known.contains(*it));
        if !groups.is_empty() && unknown(&known).is_none() {
            return Ok(());
        }
        let seen = self.desk.look().await;
        if let Ok(snapshot) = &seen {
            let asked = snapshot.graph.approval_groups();
            known.extend(asked.into_iter().map(str::to_owned));
        }
        let all = known.iter().map(String::as_str).collect::<Vec<_>>();
        let fix = format!("groups: {}", all.join(", "));
        let Some(wrong) = unknown(&known) else {
            if groups.is_empty() {
                let what = "an identity needs at least one group";
                return Err(Fault::new(Kind::Invalid, "invalid-value", what).fix(fix));
            }
            return Ok(());
        };
        let wrong: String = wrong
            .chars()
            .take(80)
            .flat_map(char::escape_default)
            .collect();
        Err(match &seen {
            Ok(snapshot) => {
                Fault::new(Kind::Invalid, "invalid-value", no_group(&wrong, snapshot)).fix(fix)
            }
            Err(error) => Fault::new(
                Kind::Unknown,
                "manifests-unusable",
                format!(
                    "whether an approval policy names the group `{wrong}` is not known: {error}"
                ),
            )
            .fix(
                "nothing was recorded; make the manifests repository readable and repeat the call",
            ),
        })
    }

    async fn create(
        &self,
        request: &Request<pb::CreateIdentityRequest>,
    ) -> Result<pb::CreateIdentityResponse, Fault> {
        let context = self.context(request, "CreateIdentity", request.get_ref().dry_run)?;
        let asked = request.get_ref();
        let name = Name::parse(&asked.name)?.to_string();
        self.know(&asked.groups).await?;
        let expires_at_us = (asked.expires_at_us != 0).then_some(asked.expires_at_us);
        if expires_at_us.is_some_and(|it| it <= context.now_us) {
            return Err(
                Fault::new(Kind::Invalid, "invalid-value", "`expires` is in the past")
                    .fix("give a time to come, or a span such as 2h"),
            );
        }
        let mut groups = asked.groups.clone();
        groups.sort();
        groups.dedup();
        let token = Token::from_random(self.entropy.secret());
        let command = Command::Create {
            name: name.clone(),
            groups: groups.clone(),
            is_service: asked.is_service,
            token_hash: token.hash(),
            expires_at_us,
        };
        if asked.dry_run {
            self.decide(&name, &command).await?;
            return Ok(pb::CreateIdentityResponse::default());
        }
        if self.execute(&name, &context, &command).await? {
            let what = format!(
                "`{name}` was created by an earlier call with this key, which showed its token"
            );
            return Err(
                Fault::new(Kind::Rejected, "token-shown-once", what).fix(format!(
                    "if nobody has the token: `towpath access revoke {name}`, then create it again"
                )),
            );
        }
        let identity = pb::Identity {
            name,
            groups,
            is_service: asked.is_service,
            revoked: false,
            expires_at_us: asked.expires_at_us,
        };
        Ok(pb::CreateIdentityResponse {
            identity: Some(identity),
            token: token.reveal().to_owned(),
        })
    }

    async fn revoke(
        &self,
        request: &Request<pb::RevokeIdentityRequest>,
    ) -> Result<pb::RevokeIdentityResponse, Fault> {
        let context = self.context(request, "RevokeIdentity", request.get_ref().dry_run)?;
        let name = &request.get_ref().name;
        // One at a time, and each sees what the one before did: two admins who revoke each other
        // must not both succeed.
        let _turn = self.revoking.lock().await;
        self.keep_an_admin(name)?;
        if request.get_ref().dry_run {
            self.decide(name, &Command::Revoke).await?;
        } else {
            self.execute(name, &context, &Command::Revoke).await?;
            self.see_revoked(name).await;
        }
        let listed = self
            .directory
            .list()
            .into_iter()
            .find(|it| &it.principal.name == name);
        let identity = listed.map(|it| pb::Identity {
            revoked: true,
            ..shape(it)
        });
        Ok(pb::RevokeIdentityResponse { identity })
    }
}

/// Says where was looked: a policy that was pushed elsewhere, or into a file that is broken, is
/// not there.
fn no_group(wrong: &str, snapshot: &Snapshot) -> String {
    let place = format!(
        "there is no group `{wrong}`: neither a method nor an approval policy at commit {} names it",
        snapshot.commit
    );
    match snapshot.problems.first() {
        None => place,
        Some(first) => format!("{place}; what is broken there may hide it: {first}"),
    }
}

fn shape(it: access::Listed) -> pb::Identity {
    pb::Identity {
        name: it.principal.name,
        groups: it.principal.groups,
        is_service: it.principal.is_service,
        revoked: it.is_revoked,
        expires_at_us: it.expires_at_us.unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl AccessService for Access {
    async fn create_identity(
        &self,
        request: Request<pb::CreateIdentityRequest>,
    ) -> Result<Response<pb::CreateIdentityResponse>, Status> {
        Ok(Response::new(self.create(&request).await?))
    }

    async fn list_identities(
        &self,
        _: Request<pb::ListIdentitiesRequest>,
    ) -> Result<Response<pb::ListIdentitiesResponse>, Status> {
        let identities = self.directory.list().into_iter().map(shape).collect();
        Ok(Response::new(pb::ListIdentitiesResponse { identities }))
    }

    async fn revoke_identity(
        &self,
        request: Request<pb::RevokeIdentityRequest>,
    ) -> Result<Response<pb::RevokeIdentityResponse>, Status> {
        Ok(Response::new(self.revoke(&request).await?))
    }
}
