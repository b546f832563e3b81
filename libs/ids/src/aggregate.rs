//! The address of an aggregate in the log, and of a commit.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Invalid;

/// `<kind>:<uuid>`: one consistency boundary in the event log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregateId {
    kind: String,
    id: Uuid,
}

impl AggregateId {
    /// Names the aggregate `id` of a kind such as `deployment`.
    ///
    /// # Panics
    /// When `kind` is not 1–32 characters of `a-z` and `-`: kinds are written in the code.
    pub fn new(kind: &str, id: Uuid) -> Self {
        assert!(is_kind(kind), "`{kind}` is not an aggregate kind");
        Self {
            kind: kind.to_owned(),
            id,
        }
    }

    /// Same, for a kind that was read from somewhere.
    pub fn parse_parts(kind: &str, id: Uuid) -> Result<Self, Invalid> {
        if is_kind(kind) {
            Ok(Self {
                kind: kind.to_owned(),
                id,
            })
        } else {
            Err(Invalid::new(
                "aggregate kind",
                "must be 1-32 of a-z and `-`",
                kind,
            ))
        }
    }

    /// Such as `deployment`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id within the kind.
    pub fn id(&self) -> Uuid {
        self.id
    }
}

fn is_kind(kind: &str) -> bool {
    (1..=32).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl FromStr for AggregateId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("aggregate", "must be `<kind>:<uuid>`", text);
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        Self::parse_parts(kind, Uuid::parse_str(id).map_err(|_| wrong())?)
    }
}

/// Names a commit: for a command it is derived from the idempotency key, so that repeating the
/// command names the same commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub Uuid);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregate_id_reads_back_what_it_shows() {
        let id = AggregateId::new("deployment", Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<AggregateId>().unwrap(), id);
        for wrong in [
            "",
            "deployment",
            "Deployment:1",
            "a b:00000000-0000-0000-0000-000000000007",
        ] {
            assert!(wrong.parse::<AggregateId>().is_err(), "{wrong}");
        }
    }
}
