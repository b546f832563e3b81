//! The suite run against the back ends of this crate.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tempfile::TempDir;

use super::{Stand, Trouble, identity};
use crate::log::EventLog;
use crate::mem::MemLog;
use crate::sim::{Faults, SimLog};
use crate::sqlite::SqliteLog;

#[async_trait]
impl Stand for MemLog {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.clone())
    }

    async fn reopen(&self) -> Result<Arc<dyn EventLog>, Trouble> {
        Ok(self.log())
    }

    async fn raise_epoch(&self) -> Result<u32, Trouble> {
        Ok(Self::raise_epoch(self))
    }
}

#[async_trait]
impl Stand for SimLog {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.clone())
    }

    async fn reopen(&self) -> Result<Arc<dyn EventLog>, Trouble> {
        Ok(self.log())
    }

    async fn raise_epoch(&self) -> Result<u32, Trouble> {
        Ok(Self::raise_epoch(self))
    }
}

/// A log file in a directory of its own.
struct File {
    dir: TempDir,
    log: Mutex<SqliteLog>,
}

impl File {
    async fn open(dir: TempDir) -> Result<Self, Trouble> {
        let log = SqliteLog::open(&dir.path().join("log.db"), &identity()).await?;
        let log = Mutex::new(log);
        Ok(Self { dir, log })
    }

    fn current(&self) -> SqliteLog {
        self.log
            .lock()
            .expect("no test panics while it holds this")
            .clone()
    }
}

#[async_trait]
impl Stand for File {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.current())
    }

    async fn reopen(&self) -> Result<Arc<dyn EventLog>, Trouble> {
        self.current().close().await;
        let log = SqliteLog::open_existing(&self.dir.path().join("log.db")).await?;
        *self.log.lock().expect("no test panics while it holds this") = log.clone();
        Ok(Arc::new(log))
    }

    async fn raise_epoch(&self) -> Result<u32, Trouble> {
        Ok(self.current().raise_epoch().await?)
    }
}

mod mem {
    use super::*;

    fn make() -> Ready<Result<Arc<dyn Stand>, Trouble>> {
        ready(Ok(Arc::new(MemLog::new(identity()))))
    }

    crate::conformance!(make);
}

mod sim {
    use super::*;

    fn make() -> Ready<Result<Arc<dyn Stand>, Trouble>> {
        ready(Ok(Arc::new(SimLog::new(identity(), 1, Faults::OFF))))
    }

    crate::conformance!(make);
}

mod sqlite {
    use super::*;

    async fn make() -> Result<Arc<dyn Stand>, Trouble> {
        Ok(Arc::new(File::open(tempfile::tempdir()?).await?))
    }

    crate::conformance!(make);
}

/// Asks the test program itself, so that a case that lost its `#[test]` is noticed.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "lists the tests of this very program"
)]
fn every_back_end_runs_the_same_cases() {
    let program = std::env::current_exe().unwrap();
    let listed = Command::new(program).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let of = |backend: &str| -> BTreeSet<&str> {
        let prefix = format!("conformance::backends::{backend}::");
        let names = listed.lines().filter_map(|it| it.strip_suffix(": test"));
        names.filter_map(|it| it.strip_prefix(&prefix)).collect()
    };
    let written: BTreeSet<&str> = mem::CASES.iter().copied().collect();
    assert!(written.len() >= 55, "{} cases", written.len());
    for (backend, cases) in [
        ("mem", mem::CASES),
        ("sim", sim::CASES),
        ("sqlite", sqlite::CASES),
    ] {
        assert_eq!(cases, mem::CASES, "{backend}");
        assert_eq!(of(backend), written, "{backend}");
    }
}
