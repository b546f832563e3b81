//! Releases as answers.

use ids::Uuid;
use proto::release::v1 as pb;

use crate::Inner;
use crate::domain::release::{Item, Pass, Release, Step};
use crate::process::{Known, World, deployment_id};

impl Inner {
    /// A release with what goes on around it.
    pub(super) fn shaped(&self, world: &World, id: Uuid, it: &Known) -> pb::Release {
        let mut shaped = release(id, &it.release);
        if let Some(why) = world.aside(id) {
            why.clone_into(&mut shaped.message);
        } else if shaped.message.is_empty() {
            // Another replica may have done what failed here.
            let asked = world.asked(id);
            let trouble = asked.iter().find_map(|it| self.troubles.of(&it.id));
            shaped.message = trouble.unwrap_or_default();
        }
        shaped.requested_by.clone_from(&it.requested_by);
        shaped.created_at_us = it.created_at_us;
        shaped.updated_at_us = it.updated_at_us;
        shaped
    }
}

/// A release by itself.
pub(super) fn release(id: Uuid, it: &Release) -> pb::Release {
    let passes: Vec<_> = it.passes.iter().map(|it| pass(id, it)).collect();
    let last = passes.last().cloned().unwrap_or_default();
    pb::Release {
        id: id.to_string(),
        application_set: it.application_set.clone(),
        bundle: it.bundle.clone(),
        track: it.track.clone(),
        state: last.state,
        tag: last.tag,
        message: last.message,
        passes,
        requested_by: String::new(),
        created_at_us: 0,
        updated_at_us: 0,
    }
}

fn pass(id: Uuid, it: &Pass) -> pb::ReleasePass {
    pb::ReleasePass {
        ordinal: it.ordinal,
        tag: it.tag.as_ref().map(ToString::to_string).unwrap_or_default(),
        state: it.state_word().to_owned(),
        message: it.message().to_owned(),
        items: it
            .items
            .iter()
            .map(|item| shape_item(id, it, item))
            .collect(),
    }
}

fn shape_item(id: Uuid, pass: &Pass, item: &Item) -> pb::ReleaseItem {
    let is_ready = !matches!(pass.step, Step::Tagging | Step::Refused { .. });
    let deployment = is_ready.then(|| deployment_id(id, &item.application, pass.ordinal));
    let tag = |registry: &String| pb::ReleaseTag {
        registry: registry.clone(),
        place: pass
            .tag_in(&item.application, registry)
            .map(|it| it.place.clone())
            .unwrap_or_default(),
    };
    pb::ReleaseItem {
        application: item.application.clone(),
        version: item.version.to_string(),
        digest: item.digest.to_string(),
        commit: item
            .commit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        deployment_id: deployment.map(|it| it.to_string()).unwrap_or_default(),
        tags: item.registries.iter().map(tag).collect(),
    }
}
