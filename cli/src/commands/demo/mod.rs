//! `towpath demo`: the main job on a temporary installation, with nothing but this binary and
//! git: a real remote, a real image, a real process that answers on a port.

mod story;
mod world;

use std::path::{Path, PathBuf};

use service::Config;
use service::role::Role;

use super::{Scene, up};
use crate::args;
use crate::failure::Failure;
use crate::{home, output, serve};

pub(super) async fn run(scene: &Scene, demo: args::Demo) -> Result<(), Failure> {
    if demo.prepare {
        return prepare(demo.dir.as_deref()).await;
    }
    if scene.connection.server.is_some() {
        return elsewhere(scene, demo.dir.as_deref()).await;
    }
    let mut signals = up::Signals::listen()?;
    let dir = place(demo.dir.as_deref())?;
    output::line(&format!("An installation to look at, in {}", dir.display()))?;
    let world = world::World::make(&dir).await?;
    let data = dir.join("data");
    let mut config = Config {
        listen: "127.0.0.1:0".to_owned(),
        ..Config::default()
    };
    config.manifests.url = world.remote.display().to_string();
    config.manifests.look_every_ms = 250;
    let running = Box::pin(serve::start(&data, &config, &Role::ALL)).await?;
    config.write_if_missing(&data)?;
    let mut connection = scene.connection.clone();
    connection.data = Some(data.clone());
    connection.server = Some(running.address.clone());
    connection.token_file = Some(data.join(crate::home::TOKEN_FILE));
    let told = tokio::select! {
        told = story::tell(&world, &connection) => told,
        () = signals.wait() => Err(Failure::broke("interrupted", "the demo was interrupted")),
    };
    let told = match told {
        Ok(told) => told,
        Err(failure) => {
            running.stop(false).await;
            return Err(failure);
        }
    };
    told.print(&world, Some(&data))?;
    if demo.keep {
        output::line("")?;
        output::line("It stays up until you press Ctrl-C.")?;
        signals.wait().await;
    }
    running.stop(false).await;
    output::line("")?;
    output::line(&format!(
        "The applications have ended; {} is left to look at. `towpath --data {} up` goes on.",
        dir.display(),
        data.display()
    ))
}

/// Makes what a server is started on. What was prepared before is kept, so that whoever starts
/// the server may do this each time.
async fn prepare(dir: Option<&Path>) -> Result<(), Failure> {
    let dir = match dir {
        Some(dir) => home::absolute(dir)?,
        None => place(None)?,
    };
    // Whatever else is in the directory stays as it is.
    let world = if let Ok(world) = world::World::open(&dir) {
        world
    } else {
        std::fs::create_dir_all(&dir).map_err(Failure::io(dir.display()))?;
        world::World::make(&dir).await?
    };
    output::line(&format!("manifests   {}", world.remote.display()))?;
    output::line(&format!(
        "start a server on them, then: towpath --server URL demo --dir {}",
        dir.display()
    ))
}

/// The same story on a server that somebody else started on a prepared directory.
async fn elsewhere(scene: &Scene, dir: Option<&Path>) -> Result<(), Failure> {
    let Some(dir) = dir else {
        return Err(Failure::usage(
            "no-directory",
            "the demo builds images that the server reads",
        )
        .fix("give the directory that was prepared with `towpath demo --prepare --dir DIR`"));
    };
    let world = world::World::open(&home::absolute(dir)?)?;
    let told = story::tell(&world, &scene.connection).await?;
    told.print(&world, None)
}

/// Where the demo works: empty, and left there afterwards, because looking is what it is for.
fn place(dir: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(dir) = dir else {
        return Ok(tempfile::Builder::new()
            .prefix("towpath-demo-")
            .tempdir()
            .map_err(Failure::io("the directory for temporary files"))?
            .keep());
    };
    let at = || Failure::io(dir.display());
    std::fs::create_dir_all(dir).map_err(at())?;
    if std::fs::read_dir(dir).map_err(at())?.next().is_some() {
        return Err(
            Failure::usage("not-empty", format!("{} is not empty", dir.display()))
                .fix("give a directory that is empty or not there yet"),
        );
    }
    home::absolute(dir)
}
