//! The rows of an archive.

use std::collections::BTreeMap;

use bytes::Bytes;
use ids::Uuid;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, PgPool, Row as _};

use super::ArchiveError;
use crate::checkpoint::Checkpoint;
use crate::commit::{Head, SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{LogIdentity, Position};
use crate::projector::Server;

const DDL: &str = "
CREATE TABLE IF NOT EXISTS log_archive (
  position BIGINT PRIMARY KEY,
  aggregate TEXT COLLATE \"C\" NOT NULL,
  version BIGINT NOT NULL,
  commit_id TEXT COLLATE \"C\" NOT NULL,
  epoch BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  payload BYTEA NOT NULL,
  recorded_at TIMESTAMPTZ NOT NULL,
  archived_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (aggregate, version)
);
CREATE TABLE IF NOT EXISTS log_archive_of (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  log_id BYTEA NOT NULL,
  epoch BIGINT NOT NULL,
  created_at_us BIGINT NOT NULL
);
CREATE OR REPLACE FUNCTION log_archive_refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'log_archive: rows are never changed'; END $$;
CREATE OR REPLACE TRIGGER log_archive_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_archive
  FOR EACH STATEMENT EXECUTE FUNCTION log_archive_refuse();
";

const INSERT: &str = "INSERT INTO log_archive \
     (position, aggregate, version, commit_id, epoch, hash, payload, recorded_at) \
     SELECT p, a, v, c, e, h, b, to_timestamp(r / 1000000.0) FROM UNNEST($1::bigint[], \
     $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bigint[]) \
     AS new (p, a, v, c, e, h, b, r)";

const COLUMNS: &str = "SELECT position, aggregate, version, commit_id, epoch, hash, payload \
     FROM log_archive";

/// Makes the tables when they are missing.
pub(super) async fn ensure(pool: &PgPool, server: &Server) -> Result<(), ArchiveError> {
    let exists = "SELECT EXISTS (SELECT 1 FROM pg_tables \
         WHERE schemaname = $1 AND tablename = 'log_archive')";
    let there = sqlx::query_scalar::<_, bool>(exists).bind(server.schema());
    if !there.fetch_one(pool).await? {
        let schema = server.schema();
        let ddl = format!("CREATE SCHEMA IF NOT EXISTS {schema}; {DDL}");
        server.alone(pool, ddl).await?;
    }
    Ok(())
}

/// Which log it is a copy of.
pub(super) async fn identity(pool: &PgPool) -> Result<Option<LogIdentity>, ArchiveError> {
    let found: Option<(Vec<u8>, i64, i64)> =
        sqlx::query_as("SELECT log_id, epoch, created_at_us FROM log_archive_of")
            .fetch_optional(pool)
            .await?;
    let wrong = |what: &str| sqlx::Error::Decode(format!("log_archive_of: {what}").into());
    let identity = |(log_id, epoch, created_at_us): (Vec<u8>, i64, i64)| {
        Ok::<_, sqlx::Error>(LogIdentity {
            log_id: Uuid::from_slice(&log_id).map_err(|_| wrong("log_id"))?,
            epoch: u32::try_from(epoch).map_err(|_| wrong("epoch"))?,
            created_at_us,
        })
    };
    Ok(found.map(identity).transpose()?)
}

/// Notes which log it is a copy of.
pub(super) async fn identify(pool: &PgPool, identity: &LogIdentity) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO log_archive_of VALUES (1, $1, $2, $3) \
         ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch \
         WHERE log_archive_of.epoch < excluded.epoch",
    )
    .bind(&identity.log_id.as_bytes()[..])
    .bind(i64::from(identity.epoch))
    .bind(identity.created_at_us)
    .execute(pool)
    .await?;
    Ok(())
}

/// The last commit, as a place in the log.
pub(super) async fn last(pool: &PgPool) -> Result<Option<Checkpoint>, ArchiveError> {
    let Some(identity) = identity(pool).await? else {
        return Ok(None);
    };
    let found: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT position, hash FROM log_archive ORDER BY position DESC LIMIT 1")
            .fetch_optional(pool)
            .await?;
    let mut last = Checkpoint::start(&identity);
    if let Some((position, hash)) = found {
        last.position = Position(position.cast_unsigned());
        let wrong = || sqlx::Error::Decode("log_archive: hash".into());
        last.hash = hash.try_into().map_err(|_| wrong())?;
    }
    Ok(Some(last))
}

/// The last position; 0 when there is none.
pub(super) async fn end(on: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let end: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM log_archive")
        .fetch_one(on)
        .await?;
    Ok(Position(end.cast_unsigned()))
}

/// The ends of aggregates.
pub(super) async fn heads(
    on: &mut PgConnection,
    aggregates: &[String],
) -> Result<BTreeMap<String, Head>, ArchiveError> {
    let found: Vec<(String, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT asked.aggregate, last.version, last.hash FROM unnest($1::text[]) AS asked(aggregate) \
         CROSS JOIN LATERAL (SELECT version, hash FROM log_archive \
         WHERE aggregate = asked.aggregate ORDER BY version DESC LIMIT 1) AS last",
    )
    .bind(aggregates)
    .fetch_all(on)
    .await?;
    let head = |(aggregate, version, hash): (String, i64, Vec<u8>)| {
        let wrong = || sqlx::Error::Decode("log_archive: hash".into());
        let hash = hash.try_into().map_err(|_| wrong())?;
        let version = version.cast_unsigned();
        Ok((aggregate, Head { version, hash }))
    };
    found.into_iter().map(head).collect()
}

/// Adds commits.
pub(super) async fn add(on: &mut PgConnection, commits: &[Stored]) -> Result<(), sqlx::Error> {
    let column = |of: fn(&Stored) -> i64| commits.iter().map(of).collect::<Vec<i64>>();
    let text = |of: fn(&Stored) -> String| commits.iter().map(of).collect::<Vec<String>>();
    let hashes: Vec<Vec<u8>> = commits.iter().map(|it| it.commit.hash().to_vec()).collect();
    let payloads: Vec<&[u8]> = commits.iter().map(|it| &it.commit.bytes()[..]).collect();
    sqlx::query(INSERT)
        .bind(column(|it| it.position.0.cast_signed()))
        .bind(text(|it| it.commit.aggregate.to_string()))
        .bind(column(|it| it.commit.version.cast_signed()))
        .bind(text(|it| it.commit.commit_id.to_string()))
        .bind(column(|it| it.commit.epoch.into()))
        .bind(hashes)
        .bind(payloads)
        .bind(column(|it| it.commit.recorded_at_us))
        .execute(on)
        .await?;
    Ok(())
}

/// A page of commits, checked.
pub(super) async fn read(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> Result<Vec<Stored>, ArchiveError> {
    let sql = format!("{COLUMNS} WHERE position > $1 ORDER BY position LIMIT $2");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(after.0.cast_signed())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.iter().map(stored).collect()
}

fn stored(row: &PgRow) -> Result<Stored, ArchiveError> {
    let position = Position(row.try_get::<i64, _>(0)?.cast_unsigned());
    let (aggregate, version): (String, i64) = (row.try_get(1)?, row.try_get(2)?);
    let (commit_id, epoch): (String, i64) = (row.try_get(3)?, row.try_get(4)?);
    let (hash, payload): (Vec<u8>, Vec<u8>) = (row.try_get(5)?, row.try_get(6)?);
    let nowhere = || {
        Box::new(Place {
            position: Some(position),
            ..Place::default()
        })
    };
    let hash = hash.try_into().map_err(|_| {
        let at = nowhere();
        ArchiveError::Damaged(Corrupt::HashMismatch { at })
    })?;
    let commit = SealedCommit::open(Bytes::from(payload), hash).map_err(|corrupt| {
        let (at, why) = (nowhere(), corrupt.to_string());
        ArchiveError::Damaged(Corrupt::Undecodable { at, why })
    })?;
    let differs = [
        ("aggregate", commit.aggregate.to_string() != aggregate),
        ("version", commit.version != version.cast_unsigned()),
        ("commit_id", commit.commit_id.to_string() != commit_id),
        ("epoch", i64::from(commit.epoch) != epoch),
    ];
    if let Some((column, _)) = differs.into_iter().find(|it| it.1) {
        let at = Place::new(&commit.aggregate, commit.version, Some(position)).into();
        return Err(ArchiveError::Damaged(Corrupt::IndexMismatch { at, column }));
    }
    Ok(Stored { position, commit })
}
