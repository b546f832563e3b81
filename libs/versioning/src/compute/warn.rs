//! What somebody should know about a version.

use std::collections::BTreeSet;

use ids::ReleaseType;

use super::evidence::Found;
use super::{Facts, HotfixScheme, Options, PreReleaseCore};
use crate::bump::Level;

/// All that is unusual, each beginning with a stable word.
pub(super) fn warnings(facts: &Facts, options: &Options, found: &Found) -> Vec<String> {
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
        ReleaseType::Alpha | ReleaseType::Beta => options.core == PreReleaseCore::Base,
        ReleaseType::Hotfix => options.hotfix == HotfixScheme::Suffix,
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
    said.extend(below(facts, found));
    said.extend(unlabelled(found));
    said.extend(
        facts
            .catalogue
            .too_large
            .iter()
            .map(|it| format!("tag_too_large: {} is left out", it.escape_debug())),
    );
    said
}

/// Labels that say less than what they are on: nothing that breaks is talked down.
fn below(facts: &Facts, found: &Found) -> Vec<String> {
    let told = |label: &str, of: &str, level: Level, commits: Level| {
        format!(
            "label_below_commits: the label `{label}`{of} says {}, and a commit says {}, which \
             counts",
            level.word(),
            commits.word()
        )
    };
    let all = found.commits.iter().filter_map(|it| it.level).max();
    let given = facts.label.as_ref().zip(all);
    let given = given.filter(|((_, level), all)| level < all);
    let given = given.map(|((label, level), all)| told(label, "", *level, all));
    let of_merged = found.pull_requests.iter().filter_map(|it| {
        let (label, level) = (it.label.as_ref()?, it.level?);
        let mut commits = found.commits.iter().filter(|commit| commit.oid == it.oid);
        let commit = commits.find_map(|it| it.level).filter(|it| *it > level)?;
        let of = it.pull_request.map(|number| format!(" of #{number}"));
        Some(told(label, &of.unwrap_or_default(), level, commit))
    });
    given.into_iter().chain(of_merged).collect()
}

/// Pull requests whose bodies say that something breaks, and no label does.
fn unlabelled(found: &Found) -> Vec<String> {
    let breaks = found.pull_requests.iter().filter(|it| it.breaking);
    let (labels, bodies): (Vec<_>, Vec<_>) = breaks.partition(|it| it.label.is_some());
    let labelled: BTreeSet<_> = labels.iter().map(|it| it.pull_request).collect();
    let bodies = bodies.iter().map(|it| it.pull_request);
    let bodies = bodies.filter(|it| !labelled.contains(it)).flatten();
    let told = bodies.map(|number| {
        format!(
            "body_breaks: the body of #{number} says that something breaks, which counts, and its \
             labels do not"
        )
    });
    told.collect()
}
