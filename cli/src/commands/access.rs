//! `towpath access`.

use proto::access::v1 as pb;
use serde_json::json;
use service::clock::{Clock as _, SystemClock};
use service::time;

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
            expires,
            dry_run,
        } => {
            let expires_at_us = match expires {
                None => 0,
                Some(text) => time::parse(&text, SystemClock.now_us())
                    .map_err(|why| Failure::usage("invalid-value", why))?,
            };
            let request = pb::CreateIdentityRequest {
                name,
                groups,
                is_service: service,
                dry_run,
                expires_at_us,
            };
            let created = client
                .create_identity(keyed(request, None)?)
                .await?
                .into_inner();
            if scene.is_json() {
                let identity = created.identity.as_ref().map(view::identity);
                let shown = json!({ "identity": identity, "token": created.token });
                return output::answer(shown, dry_run);
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
            let now_us = SystemClock.now_us();
            let rows: Vec<_> = all.iter().map(|it| row(it, now_us)).collect();
            output::table(&["NAME", "GROUPS", "KIND", "STATE", "EXPIRES"], &rows)
        }
        args::Access::Revoke { name, dry_run } => {
            let request = pb::RevokeIdentityRequest { name, dry_run };
            let revoked = client
                .revoke_identity(keyed(request, None)?)
                .await?
                .into_inner()
                .identity;
            if scene.is_json() {
                let identity = revoked.as_ref().map(view::identity);
                return output::answer(json!({ "identity": identity }), dry_run);
            }
            if dry_run {
                return output::line("nothing was revoked (--dry-run)");
            }
            output::line(&format!(
                "revoked {}",
                revoked.map(|it| it.name).unwrap_or_default()
            ))
        }
    }
}

fn row(it: &pb::Identity, now_us: i64) -> Vec<String> {
    let kind = if it.is_service { "service" } else { "person" };
    let state = match (it.revoked, it.expires_at_us) {
        (true, _) => "revoked",
        (false, 0) => "active",
        (false, at) if at <= now_us => "expired",
        (false, _) => "active",
    };
    let expires = match it.expires_at_us {
        0 => "never".to_owned(),
        at => time::rfc3339(at),
    };
    vec![
        it.name.clone(),
        it.groups.join(","),
        kind.to_owned(),
        state.to_owned(),
        expires,
    ]
}
