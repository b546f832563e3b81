//! The commits of one side, by name and by what they were made on.

use std::collections::BTreeMap;

use ids::Oid;

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
        let parents = self.notes[from].commit.parents.iter();
        self.below(parents, Some(to), &[])[to]
    }

    /// What a merge brought to the line of its first parent. Not known where that line does not
    /// have all that is outside the range, which `base` has; or where another line is meant.
    pub(super) fn brought(
        &self,
        merge: usize,
        mainline: Option<&str>,
        base: &Oid,
    ) -> Option<Vec<usize>> {
        let (first, others) = self.notes[merge].commit.parents.split_first()?;
        if mainline.is_some_and(|it| !first.as_str().starts_with(it)) {
            return None;
        }
        let line = self.below([first], None, &[]);
        let at = |it: &(usize, &bool)| *it.1;
        let mut on_line = line.iter().enumerate().filter(at).map(|(at, _)| at);
        let has_base =
            first == base || on_line.any(|at| self.notes[at].commit.parents.contains(base));
        let brought = self.below(others, None, &line);
        let brought = brought.iter().enumerate().filter(at).map(|(at, _)| at);
        has_base.then(|| brought.collect())
    }

    /// Which of the commits are these or what they were made on, without what is excepted; `until`
    /// one is found.
    fn below<'b>(
        &self,
        tips: impl IntoIterator<Item = &'b Oid>,
        until: Option<usize>,
        except: &[bool],
    ) -> Vec<bool> {
        let mut seen = vec![false; self.notes.len()];
        let place = |oid: &Oid| self.names.get(oid.as_str()).copied();
        let mut open: Vec<usize> = tips.into_iter().filter_map(place).collect();
        while let Some(at) = open.pop() {
            if seen[at] || except.get(at) == Some(&true) {
                continue;
            }
            seen[at] = true;
            if until == Some(at) {
                break;
            }
            open.extend(self.notes[at].commit.parents.iter().filter_map(place));
        }
        seen
    }
}
