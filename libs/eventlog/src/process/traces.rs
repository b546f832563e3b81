//! Which trace led to what: the newest context stored with a commit, by what the commit is about.

use std::collections::{BTreeMap, VecDeque};

use ids::Uuid;

use crate::commit::Stored;

/// So many subjects are remembered; older ones start a trace of their own.
const REMEMBERED: usize = 4_096;

/// The newest trace context per aggregate and per correlation.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_subject: BTreeMap<Uuid, String>,
    order: VecDeque<Uuid>,
}

impl Traces {
    /// Remembers the context of a commit, if it has one.
    pub(super) fn note(&mut self, stored: &Stored) {
        let Some(context) = &stored.commit.traceparent else {
            return;
        };
        let aggregate = stored.commit.aggregate.id();
        let correlation = stored.commit.correlation.filter(|it| *it != aggregate);
        for subject in [Some(aggregate), correlation].into_iter().flatten() {
            if self.by_subject.insert(subject, context.clone()).is_none() {
                self.order.push_back(subject);
            }
        }
        while self.by_subject.len() > REMEMBERED {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.by_subject.remove(&oldest);
        }
    }

    /// The context of the first of these that has one.
    pub(super) fn of(&self, subjects: &[Uuid]) -> Option<String> {
        subjects
            .iter()
            .find_map(|it| self.by_subject.get(it))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{Head, SealedCommit, tests::draft};
    use crate::log::Position;

    fn stored(n: u128, traceparent: Option<&str>) -> Stored {
        let mut draft = draft(n, n);
        draft.correlation = Some(Uuid::from_u128(n + 1_000_000));
        draft.traceparent = traceparent.map(str::to_owned);
        Stored {
            position: Position(1),
            commit: SealedCommit::seal(draft, &Head::NONE, 1),
        }
    }

    #[test]
    fn the_newest_context_of_aggregate_and_correlation_is_known() {
        let mut traces = Traces::default();
        traces.note(&stored(1, Some("a")));
        traces.note(&stored(1, None));
        traces.note(&stored(2, Some("b")));
        let id = Uuid::from_u128;
        assert_eq!(traces.of(&[id(7), id(1)]).as_deref(), Some("a"));
        assert_eq!(traces.of(&[id(1_000_002)]).as_deref(), Some("b"));
        assert_eq!(traces.of(&[]), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut traces = Traces::default();
        for n in 1..=3_000 {
            traces.note(&stored(n, Some("a")));
        }
        assert_eq!(traces.by_subject.len(), REMEMBERED);
        assert_eq!(traces.order.len(), REMEMBERED);
        assert_eq!(traces.of(&[Uuid::from_u128(1)]), None);
        assert!(traces.of(&[Uuid::from_u128(3_000)]).is_some());
    }
}
