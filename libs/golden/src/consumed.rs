//! Which events of others a role takes in: found by giving it every golden event.

use std::collections::BTreeSet;

use eventlog::nats::permissions::ROLES;
use eventlog::{Draft, EventRecord, Head, Position, SealedCommit, Stored, UnknownEvent};
use ids::{AggregateId, CommitId, Uuid};

use crate::{Golden, Mismatch};

impl Golden {
    /// Full names of the events of which `takes` says that they mean something to the role, of
    /// all that others write. Each comes on every kind of aggregate that another role writes: it
    /// must be readable on one of them, or it would stop the role.
    pub fn consumed(
        &self,
        role: &str,
        takes: impl Fn(&Stored) -> Result<bool, UnknownEvent>,
    ) -> Result<BTreeSet<String>, Mismatch> {
        let others = ROLES.iter().filter(|(name, _)| *name != role);
        let kinds: Vec<_> = others.flat_map(|(_, kinds)| *kinds).collect();
        let mut consumed = BTreeSet::new();
        for record in self.records()? {
            let answers = kinds
                .iter()
                .map(|kind| takes(&stored(kind, record.clone())));
            let (read, unread): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
            if let (true, Some(Err(error))) = (read.is_empty(), unread.into_iter().next()) {
                let name = record.kind;
                return Err(Mismatch::Unreadable { name, error });
            }
            if read.contains(&Ok(true)) {
                consumed.insert(record.kind);
            }
        }
        Ok(consumed)
    }
}

/// A commit of one event, on the first version of an aggregate of this kind.
pub fn stored(kind: &str, record: EventRecord) -> Stored {
    let draft = Draft {
        aggregate: AggregateId::new(kind, Uuid::from_u128(1)),
        commit_id: CommitId(Uuid::from_u128(2)),
        recorded_at_us: 1,
        actor: "somebody".to_owned(),
        correlation: None,
        causation: None,
        request_hash: None,
        traceparent: None,
        events: vec![record],
    };
    Stored {
        position: Position(1),
        commit: SealedCommit::seal(draft, &Head::NONE, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_consumed_that_means_something_on_one_kind_of_aggregate() {
        let golden = Golden::of_this_project();
        let takes = |stored: &Stored| {
            let commit = &stored.commit;
            Ok(commit.aggregate.kind() == "run" && commit.events[0].kind.ends_with(".RunFailed"))
        };
        let found = golden.consumed("cd-manager", takes).unwrap();
        assert_eq!(
            found,
            BTreeSet::from(["towpath.run.v1.RunFailed".to_owned()])
        );
        assert!(golden.consumed("runner", takes).unwrap().is_empty());
    }

    #[test]
    fn an_event_that_cannot_be_read_anywhere_is_an_error() {
        let golden = Golden::of_this_project();
        let takes = |stored: &Stored| match &stored.commit.events[0] {
            it if it.kind.ends_with(".RunFailed") => Err(UnknownEvent::new(it, "not known")),
            _ => Ok(false),
        };
        let error = golden.consumed("cd-manager", takes).unwrap_err();
        assert!(
            error.to_string().contains("towpath.run.v1.RunFailed"),
            "{error}"
        );
    }
}
