//! Where applications run. One trait for all kinds of targets; `process` starts images as
//! processes of this machine.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use ids::{Digest, Uuid};

mod process;

pub use process::{OpenError, ProcessTarget};

/// What is to run in a slot: one application in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The slot.
    pub slot: Uuid,
    /// For people: `environment/application`.
    pub slot_name: String,
    /// The run that applies this; applying it again does nothing.
    pub run: Uuid,
    /// For people: the version.
    pub version: String,
    /// The image's manifest or index.
    pub digest: Digest,
    /// The OCI image layout that holds it.
    pub layout: PathBuf,
    /// Name and value; wins over the image's own.
    pub env: Vec<(String, String)>,
    /// Where the slot is to be reached on 127.0.0.1; None picks a free port and keeps it.
    pub public_port: Option<u16>,
    /// When it counts as healthy.
    pub health: Health,
}

/// When a process counts as healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How it is asked.
    pub protocol: Protocol,
    /// Of the HTTP request, beginning with `/`.
    pub path: String,
    /// Between two probes. The first ones come faster, so that what starts fast is used fast.
    pub interval: Duration,
    /// For one answer.
    pub timeout: Duration,
    /// As many good answers one after another make it healthy; 0 counts as 1.
    pub healthy_threshold: u32,
    /// As many intervals with nothing but bad answers make it unhealthy; 0 counts as 1.
    pub unhealthy_threshold: u32,
    /// From the start until it is healthy, at most.
    pub deadline: Duration,
}

/// How a process is asked whether it is healthy, and whether its front follows HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `GET <path>` over HTTP/1.1; a status from 200 to 399 is good.
    Http,
    /// Whether it accepts a connection.
    Tcp,
}

/// What is running after a successful [`Target::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The slot's public port on 127.0.0.1.
    pub port: u16,
    /// The process.
    pub pid: u32,
    /// Whether it was started by an earlier process of ours and taken over.
    pub adopted: bool,
}

/// Why a version does not run. What ran before still does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The application's fault: it does not start or does not get healthy.
    #[error("{message}")]
    Failed {
        /// The last probe's answer, or how the process ended.
        message: String,
        /// The last lines of its output.
        output: String,
    },
    /// This machine's fault, or applying was stopped: trying again may help.
    #[error("{message}")]
    Broke {
        /// What was being done and what the system answered.
        message: String,
    },
}

/// What a slot is like now, in the words of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It runs and is healthy.
    Current,
    /// Something is being started.
    InProgress,
    /// It is not healthy, or does not start.
    Failed,
    /// It is being stopped.
    Terminating,
    /// Nothing is to run there.
    NotFound,
    /// It cannot be said.
    Unknown,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// What was seen in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// In one word.
    pub condition: Condition,
    /// In one sentence.
    pub message: String,
    /// Of the image that serves, if one does.
    pub digest: Option<Digest>,
    /// The version that serves.
    pub version: Option<String>,
    /// The run that serves.
    pub run: Option<Uuid>,
    /// The process that serves.
    pub pid: Option<u32>,
    /// The slot's public port on 127.0.0.1.
    pub port: Option<u16>,
}

/// Somewhere applications run.
#[async_trait]
pub trait Target: Send + Sync {
    /// Makes the slot run what is desired and returns when that serves, or why it does not;
    /// then what ran before goes on. Once begun it goes on when the caller does not wait.
    async fn apply(&self, desired: Desired) -> Result<Running, ApplyError>;

    /// What the slot is like now.
    async fn observe(&self, slot: Uuid) -> Observation;

    /// Ends what runs in the slot and forgets it. Nothing to end is fine.
    async fn stop(&self, slot: Uuid) -> Result<(), ApplyError>;

    /// Stops looking after the slots: what runs goes on for the next one to take over, or is
    /// ended, to be started again by the next one.
    async fn shutdown(&self, leave_running: bool);
}
