//! Commits that are only counted.

use std::collections::BTreeMap;

use super::Section;

/// How many commits a bounded list leaves untold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Untold {
    /// Of those that would be shown, by section; none is 0.
    pub shown: BTreeMap<Section, u64>,
    /// Of those that are left out.
    pub left_out: u64,
    /// Of those that nobody looked at more closely.
    pub unsorted: u64,
}

impl Untold {
    /// All of them.
    pub fn count(&self) -> u64 {
        self.shown.values().sum::<u64>() + self.left_out + self.unsorted
    }

    /// Those of a section.
    pub fn of(&self, section: Section) -> u64 {
        self.shown.get(&section).copied().unwrap_or_default()
    }
}
