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
