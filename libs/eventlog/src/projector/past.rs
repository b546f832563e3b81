//! Read models as they were: made of the log up to a position, then thrown away.

use std::sync::Arc;

use sqlx::sqlite::SqlitePoolOptions;
use tempfile::TempDir;

use super::file::{Speed, make, options};
use super::{Projection, ProjectorError, Reads};
use crate::log::{EventLog, Position, ReadError};

/// Read models of exactly the commits up to a position. They go when this is dropped.
#[derive(Debug)]
pub struct Past {
    position: Position,
    reads: Reads,
    _directory: TempDir,
}

impl Past {
    /// Makes them of the log, from its beginning: costs as much as a rebuild up to there.
    pub async fn at(
        log: &Arc<dyn EventLog>,
        projections: &[Box<dyn Projection>],
        position: Position,
    ) -> Result<Self, ProjectorError> {
        let directory = tempfile::Builder::new()
            .prefix("towpath-past-")
            .tempdir()
            .map_err(|error| ProjectorError::Database {
                database: std::env::temp_dir().display().to_string(),
                why: format!("{error}; make the directory for temporary files writable"),
            })?;
        let path = directory.path().join("read.db");
        let store = make(&path, log, projections, position, &mut |_, _| {}).await?;
        store.close().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options(&path, Speed::Bulk).read_only(true))
            .await?;
        Ok(Self {
            position,
            reads: Reads::Sqlite(readers),
            _directory: directory,
        })
    }

    /// Up to where.
    pub fn position(&self) -> Position {
        self.position
    }

    /// For queries.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }
}

/// The position of the last commit that was recorded at a time or before it, in microseconds
/// UTC; 0 when there is none. Writers' clocks may differ a little, and so may the border by as
/// much. Reads as many commits as the number of commits has binary digits.
pub async fn position_at(
    log: &Arc<dyn EventLog>,
    time_us: i64,
) -> Result<(Position, i64), ReadError> {
    let (mut low, mut high) = (Position(0), log.tail().await?.position);
    let mut recorded_at_us = 0;
    while low < high {
        let middle = Position(low.0 + (high.0 - low.0) / 2);
        match log.read(middle, 1).await?.first() {
            Some(next) if next.position <= high && next.commit.recorded_at_us <= time_us => {
                low = next.position;
                recorded_at_us = next.commit.recorded_at_us;
            }
            Some(_) | None => high = middle,
        }
    }
    Ok((low, recorded_at_us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{Head, SealedCommit, tests::draft};
    use crate::conformance::identity;
    use crate::mem::MemLog;

    #[tokio::test]
    async fn a_time_is_the_last_commit_recorded_by_then() {
        let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
        assert_eq!(position_at(&log, 5).await, Ok((Position(0), 0)));
        let times = [10, 20, 20, 30, 50, 80, 130];
        for (n, time) in (1..).zip(times) {
            let mut draft = draft(n, n);
            draft.recorded_at_us = time;
            log.append(&SealedCommit::seal(draft, &Head::NONE, 1))
                .await
                .unwrap();
        }
        for (time, position, recorded) in [
            (9, 0, 0),
            (10, 1, 10),
            (20, 3, 20),
            (29, 3, 20),
            (79, 5, 50),
            (129, 6, 80),
            (130, 7, 130),
            (i64::MAX, 7, 130),
        ] {
            let found = position_at(&log, time).await;
            assert_eq!(found, Ok((Position(position), recorded)), "{time}");
        }
    }
}
