//! Where the leases of a role are: in a schema beside its read models, which a rebuild does not
//! replace.

use sqlx::PgPool;

use super::super::ProjectorError;
use super::Server;

pub(in super::super) async fn leases(server: &Server) -> Result<PgPool, ProjectorError> {
    let schema = format!("{}_lease", server.schema());
    let beside = server.with_schema(schema.clone());
    let pool = beside.pool().await?;
    let make = format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};
         CREATE TABLE IF NOT EXISTS {schema}.towpath_lease (resource TEXT PRIMARY KEY,
         holder TEXT NOT NULL, fence BIGINT NOT NULL, expires_us BIGINT NOT NULL)"
    );
    beside.alone(&pool, make).await?;
    Ok(pool)
}
