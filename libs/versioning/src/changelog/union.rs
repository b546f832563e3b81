//! What several changelogs have together: each commit once, with whom it belongs to.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ids::Oid;

use super::bundle::{Part, Standing};
use super::{Changelog, Entry, Forge, LeftOut, Section, Side};

/// Both sides of several changelogs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Union<'a> {
    /// What somebody gets.
    pub added: UnionSide<'a>,
    /// What somebody loses.
    pub removed: UnionSide<'a>,
}

/// One side of several changelogs: each commit once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnionSide<'a> {
    /// What any of them shows; section by section, newest first in each.
    pub shown: Vec<Shared<'a, Entry>>,
    /// What none of them shows.
    pub left_out: Vec<Shared<'a, LeftOut>>,
}

/// A commit, and whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<'a, T> {
    /// The commit.
    pub it: &'a T,
    /// Applications that it is listed for in this way, in their order.
    pub applications: Vec<&'a str>,
    /// Applications whose own changelogs leave out what others show.
    pub left_out_for: Vec<&'a str>,
    /// Where links lead.
    pub forge: Option<&'a Forge>,
}

impl<'a> Union<'a> {
    /// Of everything that is known of the parts.
    pub fn of(parts: &'a [Part]) -> Self {
        Self {
            added: UnionSide::of(parts, |it| &it.added),
            removed: UnionSide::of(parts, |it| &it.removed),
        }
    }
}

impl<'a> UnionSide<'a> {
    fn of(parts: &'a [Part], side: impl Fn(&'a Changelog) -> &'a Side) -> Self {
        let known = || {
            parts.iter().filter_map(|part| match &part.standing {
                Standing::Known(it) => Some((part.application.as_str(), it.as_ref())),
                Standing::Unchanged | Standing::Pending(_) | Standing::Unknown(_) => None,
            })
        };
        let mut shown: BTreeMap<&Oid, Shared<'a, Entry>> = BTreeMap::new();
        // Of commits of one second, as after a rebase, the lists themselves know the order.
        let mut places: BTreeMap<&Oid, usize> = BTreeMap::new();
        for (name, changelog) in known() {
            for it in &side(changelog).shown {
                let next = places.len();
                places.entry(&it.oid).or_insert(next);
                let shared = shown.entry(&it.oid);
                let shared = shared.or_insert_with(|| Shared::new(it, changelog));
                shared.applications.push(name);
            }
        }
        let mut left_out: BTreeMap<&Oid, Shared<'a, LeftOut>> = BTreeMap::new();
        for (name, changelog) in known() {
            for it in &side(changelog).left_out {
                if let Some(shared) = shown.get_mut(&it.oid) {
                    shared.left_out_for.push(name);
                    continue;
                }
                let shared = left_out.entry(&it.oid);
                let shared = shared.or_insert_with(|| Shared::new(it, changelog));
                shared.applications.push(name);
            }
        }
        let mut shown: Vec<_> = shown.into_values().collect();
        shown.sort_by_key(|it| {
            let place = places.get(&it.it.oid).copied();
            (it.it.section, Reverse(it.it.committed_at), place)
        });
        Self {
            shown,
            left_out: left_out.into_values().collect(),
        }
    }

    /// How many commits there are.
    pub fn count(&self) -> usize {
        self.shown.len() + self.left_out.len()
    }

    /// Those that break something.
    pub fn breaking(&self) -> impl Iterator<Item = &Shared<'a, Entry>> {
        let all = self.shown.iter();
        all.filter(|it| it.it.section == Section::Breaking)
    }
}

impl<'a, T> Shared<'a, T> {
    fn new(it: &'a T, changelog: &'a Changelog) -> Self {
        Self {
            it,
            applications: Vec::new(),
            left_out_for: Vec::new(),
            forge: changelog.forge.as_ref(),
        }
    }
}
