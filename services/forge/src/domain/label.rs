//! Labels that say how far the next version is.

use std::fmt;

/// What all of them begin with.
pub const PREFIX: &str = "release/";

/// One of the three, the smallest step first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The third number.
    Patch,
    /// The second.
    Minor,
    /// The first.
    Major,
}

impl Label {
    /// The text. Never changes: it is on pull requests and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "release/patch",
            Self::Minor => "release/minor",
            Self::Major => "release/major",
        }
    }

    /// Reads it; forges tell no labels apart by case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Patch, Self::Minor, Self::Major]
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether a label is about versions at all.
    pub fn is_about_versions(text: &str) -> bool {
        let begin = text.as_bytes().get(..PREFIX.len());
        begin.is_some_and(|it| it.eq_ignore_ascii_case(PREFIX.as_bytes()))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back_in_any_case_and_others_are_none() {
        for label in [Label::Patch, Label::Minor, Label::Major] {
            assert_eq!(Label::parse(label.as_str()), Some(label));
            assert_eq!(
                Label::parse(&label.as_str().to_ascii_uppercase()),
                Some(label)
            );
        }
        assert_eq!(Label::parse("release/huge"), None);
        assert!(Label::is_about_versions("Release/huge"));
        assert!(
            !Label::is_about_versions("release") && !Label::is_about_versions("relea\u{73}é/x")
        );
    }
}
