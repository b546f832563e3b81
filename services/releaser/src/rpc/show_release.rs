//! `ShowRelease`.

use ids::Uuid;
use proto::release::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::Inner;
use crate::process::World;

impl Inner {
    pub(super) async fn show_release(&self, text: &str) -> Result<pb::ShowReleaseResponse, Fault> {
        self.read_now().await?;
        let world = self.world();
        let found = find(&world, text);
        match found.as_slice() {
            [only] => Ok(pb::ShowReleaseResponse {
                release: world
                    .release(*only)
                    .map(|it| self.shaped(&world, *only, it)),
            }),
            [] => {
                let what = format!("there is no release `{}`", shown(text));
                Err(Fault::new(Kind::NotFound, "not-found", what)
                    .fix("`towpath release list` shows all; give an id, the beginning of one, `application-set/bundle` or a tag"))
            }
            _ => {
                let what = format!("several releases begin with `{}`", shown(text));
                Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
            }
        }
    }
}

/// The releases that a text names: by id or the beginning of one, by name, by tag.
fn find(world: &World, text: &str) -> Vec<Uuid> {
    let prefix = text.to_ascii_lowercase();
    let is_id = text.len() >= 4;
    let is_it = |id: Uuid, it: &crate::domain::release::Release| {
        let name = text.split_once('/');
        name.is_some_and(|(set, bundle)| it.application_set == set && it.bundle == bundle)
            || it.tag_base() == text
            || it
                .passes
                .iter()
                .any(|it| it.tag.as_ref().is_some_and(|tag| tag.as_str() == text))
            || (is_id && id.to_string().starts_with(&prefix))
    };
    let found = world.releases().filter(|(id, it)| is_it(*id, &it.release));
    found.map(|it| it.0).collect()
}
