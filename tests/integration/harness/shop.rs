//! A shop: three applications in two repositories, and releases of all three.
//!
//! `release create` takes sets of one application, so a release of three is written into the log as
//! the releaser would write it; everything from there on is the product's.

use std::path::Path;

use prost::Message;
use proto::log::v1::{Commit, EventRecord};
use proto::release::v1 as pb;
use sha2::{Digest as _, Sha256};

use super::release::{config_of, environment};
use super::{Git, Manifests, Raw, Report, Server, World, free_port};

const APPLICATIONS: [&str; 3] = ["api", "web", "worker"];

/// `worker` has a repository of its own; `api` and `web` share one.
fn worker(source: &Path) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: {{ name: backend, github-connection: gh, organization: acme }}
spec: {{ url: {source:?}, strategy: GITHUB_FLOW }}
---
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: {{ name: worker, github-repository: backend, github-connection: gh, organization: acme }}
spec:
  type: DOCKER
  containerize: [{{ name: worker, registries: [local] }}]
---
apiVersion: lowops.manifests.v1
kind: Application
metadata: {{ name: worker, application-set: storefront, release-track: main, organizational-unit: shop }}
spec: {{ project: web, buildDefinition: worker, target: PROCESS }}
"
    )
}

/// Three applications in two repositories, and a developer's clones of these.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) world: World,
    /// Of `api` and `web`.
    pub(crate) front: Git,
    /// Of `worker`.
    pub(crate) back: Git,
    _directory: tempfile::TempDir,
}

impl Shop {
    /// A shop whose remotes hold what every repository begins with.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("towpath-backend-")
            .tempdir()
            .unwrap();
        let backend = directory.path().join("backend.git");
        let bare = Git::init_bare(&backend, directory.path()).await;
        let mut files = vec![
            ("track.yaml".to_owned(), super::release::TRACK.to_owned()),
            ("applications/worker.yaml".to_owned(), worker(&backend)),
        ];
        for name in ["staging", "production"] {
            files.push((format!("environments/{name}.yaml"), environment(name)));
            for application in APPLICATIONS {
                let path = format!("environments/{name}/{application}.yaml");
                let config = config_of(application, name, free_port(), "/healthz");
                files.push((path, config));
            }
        }
        let files = files.iter().map(|it| (it.0.as_str(), it.1.as_str()));
        let files: Vec<_> = files.collect();
        let world = World::with(Manifests::of(APPLICATIONS), &files).await;
        let front = world.clone_of(&world.source, "front").await;
        let back = bare.clone_to(&directory.path().join("back")).await;
        Self {
            world,
            front,
            back,
            _directory: directory,
        }
    }

    /// Brings a version of an application to development; what a release holds of it then.
    pub(crate) async fn built(
        &self,
        server: &Server,
        app: &str,
        version: &str,
        commit: &str,
    ) -> pb::Item {
        let digest = self.world.image(app, version).await;
        let report = Report::of(app, version, &digest).at_commit(commit);
        let id = server.deployed(&report).await;
        let deployment = server.api().settled(&id).await;
        pb::Item {
            application: app.to_owned(),
            deployment_id: id_bytes(&id).into(),
            build_id: id_bytes(&deployment.build_id).into(),
            definition: app.to_owned(),
            container: app.to_owned(),
            version: version.to_owned(),
            digest,
            registries: vec!["local".to_owned()],
            commit: commit.to_owned(),
        }
    }

    /// Writes what the releaser would when every registry holds every tag. No server may run.
    pub(crate) async fn begin(&self, number: u8, items: &[pb::Item]) {
        let events = begun(number, items);
        let last = self.world.last_stored("deployment", None).await.unwrap();
        let commit = Commit {
            aggregate_kind: "release".to_owned(),
            aggregate_id: vec![0xb0 + number; 16].into(),
            version: 1,
            commit_id: vec![0xc0 + number; 16].into(),
            prev_hash: vec![0; 32].into(),
            actor: "admin".to_owned(),
            correlation: vec![].into(),
            causation: vec![].into(),
            request_hash: vec![].into(),
            traceparent: String::new(),
            events,
            ..Commit::decode(last.bytes.as_slice()).unwrap()
        };
        let bytes = commit.encode_to_vec();
        let hash = Sha256::new()
            .chain_update(b"towpath.commit.v1\0")
            .chain_update([0; 32])
            .chain_update(&bytes)
            .finalize();
        let raw = Raw {
            kind: "release".to_owned(),
            id: format!("{:02x}", 0xb0 + number).repeat(16),
            hash: hash.to_vec(),
            bytes,
        };
        self.world.store(&raw, &commit).await;
    }
}

/// The events of a release whose tags are written.
fn begun(number: u8, items: &[pb::Item]) -> Vec<EventRecord> {
    let (set, bundle) = ("storefront".to_owned(), number.to_string());
    let tag = format!("{set}-{bundle}-rc.0");
    vec![
        event(
            "ReleaseCreated",
            &pb::ReleaseCreated {
                application_set: set.clone(),
                bundle: bundle.clone(),
                track: "main".to_owned(),
            },
        ),
        event(
            "PassBegun",
            &pb::PassBegun {
                ordinal: 0,
                items: items.to_vec(),
            },
        ),
        event(
            "CandidateNumbered",
            &pb::CandidateNumbered {
                ordinal: 0,
                number: 0,
                tag: tag.clone(),
            },
        ),
        event(
            "ReleaseCandidateReady",
            &pb::ReleaseCandidateReady {
                ordinal: 0,
                application_set: set,
                bundle,
                tag,
                items: items.to_vec(),
            },
        ),
    ]
}

fn event(name: &str, message: &impl Message) -> EventRecord {
    EventRecord {
        kind: format!("towpath.release.v1.{name}"),
        schema: 1,
        payload: message.encode_to_vec().into(),
    }
}

fn id_bytes(id: &str) -> Vec<u8> {
    let digits = id.replace('-', "");
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
