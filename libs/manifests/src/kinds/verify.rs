//! Verification: what is tried after a stage is healthy.

use serde::Serialize;

use crate::decode;
use crate::shape::{Field, Format, Object, Shape, TEXT, TEXTS};
use crate::tree::Node;

pub(super) static VERIFY: Object = Object::new(
    "Verify",
    &[
        Field::required("name", Shape::Scalar(Format::Name), "What it is called."),
        Field::new(
            "http",
            Shape::Object(&HTTP),
            "A request that must be answered well.",
        ),
        Field::new(
            "exec",
            Shape::Object(&EXEC),
            "A command that must exit with 0.",
        ),
        Field::new(
            "webhook",
            Shape::Object(&WEBHOOK),
            "A service that must answer yes.",
        ),
        Field::new(
            "timeout",
            Shape::Scalar(Format::Duration),
            "How long it may take; 60s by default.",
        ),
    ],
)
.exactly_one(&["http", "exec", "webhook"]);

static HTTP: Object = Object::new(
    "VerifyHttp",
    &[
        Field::new("path", TEXT, "The path; / by default."),
        Field::new(
            "port",
            Shape::Scalar(Format::Port),
            "The port; the first of the application by default.",
        ),
        Field::new(
            "status",
            Shape::Int(100, 599),
            "The status that is expected; 200 by default.",
        ),
    ],
);

static EXEC: Object = Object::new(
    "VerifyExec",
    &[Field::required(
        "command",
        Shape::NonEmpty(&TEXT),
        "The command and its arguments.",
    )],
);

static WEBHOOK: Object = Object::new(
    "VerifyWebhook",
    &[
        Field::required("url", TEXT, "Where to ask."),
        Field::new("events", TEXTS, "What is told to it."),
    ],
);

/// What is tried after a stage is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// What it is called.
    pub name: String,
    /// What is done.
    pub by: VerifyBy,
    /// How long it may take, in microseconds.
    pub timeout_us: i64,
}

/// The ways to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyBy {
    /// A request to the application.
    Http {
        /// The path.
        path: String,
        /// The port; the first of the application when nothing is written.
        port: Option<u16>,
        /// The status that is expected.
        status: u16,
    },
    /// A command that must exit with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// A service that must answer yes.
    Webhook {
        /// Where to ask.
        url: String,
    },
}

impl Verify {
    pub(super) fn decode(node: &Node) -> Option<Self> {
        let it = Some(node);
        let by = if let Some(http) = decode::field(it, "http") {
            VerifyBy::Http {
                path: decode::text(Some(http), "path").unwrap_or_else(|| "/".to_owned()),
                port: decode::number(Some(http), "port"),
                status: decode::number(Some(http), "status").unwrap_or(200),
            }
        } else if let Some(exec) = decode::field(it, "exec") {
            VerifyBy::Exec {
                command: decode::texts(Some(exec), "command"),
            }
        } else {
            VerifyBy::Webhook {
                url: decode::text(decode::field(it, "webhook"), "url")?,
            }
        };
        Some(Self {
            name: decode::text(it, "name")?,
            by,
            timeout_us: decode::duration_us(it, "timeout").unwrap_or(60_000_000),
        })
    }
}
