//! The decision.

use std::ops::RangeFrom;

use ids::ReleaseType;
use semver::{BuildMetadata, Prerelease, Version};

use super::evidence;
use super::outcome::Judged;
use super::warn::warnings;
use super::{Conflict, Evidence, Facts, HotfixScheme, Options, Outcome, PreReleaseCore, Reason};
use crate::bump::Level;
use crate::catalogue::TagAt;
use crate::channel;

/// Decides which version a commit gets. The same facts and options give the same answer.
pub fn decide(facts: &Facts, options: &Options) -> Result<Outcome, Conflict> {
    if facts.release_type == ReleaseType::None {
        return Ok(skip(facts, None, Reason::NoReleaseType));
    }
    if let Some((tag, reason)) = tagged(facts) {
        return Ok(skip(facts, Some(tag), reason));
    }
    if facts.is_filtered && facts.commits.is_empty() {
        return Ok(skip(facts, None, Reason::NothingChanged));
    }
    let base = facts.base.as_ref().map(|it| &it.commit);
    let found = evidence::of(&facts.commits, base, &facts.said);
    let warnings = warnings(facts, options, &found);
    let mut evidence: Vec<_> = of_label(facts).into_iter().collect();
    evidence.extend(found.pull_requests);
    let of_commits = evidence.len()..;
    evidence.extend(found.commits);
    let level = level(&evidence, None);
    let (version, counter) = version(facts, options, level);
    if counter.is_none() {
        free(facts, options, &version)?;
    }
    Ok(Outcome {
        target_version: Some(options.naming.write(&version)),
        skip: false,
        reason: Reason::Next,
        release_type: facts.release_type,
        base: facts.base.clone(),
        level: Some(level),
        counter,
        commits_since_base: facts.commits_since_base,
        evidence: judged(facts, options, &evidence, level, &of_commits),
        warnings,
        ignored_tags: facts.catalogue.ignored,
    })
}

/// The version that the commit has already.
fn tagged(facts: &Facts) -> Option<(&TagAt, Reason)> {
    let mut at = facts.catalogue.at(&facts.head);
    at.find_map(|tag| {
        if tag.version.pre.is_empty() {
            return Some((tag, Reason::AlreadyReleased));
        }
        let channel = channel::name(facts.release_type)?;
        channel::number(&tag.version, channel).map(|_| (tag, Reason::AlreadyTagged))
    })
}

fn skip(facts: &Facts, tag: Option<&TagAt>, reason: Reason) -> Outcome {
    Outcome {
        target_version: tag.map(|it| it.name.clone()),
        skip: true,
        reason,
        release_type: facts.release_type,
        base: facts.base.clone(),
        level: None,
        counter: None,
        commits_since_base: facts.commits_since_base,
        evidence: Vec::new(),
        warnings: Vec::new(),
        ignored_tags: facts.catalogue.ignored,
    }
}

fn of_label(facts: &Facts) -> Option<Evidence> {
    let (label, level) = facts.label.as_ref()?;
    Some(Evidence {
        oid: facts.head.clone(),
        pull_request: None,
        label: Some(label.clone()),
        kind: None,
        breaking: *level == Level::Major,
        level: Some(*level),
        note: None,
    })
}

/// What all of the evidence says, but for one.
fn level(evidence: &[Evidence], but: Option<usize>) -> Level {
    let counts = evidence.iter().enumerate().filter(|it| Some(it.0) != but);
    let most = counts.filter_map(|it| it.1.level).max();
    most.unwrap_or(Level::Patch)
}

fn judged(
    facts: &Facts,
    options: &Options,
    evidence: &[Evidence],
    most: Level,
    of_commits: &RangeFrom<usize>,
) -> Vec<Judged> {
    // Without the only commit there is nothing to release.
    let is_only = facts.commits.len() == 1;
    let all = evidence.iter().enumerate();
    all.map(|(at, it)| {
        let decisive = it.level == Some(most);
        let is_gone = is_only && of_commits.contains(&at);
        let without = (decisive && !is_gone).then(|| {
            let (version, _) = version(facts, options, level(evidence, Some(at)));
            options.naming.write(&version)
        });
        Judged {
            evidence: it.clone(),
            decisive,
            without,
        }
    })
    .collect()
}

/// The version, and the number behind its channel.
fn version(facts: &Facts, options: &Options, level: Level) -> (Version, Option<u64>) {
    let before = facts.base.as_ref().map(|it| release(&it.version));
    let base = before.clone().unwrap_or(Version::new(0, 0, 0));
    let level = match options.major_on_zero {
        Some(instead) if base.major == 0 && level == Level::Major => instead,
        Some(_) | None => level,
    };
    let next = |level: Level| match (&before, &options.initial) {
        (None, Some(initial)) => initial.clone(),
        (None | Some(_), Some(_) | None) => level.bump(&base),
    };
    let core = match (facts.release_type, options.core, options.hotfix) {
        (ReleaseType::Hotfix, _, HotfixScheme::Patch) => return (next(Level::Patch), None),
        (ReleaseType::Hotfix, _, HotfixScheme::Suffix)
        | (ReleaseType::Alpha | ReleaseType::Beta, PreReleaseCore::Base, _) => base,
        (ReleaseType::Alpha | ReleaseType::Beta, PreReleaseCore::Next, _)
        | (ReleaseType::Latest | ReleaseType::None, _, _) => next(level),
    };
    let Some(channel) = channel::name(facts.release_type) else {
        return (core, None);
    };
    let taken = taken(facts)
        .filter(|it| release(it) == core)
        .filter_map(|it| channel::number(it, channel))
        .max();
    let number = taken.map_or(channel::first(facts.release_type), |it| {
        it.saturating_add(1)
    });
    let pre = Prerelease::new(&format!("{channel}.{number}")).unwrap_or_default();
    (Version { pre, ..core }, Some(number))
}

/// Every version that there is, here or elsewhere.
fn taken(facts: &Facts) -> impl Iterator<Item = &Version> {
    let here = facts.catalogue.all().map(|it| &it.version);
    here.chain(&facts.catalogue.in_use).chain(&facts.taken)
}

/// The three numbers alone.
fn release(version: &Version) -> Version {
    Version {
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
        ..version.clone()
    }
}

/// Refuses a version that is taken, whatever build metadata it has there.
fn free(facts: &Facts, options: &Options, version: &Version) -> Result<(), Conflict> {
    let here = facts.catalogue.all();
    let mut here = here.filter(|it| it.version.cmp_precedence(version).is_eq());
    let found = here.next();
    let elsewhere = || {
        let mut taken = facts.catalogue.in_use.iter().chain(&facts.taken);
        taken.any(|it| it.cmp_precedence(version).is_eq())
    };
    if found.is_none() && !elsewhere() {
        return Ok(());
    }
    Err(Conflict {
        tag: options.naming.write(version),
        at: found.map(|it| it.commit.clone()),
    })
}
