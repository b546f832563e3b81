//! Memory of a server that has nothing to do, and the size of the binary.

use std::time::Duration;

use anyhow::Result;

use crate::figure::{Figure, Goal, Unit};
use crate::ground::{Ground, manifests, remote};
use crate::server::Server;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("idle")?;
    let ours = room.join("remote.git");
    remote(&ours, &manifests(100)).await?;
    let server = Server::start(ground, &room, &ours)?;
    // Long enough for what it looks at every second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = server.resident_mib()?;
    server.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "no binary has 2^52 bytes")]
    let size = std::fs::metadata(&ground.towpath)?.len() as f64 / 1e6;
    Ok(vec![
        Figure::new("idle memory of `towpath up`, resident", memory, Unit::MiB)
            .goal(Goal::AtMost(50.0)),
        Figure::new("size of the release binary", size, Unit::Mb).goal(Goal::AtMost(40.0)),
    ])
}
