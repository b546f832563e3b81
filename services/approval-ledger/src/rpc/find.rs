//! From what a person typed to an approval.

use std::time::Duration;

use ids::{Uuid, derive};
use service::fault::{Fault, Kind, shown};

use crate::Inner;
use crate::domain::approval::Standing;
use crate::process::{Known, World};

/// How often a round that is about to be opened is looked for again.
const TRIES: u32 = 100;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

impl Inner {
    /// The approval of a deployment's stage; without a stage, of the one that is asked about.
    pub(super) async fn find(&self, deployment: &str, stage: &str) -> Result<(Uuid, Known), Fault> {
        self.read_now().await?;
        let id = self.deployment_id(deployment)?;
        for _ in 0..TRIES {
            if !is_about_to_open(&self.world(), id, stage) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if let Some(found) = find_in(&self.world(), id, stage) {
            return Ok(found);
        }
        let what = if stage.is_empty() {
            format!("deployment {id} asks nobody for approval")
        } else {
            format!(
                "stage `{}` of deployment {id} asks nobody for approval",
                shown(stage)
            )
        };
        Err(Fault::new(Kind::NotFound, "not-asked-for", what)
            .fix("`towpath explain` says what it waits for"))
    }

    fn deployment_id(&self, text: &str) -> Result<Uuid, Fault> {
        if let Ok(id) = Uuid::parse_str(text) {
            return Ok(id);
        }
        let prefix = text.to_ascii_lowercase();
        let is_prefix = prefix.len() >= 4
            && prefix
                .bytes()
                .all(|it| it.is_ascii_hexdigit() || it == b'-');
        let world = self.world();
        let mut found = world
            .deployments()
            .filter(|it| is_prefix && it.to_string().starts_with(&prefix));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                let what = format!("several deployments begin with `{}`", shown(text));
                Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
            }
            (None, _) => {
                let what = format!("no deployment `{}` ever asked for approval", shown(text));
                Err(Fault::new(Kind::NotFound, "not-found", what)
                    .fix("`towpath approvals list` shows those that do; at least four characters of an id are needed"))
            }
        }
    }
}

fn find_in(world: &World, deployment: Uuid, stage: &str) -> Option<(Uuid, Known)> {
    if !stage.is_empty() {
        let id = derive::approval(deployment, stage);
        let known = world.approval(id).filter(|it| it.state.is_some())?;
        return Some((id, known.clone()));
    }
    let is_asked = |known: &Known| {
        known
            .state
            .as_ref()
            .is_some_and(|it| matches!(it.standing, Standing::Open | Standing::Rejected { .. }))
    };
    let all = world
        .of(deployment)
        .filter_map(|(id, known)| Some((id, known?)));
    let found = all
        .filter(|(_, known)| known.state.is_some())
        .max_by_key(|(_, known)| (is_asked(known), known.opened_at_us));
    found.map(|(id, known)| (id, known.clone()))
}

/// Whether what was named is about to be asked for, or asked for anew.
fn is_about_to_open(world: &World, deployment: Uuid, stage: &str) -> bool {
    let wanted = derive::approval(deployment, stage);
    world
        .of(deployment)
        .any(|(id, _)| (stage.is_empty() || id == wanted) && world.is_about_to_open(id))
}
