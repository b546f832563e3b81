//! `ReleaseTrack`: the stages a build, a release and a hotfix go through.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Findings;
use crate::decode;
use crate::diagnostic::shown;
use crate::kinds::stage::{STAGE, Stage, stage_id};
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Object, Shape};
use crate::tree::Node;

const STAGES: Shape = Shape::List(&Shape::Object(&STAGE));
const LISTS: [&str; 3] = ["preReleaseStages", "releaseStages", "hotfixStages"];

pub(super) static SPEC: Object = Object::new(
    "ReleaseTrack",
    &[
        DESCRIPTION,
        Field::new(
            "preReleaseStages",
            STAGES,
            "What every build goes through by itself.",
        ),
        Field::new("releaseStages", STAGES, "What a release goes through."),
        Field::new("hotfixStages", STAGES, "What a hotfix goes through."),
    ],
);

/// The stages of one or more application sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseTrack {
    /// Name, unit, place.
    pub meta: Arc<Meta>,
    /// `spec.preReleaseStages`.
    pub pre_release_stages: Vec<Stage>,
    /// `spec.releaseStages`.
    pub release_stages: Vec<Stage>,
    /// `spec.hotfixStages`.
    pub hotfix_stages: Vec<Stage>,
}

impl ReleaseTrack {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        let stages = |name: &str| decode::items(spec, name).map(Stage::decode).collect();
        Self {
            meta,
            pre_release_stages: stages(LISTS[0]),
            release_stages: stages(LISTS[1]),
            hotfix_stages: stages(LISTS[2]),
        }
    }

    /// All its stages, of every list.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.pre_release_stages
            .iter()
            .chain(&self.release_stages)
            .chain(&self.hotfix_stages)
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }
}

/// In one list, stages have different ids and environments stand once.
pub(super) fn check(spec: &Node, findings: &mut Findings<'_>) {
    for list in LISTS {
        let mut ids: BTreeMap<String, &Node> = BTreeMap::new();
        let mut environments: BTreeMap<&str, &Node> = BTreeMap::new();
        for stage in decode::items(Some(spec), list) {
            for it in decode::items(Some(stage), "environments") {
                let Some(name) = it.scalar() else { continue };
                if let Some(first) = environments.insert(name, it) {
                    let what = format!("`{}` stands twice in `spec.{list}`", shown(name));
                    findings.twice("duplicate-environment", what, it, first);
                }
            }
            let id = stage_id(stage);
            if id.is_empty() {
                continue;
            }
            let what = format!(
                "two stages of `spec.{list}` have the id `{}`; give one a `name`",
                shown(&id)
            );
            if let Some(first) = ids.insert(id, stage) {
                findings.twice("duplicate-stage", what, stage, first);
            }
        }
    }
}
