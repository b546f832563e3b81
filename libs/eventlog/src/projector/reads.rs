//! Asking the read models, in SQLite or in PostgreSQL, with the same SQL.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};
use tokio::time::Instant;

use super::postgres::{self, PgReads};
use super::sql;
use super::table::Cell;

/// How long a question waits for a database that is away, restarting or full of connections.
const PATIENCE: Duration = Duration::from_secs(8);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Connections that can only query.
#[derive(Debug, Clone)]
pub enum Reads {
    /// A file.
    Sqlite(SqlitePool),
    /// A schema of a server.
    Postgres(PgReads),
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadsError {
    /// The database is away; asking again later can help.
    #[error("the read models are away: {0}")]
    Away(sqlx::Error),
    /// The question or the rows are wrong.
    #[error("read models: {0}")]
    Wrong(#[from] sqlx::Error),
}

/// One row of an answer. Columns are texts and whole numbers; SQL must not make anything else,
/// such as the NUMERIC of PostgreSQL's `sum`.
#[derive(Debug)]
pub enum Answer {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// SQL text that is put together from parts.
#[derive(Debug, Clone)]
pub struct Question {
    sql: String,
    cells: Vec<Cell>,
}

impl Question {
    /// Begins with SQL text.
    pub fn new(sql: &str) -> Self {
        Self {
            sql: sql.to_owned(),
            cells: Vec::new(),
        }
    }

    /// Goes on with SQL text.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Goes on with a value, never as text.
    pub fn bind(&mut self, value: impl Into<Cell>) -> &mut Self {
        self.cells.push(value.into());
        let number = self.cells.len();
        sql::append(&mut self.sql, format_args!("${number}"));
        self
    }

    /// Goes on with values between commas.
    pub fn bind_all(&mut self, values: impl IntoIterator<Item = impl Into<Cell>>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Asks.
    pub async fn fetch(&self, reads: &Reads) -> Result<Vec<Answer>, ReadsError> {
        reads.fetch(&self.sql, &self.cells).await
    }
}

impl Reads {
    /// Runs a query whose placeholders are `$1`, `$2` and so on. The SQL text is the program's
    /// own; what others say comes in cells.
    pub async fn fetch(&self, sql: &str, cells: &[Cell]) -> Result<Vec<Answer>, ReadsError> {
        match self {
            Self::Sqlite(pool) => {
                let rows = sql::fetch_sqlite(pool, sql.to_owned(), cells).await?;
                Ok(rows.into_iter().map(Answer::Sqlite).collect())
            }
            Self::Postgres(pool) => patiently(pool, sql, cells).await,
        }
    }

    /// The first row.
    pub async fn first(&self, sql: &str, cells: &[Cell]) -> Result<Option<Answer>, ReadsError> {
        Ok(self.fetch(sql, cells).await?.into_iter().next())
    }
}

impl Reads {
    /// Lets the connections go.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(reads) => reads.pool().close().await,
        }
    }
}

/// A server that restarts costs time only. A rebuild that was put in place meanwhile makes
/// PostgreSQL refuse what it had prepared for the tables before; then it is prepared again.
async fn patiently(reads: &PgReads, sql: &str, cells: &[Cell]) -> Result<Vec<Answer>, ReadsError> {
    let until = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    let mut switched = false;
    loop {
        let asked = sql::fetch_postgres(reads.pool(), sql.to_owned(), cells, !switched).await;
        let error = match asked {
            Ok(rows) => return Ok(rows.into_iter().map(Answer::Postgres).collect()),
            Err(error) => error,
        };
        if postgres::switched(&error) && !switched {
            switched = true;
        } else if !postgres::passes(&error) {
            return Err(ReadsError::Wrong(error));
        } else if Instant::now() + pause > until {
            return Err(ReadsError::Away(error));
        } else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            reads.refresh_password();
        }
    }
}

impl Answer {
    /// A text, by the column's name.
    pub fn text(&self, column: &str) -> Result<String, ReadsError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A whole number.
    pub fn int(&self, column: &str) -> Result<i64, ReadsError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A flag, kept as 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool, ReadsError> {
        Ok(self.int(column)? != 0)
    }
}
