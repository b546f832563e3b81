//! What differs between the rows in use and rows made anew.

use std::fmt;

use super::rows::Source;
use super::sql;
use super::table::{Column, Holds, Table};
use super::{Projection, ProjectorError};

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

/// The schemas that hold the same tables.
pub(super) struct Sides<'a> {
    pub(super) live: &'a str,
    pub(super) made: &'a str,
}

/// Finds the rows that differ: table by table, lost and extra rows before changed ones, each
/// ordered by key.
pub(super) async fn compare(
    on: &mut Source<'_>,
    sides: &Sides<'_>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    let mut found = Vec::new();
    for table in projections.iter().flat_map(|it| it.tables()) {
        for (kind, from, against) in [
            (Kind::Lost, sides.made, sides.live),
            (Kind::Extra, sides.live, sides.made),
        ] {
            for [key, ..] in texts(on, only_in(on.is_sqlite(), table, from, against)).await? {
                found.push(Difference {
                    table: table.name,
                    key,
                    kind: kind.clone(),
                });
            }
        }
        for column in table.other_columns() {
            let sql = changed(on.is_sqlite(), table, column, sides);
            for [key, live, expected] in texts(on, sql).await? {
                let column = column.name.to_owned();
                found.push(Difference {
                    table: table.name,
                    key,
                    kind: Kind::Changed {
                        column,
                        live,
                        expected,
                    },
                });
            }
        }
    }
    Ok(found)
}

/// The keys of rows that one side has and the other has not.
fn only_in(sqlite: bool, table: &Table, from: &str, against: &str) -> String {
    let (name, key, same) = (table.name, key(sqlite, table), same(table));
    format!(
        "SELECT {key}, '', '' FROM {from}.{name} a WHERE NOT EXISTS \
         (SELECT 1 FROM {against}.{name} b WHERE {same}) ORDER BY 1 LIMIT {FINDINGS}"
    )
}

/// The rows that both have, with another value in a column.
fn changed(sqlite: bool, table: &Table, column: &Column, sides: &Sides<'_>) -> String {
    let (name, key, same) = (table.name, key(sqlite, table), same(table));
    let Sides { live, made } = sides;
    let [a, b] = ["a", "b"].map(|it| quoted(sqlite, it, column));
    let differs = if sqlite { "IS NOT" } else { "IS DISTINCT FROM" };
    format!(
        "SELECT {key}, {a}, {b} FROM {live}.{name} a JOIN {made}.{name} b ON {same} \
         WHERE a.{0} {differs} b.{0} ORDER BY 1 LIMIT {FINDINGS}",
        column.name
    )
}

/// SQL for the key of row `a`, as it is shown.
fn key(sqlite: bool, table: &Table) -> String {
    let parts = table.key_columns().iter().map(|it| quoted(sqlite, "a", it));
    parts.collect::<Vec<_>>().join(" || ', ' || ")
}

/// SQL for a value, as it is written in SQL.
fn quoted(sqlite: bool, row: &str, column: &Column) -> String {
    let name = column.name;
    match (sqlite, column.holds) {
        (true, _) => format!("quote({row}.{name})"),
        (false, Holds::Text) => format!("quote_nullable({row}.{name})"),
        (false, Holds::Int) => format!("coalesce({row}.{name}::text, 'NULL')"),
    }
}

/// SQL that says whether rows `a` and `b` have the same key.
fn same(table: &Table) -> String {
    let parts = table
        .key_columns()
        .iter()
        .map(|it| format!("a.{0} = b.{0}", it.name));
    parts.collect::<Vec<_>>().join(" AND ")
}

async fn texts(on: &mut Source<'_>, sql: String) -> Result<Vec<[String; 3]>, sqlx::Error> {
    use sqlx::Row as _;
    match on {
        Source::Sqlite(it) => {
            let rows = sql::fetch_sqlite(&mut **it, sql, &[]).await?;
            let three =
                |it: &sqlx::sqlite::SqliteRow| Ok([it.try_get(0)?, it.try_get(1)?, it.try_get(2)?]);
            rows.iter().map(three).collect()
        }
        Source::Postgres(it) => {
            let rows = sql::fetch_postgres(&mut **it, sql, &[], false).await?;
            let three =
                |it: &sqlx::postgres::PgRow| Ok([it.try_get(0)?, it.try_get(1)?, it.try_get(2)?]);
            rows.iter().map(three).collect()
        }
    }
}
