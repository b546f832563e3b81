//! The language in which each kind says what it may hold.
//!
//! One table per kind is the only place where its fields are written down: checking, decoding,
//! references between manifests, and the JSON schema all follow it.

use crate::kinds::Kind;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A single value of some form.
    Scalar(Format),
    /// `true` or `false`.
    Bool,
    /// A whole number, both ends included.
    Int(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a manifest of this kind.
    Ref(Kind),
    /// A list.
    List(&'static Self),
    /// A list with at least one item.
    NonEmpty(&'static Self),
    /// A mapping from free keys of some form.
    Map(Format, &'static Self),
    /// A mapping with known fields.
    Object(&'static Object),
    /// Several named objects: a list of objects with `name`, one such object, or a mapping from
    /// name to object. Documents and real files differ here, so all three are read.
    Named(&'static Object),
    /// Anything; kept but not looked into.
    Any,
}

/// The form of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any text that is not empty.
    Text,
    /// Any text, also none.
    Free,
    /// [`ids::Name`].
    Name,
    /// [`ids::Version`].
    Version,
    /// [`crate::Template`].
    Template,
    /// [`crate::Pointer`] to something inside the document.
    Pointer,
    /// A path inside the repository: relative, `/` between names, no `..`.
    RelativePath,
    /// `24h`, `1h30m`.
    Duration,
    /// `HH:MM`.
    Clock,
    /// A port number, 1 to 65535.
    Port,
}

/// A mapping with known fields.
#[derive(Debug)]
pub struct Object {
    /// What it is called in messages and in the schema.
    pub name: &'static str,
    /// All its fields.
    pub fields: &'static [Field],
    /// Fields of which one and only one is written. Empty: no such rule.
    pub exactly_one: &'static [&'static str],
    /// Fields of which at most one is written.
    pub at_most_one: &'static [&'static str],
}

/// A field of an [`Object`].
#[derive(Debug)]
pub struct Field {
    /// As written.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Must be there.
    pub required: bool,
    /// One line for people.
    pub doc: &'static str,
}

impl Object {
    /// With fields and no further rule.
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self {
            name,
            fields,
            exactly_one: &[],
            at_most_one: &[],
        }
    }

    /// One and only one of these fields is written.
    #[must_use]
    pub const fn exactly_one(mut self, of: &'static [&'static str]) -> Self {
        self.exactly_one = of;
        self
    }

    /// At most one of these fields is written.
    #[must_use]
    pub const fn at_most_one(mut self, of: &'static [&'static str]) -> Self {
        self.at_most_one = of;
        self
    }

    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.name == name)
    }
}

impl Field {
    /// Optional.
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            required: false,
            doc,
        }
    }

    /// Must be there.
    pub const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            required: true,
            doc,
        }
    }
}

/// Any text that is not empty.
pub(crate) const TEXT: Shape = Shape::Scalar(Format::Text);
/// A list of texts.
pub(crate) const TEXTS: Shape = Shape::List(&TEXT);
/// The field that every kind has.
pub(crate) const DESCRIPTION: Field = Field::new(
    "description",
    Shape::Scalar(Format::Free),
    "What it is, for people.",
);
/// The name shown to people.
pub(crate) const DISPLAY_NAME: Field = Field::new(
    "displayName",
    Shape::Scalar(Format::Free),
    "The name shown to people.",
);

impl Format {
    /// Checks a text; the message says what is expected.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Free => Ok(()),
            Self::Text if text.trim().is_empty() => Err("must not be empty".to_owned()),
            Self::Text => Ok(()),
            Self::Name => ids::Name::parse(text)
                .map(drop)
                .map_err(|it| it.to_string()),
            // Nothing is deployed yet.
            Self::Version if text.is_empty() => Ok(()),
            Self::Version => ids::Version::parse(text)
                .map(drop)
                .map_err(|it| it.to_string()),
            Self::Template => crate::Template::parse(text).map(drop),
            Self::Pointer => match crate::Pointer::parse(text)?.tokens() {
                [] => {
                    Err("must point at something inside the file, such as `/image/tag`".to_owned())
                }
                _ => Ok(()),
            },
            Self::RelativePath => relative_path(text),
            Self::Duration => crate::duration::parse(text).map(drop),
            Self::Clock => clock(text),
            Self::Port => match text.parse::<u16>() {
                Ok(port) if port > 0 && !text.starts_with(['0', '+']) => Ok(()),
                _ => Err("must be a port, 1 to 65535".to_owned()),
            },
        }
    }
}

fn relative_path(text: &str) -> Result<(), String> {
    let wrong = |why: &str| {
        Err(format!(
            "must be a path inside the repository, such as `envs/dev.json`: {why}"
        ))
    };
    if text.is_empty() || text.starts_with('/') {
        return wrong("it is relative and not empty");
    }
    if text.contains(['\\', '\0']) || text.chars().any(char::is_control) {
        return wrong("no backslashes and no control characters");
    }
    for part in text.split('/') {
        if matches!(part, "" | "." | "..") {
            return wrong("no empty parts, no `.` and no `..`");
        }
        if part.eq_ignore_ascii_case(".git") {
            return wrong("`.git` belongs to git");
        }
    }
    Ok(())
}

fn clock(text: &str) -> Result<(), String> {
    let part = |it: &str, below: u8| {
        it.len() == 2
            && it.bytes().all(|b| b.is_ascii_digit())
            && it.parse::<u8>().is_ok_and(|it| it < below)
    };
    match text.split_once(':') {
        Some((hour, minute)) if part(hour, 24) && part(minute, 60) => Ok(()),
        _ => Err("must be a time of day, `HH:MM`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_repository() {
        for good in ["a", "envs/dev.json", "a.b/c..d", ".github/x"] {
            assert!(Format::RelativePath.check(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a\\b",
            "a\0",
            ".git/config",
            "a/.GIT/x",
            "a\nb",
            "a/",
        ] {
            assert!(Format::RelativePath.check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ports_and_clocks_have_ranges() {
        for good in ["1", "8080", "65535"] {
            assert!(Format::Port.check(good).is_ok(), "{good}");
        }
        for wrong in ["0", "-1", "70000", "65536", "http", "080", "+80", "", "8.0"] {
            assert!(Format::Port.check(wrong).is_err(), "{wrong}");
        }
        assert!(Format::Clock.check("23:59").is_ok());
        for wrong in ["24:00", "7:00", "07:60", "0700", ""] {
            assert!(Format::Clock.check(wrong).is_err(), "{wrong}");
        }
    }
}
