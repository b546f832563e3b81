//! SQL text for tables that are declared as data.

use std::fmt::Write as _;

use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Executor, Type};

use super::table::{Cell, Column, Holds, Row, Table};

/// Where SQL text differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Rows per statement, the largest first: few different statements, so that each is prepared
/// once.
const SQLITE_ROWS: [usize; 3] = [64, 8, 1];

/// Rows per statement; bounds the memory of one message.
const POSTGRES_ROWS: usize = 4096;

/// `CREATE TABLE`. In PostgreSQL text is ordered as in SQLite: byte by byte.
pub(super) fn table(table: &Table, dialect: Dialect) -> String {
    let mut text = format!("CREATE TABLE {} (", table.name);
    for column in table.columns {
        let holds = match (column.holds, dialect) {
            (Holds::Text, Dialect::Sqlite) => "TEXT",
            (Holds::Text, Dialect::Postgres) => "TEXT COLLATE \"C\"",
            (Holds::Int, Dialect::Sqlite) => "INTEGER",
            (Holds::Int, Dialect::Postgres) => "BIGINT",
        };
        append(
            &mut text,
            format_args!("{} {holds} NOT NULL, ", column.name),
        );
    }
    let key = names(table.key_columns());
    let end = match dialect {
        Dialect::Sqlite => " STRICT",
        Dialect::Postgres => "",
    };
    append(&mut text, format_args!("PRIMARY KEY ({key})){end};\n"));
    text
}

/// `CREATE INDEX` for each index.
pub(super) fn indexes(table: &Table) -> String {
    let one = |index: &super::table::Index| {
        let columns = index.columns.join(", ");
        format!(
            "CREATE INDEX {} ON {} ({columns});\n",
            index.name, table.name
        )
    };
    table.indexes.iter().map(one).collect()
}

/// The rows whose key begins with so many given values.
pub(super) fn select(table: &Table, given: usize) -> String {
    let mut text = format!("SELECT {} FROM {}", names(table.columns), table.name);
    for (at, column) in table.key_columns().iter().take(given).enumerate() {
        let word = if at == 0 { "WHERE" } else { "AND" };
        append(
            &mut text,
            format_args!(" {word} {} = ${}", column.name, at + 1),
        );
    }
    text
}

/// A row as it was selected.
pub(super) fn row<'r, R: sqlx::Row>(table: &'static Table, found: &'r R) -> Result<Row, sqlx::Error>
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(at, column): (usize, &Column)| {
        Ok(match column.holds {
            Holds::Text => Cell::Text(found.try_get(at)?),
            Holds::Int => Cell::Int(found.try_get(at)?),
        })
    };
    let cells = table.columns.iter().enumerate().map(cell);
    Ok(Row::of(table, cells.collect::<Result<_, sqlx::Error>>()?))
}

pub(super) async fn fetch_sqlite<'e>(
    on: impl Executor<'e, Database = Sqlite>,
    text: String,
    cells: &[Cell],
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(text));
    for cell in cells {
        query = match cell {
            Cell::Text(it) => query.bind(it.as_str()),
            Cell::Int(it) => query.bind(*it),
        };
    }
    query.fetch_all(on).await
}

/// `persistent` statements are prepared once per connection.
pub(super) async fn fetch_postgres<'e>(
    on: impl Executor<'e, Database = Postgres>,
    text: String,
    cells: &[Cell],
    persistent: bool,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(text)).persistent(persistent);
    for cell in cells {
        query = match cell {
            Cell::Text(it) => query.bind(it.as_str()),
            Cell::Int(it) => query.bind(*it),
        };
    }
    query.fetch_all(on).await
}

pub(super) async fn write_sqlite(
    on: &mut SqliteConnection,
    table: &Table,
    put: &[&Row],
    gone: &[&[Cell]],
) -> Result<(), sqlx::Error> {
    for key in gone {
        let text = format!("DELETE FROM {} WHERE {}", table.name, equal(table));
        fetch_sqlite(&mut *on, text, key).await?;
    }
    let mut rest = put;
    for count in SQLITE_ROWS {
        while rest.len() >= count {
            let (now, later) = rest.split_at(count);
            rest = later;
            let mut query = sqlx::query(AssertSqlSafe(upsert_values(table, count)));
            for cell in now.iter().flat_map(|it| it.cells()) {
                query = match cell {
                    Cell::Text(it) => query.bind(it.as_str()),
                    Cell::Int(it) => query.bind(*it),
                };
            }
            query.execute(&mut *on).await?;
        }
    }
    Ok(())
}

pub(super) async fn write_postgres(
    on: &mut PgConnection,
    table: &Table,
    put: &[&Row],
    gone: &[&[Cell]],
) -> Result<(), sqlx::Error> {
    for keys in gone.chunks(POSTGRES_ROWS) {
        let text = delete_unnest(table);
        execute_columns(on, text, table.key_columns(), keys).await?;
    }
    for rows in put.chunks(POSTGRES_ROWS) {
        let cells: Vec<&[Cell]> = rows.iter().map(|it| it.cells()).collect();
        execute_columns(on, upsert_unnest(table), table.columns, &cells).await?;
    }
    Ok(())
}

/// Runs a statement that takes one array per column.
async fn execute_columns(
    on: &mut PgConnection,
    text: String,
    columns: &[Column],
    rows: &[&[Cell]],
) -> Result<(), sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(text));
    for (at, column) in columns.iter().enumerate() {
        let cells = rows.iter().filter_map(|it| it.get(at));
        query = match column.holds {
            Holds::Text => query.bind(cells.filter_map(Cell::as_text).collect::<Vec<&str>>()),
            Holds::Int => query.bind(cells.filter_map(Cell::as_int).collect::<Vec<i64>>()),
        };
    }
    query.execute(on).await?;
    Ok(())
}

fn upsert_values(table: &Table, rows: usize) -> String {
    let marks = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let values = vec![marks; rows].join(", ");
    format!(
        "INSERT INTO {} ({}) VALUES {values} {}",
        table.name,
        names(table.columns),
        overwrite(table)
    )
}

fn upsert_unnest(table: &Table) -> String {
    format!(
        "INSERT INTO {} ({}) SELECT * FROM {} {}",
        table.name,
        names(table.columns),
        unnest(table.columns),
        overwrite(table)
    )
}

fn delete_unnest(table: &Table) -> String {
    let key = names(table.key_columns());
    format!(
        "DELETE FROM {} WHERE ({key}) IN (SELECT * FROM {})",
        table.name,
        unnest(table.key_columns())
    )
}

fn unnest(columns: &[Column]) -> String {
    let array = |(at, column): (usize, &Column)| {
        let of = match column.holds {
            Holds::Text => "text",
            Holds::Int => "bigint",
        };
        format!("${}::{of}[]", at + 1)
    };
    let arrays: Vec<_> = columns.iter().enumerate().map(array).collect();
    format!("UNNEST({})", arrays.join(", "))
}

fn overwrite(table: &Table) -> String {
    let key = names(table.key_columns());
    if table.other_columns().is_empty() {
        return format!("ON CONFLICT ({key}) DO NOTHING");
    }
    let set = |it: &Column| format!("{0} = excluded.{0}", it.name);
    let sets: Vec<_> = table.other_columns().iter().map(set).collect();
    format!("ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(", "))
}

fn equal(table: &Table) -> String {
    let one = |(at, it): (usize, &Column)| format!("{} = ${}", it.name, at + 1);
    let all: Vec<_> = table.key_columns().iter().enumerate().map(one).collect();
    all.join(" AND ")
}

fn names(columns: &[Column]) -> String {
    let all: Vec<_> = columns.iter().map(|it| it.name).collect();
    all.join(", ")
}

/// Writing to a `String` never fails.
pub(super) fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(what);
}
