//! A data directory with images and a target; what it started ends with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ids::{Digest, Uuid, derive};
use oci::{File, ImageSpec, Layout};
use runner::target::{Desired, Health, ProcessTarget, Protocol, Target as _};

pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) instance: Uuid,
    pub(crate) layout: Layout,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path().join("images")).unwrap();
        Self {
            // The directory's name is unique on this machine.
            instance: derive::id("test", &[dir.path().to_str().unwrap()]),
            dir,
            layout,
        }
    }

    pub(crate) async fn open(&self) -> ProcessTarget {
        ProcessTarget::open(
            self.dir.path().join("data"),
            self.instance,
            Duration::from_secs(2),
        )
        .await
        .unwrap()
    }

    /// An image of the sample application.
    pub(crate) fn image(&self, version: &str, broken: Option<&str>) -> Digest {
        let server = sample();
        let file = |path: &str, bytes: Vec<u8>, mode| File {
            path: path.into(),
            bytes,
            mode,
        };
        let mut files = vec![
            file("app/server", fs::read(server).unwrap(), 0o755),
            file("app/version", version.into(), 0o644),
        ];
        files.extend(broken.map(|why| file("app/broken", why.into(), 0o644)));
        self.layout
            .write_image(&ImageSpec {
                files,
                entrypoint: vec!["/app/server".into()],
                ..ImageSpec::default()
            })
            .unwrap()
    }

    /// An image that runs a shell script.
    pub(crate) fn script(&self, script: &str) -> Digest {
        self.layout
            .write_image(&ImageSpec {
                files: vec![File {
                    path: "run".into(),
                    bytes: format!("#!/bin/sh\n{script}\n").into(),
                    mode: 0o755,
                }],
                entrypoint: vec!["/run".into()],
                ..ImageSpec::default()
            })
            .unwrap()
    }

    /// The version in the slot `dev/shop`; each version is a run of its own.
    pub(crate) fn desired(&self, version: &str, digest: Digest) -> Desired {
        Desired {
            slot: derive::slot("dev", "shop"),
            slot_name: "dev/shop".into(),
            run: derive::id("run", &[version]),
            version: version.into(),
            digest,
            layout: self.layout.dir().to_owned(),
            env: vec![("GREETING".into(), "hello".into())],
            public_port: None,
            health: Health {
                protocol: Protocol::Http,
                path: "/healthz".into(),
                interval: Duration::from_millis(100),
                timeout: Duration::from_secs(2),
                healthy_threshold: 2,
                unhealthy_threshold: 3,
                deadline: Duration::from_secs(20),
            },
        }
    }

    /// An image of this version, desired.
    pub(crate) fn version(&self, version: &str) -> Desired {
        let digest = self.image(version, None);
        self.desired(version, digest)
    }

    /// The processes of this installation that have not ended.
    pub(crate) fn processes(&self) -> Vec<u32> {
        processes(self.instance)
    }

    /// Waits until exactly these processes are left.
    pub(crate) async fn only(&self, expected: &[u32]) {
        let settled = async {
            while self.processes() != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let late = tokio::time::timeout(Duration::from_secs(20), settled).await;
        assert!(
            late.is_ok(),
            "{:?} are left, not {expected:?}",
            self.processes()
        );
    }

    pub(crate) async fn close(&self, target: ProcessTarget) {
        target.shutdown(false).await;
        self.only(&[]).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.processes() {
            kill(pid);
        }
    }
}

pub(crate) fn slot() -> Uuid {
    derive::slot("dev", "shop")
}

fn processes(instance: Uuid) -> Vec<u32> {
    let mark = format!("TOWPATH_INSTANCE={instance}");
    let mut found: Vec<u32> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ
                .split(|b| *b == 0)
                .any(|entry| entry == mark.as_bytes())
        })
        .collect();
    found.sort_unstable();
    found
}

pub(crate) fn kill(pid: u32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed()) {
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// The sample application, compiled once for all tests.
#[expect(
    clippy::disallowed_methods,
    reason = "compiles the sample like the build script does; the compiler ends by itself"
)]
fn sample() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cli/sample/server.rs");
    let text = fs::read(&source).unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let binary = directory.join(format!("sample-{}", Digest::of(&text).hex()));
    if !binary.exists() {
        let work = tempfile::tempdir_in(directory).unwrap();
        let output = std::process::Command::new("rustc")
            .args(["--edition=2024", "-Copt-level=s", "-Cpanic=abort", "-o"])
            .arg(work.path().join("server"))
            .arg(source)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        fs::rename(work.path().join("server"), &binary).unwrap();
    }
    binary
}
