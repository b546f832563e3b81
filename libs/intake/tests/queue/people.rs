//! Who publishes: identities in a directory, made as the log would make them.

use access::Directory;
use access::domain::identity::{Event, Identity};
use eventlog::{Codec as _, Draft, Head, Position, SealedCommit, Stored};
use ids::{AggregateId, CommitId, derive};
use service::{Clock as _, SystemClock};

/// A token in the form of real ones.
pub(crate) fn token(name: &str) -> String {
    format!("tp_{name:A<43}")
}

/// `ci` may report, `viewer` may not, `gone` was revoked, `late` has expired.
pub(crate) fn directory() -> Directory {
    let directory = Directory::new(|| SystemClock.now_us());
    for (name, group, expires_at_us) in [
        ("ci", "ci", None),
        ("viewer", "viewer", None),
        ("gone", "ci", None),
        ("late", "ci", Some(1)),
    ] {
        let created = Event::Created {
            name: name.to_owned(),
            groups: vec![group.to_owned()],
            is_service: true,
            token_hash: access::hash(&token(name)),
            expires_at_us,
        };
        let first = observe(&directory, name, &created, &Head::NONE);
        if name == "gone" {
            observe(&directory, name, &Event::Revoked, &first);
        }
    }
    directory
}

fn observe(directory: &Directory, name: &str, event: &Event, head: &Head) -> Head {
    let id = derive::identity(name);
    let draft = Draft {
        aggregate: AggregateId::new("identity", id),
        commit_id: CommitId(derive::id("test", &[name, &head.version.to_string()])),
        recorded_at_us: 1,
        actor: "admin".to_owned(),
        correlation: None,
        causation: None,
        request_hash: None,
        traceparent: None,
        events: vec![Identity::encode(event)],
    };
    let commit = SealedCommit::seal(draft, head, 1);
    let head = commit.head();
    let position = Position(1);
    directory.observe(&Stored { position, commit }).unwrap();
    head
}
