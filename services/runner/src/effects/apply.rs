//! Applies one committed manifest to its target and records what came of it.

use std::path::PathBuf;
use std::time::Duration;

use eventlog::process::Retry;
use eventlog::{Context, ExecuteError};
use ids::{Digest, derive};
use manifests::kinds::{DeploymentConfig, Probe, Protocol as Asked, Target as Kind};
use source::Snapshot;

use crate::domain::run::Command;
use crate::process::Due;
use crate::target::{ApplyError, Desired, Health, Protocol};
use crate::{Inner, ROLE};

/// How long an application may take to become healthy when its probe does not need longer.
const DEADLINE: Duration = Duration::from_mins(1);

/// What follows from the manifests.
pub(super) enum Plan {
    /// Apply this.
    Apply(Box<Desired>),
    /// It cannot be applied, and trying again does not help.
    Impossible(String),
}

impl Inner {
    pub(super) async fn apply(&self, due: &Due) -> Result<(), Retry> {
        let snapshot = self
            .deps
            .desk
            .about(&due.commit, &due.image.application, &due.environment)
            .await
            .map_err(|error| retry(&error))?;
        let target = match snapshot.application(&due.image.application) {
            Some(it) => snapshot.graph.target_of(it, &due.environment).as_str(),
            None => Kind::Process.as_str(),
        };
        self.tell(due, Command::Start(due.subject(target))).await?;
        let command = match self.plan(due, &snapshot).await? {
            Plan::Impossible(message) => Command::Fail {
                message,
                output: String::new(),
            },
            Plan::Apply(desired) => match self.deps.target.apply(*desired).await {
                Ok(running) => Command::Succeed {
                    url: format!("http://127.0.0.1:{}/", running.port),
                    message: format!("process {}", running.pid),
                },
                Err(ApplyError::Failed { message, output }) => Command::Fail { message, output },
                Err(ApplyError::Broke { message }) => return Err(retry(&message)),
            },
        };
        self.tell(due, command).await
    }

    /// What the manifests at the commit say.
    pub(super) async fn plan(&self, due: &Due, snapshot: &Snapshot) -> Result<Plan, Retry> {
        let application = &due.image.application;
        let Some(found) = snapshot.application(application) else {
            let hidden = snapshot
                .problems
                .first()
                .map(|it| format!("; what is broken there may hide it: {it}"));
            return Ok(Plan::Impossible(format!(
                "there is no Application `{application}` at {}{}",
                due.commit,
                hidden.unwrap_or_default()
            )));
        };
        let target = snapshot.graph.target_of(found, &due.environment);
        if target != Kind::Process {
            let why = format!(
                "target {target} cannot be applied by this version of Towpath; use PROCESS"
            );
            return Ok(Plan::Impossible(why));
        }
        let layout = match self.layout(due, snapshot).await? {
            Looked::Found(layout) => layout,
            Looked::Nowhere(no_layout) => {
                let why = format!(
                    "image {} is in none of the registries {}; they must be ArtifactRegistry manifests with an `ociLayout` that holds it{}",
                    due.image.digest,
                    due.image.registries.join(", "),
                    no_layout.map(|it| format!("; {it}")).unwrap_or_default()
                );
                return Ok(Plan::Impossible(why));
            }
        };
        let config = snapshot.config(application, &due.environment);
        Ok(Plan::Apply(Box::new(desired(due, layout, config))))
    }

    /// The first layout that holds the image. One that cannot be read may hold it: then it is
    /// not absent.
    async fn layout(&self, due: &Due, snapshot: &Snapshot) -> Result<Looked, Retry> {
        let layouts: Vec<PathBuf> = due
            .image
            .registries
            .iter()
            .filter_map(|name| snapshot.graph.artifact_registry(name)?.oci_layout.as_ref())
            .map(|it| self.deps.layouts.join(it))
            .collect();
        let digest = due.image.digest.clone();
        let found = tokio::task::spawn_blocking(move || find(layouts, &digest));
        let found = found.await.map_err(|error| retry(&error))?;
        found.map_err(|error| retry(&error))
    }

    async fn tell(&self, due: &Due, command: Command) -> Result<(), Retry> {
        let context = Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(due.deployment),
            causation: None,
        };
        match self.runs.execute(due.run, &context, &command).await {
            Ok(_) | Err(ExecuteError::Rejected(_)) => Ok(()),
            Err(error) => Err(retry(&error)),
        }
    }
}

/// Where an image is.
#[derive(Debug, PartialEq, Eq)]
enum Looked {
    /// In this layout.
    Found(PathBuf),
    /// In none, and which of them is no layout.
    Nowhere(Option<String>),
}

/// Blocks.
fn find(layouts: Vec<PathBuf>, digest: &Digest) -> Result<Looked, oci::Error> {
    let (mut unreadable, mut no_layout) = (None, None);
    for path in layouts {
        match oci::Layout::open(&path).and_then(|it| it.blob(digest)) {
            Ok(_) => return Ok(Looked::Found(path)),
            Err(oci::Error::Missing { .. }) => {}
            Err(error @ oci::Error::NotALayout { .. }) => no_layout = Some(error.to_string()),
            Err(error) => unreadable = Some(error),
        }
    }
    unreadable.map_or(Ok(Looked::Nowhere(no_layout)), Err)
}

fn desired(due: &Due, layout: PathBuf, config: Option<&DeploymentConfig>) -> Desired {
    let env = config.map(|it| {
        it.env
            .iter()
            .map(|var| (var.name.clone(), var.value.clone()))
            .collect()
    });
    Desired {
        slot: derive::slot(&due.environment, &due.image.application),
        slot_name: format!("{}/{}", due.environment, due.image.application),
        run: due.run,
        version: due.image.version.to_string(),
        digest: due.image.digest.clone(),
        layout,
        env: env.unwrap_or_default(),
        public_port: config.and_then(|it| it.ports.keys().next().copied()),
        health: health(config.and_then(|it| it.health.startup.as_ref())),
    }
}

/// Without a probe, accepting a connection is healthy.
fn health(probe: Option<&Probe>) -> Health {
    let Some(probe) = probe else {
        return Health {
            protocol: Protocol::Tcp,
            path: "/".to_owned(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            healthy_threshold: 1,
            unhealthy_threshold: 3,
            deadline: DEADLINE,
        };
    };
    let interval = Duration::from_secs(u64::from(probe.check_interval_sec.max(1)));
    let timeout = Duration::from_secs(u64::from(probe.timeout_sec.max(1)));
    let needed = (interval + timeout) * (probe.healthy_threshold + probe.unhealthy_threshold);
    Health {
        protocol: match probe.protocol {
            Asked::Http | Asked::Https | Asked::Http2 => Protocol::Http,
            Asked::Grpc | Asked::Tcp | Asked::Udp => Protocol::Tcp,
        },
        path: probe.path.clone(),
        interval,
        timeout,
        healthy_threshold: probe.healthy_threshold,
        unhealthy_threshold: probe.unhealthy_threshold,
        deadline: DEADLINE.max(needed),
    }
}

fn retry(why: &impl ToString) -> Retry {
    Retry {
        after: Duration::from_millis(200),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_absent_only_where_everything_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"image");
        let (away, there) = (dir.path().join("away"), dir.path().join("there"));
        let layout = oci::Layout::create(&there).unwrap();
        let look = |places: &[&PathBuf]| find(places.iter().copied().cloned().collect(), &digest);
        assert_eq!(look(&[&there]).unwrap(), Looked::Nowhere(None));
        let Looked::Nowhere(Some(why)) = look(&[&away, &there]).unwrap() else {
            panic!("there is no layout");
        };
        assert!(why.contains("away"), "{why}");
        // Something that cannot be read, whoever runs the test.
        let sick = dir.path().join("sick");
        std::fs::create_dir_all(sick.join("oci-layout")).unwrap();
        let why = look(&[&sick, &there]).unwrap_err().to_string();
        assert!(why.contains("sick"), "{why}");
        layout.write(b"image").unwrap();
        let found = Looked::Found(there.clone());
        assert_eq!(look(&[&sick, &away, &there]).unwrap(), found);
        // The marker can be read and the directory of what is in it cannot.
        std::fs::remove_dir_all(there.join("blobs")).unwrap();
        std::fs::write(there.join("blobs"), "").unwrap();
        let why = look(&[&there]).unwrap_err().to_string();
        assert!(why.contains("blobs"), "{why}");
    }
}
