//! How a changelog is laid out, before anybody says in what language: headings, paragraphs, lists.
//! Renderers escape every text of it, ours and theirs alike.

pub(super) mod bundle;

use std::borrow::Cow;

use ids::Oid;

use super::{Changelog, Direction, Entry, Forge, LeftOut, Person, Reason, Section, Side};

/// So much of a commit's name is shown.
const SHORT: usize = 12;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Span<'a> {
    Text(Cow<'a, str>),
    Strong(Cow<'a, str>),
    /// A text, and an address made by a [`Forge`].
    Link(Cow<'a, str>, String),
}

/// A line of a list, and lines below it.
pub(super) type Item<'a> = (Vec<Span<'a>>, Vec<Vec<Span<'a>>>);

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block<'a> {
    Heading(usize, Vec<Span<'a>>),
    Paragraph(Vec<Span<'a>>),
    /// Lines, each with lines below it.
    List(Vec<Item<'a>>),
}

/// The layout of a changelog.
pub(super) fn of(it: &Changelog) -> Vec<Block<'_>> {
    let title = match &it.from {
        Some(from) => format!("{} to {}", from.revision, it.to.revision),
        None => format!("Up to {}", it.to.revision),
    };
    let mut all = vec![Block::Heading(1, vec![text(title)])];
    all.push(Block::Paragraph(vec![text(summary(it))]));
    if let Some(link) = it.compare_link() {
        all.push(Block::Paragraph(vec![address(link)]));
    }
    for warning in &it.warnings {
        all.push(Block::Paragraph(vec![
            Span::Strong("Warning:".into()),
            text(format!(" {warning}.")),
        ]));
    }
    let forge = it.forge.as_ref();
    side(&mut all, "Added", &it.added, forge);
    side(&mut all, "Removed", &it.removed, forge);
    all
}

fn summary(it: &Changelog) -> String {
    let short = |oid: &Oid| oid.as_str()[..SHORT].to_owned();
    let to = short(&it.to.oid);
    let Some(from) = it.from.as_ref().map(|it| short(&it.oid)) else {
        let added = it.added.count();
        return format!("{added} commit(s) up to {to}: there was nothing before.");
    };
    let (added, removed) = (it.added.count(), it.removed.count());
    match it.direction {
        Direction::Same => format!("Both are {to}: nothing is new."),
        Direction::Forward => format!("{from} to {to}: {added} commit(s) added."),
        Direction::Backward => format!(
            "{from} back to {to}: {removed} commit(s) removed. The second is older: what follows \
             is lost with it."
        ),
        Direction::Diverged => format!(
            "{from} to {to}: {added} commit(s) added, {removed} removed. The second does not \
             descend from the first: each has what the other has not."
        ),
    }
}

fn side<'a>(all: &mut Vec<Block<'a>>, title: &str, side: &'a Side, forge: Option<&Forge>) {
    if side.count() == 0 {
        return;
    }
    let title = format!("{title} ({})", side.count());
    all.push(Block::Heading(2, vec![text(title)]));
    for section in Section::ALL {
        let entries = side.shown.iter().filter(|it| it.section == section);
        let mut lines: Vec<_> = entries.map(|it| entry(it, forge)).collect();
        let count = side.count_in(section);
        if count > 0 {
            let title = format!("{} ({count})", section.title());
            all.push(Block::Heading(3, vec![text(title)]));
            lines.extend(more(side.untold.of(section)));
            all.push(Block::List(lines));
        }
    }
    let count = side.left_out.len() as u64 + side.untold.left_out;
    if count > 0 {
        let title = format!("Left out ({count})");
        all.push(Block::Heading(3, vec![text(title)]));
        let lines = side.left_out.iter();
        let lines = lines.map(|it| (left_out(it, forge), Vec::new()));
        let lines = lines.chain(more(side.untold.left_out));
        all.push(Block::List(lines.collect()));
    }
    if side.untold.unsorted > 0 {
        let title = format!("Not listed ({})", side.untold.unsorted);
        all.push(Block::Heading(3, vec![text(title)]));
    }
}

/// That so many more are only counted.
fn more(count: u64) -> Option<Item<'static>> {
    (count > 0).then(|| (vec![text(format!("and {count} more"))], Vec::new()))
}

fn entry<'a>(it: &'a Entry, forge: Option<&Forge>) -> Item<'a> {
    let mut line = Vec::new();
    if let Some(scope) = &it.scope {
        line.push(Span::Strong(format!("{scope}:").into()));
        line.push(text(" "));
    }
    // The number of the pull request comes with a link, below.
    let description = super::revert::bare(&it.description);
    line.push(text(said(description)));
    if let (Some(kind), Section::Breaking | Section::Other) = (&it.kind, it.section) {
        line.push(text(format!(" [{kind}]")));
    }
    line.push(text(" ("));
    line.push(commit(&it.oid, forge));
    for issue in &it.issues {
        line.push(text(", "));
        line.push(match forge.and_then(|forge| forge.issue(issue)) {
            Some(link) => Span::Link(issue.into(), link),
            None => text(issue),
        });
    }
    line.push(text(") by "));
    let people = std::iter::once(&it.author).chain(&it.co_authors);
    for (at, person) in people.enumerate() {
        if at > 0 {
            line.push(text(", "));
        }
        line.push(text(name(person)));
    }
    let mut below: Vec<_> = it.notes.iter().map(|note| vec![text(said(note))]).collect();
    if !it.reverts.is_empty() {
        let names = it.reverts.iter();
        let names: Vec<_> = names.map(|it| &it[..it.len().min(SHORT)]).collect();
        below.push(vec![text(format!("takes back {}", names.join(", ")))]);
    }
    (line, below)
}

fn left_out<'a>(it: &'a LeftOut, forge: Option<&Forge>) -> Vec<Span<'a>> {
    let why = match &it.reason {
        Reason::Merge => "a merge".to_owned(),
        Reason::Hidden { kind } => format!("of type {kind}"),
        Reason::Reverted { .. } => "taken back by ".to_owned(),
        Reason::Revert { .. } => "takes back ".to_owned(),
        Reason::Duplicate { .. } => "the same change as ".to_owned(),
        Reason::OnBothSides { .. } => "on the other side too, as ".to_owned(),
    };
    let mut line = vec![
        commit(&it.oid, forge),
        text(format!(" {} ({why}", said(&it.subject))),
    ];
    for (at, other) in it.reason.others().into_iter().enumerate() {
        if at > 0 {
            line.push(text(", "));
        }
        line.push(commit(other, forge));
    }
    line.push(text(")"));
    line
}

fn commit<'a>(oid: &'a Oid, forge: Option<&Forge>) -> Span<'a> {
    let short = oid.as_str()[..SHORT].into();
    match forge {
        Some(forge) => Span::Link(short, forge.commit(oid)),
        None => Span::Text(short),
    }
}

/// An address that says where it leads.
fn address(link: String) -> Span<'static> {
    Span::Link(link.clone().into(), link)
}

fn name(it: &Person) -> &str {
    let name = if it.name.is_empty() {
        &it.email
    } else {
        &it.name
    };
    said(name.trim())
}

/// What somebody said, or that they said nothing.
fn said(words: &str) -> &str {
    if words.trim().is_empty() {
        "(nothing said)"
    } else {
        words
    }
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Span<'a> {
    Span::Text(text.into())
}
