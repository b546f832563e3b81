//! What somebody should know about a version.

use ids::ReleaseType;

use super::{Facts, PreReleaseCore};
use crate::bump::Level;

/// All that is unusual, each beginning with a stable word.
pub(super) fn warnings(facts: &Facts, core: PreReleaseCore, commits: Option<Level>) -> Vec<String> {
    let mut said = Vec::new();
    let base = facts.base.as_ref();
    if let Some(higher) = &facts.unreachable_higher {
        said.push(format!(
            "unreachable_higher: {}: a higher release stands on another branch",
            higher.name
        ));
        if facts.base_behind {
            said.push(format!(
                "base_behind: the default branch has {}, which was not merged back here",
                higher.name
            ));
        }
    }
    let is_below = match facts.release_type {
        ReleaseType::Alpha | ReleaseType::Beta => core == PreReleaseCore::Base,
        ReleaseType::Hotfix => true,
        ReleaseType::Latest | ReleaseType::None => false,
    };
    if let (true, Some(base)) = (is_below, base) {
        said.push(format!(
            "sorts_below_base: by Semantic Versioning the version comes before {}; deployments \
             are ordered by what happened, not by that",
            base.name
        ));
    }
    if let Some(base) = base.filter(|it| !it.version.build.is_empty()) {
        said.push(format!(
            "build_metadata: {} has some, which takes no part in what comes next",
            base.name
        ));
    }
    if facts.release_type == ReleaseType::Latest {
        said.extend(facts.hotfixes_apart.iter().map(|it| {
            format!(
                "hotfix_not_merged_back: {it} is not in this history; what it mended may be missing"
            )
        }));
    }
    if let (Some((label, level)), Some(commits)) = (&facts.label, commits)
        && *level < commits
    {
        said.push(format!(
            "label_below_commits: the label `{label}` says {}, and a commit says {}, which counts",
            level.word(),
            commits.word()
        ));
    }
    said.extend(
        facts
            .catalogue
            .too_large
            .iter()
            .map(|it| format!("tag_too_large: {} is left out", it.escape_debug())),
    );
    said
}
