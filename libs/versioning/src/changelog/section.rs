//! What commits are shown under.

use super::note::Note;

/// What a commit is shown under; in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Whatever breaks, of any type.
    Breaking,
    /// `feat`.
    Features,
    /// `fix`.
    Fixes,
    /// `perf`.
    Performance,
    /// What takes back a commit from outside the range.
    Reverts,
    /// Types that no convention knows.
    Other,
    /// Messages that conform to no convention.
    Unconventional,
}

/// Types that say nothing to who uses the software, unless they break something.
const HIDDEN: &[&str] = &["docs", "style", "chore", "refactor", "test", "build", "ci"];

impl Section {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Breaking,
        Self::Features,
        Self::Fixes,
        Self::Performance,
        Self::Reverts,
        Self::Other,
        Self::Unconventional,
    ];

    pub(super) fn of(note: &Note) -> Self {
        let Some(it) = &note.conventional else {
            return if note.breaks {
                Self::Breaking
            } else if note.reverts.is_any() {
                Self::Reverts
            } else {
                Self::Unconventional
            };
        };
        if it.breaking {
            return Self::Breaking;
        }
        match it.kind.to_ascii_lowercase().as_str() {
            "feat" => Self::Features,
            "fix" => Self::Fixes,
            "perf" => Self::Performance,
            "revert" => Self::Reverts,
            _ => Self::Other,
        }
    }

    /// The section with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The word for it in answers to machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Features => "features",
            Self::Fixes => "fixes",
            Self::Performance => "performance",
            Self::Reverts => "reverts",
            Self::Other => "other",
            Self::Unconventional => "unconventional",
        }
    }

    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Breaking => "Breaking changes",
            Self::Features => "Features",
            Self::Fixes => "Fixes",
            Self::Performance => "Performance",
            Self::Reverts => "Reverts",
            Self::Other => "Other types",
            Self::Unconventional => "Without a type",
        }
    }
}

/// The type for which a commit is left out.
pub(super) fn hidden(note: &Note) -> Option<String> {
    let it = note.conventional.as_ref()?;
    let kind = it.kind.to_ascii_lowercase();
    (!it.breaking && HIDDEN.contains(&kind.as_str())).then_some(kind)
}
