//! Comparing the rows in use with rows made anew from the log, at exactly the same position.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
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
    let others = other_columns(snapshot, table).await?;
    let name = quoted(table.name);
    let key = |of: &str| {
        let parts: Vec<_> = table
            .key
            .iter()
            .map(|it| format!("quote({of}.{})", quoted(it)))
            .collect();
        parts.join(" || ', ' || ")
    };
    let same = table
        .key
        .iter()
        .map(|it| format!("l.{0} IS s.{0}", quoted(it)));
    let same = same.collect::<Vec<_>>().join(" AND ");
    for (kind, from, of, against) in [
        (Kind::Lost, "shadow", "s", "main"),
        (Kind::Extra, "main", "l", "shadow"),
    ] {
        let other = if of == "s" { "l" } else { "s" };
        let sql = format!(
            "SELECT {} FROM {from}.{name} {of} WHERE NOT EXISTS \
             (SELECT 1 FROM {against}.{name} {other} WHERE {same}) ORDER BY 1 LIMIT {FINDINGS}",
            key(of)
        );
        let keys: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut *snapshot)
            .await?;
        found.extend(keys.into_iter().map(|key| Difference {
            table: table.name,
            key,
            kind: kind.clone(),
        }));
    }
    for column in others {
        let it = quoted(&column);
        let sql = format!(
            "SELECT {}, quote(l.{it}), quote(s.{it}) FROM main.{name} l JOIN shadow.{name} s ON {same} \
             WHERE l.{it} IS NOT s.{it} ORDER BY 1 LIMIT {FINDINGS}",
            key("l")
        );
        for row in sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *snapshot)
            .await?
        {
            found.push(Difference {
                table: table.name,
                key: row.try_get(0)?,
                kind: Kind::Changed {
                    column: column.clone(),
                    live: row.try_get(1)?,
                    expected: row.try_get(2)?,
                },
            });
        }
    }
    Ok(())
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
