//! Which errors of PostgreSQL pass by themselves.

use std::time::Duration;

use sqlx::postgres::PgDatabaseError;

/// How long the server may take to apply a batch. One that vanished with its machine never
/// answers, and the connection would say so only after a quarter of an hour.
pub(crate) const ANSWERS: Duration = Duration::from_secs(30);

/// The server did not answer in time; the connection is of no use any more.
pub(crate) fn silent() -> sqlx::Error {
    let why = "the server did not answer in time";
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, why))
}

/// Whether the server is away, starting, stopping, full or busy, or a race was lost: asking
/// again can help without a person changing anything but the server.
pub(crate) fn passes(error: &sqlx::Error) -> bool {
    let Some(code) = code(error) else {
        return matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::WorkerCrashed
        );
    };
    // Read-only for a moment while another server takes over; a lock that was not free in time.
    let single = ["25006", "55P03"].contains(&code);
    // Connection, authorization (the password file may be new), no room, a race, an operator, a
    // file system.
    let classes = ["08", "28", "40", "53", "57", "58"];
    single || classes.iter().any(|it| code.starts_with(it))
}

/// Whether a schema took the place of another while a prepared statement was under way.
pub(in super::super) fn switched(error: &sqlx::Error) -> bool {
    // Undefined table or schema, a plan of other tables, a forgotten statement, an object gone.
    let codes = ["42P01", "3F000", "0A000", "26000", "XX000"];
    code(error).is_some_and(|it| codes.contains(&it))
}

fn code(error: &sqlx::Error) -> Option<&str> {
    let database = error.as_database_error()?;
    Some(database.try_downcast_ref::<PgDatabaseError>()?.code())
}
