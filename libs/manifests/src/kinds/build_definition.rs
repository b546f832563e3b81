//! `BuildDefinition`: what is built from a repository, and into which containers.

use std::sync::Arc;

use crate::check::{Named, named};
use crate::decode;
use crate::kinds::Kind;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Format, Object, Shape, TEXT, TEXTS};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "BuildDefinition",
    &[
        DESCRIPTION,
        Field::required("type", Shape::OneOf(&TYPES), "What kind of project it is."),
        Field::new("workDir", TEXT, "The directory it is built in."),
        Field::new(
            "private",
            Shape::Bool,
            "Needs tokens for private dependencies.",
        ),
        Field::new(
            "stages",
            Shape::List(&Shape::OneOf(&STAGES)),
            "What CI does, in this order.",
        ),
        Field::new("golang", Shape::Any, "Settings of GOLANG; kept as written."),
        Field::new("docker", Shape::Any, "Settings of DOCKER; kept as written."),
        Field::new("react", Shape::Any, "Settings of REACT; kept as written."),
        Field::new(
            "flutter",
            Shape::Any,
            "Settings of FLUTTER; kept as written.",
        ),
        Field::new(
            "flutterWeb",
            Shape::Any,
            "Settings of FLUTTER_WEB; kept as written.",
        ),
        Field::new("java", Shape::Any, "Settings of JAVA; kept as written."),
        Field::new("python", Shape::Any, "Settings of PYTHON; kept as written."),
        Field::new(
            "protobuf",
            Shape::Any,
            "Settings of PROTOBUF; kept as written.",
        ),
        Field::new("helm", Shape::Any, "Settings of HELM; kept as written."),
        Field::new(
            "terraform",
            Shape::Any,
            "Settings of TERRAFORM; kept as written.",
        ),
        Field::new("mojo", Shape::Any, "Settings of MOJO; kept as written."),
        Field::new("publish", Shape::Any, "Where packages go; kept as written."),
        Field::new(
            "containerize",
            Shape::Named(&CONTAINER),
            "The containers it builds.",
        ),
    ],
);

static CONTAINER: Object = Object::new(
    "Container",
    &[
        Field::required(
            "name",
            Shape::Scalar(Format::Name),
            "The name builds are reported under.",
        ),
        Field::new("platforms", TEXTS, "Such as linux/amd64."),
        Field::new(
            "registries",
            Shape::List(&Shape::Ref(Kind::ArtifactRegistry)),
            "Where its images go.",
        ),
        Field::new("dockerfile", TEXT, "The Dockerfile, from workDir."),
        Field::new("context", TEXT, "The build context, from workDir."),
        Field::new("target", TEXT, "The stage of the Dockerfile."),
    ],
);

const TYPES: [&str; 11] = [
    "GOLANG",
    "DOCKER",
    "REACT",
    "FLUTTER",
    "FLUTTER_WEB",
    "JAVA",
    "PYTHON",
    "PROTOBUF",
    "HELM",
    "TERRAFORM",
    "MOJO",
];

const STAGES: [&str; 9] = [
    "analysis",
    "security-scan",
    "test",
    "build",
    "release",
    "publish",
    "containerize",
    "validate",
    "plan",
];

/// What is built from a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildDefinition {
    /// Name, repository, connection, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.type`.
    pub build_type: String,
    /// `spec.stages`.
    pub stages: Vec<String>,
    /// `spec.containerize`, whichever way it is written.
    pub containers: Vec<Container>,
}

/// A container that a definition builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The name builds are reported under.
    pub name: String,
    /// Such as `linux/amd64`.
    pub platforms: Vec<String>,
    /// Names of `ArtifactRegistry` manifests.
    pub registries: Vec<String>,
}

impl BuildDefinition {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            build_type: decode::text_or_empty(spec, "type"),
            stages: decode::texts(spec, "stages"),
            containers: decode::field(spec, "containerize")
                .map(containers)
                .unwrap_or_default(),
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }

    /// `metadata.github-repository`.
    pub fn repository(&self) -> &str {
        self.meta.parent(Kind::GithubRepository).unwrap_or_default()
    }

    /// The container with this name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|it| it.name == name)
    }
}

fn containers(node: &Node) -> Vec<Container> {
    let one = |name: Option<String>, it: &Node| {
        Some(Container {
            name: name?,
            platforms: decode::texts(Some(it), "platforms"),
            registries: decode::texts(Some(it), "registries"),
        })
    };
    match named(node, &CONTAINER) {
        Named::Objects(objects) => objects
            .into_iter()
            .filter_map(|it| one(decode::text(Some(it), "name"), it))
            .collect(),
        Named::Keyed => node
            .entries()
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, it)| one(key.scalar().map(str::to_owned), it))
            .collect(),
        Named::None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Findings;

    /// The names of the containers, and the codes of what is wrong.
    fn read(text: &str) -> (Vec<String>, Vec<&'static str>) {
        let tree = crate::parse("a.yaml", text.as_bytes()).unwrap();
        let node = &tree.documents[0].root;
        let mut findings = Findings {
            file: "a.yaml",
            out: Vec::new(),
        };
        findings.check(node, &Shape::Named(&CONTAINER), "spec.containerize");
        let names = containers(node).into_iter().map(|it| it.name).collect();
        (names, findings.out.iter().map(|it| it.code).collect())
    }

    #[test]
    fn containers_are_written_in_three_ways() {
        for (text, names) in [
            (
                "[{name: api, registries: [r]}, {name: web}]",
                &["api", "web"][..],
            ),
            ("{name: api, registries: [r]}", &["api"]),
            (
                "{api: {registries: [r]}, web: {}, worker: }",
                &["api", "web", "worker"],
            ),
            ("[]", &[]),
            ("{}", &[]),
        ] {
            let (found, wrong) = read(text);
            assert_eq!(found, names, "{text}");
            assert!(wrong.is_empty(), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_containers_is_named() {
        for (text, code) in [
            ("[{name: api}, {name: api}]", "duplicate-name"),
            ("[{nam: api}]", "unknown-field"),
            ("[{registries: [r]}]", "missing-field"),
            ("{registries: [r]}", "missing-field"),
            ("{api: {registry: r}}", "unknown-field"),
            ("{API: {}}", "invalid-key"),
            ("{api: {}, api: {}}", "duplicate-key"),
            ("[api]", "wrong-type"),
            ("api", "wrong-type"),
            ("[~]", "wrong-type"),
        ] {
            let (_, wrong) = read(text);
            assert!(wrong.contains(&code), "{text}: {wrong:?}");
        }
    }
}
