//! The text around a version in a plain file: `registry.example.com/api:{version}`.

use std::fmt;

use ids::{Digest, Oid, Version};

use crate::diagnostic::{shown, suggestion};

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Placeholder {
    Version,
    Image,
    Digest,
    Commit,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 4] = [
        ("version", Self::Version),
        ("image", Self::Image),
        ("digest", Self::Digest),
        ("commit", Self::Commit),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Image => "image",
            Self::Digest => "digest",
            Self::Commit => "commit",
        }
    }

    /// Could have been written in the place of this one.
    fn accepts(self, text: &str) -> bool {
        let image = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        match self {
            Self::Version => Version::parse(text).is_ok(),
            Self::Digest => Digest::parse(text).is_ok(),
            // People also write abbreviated commits; git itself never goes below 4 digits and
            // shows 7.
            Self::Commit => {
                Oid::parse(text).is_ok()
                    || ((7..=64).contains(&text.len())
                        && text
                            .bytes()
                            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
            }
            Self::Image => {
                (1..=255).contains(&text.len())
                    && text.bytes().all(image)
                    && text.as_bytes()[0].is_ascii_alphanumeric()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Placeholder),
}

/// A value with holes: `{version}`, `{image}`, `{digest}`, `{commit}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// What is written into the holes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// The version: the tag of the image.
    pub version: String,
    /// The image without tag and digest, such as `registry.example.com/api`.
    pub image: Option<String>,
    /// The digest of the image, `sha256:…`.
    pub digest: Option<String>,
    /// The commit it was built from, in full.
    pub commit: Option<String>,
}

/// What stood in the holes of a current value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The text in the place of `{version}`, when the template has one.
    pub version: Option<String>,
    /// The text in the place of `{image}`.
    pub image: Option<String>,
    /// The text in the place of `{digest}`.
    pub digest: Option<String>,
    /// The text in the place of `{commit}`.
    pub commit: Option<String>,
}

impl Captured {
    fn set(&mut self, hole: Placeholder, text: &str) {
        let slot = match hole {
            Placeholder::Version => &mut self.version,
            Placeholder::Image => &mut self.image,
            Placeholder::Digest => &mut self.digest,
            Placeholder::Commit => &mut self.commit,
        };
        *slot = Some(text.to_owned());
    }
}

impl Template {
    /// Parses; every placeholder at most once, with some text between two of them, because
    /// otherwise a current value could be read in more than one way.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find(['{', '}']) {
            if rest.as_bytes()[open] == b'}' {
                return Err(format!(
                    "`}}` without `{{` in the template `{}`",
                    shown(source)
                ));
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let close = rest[open..]
                .find('}')
                .ok_or_else(|| format!("`{{` without `}}` in the template `{}`", shown(source)))?;
            let word = &rest[open + 1..open + close];
            let hole = Self::hole(word)?;
            if matches!(parts.last(), Some(Part::Hole(_))) {
                return Err(format!(
                    "write some text before `{{{word}}}`: two placeholders in a row cannot be told apart"
                ));
            }
            if parts.contains(&Part::Hole(hole)) {
                return Err(format!(
                    "`{{{word}}}` stands twice in the template `{}`",
                    shown(source)
                ));
            }
            parts.push(Part::Hole(hole));
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if !parts.iter().any(|it| matches!(it, Part::Hole(_))) {
            return Err(format!(
                "the template `{}` has no placeholder, so it would write the same value for every version; use `{{version}}`",
                shown(source)
            ));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    fn hole(word: &str) -> Result<Placeholder, String> {
        Placeholder::ALL
            .iter()
            .find(|(it, _)| *it == word)
            .map(|(_, hole)| *hole)
            .ok_or_else(|| {
                let known = Placeholder::ALL.iter().map(|(it, _)| *it);
                format!(
                    "unknown placeholder `{{{}}}`; {}",
                    shown(word),
                    suggestion(word, known).unwrap_or_default()
                )
            })
    }

    /// `{version}` and nothing else.
    pub fn version() -> Self {
        Self {
            source: "{version}".to_owned(),
            parts: vec![Part::Hole(Placeholder::Version)],
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The names of its placeholders, in their order.
    pub fn placeholders(&self) -> Vec<&'static str> {
        self.parts
            .iter()
            .filter_map(|it| match it {
                Part::Hole(hole) => Some(hole.word()),
                Part::Text(_) => None,
            })
            .collect()
    }

    /// Fills the holes. A value that is missing, or that would not be recognised in its place the
    /// next time, is refused.
    pub fn render(&self, values: &Values) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            let hole = match part {
                Part::Text(it) => {
                    text.push_str(it);
                    continue;
                }
                Part::Hole(hole) => *hole,
            };
            let value = match hole {
                Placeholder::Version => Some(values.version.as_str()),
                Placeholder::Image => values.image.as_deref(),
                Placeholder::Digest => values.digest.as_deref(),
                Placeholder::Commit => values.commit.as_deref(),
            };
            let word = hole.word();
            let value = value.ok_or_else(|| {
                format!(
                    "the template `{}` wants the {word}, which the build did not report",
                    self.source
                )
            })?;
            if !hole.accepts(value) {
                return Err(format!("`{}` is not a valid {word}", shown(value)));
            }
            text.push_str(value);
        }
        Ok(text)
    }

    /// Reads a current value back. `None`: it was not written with this template.
    pub fn matches(&self, current: &str) -> Option<Captured> {
        let mut captured = Captured::default();
        // Nothing longer can have been rendered from valid values and a sane template.
        let readable = current.len() <= self.source.len() + 1024;
        (readable && read(&self.parts, current, &mut captured)).then_some(captured)
    }
}

/// The longest text wins for every hole, from left to right: in `host:5000/api:v1` the image of
/// `{image}:{version}` is `host:5000/api`.
fn read(parts: &[Part], text: &str, captured: &mut Captured) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((Part::Text(it), parts)) => text
            .strip_prefix(it.as_str())
            .is_some_and(|text| read(parts, text, captured)),
        Some((Part::Hole(hole), parts)) => {
            let ends = text
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .collect::<Vec<_>>();
            ends.into_iter().rev().any(|end| {
                let follows = match parts.first() {
                    Some(Part::Text(it)) => text[end..].starts_with(it.as_str()),
                    Some(Part::Hole(_)) => true,
                    None => end == text.len(),
                };
                if follows && hole.accepts(&text[..end]) && read(parts, &text[end..], captured) {
                    captured.set(*hole, &text[..end]);
                    return true;
                }
                false
            })
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values {
            version: "v2".into(),
            image: Some("host:5000/team/api".into()),
            digest: Some(format!("sha256:{}", "ab".repeat(32))),
            commit: Some("c".repeat(40)),
        }
    }

    #[test]
    fn what_was_rendered_reads_back() {
        for source in [
            "{version}",
            "registry.example.com/api:{version}",
            "{image}:{version}",
            "{image}:{version}@{digest}",
            "{image}@{digest}",
            "git+https://x/y?ref={commit}",
            "ü {version} ü",
        ] {
            let template = Template::parse(source).unwrap();
            let text = template.render(&values()).unwrap();
            let captured = template
                .matches(&text)
                .unwrap_or_else(|| panic!("{source}: {text}"));
            let has = |word| template.placeholders().contains(&word);
            assert_eq!(captured.version.is_some(), has("version"));
            if has("image") {
                assert_eq!(captured.image.as_deref(), Some("host:5000/team/api"));
            }
            if has("version") {
                assert_eq!(captured.version.as_deref(), Some("v2"));
            }
        }
    }

    #[test]
    fn another_value_does_not_match() {
        let template = Template::parse("registry.example.com/api:{version}").unwrap();
        for current in [
            "",
            "v1",
            "registry.example.com/api:",
            "registry.example.com/web:v1",
            "registry.example.com/api:v1 ",
            "registry.example.com/api:v1\n",
            "xregistry.example.com/api:v1",
            "registry.example.com/api:v1@sha256:abc",
            &"x".repeat(1_000_000),
        ] {
            assert_eq!(template.matches(current), None, "{}", shown(current));
        }
    }

    #[test]
    fn a_template_that_could_be_misread_is_refused() {
        for (source, part) in [
            ("{verison}", "did you mean `version`?"),
            ("{version", "without `}`"),
            ("version}", "without `{`"),
            ("{image}{version}", "in a row"),
            ("{version}-{version}", "twice"),
            ("latest", "no placeholder"),
            ("", "no placeholder"),
        ] {
            let why = Template::parse(source).unwrap_err();
            assert!(why.contains(part), "{source}: {why}");
        }
    }

    #[test]
    fn missing_and_hostile_values_are_refused() {
        let template = Template::parse("{image}:{version}").unwrap();
        let without = Values {
            image: None,
            ..values()
        };
        assert!(
            template
                .render(&without)
                .unwrap_err()
                .contains("did not report")
        );
        let hostile = Values {
            version: "v1\nx: y".into(),
            ..values()
        };
        assert!(
            template
                .render(&hostile)
                .unwrap_err()
                .contains("not a valid version")
        );
    }
}
