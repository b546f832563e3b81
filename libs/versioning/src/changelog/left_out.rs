//! A commit that is not shown, and why.

use ids::Oid;

/// A commit that is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub oid: Oid,
    /// The first line of its message.
    pub subject: String,
    /// Why.
    pub reason: Reason,
}

/// Why a commit is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It joins lines; what they bring is listed by itself.
    Merge,
    /// A type that says nothing to who uses the software.
    Hidden {
        /// In lower case.
        kind: String,
    },
    /// Taken back within the range.
    Reverted {
        /// By this one.
        by: Oid,
    },
    /// Takes back others of the range.
    Revert {
        /// These.
        of: Vec<Oid>,
    },
    /// Changes the same as another one of the range, which is kept.
    Duplicate {
        /// That one.
        kept: Oid,
    },
    /// The other side has the same change.
    OnBothSides {
        /// As this commit.
        twin: Oid,
    },
}

impl Reason {
    /// The word for it in answers to machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Hidden { .. } => "hidden-type",
            Self::Reverted { .. } => "reverted",
            Self::Revert { .. } => "revert",
            Self::Duplicate { .. } => "duplicate",
            Self::OnBothSides { .. } => "on-both-sides",
        }
    }

    /// The type for which it is left out.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Hidden { kind } => Some(kind),
            Self::Merge
            | Self::Reverted { .. }
            | Self::Revert { .. }
            | Self::Duplicate { .. }
            | Self::OnBothSides { .. } => None,
        }
    }

    /// The reason of this name, as it was told; nothing when it is none.
    pub fn told(name: &str, kind: &str, others: &[Oid]) -> Option<Self> {
        let other = || others.first().cloned();
        Some(match name {
            "merge" => Self::Merge,
            "hidden-type" => Self::Hidden {
                kind: kind.to_owned(),
            },
            "reverted" => Self::Reverted { by: other()? },
            "revert" => Self::Revert {
                of: others.to_vec(),
            },
            "duplicate" => Self::Duplicate { kept: other()? },
            "on-both-sides" => Self::OnBothSides { twin: other()? },
            _ => return None,
        })
    }

    /// The commits for which it is left out.
    pub fn others(&self) -> Vec<&Oid> {
        match self {
            Self::Merge | Self::Hidden { .. } => Vec::new(),
            Self::Reverted { by: it }
            | Self::Duplicate { kept: it }
            | Self::OnBothSides { twin: it } => {
                vec![it]
            }
            Self::Revert { of } => of.iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_as_it_was_told() {
        let (one, two) = (["a", "b"].map(|it| Oid::parse(&it.repeat(40)).unwrap())).into();
        let kind = "docs".to_owned();
        for reason in [
            Reason::Merge,
            Reason::Hidden { kind },
            Reason::Reverted { by: one },
            Reason::Revert {
                of: vec![two, oid()],
            },
            Reason::Duplicate { kept: oid() },
            Reason::OnBothSides { twin: oid() },
        ] {
            let others: Vec<_> = reason.others().into_iter().cloned().collect();
            let kind = reason.kind().unwrap_or_default();
            assert_eq!(Reason::told(reason.name(), kind, &others), Some(reason));
        }
        assert_eq!(Reason::told("reverted", "", &[]), None);
        assert_eq!(Reason::told("a whim", "", &[]), None);
    }

    fn oid() -> Oid {
        Oid::parse(&"c".repeat(40)).unwrap()
    }
}
