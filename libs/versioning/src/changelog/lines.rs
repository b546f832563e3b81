//! The commits of one side, by name and by what they were made on.

use std::collections::BTreeMap;

use super::note::Note;

/// The commits of one side.
pub(super) struct Lines<'a> {
    notes: &'a [Note],
    names: BTreeMap<&'a str, usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(notes: &'a [Note]) -> Self {
        let names = notes.iter().enumerate();
        let names = names.map(|(at, note)| (note.commit.oid.as_str(), at));
        Self {
            notes,
            names: names.collect(),
        }
    }

    /// The one commit whose name begins like this.
    pub(super) fn named(&self, beginning: &str) -> Option<usize> {
        let mut found = self
            .names
            .range(beginning..)
            .take_while(|(name, _)| name.starts_with(beginning));
        let (_, at) = found.next()?;
        found.next().is_none().then_some(*at)
    }

    /// Commits by a form of their subject, in order; merges have none.
    pub(super) fn by_subject(
        &self,
        form: impl Fn(&'a Note) -> &'a str,
    ) -> BTreeMap<&'a str, Vec<usize>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (at, note) in self.notes.iter().enumerate() {
            if note.commit.parents.len() < 2 && !note.subject.is_empty() {
                found.entry(form(note)).or_default().push(at);
            }
        }
        found
    }

    /// Whether the first was made on the second, at whatever distance.
    pub(super) fn descends(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.notes.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for parent in &self.notes[at].commit.parents {
                match self.names.get(parent.as_str()) {
                    Some(parent) if *parent == to => return true,
                    Some(parent) if !seen[*parent] => {
                        seen[*parent] = true;
                        open.push(*parent);
                    }
                    _ => {}
                }
            }
        }
        false
    }
}
