//! Tables as data: the same declaration makes them in SQLite and in PostgreSQL.

use std::fmt;

use super::ApplyError;
use crate::log::Position;

/// A table of a projection. Names are lower case words with underscores, and no reserved words.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns; the first ones are the key. None is ever NULL.
    pub columns: &'static [Column],
    /// How many of the first columns identify a row.
    pub key: usize,
    /// What else is looked for.
    pub indexes: &'static [Index],
}

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
}

/// What a column holds. Flags are integers: 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text; empty when nothing is said.
    Text,
    /// A whole number of 64 bits; 0 when nothing is said.
    Int,
}

/// An index of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name, unlike any other of the role.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    table: &'static Table,
    cells: Vec<Cell>,
}

impl Column {
    /// A column of text.
    pub const fn text(name: &'static str) -> Self {
        let holds = Holds::Text;
        Self { name, holds }
    }

    /// A column of whole numbers.
    pub const fn int(name: &'static str) -> Self {
        let holds = Holds::Int;
        Self { name, holds }
    }
}

impl Table {
    /// A row with these values, and nothing in the other columns.
    pub fn row<const N: usize>(
        &'static self,
        values: [(&str, Cell); N],
    ) -> Result<Row, ApplyError> {
        let empty = |column: &Column| match column.holds {
            Holds::Text => Cell::Text(String::new()),
            Holds::Int => Cell::Int(0),
        };
        let mut row = Row {
            table: self,
            cells: self.columns.iter().map(empty).collect(),
        };
        for (column, value) in values {
            let at = row.at(column)?;
            row.put(at, value)?;
        }
        Ok(row)
    }

    pub(super) fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or(self.columns)
    }

    pub(super) fn other_columns(&self) -> &'static [Column] {
        self.columns.get(self.key..).unwrap_or(&[])
    }
}

impl Row {
    pub(super) fn of(table: &'static Table, cells: Vec<Cell>) -> Self {
        Self { table, cells }
    }

    /// The text in a column.
    pub fn text(&self, column: &str) -> Result<&str, ApplyError> {
        match &self.cells[self.at(column)?] {
            Cell::Text(it) => Ok(it),
            Cell::Int(_) => Err(self.wrong(column, "holds numbers")),
        }
    }

    /// The number in a column.
    pub fn int(&self, column: &str) -> Result<i64, ApplyError> {
        match &self.cells[self.at(column)?] {
            Cell::Int(it) => Ok(*it),
            Cell::Text(_) => Err(self.wrong(column, "holds text")),
        }
    }

    /// Changes columns that are not part of the key.
    pub fn set<const N: usize>(&mut self, values: [(&str, Cell); N]) -> Result<(), ApplyError> {
        for (column, value) in values {
            let at = self.at(column)?;
            if at < self.table.key {
                return Err(self.wrong(column, "is part of the key, which never changes"));
            }
            self.put(at, value)?;
        }
        Ok(())
    }

    pub(super) fn table(&self) -> &'static Table {
        self.table
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn key(&self) -> &[Cell] {
        &self.cells[..self.table.key]
    }

    fn put(&mut self, at: usize, value: Cell) -> Result<(), ApplyError> {
        let column = &self.table.columns[at];
        match (column.holds, &value) {
            (Holds::Text, Cell::Text(_)) | (Holds::Int, Cell::Int(_)) => {
                self.cells[at] = value;
                Ok(())
            }
            (Holds::Text, Cell::Int(_)) => Err(self.wrong(column.name, "holds text")),
            (Holds::Int, Cell::Text(_)) => Err(self.wrong(column.name, "holds numbers")),
        }
    }

    fn at(&self, column: &str) -> Result<usize, ApplyError> {
        let mut columns = self.table.columns.iter();
        columns
            .position(|it| it.name == column)
            .ok_or_else(|| self.wrong(column, "does not exist"))
    }

    fn wrong(&self, column: &str, why: &str) -> ApplyError {
        ApplyError::Wrong(format!("column {column} of {} {why}", self.table.name))
    }
}

impl Cell {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(it) => Some(it),
            Self::Int(_) => None,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(it) => Some(*it),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(it) => f.write_str(it),
            Self::Int(it) => it.fmt(f),
        }
    }
}

impl From<String> for Cell {
    /// PostgreSQL stores no NUL characters, and both databases hold the same.
    fn from(text: String) -> Self {
        Self::Text(if text.contains('\0') {
            text.replace('\0', "\u{fffd}")
        } else {
            text
        })
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Int(flag.into())
    }
}

impl From<Position> for Cell {
    fn from(position: Position) -> Self {
        Self::Int(position.0.cast_signed())
    }
}
