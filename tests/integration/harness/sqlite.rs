//! A database, opened by the `sqlite3` shell as somebody would who means harm.

use std::path::{Path, PathBuf};

use super::program::{Outcome, Program};

/// A database file.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    pub(crate) path: PathBuf,
    home: PathBuf,
}

impl Sqlite {
    pub(crate) fn at(path: &Path, home: &Path) -> Self {
        Self {
            path: path.to_owned(),
            home: home.to_owned(),
        }
    }

    /// Runs statements, whatever comes of them.
    pub(crate) async fn attempt(&self, sql: &str) -> Outcome {
        let path = self.path.to_str().unwrap();
        Program::new("sqlite3", &self.home)
            .args(["-batch", "-bail", path])
            .feed(sql.as_bytes())
            .await
    }

    /// Runs statements; gives the lines they print, columns separated by `|`.
    pub(crate) async fn run(&self, sql: &str) -> Vec<String> {
        self.attempt(sql)
            .await
            .ok()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Runs statements with the table's triggers out of the way, and puts them back.
    pub(crate) async fn without_triggers(&self, table: &str, sql: &str) {
        let of_table =
            format!("FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'");
        let drops = self
            .run(&format!(
                "SELECT 'DROP TRIGGER ' || name || ';' {of_table};"
            ))
            .await;
        let creates = self.run(&format!("SELECT sql || ';' {of_table};")).await;
        let script = [drops.join("\n"), sql.to_owned(), creates.join("\n")].join("\n");
        self.run(&script).await;
    }

    /// Moves everything from the write-ahead log into the file.
    pub(crate) async fn settle(&self) {
        self.run("PRAGMA wal_checkpoint(TRUNCATE);").await;
    }
}
