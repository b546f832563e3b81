//! `towpath demo`: the main job on a temporary installation, with nothing but this binary and
//! git: a real remote, a real image, a real process that answers on a port.

mod story;
mod world;

use std::path::{Path, PathBuf};

use service::Config;

use super::{Scene, up};
use crate::args;
use crate::failure::Failure;
use crate::{output, serve};

pub(super) async fn run(scene: &Scene, demo: args::Demo) -> Result<(), Failure> {
    let place = Place::make(demo.dir.as_deref())?;
    output::line(&format!("A temporary installation in {}", place.dir.display()))?;
    let world = world::World::make(&place.dir).await?;
    let data = place.dir.join("data");
    let mut config = Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() };
    config.manifests.url = world.remote.display().to_string();
    config.manifests.look_every_ms = 250;
    let running = Box::pin(serve::start(&data, &config)).await?;
    config.write_if_missing(&data)?;
    let mut connection = scene.connection.clone();
    connection.data = Some(data.clone());
    connection.server = Some(running.address.clone());
    connection.token_file = Some(data.join(crate::home::TOKEN_FILE));
    let told = story::tell(&world, &connection).await;
    let told = match told {
        Ok(told) => told,
        Err(failure) => {
            running.stop(false).await;
            return Err(failure);
        }
    };
    told.print(&world, &data)?;
    if demo.keep {
        output::line("")?;
        output::line("It stays up until you press Ctrl-C.")?;
        up::until_signal().await?;
    }
    running.stop(false).await;
    Ok(())
}

/// Where the demo works; a temporary place goes away with it.
struct Place {
    dir: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn make(dir: Option<&Path>) -> Result<Self, Failure> {
        match dir {
            None => {
                let temporary = tempfile::Builder::new().prefix("towpath-demo-").tempdir()?;
                Ok(Self { dir: temporary.path().to_owned(), _temporary: Some(temporary) })
            }
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                let used = std::fs::read_dir(dir)?.next().is_some();
                if used {
                    return Err(Failure::usage("not-empty", format!("{} is not empty", dir.display()))
                        .fix("give a directory that is empty or not there yet"));
                }
                Ok(Self { dir: std::path::absolute(dir)?, _temporary: None })
            }
        }
    }
}
