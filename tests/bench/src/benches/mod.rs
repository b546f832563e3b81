//! The benches, one per file, named by the word that is typed.

mod append;
mod idle;
mod jetstream;
mod manifests;
mod promotions;
mod rebuild;
mod replay;
mod report;
mod storm;
mod story;
mod versions;

use anyhow::Result;
use clap::ValueEnum;

use crate::figure::Figure;
use crate::ground::Ground;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// A command until its event is durable
    Append,
    /// A build report until its commit stands in the remote
    Report,
    /// Promotions of many applications into one branch, by the writer alone
    Promotions,
    /// The same from build reports, by the whole server
    Storm,
    /// Read models made anew from the log
    Rebuild,
    /// The log read and checked from its beginning
    Replay,
    /// Appends to JetStream, and the log read from there
    Jetstream,
    /// Memory of a server that has nothing to do, and the size of the binary
    Idle,
    /// Ten thousand manifests, cold and with one changed
    Manifests,
    /// Versions and changelogs of a long history, beside git and git-cliff
    Versions,
}

impl Bench {
    /// The word that is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Report => "report",
            Self::Promotions => "promotions",
            Self::Storm => "storm",
            Self::Rebuild => "rebuild",
            Self::Replay => "replay",
            Self::Jetstream => "jetstream",
            Self::Idle => "idle",
            Self::Manifests => "manifests",
            Self::Versions => "versions",
        }
    }

    /// Measures it.
    pub(crate) async fn run(self, ground: &Ground) -> Result<Vec<Figure>> {
        match self {
            Self::Append => Box::pin(append::run(ground)).await,
            Self::Report => Box::pin(report::run(ground)).await,
            Self::Promotions => Box::pin(promotions::run(ground)).await,
            Self::Storm => Box::pin(storm::run(ground)).await,
            Self::Rebuild => Box::pin(rebuild::run(ground)).await,
            Self::Replay => Box::pin(replay::run(ground)).await,
            Self::Jetstream => Box::pin(jetstream::run(ground)).await,
            Self::Idle => Box::pin(idle::run(ground)).await,
            Self::Manifests => Box::pin(manifests::run(ground)).await,
            Self::Versions => versions::run(ground),
        }
    }

    /// What is measured and how, for the reference.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Append => {
                "A build report is decided and appended to the embedded log: load, decide, seal, \
                 store, sync. Commands and syncs of the floor take turns."
            }
            Self::Report => {
                "From opening the connection of `POST /api/v1/builds` until the branch in the \
                 remote stands at the new commit. The server has nothing else to do. The floor \
                 pushes the very same commit to a copy of the remote, in turns with it, and is \
                 over as well when the branch has moved."
            }
            Self::Promotions => {
                "Every application promotes its next version as soon as the last one stands in \
                 the remote, each a commit of its own, edited in its manifest. The floor imports \
                 the very same commits and pushes them once."
            }
            Self::Storm => {
                "Every application is reported once over HTTP, 32 reports at a time, until all \
                 commits stand in the remote: routing, ten durable commits of the log \
                 for each, order, edits, pushes."
            }
            Self::Rebuild => {
                "All read models are made anew from the log of deployments that went all the way. \
                 The floor copies the resulting rows from one database into an empty one with the \
                 same tables, in one statement per table; in PostgreSQL it sends them in arrays, \
                 4,096 rows per statement."
            }
            Self::Replay => {
                "The log is read from its beginning, every hash computed and every column compared \
                 with the sealed bytes. The floor selects the same rows and looks at nothing."
            }
            Self::Jetstream => {
                "Commits are appended to one server, each guarded by the position of the one \
                 before it, then read from the beginning with every hash computed. The floors \
                 publish the same bytes to a stream beside it and wait for each acknowledgement, \
                 and consume that stream without looking at anything."
            }
            Self::Idle => "`towpath up` on a hundred applications, some seconds after it is ready.",
            Self::Manifests => {
                "From a commit that was not seen before to a checked graph of all manifests: \
                 list the files, read what is new, parse it, link everything."
            }
            Self::Versions => {
                "A synthetic repository of 27,000 commits, 2,700 of them merges, and 12,000 tags, \
                 a quarter of them annotated, all packed. Each sample is a process of its own \
                 that writes into a file; ours and the floor take turns. *Warm* has everything in \
                 memory; *cold* is the first process after every file of the repository was \
                 dropped from memory (`posix_fadvise`), programs not. git-cliff has its default \
                 configuration, which shows less than ours, and writes into a file, too."
            }
        }
    }

    /// What the cost grows with, for the reference.
    pub(crate) fn grows_with(self) -> &'static str {
        match self {
            Self::Append => {
                "the disk's sync. Not with the length of the log, and with the length of an \
                 aggregate only when it is not among the 4,096 kept in memory. Concurrent \
                 commands share a sync, up to 256 at a time."
            }
            Self::Report => {
                "five syncs of the disk before the push, git's own time for a push, and the \
                 number of files when the branch was moved by somebody else."
            }
            Self::Promotions => {
                "the number of commits, and the size of the directories they change; pushes are \
                 shared by whatever waits."
            }
            Self::Storm => {
                "the number of reports times the durable commits of each; the number of \
                 applications whenever the branch has moved, because the graph is linked anew."
            }
            Self::Rebuild => "the number of events.",
            Self::Replay => "the number of commits and their bytes.",
            Self::Jetstream => "round trips to the server; reading with the bytes of the commits.",
            Self::Idle => {
                "the number of applications and deployments: all of them are kept in memory."
            }
            Self::Manifests => {
                "cold: the bytes of all manifests. Warm: the number of files, which are listed \
                 and linked anew, and the bytes of the changed ones."
            }
            Self::Versions => {
                "a version: the number of tags, all of which are read, and the commits since the \
                 last release, not the length of the history. A changelog: the commits in the \
                 range. Cold: where those lie in the pack."
            }
        }
    }
}
