//! How a bundle is laid out: its applications, what breaks, then every other commit once, below
//! the applications that it belongs to.

use std::collections::BTreeMap;

use super::super::bundle::{Bundle, Part, Standing};
use super::super::union::{Shared, Union, UnionSide};
use super::super::{Changelog, Direction, Entry, LeftOut, Section};
use super::{Block, Item, Span, address, entry, left_out, text};

pub(in super::super) fn of(it: &Bundle) -> Vec<Block<'_>> {
    let title = format!("{} in {}", it.name, it.environment);
    let mut all = vec![Block::Heading(1, vec![text(title)])];
    let union = Union::of(&it.parts);
    all.push(Block::Paragraph(vec![text(summary(it, &union))]));
    let remarks = it.remarks.iter();
    all.extend(remarks.map(|it| Block::Paragraph(vec![text(it)])));
    all.push(Block::Heading(2, vec![text("Applications")]));
    all.push(Block::List(it.parts.iter().map(part).collect()));
    let breaking: Vec<_> = union.added.breaking().map(breaking).collect();
    if !breaking.is_empty() {
        let title = format!("{} ({})", Section::Breaking.title(), breaking.len());
        all.push(Block::Heading(2, vec![text(title)]));
        all.push(Block::List(breaking));
    }
    groups(&mut all, "Added", &union.added, true);
    groups(&mut all, "Removed", &union.removed, false);
    all
}

fn summary(it: &Bundle, union: &Union<'_>) -> String {
    let untold = |side: fn(&Changelog) -> u64| -> u64 {
        let known = it.parts.iter().filter_map(|it| known(&it.standing));
        known.map(side).sum()
    };
    let added = (
        union.added.count() as u64,
        untold(|it| it.added.untold.count()),
    );
    let removed = (
        union.removed.count() as u64,
        untold(|it| it.removed.untold.count()),
    );
    let said = |(told, untold): (u64, u64)| match untold {
        0 => told.to_string(),
        _ => format!("{told} and at most {untold} more"),
    };
    let open = |it: &&Part| matches!(it.standing, Standing::Pending(_) | Standing::Unknown(_));
    let without = match it.parts.iter().filter(open).count() {
        0 => String::new(),
        open => format!(" Of {open} application(s) nobody can say it, or not yet."),
    };
    format!(
        "{} application(s): {} commit(s) added, {} removed; each is listed once.{without}",
        it.parts.len(),
        said(added),
        said(removed)
    )
}

fn known(standing: &Standing) -> Option<&Changelog> {
    match standing {
        Standing::Known(it) => Some(it),
        Standing::Unchanged | Standing::Pending(_) | Standing::Unknown(_) => None,
    }
}

fn part(it: &Part) -> Item<'_> {
    let mut line = vec![
        Span::Strong(format!("{}:", it.application).into()),
        text(" "),
    ];
    line.push(text(match (&it.from, &it.standing) {
        (_, Standing::Unchanged) => format!("{}, unchanged", it.to),
        (None, Standing::Known(_)) => format!("{}, new there", it.to),
        (None, Standing::Pending(_) | Standing::Unknown(_)) => it.to.clone(),
        (Some(from), _) => format!("{from} to {}", it.to),
    }));
    let mut below: Vec<_> = it.remarks.iter().map(|it| vec![text(it)]).collect();
    match &it.standing {
        Standing::Known(changelog) => {
            let (added, removed) = (changelog.added.count(), changelog.removed.count());
            let how = match changelog.direction {
                Direction::Same => String::new(),
                Direction::Forward => format!(": {added} commit(s) added"),
                Direction::Backward => format!(", back: {removed} commit(s) removed"),
                Direction::Diverged => format!(
                    ", which has not all that was there: {added} commit(s) added, {removed} removed"
                ),
            };
            line.push(text(how));
            let breaking = changelog.added.untold.of(Section::Breaking);
            if breaking > 0 {
                below.push(vec![text(format!("{breaking} more break something"))]);
            }
            let untold = changelog.added.untold.count() + changelog.removed.untold.count();
            if untold > 0 {
                below.push(vec![text(format!("{untold} of them are only counted"))]);
            }
            let warnings = changelog.warnings.iter();
            below.extend(warnings.map(|it| vec![text(format!("Warning: {it}."))]));
            if let Some(link) = changelog.compare_link() {
                below.push(vec![address(link)]);
            }
        }
        Standing::Unchanged => {}
        Standing::Pending(why) => line.push(text(format!(", being found out: {why}"))),
        Standing::Unknown(why) => line.push(text(format!(", unknown: {why}"))),
    }
    (line, below)
}

fn breaking<'a>(it: &Shared<'a, Entry>) -> Item<'a> {
    let (mut line, below) = entry(it.it, it.forge);
    let applications = format!("{}:", it.applications.join(", "));
    line.insert(0, Span::Strong(applications.into()));
    line.insert(1, text(" "));
    (line, below)
}

/// What some applications share.
#[derive(Default)]
struct Group<'a, 'b> {
    shown: Vec<&'b Shared<'a, Entry>>,
    left_out: Vec<&'b Shared<'a, LeftOut>>,
}

/// Every commit below the applications that it belongs to; what breaks may stand above already.
fn groups<'a>(all: &mut Vec<Block<'a>>, word: &str, side: &UnionSide<'a>, breaking_is_above: bool) {
    let mut groups: BTreeMap<&[&str], Group<'_, '_>> = BTreeMap::new();
    for it in &side.shown {
        let group = groups.entry(&it.applications).or_default();
        if !(breaking_is_above && it.it.section == Section::Breaking) {
            group.shown.push(it);
        }
    }
    for it in &side.left_out {
        let group = groups.entry(&it.applications).or_default();
        group.left_out.push(it);
    }
    groups.retain(|_, it| !it.shown.is_empty() || !it.left_out.is_empty());
    for (applications, group) in groups {
        let count = group.shown.len() + group.left_out.len();
        let title = format!("{word}: {} ({count})", applications.join(", "));
        all.push(Block::Heading(2, vec![text(title)]));
        for section in Section::ALL {
            let entries = group.shown.iter().filter(|it| it.it.section == section);
            let lines: Vec<_> = entries.map(|it| entry(it.it, it.forge)).collect();
            if !lines.is_empty() {
                let title = format!("{} ({})", section.title(), lines.len());
                all.push(Block::Heading(3, vec![text(title)]));
                all.push(Block::List(lines));
            }
        }
        if !group.left_out.is_empty() {
            let title = format!("Left out ({})", group.left_out.len());
            all.push(Block::Heading(3, vec![text(title)]));
            let lines = group.left_out.iter();
            let lines = lines.map(|it| (left_out(it.it, it.forge), Vec::new()));
            all.push(Block::List(lines.collect()));
        }
    }
}
