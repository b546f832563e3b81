//! The rows that a batch of commits touches: kept in memory, loaded when they are missing,
//! written together. A row that ten commits change is written once.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use super::sql::{self, Dialect};
use super::table::{Cell, Row, Table};
use super::{ApplyError, Projection};

/// Where rows are that are not in memory.
pub(super) enum Source<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// The rows of all tables, as one commit after another finds and leaves them.
pub struct Rows<'a> {
    staged: &'a mut Staged,
    source: Source<'a>,
}

/// What is known in memory.
pub(super) struct Staged {
    tables: Vec<StagedTable>,
    /// Nothing is stored that is not here.
    complete: bool,
}

pub(super) struct StagedTable {
    pub(super) table: &'static Table,
    rows: BTreeMap<Vec<Cell>, Entry>,
    /// Beginnings of keys of which every row is here.
    whole: BTreeSet<Vec<Cell>>,
}

/// A row, or that there is none.
struct Entry {
    row: Option<Row>,
    /// Not yet written.
    dirty: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(staged: &'a mut Staged, source: Source<'a>) -> Self {
        Self { staged, source }
    }

    /// The row with a key.
    pub async fn get(
        &mut self,
        table: &'static Table,
        key: &[Cell],
    ) -> Result<Option<&Row>, ApplyError> {
        let entry = self.entry(table, key).await?;
        Ok(entry.row.as_ref())
    }

    /// The row with a key, to be changed.
    pub async fn edit(
        &mut self,
        table: &'static Table,
        key: &[Cell],
    ) -> Result<Option<&mut Row>, ApplyError> {
        let entry = self.entry(table, key).await?;
        entry.dirty |= entry.row.is_some();
        Ok(entry.row.as_mut())
    }

    /// Every row whose key begins so, ordered by key.
    pub async fn of(
        &mut self,
        table: &'static Table,
        beginning: &[Cell],
    ) -> Result<Vec<&Row>, ApplyError> {
        let complete = self.staged.complete;
        let at = self.staged.at(table)?;
        if !complete && !self.staged.tables[at].whole.contains(beginning) {
            let found = self.source.load(table, beginning).await?;
            let staged = &mut self.staged.tables[at];
            for row in found {
                // What is here already is newer.
                let clean = |row: Row| Entry {
                    row: Some(row),
                    dirty: false,
                };
                staged
                    .rows
                    .entry(row.key().to_vec())
                    .or_insert_with(|| clean(row));
            }
            staged.whole.insert(beginning.to_vec());
        }
        let rows = self.staged.tables[at].rows.range(beginning.to_vec()..);
        Ok(rows
            .take_while(|(key, _)| key.starts_with(beginning))
            .filter_map(|(_, entry)| entry.row.as_ref())
            .collect())
    }

    /// Says that no row has a key that begins so, which saves looking for them.
    pub fn none_of(&mut self, table: &'static Table, beginning: &[Cell]) -> Result<(), ApplyError> {
        if !self.staged.complete {
            let staged = self.staged.table(table)?;
            staged.whole.insert(beginning.to_vec());
        }
        Ok(())
    }

    /// Writes a whole row, over the one with its key.
    pub fn put(&mut self, row: Row) -> Result<(), ApplyError> {
        let staged = self.staged.table(row.table())?;
        let entry = Entry {
            dirty: true,
            row: Some(row),
        };
        if let Some(row) = &entry.row {
            staged.rows.insert(row.key().to_vec(), entry);
        }
        Ok(())
    }

    /// Removes the row with a key, if there is one.
    pub fn delete(&mut self, table: &'static Table, key: &[Cell]) -> Result<(), ApplyError> {
        let staged = self.staged.table(table)?;
        let gone = Entry {
            row: None,
            dirty: true,
        };
        staged.rows.insert(key.to_vec(), gone);
        Ok(())
    }

    async fn entry(
        &mut self,
        table: &'static Table,
        key: &[Cell],
    ) -> Result<&mut Entry, ApplyError> {
        if key.len() != table.key {
            let (name, wanted) = (table.name, table.key);
            return Err(ApplyError::Wrong(format!(
                "a key of {name} has {wanted} values, not {}",
                key.len()
            )));
        }
        let complete = self.staged.complete;
        let at = self.staged.at(table)?;
        if !self.staged.tables[at].rows.contains_key(key) {
            let row = if complete {
                None
            } else {
                self.source.load(table, key).await?.pop()
            };
            let entry = Entry { row, dirty: false };
            self.staged.tables[at].rows.insert(key.to_vec(), entry);
        }
        let staged = &mut self.staged.tables[at];
        let gone = || ApplyError::Wrong(format!("a row of {} vanished from memory", table.name));
        staged.rows.get_mut(key).ok_or_else(gone)
    }
}

impl Source<'_> {
    pub(super) fn is_sqlite(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(_) => false,
        }
    }

    /// The rows whose key begins so.
    async fn load(
        &mut self,
        table: &'static Table,
        beginning: &[Cell],
    ) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Sqlite(it) => {
                let text = sql::select(table, beginning.len());
                let found = sql::fetch_sqlite(&mut **it, text, beginning).await?;
                found.iter().map(|it| sql::row(table, it)).collect()
            }
            Self::Postgres(it) => {
                let text = sql::select(table, beginning.len());
                let found = sql::fetch_postgres(&mut **it, text, beginning, true).await?;
                found.iter().map(|it| sql::row(table, it)).collect()
            }
        }
    }
}

impl Staged {
    /// Nothing known. `complete` says that nothing is stored either.
    pub(super) fn new(projections: &[Box<dyn Projection>], complete: bool) -> Self {
        let tables = projections.iter().flat_map(|it| it.tables());
        let empty = |table| StagedTable {
            table,
            rows: BTreeMap::new(),
            whole: BTreeSet::new(),
        };
        Self {
            tables: tables.map(empty).collect(),
            complete,
        }
    }

    /// Forgets everything, written or not.
    pub(super) fn clear(&mut self) {
        self.complete = false;
        for table in &mut self.tables {
            table.rows.clear();
            table.whole.clear();
        }
    }

    /// How many rows are in memory.
    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(|it| it.rows.len()).sum()
    }

    /// Writes what was changed. It stays here and stays marked until [`Staged::clear`]: the
    /// transaction may yet fail.
    pub(super) async fn write(&self, to: &mut Source<'_>) -> Result<(), sqlx::Error> {
        for table in &self.tables {
            let (put, gone) = table.changed();
            match to {
                Source::Sqlite(it) => sql::write_sqlite(it, table.table, &put, &gone).await?,
                Source::Postgres(it) => sql::write_postgres(it, table.table, &put, &gone).await?,
            }
        }
        Ok(())
    }

    fn at(&self, table: &'static Table) -> Result<usize, ApplyError> {
        let mut tables = self.tables.iter();
        tables
            .position(|it| it.table.name == table.name)
            .ok_or_else(|| {
                ApplyError::Wrong(format!("no projection declares table {}", table.name))
            })
    }

    fn table(&mut self, table: &'static Table) -> Result<&mut StagedTable, ApplyError> {
        let at = self.at(table)?;
        Ok(&mut self.tables[at])
    }
}

impl StagedTable {
    /// Rows to write and keys to remove, ordered by key.
    fn changed(&self) -> (Vec<&Row>, Vec<&[Cell]>) {
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        for (key, entry) in self.rows.iter().filter(|(_, it)| it.dirty) {
            match &entry.row {
                Some(row) => put.push(row),
                None => gone.push(key.as_slice()),
            }
        }
        (put, gone)
    }
}

/// The statements that make the tables of projections, and those that make their indexes.
pub(super) fn ddl(projections: &[Box<dyn Projection>], dialect: Dialect) -> (String, String) {
    let tables = || projections.iter().flat_map(|it| it.tables());
    (
        tables().map(|it| sql::table(it, dialect)).collect(),
        tables().map(sql::indexes).collect(),
    )
}
