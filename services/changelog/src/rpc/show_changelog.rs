//! `ShowChangelog`: what a deployment changes.

use ids::Uuid;
use proto::changelog::v1 as pb;
use proto::found;
use service::fault::{Fault, Kind, shown};

use crate::Inner;
use crate::domain::changelog::{Content, State};
use crate::process::changelog_id;

impl Inner {
    pub(super) async fn show_changelog(
        &self,
        text: &str,
    ) -> Result<pb::ShowChangelogResponse, Fault> {
        self.read_now().await?;
        let deployment = self.deployment(text)?;
        let loaded = self.changelogs.load(changelog_id(deployment)).await?;
        let state = loaded.state;
        let aside = self.world().aside(deployment).map(str::to_owned);
        let mut shaped = match &state {
            State::Generated(content) => shape(content),
            State::Pending => pb::Changelog {
                message: aside
                    .or_else(|| self.troubles.of(&changelog_id(deployment)))
                    .unwrap_or_else(|| "it is being written".to_owned()),
                ..pb::Changelog::default()
            },
            State::Unavailable(it) => pb::Changelog {
                application: it.application.clone(),
                message: format!("{}: {}", it.code, it.why),
                ..pb::Changelog::default()
            },
        };
        shaped.deployment_id = deployment.to_string();
        state.as_str().clone_into(&mut shaped.state);
        Ok(pb::ShowChangelogResponse {
            changelog: Some(shaped),
        })
    }

    /// The deployment that a full id or an unambiguous beginning names.
    fn deployment(&self, text: &str) -> Result<Uuid, Fault> {
        let prefix = text.to_ascii_lowercase();
        let world = self.world();
        let mut found = world.named(&prefix);
        let shown = shown(text);
        match (found.next(), found.next()) {
            (Some(only), None) if text.len() >= 4 => Ok(only),
            (Some(_), Some(_)) if text.len() >= 4 => {
                let what = format!("several deployments begin with `{shown}`");
                Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
            }
            _ => {
                let what = format!("there is no deployment `{shown}`");
                Err(Fault::new(Kind::NotFound, "not-found", what)
                    .fix("`towpath deployments list` shows all; the first eight characters of an id are enough"))
            }
        }
    }
}

fn shape(it: &Content) -> pb::Changelog {
    let (from, to) = (it.changelog.from.as_ref(), &it.changelog.to);
    pb::Changelog {
        deployment_id: String::new(),
        application: it.application.clone(),
        state: String::new(),
        message: String::new(),
        from_version: from.map(|it| it.revision.clone()).unwrap_or_default(),
        from_commit: from.map(|it| it.oid.to_string()).unwrap_or_default(),
        to_version: to.revision.clone(),
        to_commit: to.oid.to_string(),
        added_count: it.changelog.added.count(),
        removed_count: it.changelog.removed.count(),
        digest: it.digest.to_string(),
        found: Some(found::to_wire(&it.changelog)),
    }
}
