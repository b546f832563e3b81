//! `towpath access`.

use proto::access::v1 as pb;
use serde_json::json;

use super::{Scene, view};
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, command: args::Access) -> Result<(), Failure> {
    let mut client = scene.client().await?.access();
    match command {
        args::Access::Create {
            name,
            groups,
            service,
            dry_run,
        } => {
            let request = pb::CreateIdentityRequest {
                name,
                groups,
                is_service: service,
                dry_run,
            };
            let created = client
                .create_identity(keyed(request, None)?)
                .await?
                .into_inner();
            if scene.is_json() {
                let identity = created.identity.as_ref().map(view::identity);
                return output::json(&json!({ "identity": identity, "token": created.token }));
            }
            if dry_run {
                return output::line("nothing was created (--dry-run)");
            }
            output::line(&created.token)
        }
        args::Access::List => {
            let all = client
                .list_identities(pb::ListIdentitiesRequest {})
                .await?
                .into_inner()
                .identities;
            if scene.is_json() {
                let all: Vec<_> = all.iter().map(view::identity).collect();
                return output::json(&json!({ "identities": all }));
            }
            let rows: Vec<_> = all
                .iter()
                .map(|it| {
                    let kind = if it.is_service { "service" } else { "person" };
                    let state = if it.revoked { "revoked" } else { "active" };
                    vec![
                        it.name.clone(),
                        it.groups.join(","),
                        kind.to_owned(),
                        state.to_owned(),
                    ]
                })
                .collect();
            output::table(&["NAME", "GROUPS", "KIND", "STATE"], &rows)
        }
        args::Access::Revoke { name, dry_run } => {
            let request = pb::RevokeIdentityRequest { name, dry_run };
            let revoked = client
                .revoke_identity(keyed(request, None)?)
                .await?
                .into_inner()
                .identity;
            if scene.is_json() {
                return output::json(&json!({ "identity": revoked.as_ref().map(view::identity) }));
            }
            output::line(&format!(
                "revoked {}",
                revoked.map(|it| it.name).unwrap_or_default()
            ))
        }
    }
}
