//! What can be wrong with a stored log, each case naming where.

use std::fmt;

use ids::AggregateId;

use crate::log::Position;

/// Where something is wrong, as far as it can still be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The aggregate, by the index columns of the row (or by the sealed bytes, when only they
    /// can be read).
    pub aggregate: Option<AggregateId>,
    /// The version within the aggregate, from the same source.
    pub version: Option<u64>,
    /// The position in the log.
    pub position: Option<Position>,
    /// What the sealed bytes say, when that differs from the columns.
    pub sealed: Option<(AggregateId, u64)>,
}

impl Place {
    /// Names one commit.
    pub fn new(aggregate: &AggregateId, version: u64, position: Option<Position>) -> Self {
        Self {
            aggregate: Some(aggregate.clone()),
            version: Some(version),
            position,
            sealed: None,
        }
    }

    /// Names a position of which nothing else can be read.
    pub fn at(position: Position) -> Self {
        Self {
            position: Some(position),
            ..Self::default()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.aggregate, self.version) {
            (Some(aggregate), Some(version)) => write!(f, "{aggregate} version {version}")?,
            (Some(aggregate), None) => write!(f, "{aggregate}, version unreadable")?,
            (None, Some(version)) => write!(f, "unreadable aggregate, version {version}")?,
            (None, None) => f.write_str("unreadable aggregate and version")?,
        }
        if let Some((aggregate, version)) = &self.sealed {
            write!(f, " (its sealed bytes say {aggregate} version {version})")?;
        }
        match self.position {
            Some(position) => write!(f, " at position {position}"),
            None => Ok(()),
        }
    }
}

/// What every message ends with: nothing here can be repaired in place.
const REMEDY: &str = "restore the log from an export or a copy of the data directory";

/// Damage of a stored log. It is reported and never skipped: whoever meets it stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// The stored bytes are not those that were hashed.
    #[error("HashMismatch: {at}: the stored bytes do not have the stored hash; {REMEDY}")]
    HashMismatch {
        /// Which commit.
        at: Box<Place>,
    },
    /// A commit does not follow the one before it.
    #[error("BrokenChain: {at}: does not carry the hash of the version before it; {REMEDY}")]
    BrokenChain {
        /// The later commit.
        at: Box<Place>,
    },
    /// Versions of an aggregate are not 1, 2, 3, ….
    #[error("VersionGap: {at}: expected version {expected}; {REMEDY}")]
    VersionGap {
        /// The commit found instead.
        at: Box<Place>,
        /// The version that is missing.
        expected: u64,
    },
    /// Positions of a dense log are not 1, 2, 3, ….
    #[error("PositionGap: {at}: expected position {expected}; {REMEDY}")]
    PositionGap {
        /// The commit found instead.
        at: Box<Place>,
        /// The position that is missing.
        expected: Position,
    },
    /// A column beside the sealed bytes says something else than the bytes.
    #[error("IndexMismatch: {at}: column `{column}` differs from the sealed bytes; {REMEDY}")]
    IndexMismatch {
        /// The row, by its columns and by its bytes.
        at: Box<Place>,
        /// The column.
        column: &'static str,
    },
    /// Bytes or columns that cannot be read as a commit at all.
    #[error("Undecodable: {at}: {why}; {REMEDY}")]
    Undecodable {
        /// The row.
        at: Box<Place>,
        /// What was expected.
        why: String,
    },
    /// The database below the log reports damage.
    #[error("Damaged: {at}: the database file is damaged ({why}); {REMEDY}")]
    Damaged {
        /// The row, as far as it can be named.
        at: Box<Place>,
        /// What the database said.
        why: String,
    },
    /// The log has stored more than it holds now: its end was cut off.
    #[error(
        "LogRewound: the log ends at position {tail}, but it had reached position {reached}: \
         commits at its end were lost; {REMEDY}"
    )]
    Truncated {
        /// Where it ends.
        tail: Position,
        /// Where it once ended.
        reached: Position,
    },
    /// The row that says which log this is.
    #[error("LogIdentity: {why}; {REMEDY}")]
    Identity {
        /// What is wrong with it.
        why: String,
    },
}

impl Corrupt {
    /// Where, when the damage is in one place.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::HashMismatch { at }
            | Self::BrokenChain { at }
            | Self::VersionGap { at, .. }
            | Self::PositionGap { at, .. }
            | Self::IndexMismatch { at, .. }
            | Self::Undecodable { at, .. }
            | Self::Damaged { at, .. } => Some(at),
            Self::Truncated { .. } | Self::Identity { .. } => None,
        }
    }

    /// Names damage of sealed bytes by the row that holds them, and adds what the bytes say
    /// when that differs.
    #[must_use]
    pub fn at_row(self, row: &Place) -> Self {
        let said = self
            .place()
            .and_then(|it| Some((it.aggregate.clone()?, it.version?)));
        let mut at = Box::new(row.clone());
        if let Some(said) = said {
            if at.aggregate.is_none() && at.version.is_none() {
                (at.aggregate, at.version) = (Some(said.0), Some(said.1));
            } else if at.aggregate.as_ref() != Some(&said.0) || at.version != Some(said.1) {
                at.sealed = Some(said);
            }
        }
        match self {
            Self::HashMismatch { .. } => Self::HashMismatch { at },
            Self::Undecodable { why, .. } => Self::Undecodable { at, why },
            other @ (Self::BrokenChain { .. }
            | Self::VersionGap { .. }
            | Self::PositionGap { .. }
            | Self::IndexMismatch { .. }
            | Self::Damaged { .. }
            | Self::Truncated { .. }
            | Self::Identity { .. }) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use ids::Uuid;

    use super::*;

    #[test]
    fn a_message_names_aggregate_version_position_and_both_readings() {
        let a = AggregateId::new("slot", Uuid::from_u128(1));
        let b = AggregateId::new("slot", Uuid::from_u128(2));
        let mut at = Place::new(&a, 3, Some(Position(17)));
        at.sealed = Some((b.clone(), 4));
        let text = Corrupt::IndexMismatch {
            at: at.into(),
            column: "id",
        }
        .to_string();
        for part in [
            a.to_string(),
            b.to_string(),
            "version 3".into(),
            "position 17".into(),
            "`id`".into(),
        ] {
            assert!(text.contains(&part), "{text} lacks {part}");
        }
    }
}
