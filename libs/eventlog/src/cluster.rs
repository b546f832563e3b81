//! A real PostgreSQL for one test.

use std::time::Duration;

use testkit::Cluster;

use crate::projector::Server;

pub(crate) fn start() -> Cluster {
    Cluster::start().unwrap()
}

/// The schema of a role.
pub(crate) fn schema(cluster: &Cluster, role: &str) -> Server {
    let password = cluster.password_file();
    let server = Server::new(&cluster.url(), Some(&password), role).unwrap();
    server.patience(Duration::from_secs(20))
}
