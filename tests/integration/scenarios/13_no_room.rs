//! A full or read-only disk is said, survived, and costs nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hyper::Method;

use crate::harness::{Options, Program, Report, Server, World, http, settings};

/// Room for the data directory, in MiB.
const ROOM: usize = 24;

/// A small disk of its own for the data directory. It goes before its world, which could not be
/// removed otherwise: it is declared later.
struct Disk {
    at: PathBuf,
    home: PathBuf,
}

impl Disk {
    /// Nothing where this user may not mount; in CI that is a failure.
    async fn mount(world: &World) -> Option<Self> {
        std::fs::create_dir(&world.data).unwrap();
        let disk = Self {
            at: world.data.clone(),
            home: world.home(),
        };
        let size = format!("size={ROOM}m,mode=0700");
        let at = disk.at.to_str().unwrap();
        let mount =
            Program::new("mount", &disk.home).args(["-t", "tmpfs", "-o", &size, "towpath", at]);
        let outcome = mount.run().await;
        if outcome.code == 0 {
            return Some(disk);
        }
        assert!(!settings().ci, "{outcome}");
        println!("SKIPPED no room: needs the right to mount a tmpfs");
        std::mem::forget(disk);
        None
    }

    async fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let at = self.at.to_str().unwrap();
        Program::new("mount", &self.home)
            .args(["-o", &options, at])
            .run()
            .await
            .ok();
    }

    /// Takes every byte that is left.
    fn fill(&self) -> PathBuf {
        let path = self.at.join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [64 * 1024, 4 * 1024, 1] {
            let chunk = vec![7_u8; size];
            while file.write_all(&chunk).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let at = self.at.to_str().unwrap();
        Program::new("umount", &self.home)
            .args(["-l", at])
            .run_now();
    }
}

async fn served(world: &World) -> String {
    let address = world.app(0).address();
    let answer = http(&address, Method::GET, "/version", &[], Vec::new()).await;
    answer.map_or_else(|error| error, |it| it.text().trim().to_owned())
}

/// What was promised and what was refused while there was no room.
#[derive(Default)]
struct Told {
    accepted: Vec<String>,
    refused: Vec<Report>,
    words: Vec<String>,
}

/// Reports until one is refused; some fit into room that the log had already taken.
async fn report_until_refused(world: &World, server: &Server) -> Told {
    let mut told = Told::default();
    for at in 1..=40 {
        let version = format!("1.1.{at}");
        let report = Report::of("api", &version, &world.image("api", &version).await);
        let answer = server.report(&report).await;
        if answer.status == 200 {
            told.accepted.push(
                answer.json()["deployments"][0]["id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
            continue;
        }
        let error = answer.json()["error"].clone();
        assert!(
            matches!(answer.status, 429 | 500 | 503),
            "{} {error}",
            answer.status
        );
        for part in ["code", "message", "fix"] {
            assert!(
                error[part].as_str().is_some_and(|it| !it.is_empty()),
                "{error}"
            );
        }
        told.words.push(error.to_string());
        // The same over gRPC, from the command line: a retry may help.
        let arguments = [
            "--definition",
            "api",
            "--container",
            "api",
            "--version",
            &version,
        ];
        let complete = [
            &["build", "report", "--digest", &report.digest],
            &arguments[..],
        ]
        .concat();
        let outcome = world.cli(&complete).await;
        assert_eq!(outcome.code, 3, "{outcome}");
        assert!(outcome.stderr.contains("fix: "), "{outcome}");
        told.refused.push(report);
        break;
    }
    told
}

fn names_the_disk(words: &str) -> bool {
    ["space", "full", "room"]
        .iter()
        .any(|it| words.to_lowercase().contains(it))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_after_room_is_made_nothing_is_lost() {
    let world = World::of(["api"]).await;
    let Some(disk) = Disk::mount(&world).await else {
        return;
    };
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    let filler = disk.fill();
    let mut told = report_until_refused(&world, &server).await;
    assert_eq!(served(&world).await, "1.0.0", "what ran runs on");
    for id in &told.accepted {
        told.words.push(world.explain(id).await.to_string());
    }
    told.words.push(server.stderr());
    assert!(
        told.words.iter().any(|it| names_the_disk(it)),
        "{:#?}",
        told.words
    );

    std::fs::remove_file(filler).unwrap();
    is_complete(&world, server, &told).await;
}

/// Everything accepted comes to its end; what was refused is accepted now, and runs.
async fn is_complete(world: &World, server: Server, told: &Told) {
    println!(
        "{} accepted, {} refused without room",
        told.accepted.len(),
        told.refused.len()
    );
    let mut newest = String::new();
    for id in &told.accepted {
        let deployment = server.api().settled(id).await;
        assert!(
            matches!(&*deployment.state, "SUCCESS" | "SUPERSEDED"),
            "{deployment:#?}"
        );
        newest = deployment.version;
    }
    for report in &told.refused {
        server.deployed(report).await;
        newest.clone_from(&report.version);
    }
    assert_eq!(served(world).await, newest);
    assert_eq!(world.processes().len(), 1);
    server.stop().await;
    world.cli(&["log", "verify"]).await.ok();
    world.cli(&["projections", "verify"]).await.ok();
}

/// Takes what it needs to come up, but no room to write.
async fn is_refused_for(world: &World, words: &[&str]) {
    let refusal = world.refusal(&Options::default()).await;
    assert_eq!(refusal.code, 3, "{refusal}");
    let stderr = refusal.stderr.to_lowercase();
    assert!(
        words.iter().any(|it| stderr.contains(it)),
        "{words:?}: {refusal}"
    );
    assert!(
        refusal.stderr.contains(world.data.to_str().unwrap()),
        "{refusal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_directory_is_said_and_a_writable_one_goes_on() {
    let world = World::of(["api"]).await;
    let Some(disk) = Disk::mount(&world).await else {
        return;
    };
    disk.remount("ro").await;
    is_refused_for(&world, &["read-only"]).await;
    disk.remount("rw").await;
    let server = world.start().await;
    let id = server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    server.stop().await;
    end_writers(&world, &disk.at);
    disk.remount("ro").await;
    is_refused_for(&world, &["read-only"]).await;
    disk.remount("rw").await;
    let server = world.start().await;
    server.api().succeeded(&id).await;
    server
        .deployed(&Report::of(
            "api",
            "1.1.0",
            &world.image("api", "1.1.0").await,
        ))
        .await;
    assert_eq!(served(&world).await, "1.1.0");
    server.stop().await;
}

/// A disk cannot become read-only while an application writes its output there.
fn end_writers(world: &World, disk: &Path) {
    assert!(disk.starts_with(world.root()));
    world.end_processes();
}
