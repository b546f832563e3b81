//! Comparing the rows in use with rows made anew from the log, at exactly the same position.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::store::{Speed, Store, checkpoint, options};
use super::{Projection, ProjectorError, Table, rebuild};
use crate::checkpoint::check;
use crate::log::EventLog;

/// Findings per table; more than this says nothing new.
const FINDINGS: i64 = 1000;

/// One row that is not what the log makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The key of the row, as SQL values, such as `'api', 3`.
    pub key: String,
    /// How it differs.
    pub kind: Kind,
}

/// How a row differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Another value in a column.
    Changed {
        /// The column.
        column: String,
        /// The value found, as SQL.
        live: String,
        /// The value that the log makes, as SQL.
        expected: String,
    },
    /// The log makes a row that is not there.
    Lost,
    /// A row that the log does not make.
    Extra,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, kind } = self;
        match kind {
            Kind::Changed {
                column,
                live,
                expected,
            } => write!(
                f,
                "{table} ({key}): {column} is {live}, expected {expected}"
            ),
            Kind::Lost => write!(f, "{table} ({key}): row lost"),
            Kind::Extra => write!(f, "{table} ({key}): row that the log does not make"),
        }
    }
}

/// Finds every row of the read database at `path` that the log does not make, at most 1,000
/// per table. Uses a snapshot: the database may be in use.
pub async fn verify(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    let usable = Store::open(path).await?;
    let Some(store) = usable.filter(|it| it.shape == super::shape(projections)) else {
        return Err(ProjectorError::Database {
            path: path.display().to_string(),
            why: "missing, damaged, or made by other projections: rebuild it".into(),
        });
    };
    store.close().await?;
    let dir = tempfile::tempdir().map_err(|e| ProjectorError::Database {
        path: path.display().to_string(),
        why: format!("no temporary directory for comparing: {e}"),
    })?;
    let shadow = dir.path().join("shadow.db");
    let mut live = options(path, Speed::Live)
        .pragma("query_only", "on")
        .connect()
        .await?;
    attach(&mut live, &shadow).await?;
    let found = compare_at_checkpoint(&mut live, &shadow, log, projections).await;
    live.close().await?;
    found
}

/// Attaches an empty file; it is filled later, through another connection, because attaching is
/// not possible inside the transaction that holds the snapshot.
async fn attach(live: &mut SqliteConnection, shadow: &Path) -> Result<(), ProjectorError> {
    std::fs::File::create(shadow).map_err(|e| ProjectorError::Database {
        path: shadow.display().to_string(),
        why: format!("{e}; free space for temporary files"),
    })?;
    sqlx::query("ATTACH DATABASE $1 AS shadow")
        .bind(shadow.to_string_lossy().into_owned())
        .execute(live)
        .await?;
    Ok(())
}

async fn compare_at_checkpoint(
    live: &mut SqliteConnection,
    shadow: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    let mut snapshot = live.begin().await?;
    // Reading fixes the snapshot: rows and checkpoint below are of one moment.
    let (at, _) = checkpoint(&mut snapshot).await?;
    check(log.as_ref(), &at).await?;
    let filled = rebuild::fill(shadow, log, projections, at.position, &mut |_, _| {}).await?;
    filled.close().await?;
    let mut found = Vec::new();
    for table in projections.iter().flat_map(|it| it.tables()) {
        compare(&mut snapshot, table, &mut found).await?;
    }
    snapshot.rollback().await?;
    Ok(found)
}

async fn compare(
    snapshot: &mut SqliteConnection,
    table: &Table,
    found: &mut Vec<Difference>,
) -> Result<(), ProjectorError> {
    for (kind, from, against) in [
        (Kind::Lost, "shadow", "main"),
        (Kind::Extra, "main", "shadow"),
    ] {
        let keys = only_in(snapshot, table, from, against).await?;
        found.extend(keys.into_iter().map(|key| Difference {
            table: table.name,
            key,
            kind: kind.clone(),
        }));
    }
    for column in other_columns(snapshot, table).await? {
        found.extend(changed(snapshot, table, &column).await?);
    }
    Ok(())
}

/// The keys of rows that one database has and the other has not.
async fn only_in(
    snapshot: &mut SqliteConnection,
    table: &Table,
    from: &str,
    against: &str,
) -> Result<Vec<String>, ProjectorError> {
    let (name, key, same) = (quoted(table.name), key(table), same(table));
    let sql = format!(
        "SELECT {key} FROM {from}.{name} a WHERE NOT EXISTS \
         (SELECT 1 FROM {against}.{name} b WHERE {same}) ORDER BY 1 LIMIT {FINDINGS}"
    );
    let keys = sqlx::query_scalar(AssertSqlSafe(sql));
    Ok(keys.fetch_all(snapshot).await?)
}

/// The rows that both have, with another value in a column.
async fn changed(
    snapshot: &mut SqliteConnection,
    table: &Table,
    column: &str,
) -> Result<Vec<Difference>, ProjectorError> {
    let (name, key, same) = (quoted(table.name), key(table), same(table));
    let it = quoted(column);
    let sql = format!(
        "SELECT {key}, quote(a.{it}), quote(b.{it}) FROM main.{name} a \
         JOIN shadow.{name} b ON {same} WHERE a.{it} IS NOT b.{it} ORDER BY 1 LIMIT {FINDINGS}"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(snapshot).await?;
    let difference = |row: &SqliteRow| {
        Ok(Difference {
            table: table.name,
            key: row.try_get(0)?,
            kind: Kind::Changed {
                column: column.to_owned(),
                live: row.try_get(1)?,
                expected: row.try_get(2)?,
            },
        })
    };
    rows.iter().map(difference).collect()
}

/// SQL for the key of row `a`, as it is shown.
fn key(table: &Table) -> String {
    let parts = table
        .key
        .iter()
        .map(|it| format!("quote(a.{})", quoted(it)));
    parts.collect::<Vec<_>>().join(" || ', ' || ")
}

/// SQL that says whether rows `a` and `b` have the same key.
fn same(table: &Table) -> String {
    let parts = table
        .key
        .iter()
        .map(|it| format!("a.{0} IS b.{0}", quoted(it)));
    parts.collect::<Vec<_>>().join(" AND ")
}

async fn other_columns(
    snapshot: &mut SqliteConnection,
    table: &Table,
) -> Result<Vec<String>, ProjectorError> {
    let all: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_info($1, 'shadow') ORDER BY cid")
            .bind(table.name)
            .fetch_all(snapshot)
            .await?;
    Ok(all
        .into_iter()
        .filter(|it| !table.key.contains(&it.as_str()))
        .collect())
}

/// An SQL identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
