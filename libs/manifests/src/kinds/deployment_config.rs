//! `DeploymentConfig`: how one application runs in one environment, and in which version.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Findings;
use crate::decode;
use crate::diagnostic::shown;
use crate::kinds::Kind;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Format, Object, Shape, TEXT, TEXTS};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "DeploymentConfig",
    &[
        DESCRIPTION,
        Field::new(
            "version",
            Shape::Scalar(Format::Version),
            "The version that runs: the field deployments write.",
        ),
        Field::new("container", Shape::Object(&CONTAINER), "What runs."),
        Field::new(
            "ports",
            Shape::Map(Format::Port, &Shape::OneOf(&PROTOCOLS)),
            "Port to protocol.",
        ),
        Field::new(
            "health",
            Shape::Object(&HEALTH),
            "How it is seen to be healthy.",
        ),
        Field::new("scaling", Shape::Object(&SCALING), "How many run."),
        Field::new(
            "deleteBeforeCreate",
            Shape::Bool,
            "Stops the old version before the new one starts.",
        ),
        Field::new(
            "stateful",
            Shape::Bool,
            "Keeps its identity and its volumes.",
        ),
        Field::new(
            "migrationJobContainer",
            Shape::Any,
            "What runs before a deployment; kept as written.",
        ),
        Field::new("bucketMounts", Shape::Any, "Buckets; kept as written."),
        Field::new("volumeMounts", Shape::Any, "Volumes; kept as written."),
        Field::new(
            "eventArcNotifications",
            Shape::Any,
            "Events; kept as written.",
        ),
    ],
);

static CONTAINER: Object = Object::new(
    "ContainerSpec",
    &[
        Field::new(
            "image",
            TEXT,
            "The image, when it is not the one the build reported.",
        ),
        Field::new("commands", TEXTS, "Replaces the command of the image."),
        Field::new(
            "env",
            Shape::List(&Shape::Object(&ENV)),
            "Its environment variables.",
        ),
    ],
);

static ENV: Object = Object::new(
    "EnvVar",
    &[
        Field::required("name", TEXT, "The name of the variable."),
        Field::new(
            "value",
            Shape::Scalar(Format::Free),
            "Its value; empty by default.",
        ),
    ],
);

static HEALTH: Object = Object::new(
    "Health",
    &[
        Field::new("startup", Shape::Object(&PROBE), "Whether it has started."),
        Field::new("liveness", Shape::Object(&PROBE), "Whether it still lives."),
        Field::new(
            "readiness",
            Shape::Object(&PROBE),
            "Whether it takes requests.",
        ),
    ],
);

static PROBE: Object = Object::new(
    "Probe",
    &[
        Field::new(
            "protocol",
            Shape::OneOf(&PROTOCOLS),
            "How it is asked; http by default.",
        ),
        Field::new(
            "port",
            Shape::Scalar(Format::Port),
            "Which port; the first one by default.",
        ),
        Field::new("path", TEXT, "Which path; / by default."),
        Field::new(
            "checkIntervalSec",
            Shape::Int(1, 3_600),
            "Seconds between two checks.",
        ),
        Field::new(
            "timeoutSec",
            Shape::Int(1, 3_600),
            "Seconds until a check has failed.",
        ),
        Field::new(
            "healthyThreshold",
            Shape::Int(1, 100),
            "Good checks in a row until it is healthy.",
        ),
        Field::new(
            "unhealthyThreshold",
            Shape::Int(1, 10_000),
            "Bad checks in a row until it is not.",
        ),
    ],
);

static SCALING: Object = Object::new(
    "Scaling",
    &[
        Field::new("min", Shape::Int(0, 10_000), "At least so many."),
        Field::new("max", Shape::Int(0, 10_000), "At most so many."),
    ],
);

const PROTOCOLS: [&str; 12] = [
    "http", "https", "http2", "h2c", "grpc", "tcp", "udp", "HTTP", "HTTPS", "GRPC", "TCP", "UDP",
];

/// How a port is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1, also with TLS or as HTTP/2.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC.
    Grpc,
    /// Anything over TCP.
    Tcp,
    /// Anything over UDP.
    Udp,
}

impl Protocol {
    /// Parses the word, in either case.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            "http2" | "h2c" => Some(Self::Http2),
            "grpc" => Some(Self::Grpc),
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            _ => None,
        }
    }
}

/// How one application runs in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentConfig {
    /// Name (that of the application), project, environment, place.
    pub meta: Arc<Meta>,
    /// `spec.version`; nothing when nothing was deployed yet.
    pub version: Option<String>,
    /// `spec.container.image`.
    pub image: Option<String>,
    /// `spec.container.commands`.
    pub commands: Vec<String>,
    /// `spec.container.env`, in the order of the file.
    pub env: Vec<EnvVar>,
    /// `spec.ports`.
    pub ports: BTreeMap<u16, Protocol>,
    /// `spec.health`.
    pub health: Health,
    /// `spec.scaling`.
    pub scaling: Scaling,
    /// `spec.deleteBeforeCreate`.
    pub delete_before_create: bool,
    /// `spec.stateful`.
    pub stateful: bool,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How an application is seen to be healthy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether it has started.
    pub startup: Option<Probe>,
    /// Whether it still lives.
    pub liveness: Option<Probe>,
    /// Whether it takes requests.
    pub readiness: Option<Probe>,
}

/// One way of asking. Defaults are those of Kubernetes where the manifests say nothing:
/// every 10 s, 1 s timeout, 1 good, 3 bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// How.
    pub protocol: Protocol,
    /// Which port; the first of the application when nothing is written.
    pub port: Option<u16>,
    /// Which path.
    pub path: String,
    /// Seconds between two checks.
    pub check_interval_sec: u32,
    /// Seconds until a check has failed.
    pub timeout_sec: u32,
    /// Good checks in a row.
    pub healthy_threshold: u32,
    /// Bad checks in a row.
    pub unhealthy_threshold: u32,
}

/// How many run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scaling {
    /// At least.
    pub min: Option<u32>,
    /// At most.
    pub max: Option<u32>,
}

impl DeploymentConfig {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        let container = decode::field(spec, "container");
        let health = decode::field(spec, "health");
        let scaling = decode::field(spec, "scaling");
        let ports = decode::text_map(decode::field(spec, "ports"));
        Self {
            meta,
            version: decode::text(spec, "version"),
            image: decode::text(container, "image"),
            commands: decode::texts(container, "commands"),
            env: decode::items(container, "env")
                .filter_map(|it| {
                    Some(EnvVar {
                        name: decode::text(Some(it), "name")?,
                        value: decode::text_or_empty(Some(it), "value"),
                    })
                })
                .collect(),
            ports: ports
                .iter()
                .filter_map(|(port, word)| Some((port.parse().ok()?, Protocol::parse(word)?)))
                .collect(),
            health: Health {
                startup: decode::field(health, "startup").map(Probe::decode),
                liveness: decode::field(health, "liveness").map(Probe::decode),
                readiness: decode::field(health, "readiness").map(Probe::decode),
            },
            scaling: Scaling {
                min: decode::number(scaling, "min"),
                max: decode::number(scaling, "max"),
            },
            delete_before_create: decode::flag(spec, "deleteBeforeCreate").unwrap_or(false),
            stateful: decode::flag(spec, "stateful").unwrap_or(false),
        }
    }

    /// `metadata.name`: that of the application.
    pub fn name(&self) -> &str {
        &self.meta.name
    }

    /// `metadata.environment`.
    pub fn environment(&self) -> &str {
        self.meta.parent(Kind::Environment).unwrap_or_default()
    }

    /// `metadata.project`.
    pub fn project(&self) -> &str {
        self.meta.parent(Kind::Project).unwrap_or_default()
    }
}

impl Probe {
    fn decode(node: &Node) -> Self {
        let it = Some(node);
        Self {
            protocol: decode::word(it, "protocol", Protocol::parse).unwrap_or(Protocol::Http),
            port: decode::number(it, "port"),
            path: decode::text(it, "path").unwrap_or_else(|| "/".to_owned()),
            check_interval_sec: decode::number(it, "checkIntervalSec").unwrap_or(10),
            timeout_sec: decode::number(it, "timeoutSec").unwrap_or(1),
            healthy_threshold: decode::number(it, "healthyThreshold").unwrap_or(1),
            unhealthy_threshold: decode::number(it, "unhealthyThreshold").unwrap_or(3),
        }
    }
}

/// Names of variables are unique, and `min` is not above `max`.
pub(super) fn check(spec: &Node, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for it in decode::items(decode::field(Some(spec), "container"), "env") {
        let Some(name) = it.get("name") else { continue };
        let text = name.scalar().unwrap_or_default();
        if text.contains(['=', '\0']) {
            findings.add(
                "invalid-value",
                "the name of a variable has no `=` and no NUL",
                name,
            );
        }
        if let Some(first) = seen.insert(text, name) {
            let what = format!("the variable `{}` is set twice", shown(text));
            findings.twice("duplicate-name", what, name, first);
        }
    }
    let scaling = decode::field(Some(spec), "scaling");
    let limits: Option<(u32, u32)> =
        decode::number(scaling, "min").zip(decode::number(scaling, "max"));
    if let (Some((min, max)), Some(node)) = (limits, scaling)
        && min > max
    {
        findings.add(
            "out-of-range",
            format!("`spec.scaling.min` ({min}) is above `max` ({max})"),
            node,
        );
    }
}
