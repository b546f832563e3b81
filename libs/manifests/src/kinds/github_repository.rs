//! `GithubRepository`: a source repository and its branching strategy.

use std::sync::Arc;

use crate::decode;
use crate::kinds::Kind;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Object, Shape, TEXT, TEXTS};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "GithubRepository",
    &[
        DESCRIPTION,
        Field::new("public", Shape::Bool, "Everybody can read it."),
        Field::new("name", TEXT, "Its name on the forge, when it differs."),
        Field::new(
            "ignorePrefix",
            Shape::Any,
            "Does not put the prefix of the organization before its name.",
        ),
        Field::new(
            "template",
            Shape::Any,
            "The repository it was made from; kept as written.",
        ),
        Field::new(
            "strategy",
            Shape::OneOf(&STRATEGIES),
            "How it branches; GITHUB_FLOW by default.",
        ),
        Field::new(
            "configuration",
            Shape::Object(&CONFIGURATION),
            "Which parts are on.",
        ),
        Field::new(
            "codeOwners",
            Shape::List(&Shape::Object(&CODE_OWNER)),
            "Who reviews which path.",
        ),
        Field::new(
            "permissions",
            Shape::Object(&PERMISSIONS),
            "Who may do what.",
        ),
        Field::new("aiAssistant", Shape::Any, "Assistants; kept as written."),
        Field::new(
            "url",
            TEXT,
            "Where to fetch from instead of the forge: a URL, file:// or a local path.",
        ),
    ],
);

static CONFIGURATION: Object = Object::new(
    "RepositoryConfiguration",
    &[
        Field::new("wiki", Shape::Bool, "Has a wiki."),
        Field::new("projects", Shape::Bool, "Has projects."),
        Field::new("issues", Shape::Bool, "Has issues."),
        Field::new("downloads", Shape::Bool, "Has downloads."),
    ],
);

static CODE_OWNER: Object = Object::new(
    "CodeOwner",
    &[
        Field::required("path", TEXT, "A pattern of CODEOWNERS."),
        Field::required("owners", TEXTS, "Who reviews it."),
    ],
);

static PERMISSIONS: Object = Object::new(
    "RepositoryPermissions",
    &[
        Field::new(
            "administrators",
            Shape::Object(&PEOPLE),
            "May change settings.",
        ),
        Field::new("contributors", Shape::Object(&PEOPLE), "May push."),
        Field::new("viewers", Shape::Object(&PEOPLE), "May read."),
    ],
);

static PEOPLE: Object = Object::new(
    "People",
    &[
        Field::new("groups", TEXTS, "Groups."),
        Field::new("members", TEXTS, "Persons."),
    ],
);

const STRATEGIES: [&str; 3] = ["GITHUB_FLOW", "GIT_FLOW", "TRUNK_BASED"];

/// How a repository branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Short branches into main.
    GithubFlow,
    /// main, develop, release and hotfix branches.
    GitFlow,
    /// Everything into main, long-lived release branches.
    TrunkBased,
}

impl Strategy {
    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::GithubFlow, Self::GitFlow, Self::TrunkBased]
            .into_iter()
            .find(|it| it.as_str() == word)
    }

    /// The word in manifests.
    pub fn as_str(self) -> &'static str {
        STRATEGIES[self as usize]
    }
}

/// A source repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubRepository {
    /// Name, connection, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.name`, or the name of the manifest.
    pub repository: String,
    /// `spec.strategy`.
    pub strategy: Strategy,
    /// `spec.url`: ours; replaces the address on the forge.
    pub url: Option<String>,
    /// `spec.public`.
    pub public: bool,
}

impl GithubRepository {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            repository: decode::text(spec, "name").unwrap_or_else(|| meta.name.to_string()),
            strategy: decode::word(spec, "strategy", Strategy::parse)
                .unwrap_or(Strategy::GithubFlow),
            url: decode::text(spec, "url"),
            public: decode::flag(spec, "public").unwrap_or(false),
            meta,
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }

    /// `metadata.github-connection`.
    pub fn connection(&self) -> &str {
        self.meta.parent(Kind::GithubConnection).unwrap_or_default()
    }
}
