//! git-cliff, in the two versions that others are compared with: `cargo xtask bench` builds them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::timed;
use crate::program::program;

/// One version of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cliff {
    /// The program.
    pub(super) name: &'static str,
    /// The version.
    pub(super) version: &'static str,
    /// What its changelogs are among floors.
    pub(super) of_changelog: &'static str,
    /// What its versions are.
    pub(super) of_version: &'static str,
}

/// 2.12.0 is the last that counts no changed lines of every commit.
pub(super) const ALL: [Cliff; 2] = [
    Cliff {
        name: "git-cliff-2.12.0",
        version: "2.12.0",
        of_changelog: "git-cliff 2.12.0 `--offline` on the same range",
        of_version: "git-cliff 2.12.0 `--offline --use-branch-tags --bumped-version`",
    },
    Cliff {
        name: "git-cliff-2.13.1",
        version: "2.13.1",
        of_changelog: "git-cliff 2.13.1 `--offline` on the same range",
        of_version: "git-cliff 2.13.1 `--offline --use-branch-tags --bumped-version`",
    },
];

impl Cliff {
    /// Whether it is there.
    pub(super) fn is_there(self, room: &Path) -> bool {
        let mut ask = program(Path::new(self.name), room);
        let ask = ask.arg("--version").stdout(Stdio::null());
        ask.status().is_ok_and(|it| it.success())
    }

    /// How long a changelog of a range takes; nothing when it is more than `limit`.
    pub(super) fn changelog(
        self,
        room: &Path,
        range: &str,
        limit: Duration,
    ) -> Result<Option<Duration>> {
        let mut command = self.command(room, range);
        command.arg("--output").arg(room.join("cliff.md"));
        timed::within(limit, &mut command, &room.join("cliff.out"))
    }

    /// How long the version takes that comes after a range.
    pub(super) fn version(
        self,
        room: &Path,
        range: &str,
        limit: Duration,
    ) -> Result<Option<Duration>> {
        let mut command = self.command(room, range);
        command.args(["--use-branch-tags", "--bumped-version"]);
        timed::within(limit, &mut command, &room.join("cliff.out"))
    }

    /// It runs in the repository.
    fn command(self, room: &Path, range: &str) -> Command {
        let mut command = program(Path::new(self.name), &room.join(super::REPOSITORY));
        command.args(["--offline", range]);
        command
    }
}
