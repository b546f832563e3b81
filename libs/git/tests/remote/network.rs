//! A remote that is reached over a socket, so that nothing is read in process.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use git::{Limits, Mirror, Options, Writer};
use tokio::task::JoinSet;

use crate::ground::{Ground, append, author, change, clock, run, set};

/// A git daemon on a port of its own, ended when dropped.
struct Daemon {
    child: Child,
    url: String,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(ground: &Ground) -> Daemon {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    // Not through `git`, which would start it as a child that outlives it.
    let daemon = run(&ground.remote(), &["--exec-path"]) + "/git-daemon";
    let child = Command::new(daemon)
        .args(["--reuseaddr", "--export-all", "--enable=receive-pack"])
        .arg("--listen=127.0.0.1")
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", ground.path("").display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon {
        child,
        url: format!("git://127.0.0.1:{port}/remote.git"),
    };
    // The daemon tells nobody when it listens.
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return daemon;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the git daemon does not listen");
}

async fn writer(ground: &Ground, url: &str) -> Writer {
    let mirror = Mirror::open(&ground.path("mirror"), url, Options::default())
        .await
        .unwrap();
    assert!(!mirror.is_local());
    Writer::spawn(mirror, "main", author(), Limits::unlimited(), clock()).unwrap()
}

#[tokio::test]
async fn what_is_known_is_trusted_until_a_push_proves_it_old() {
    let ground = Ground::with(&["a.txt"]).await;
    let daemon = serve(&ground);
    let writer = writer(&ground, &daemon.url).await;
    for number in 1..4 {
        let published = writer
            .submit(change(number, vec![append("a.txt", "ours")]))
            .await
            .unwrap();
        assert_eq!(published.tries, 1);
    }
    ground.foreign_commit("b.txt", "theirs\n");
    let files = vec![append("a.txt", "ours"), append("b.txt", "ours")];
    let published = writer.submit(change(4, files)).await.unwrap();
    assert_eq!(published.tries, 2);
    assert_eq!(ground.file("b.txt"), "theirs\nours");
    assert_eq!(ground.file("a.txt").lines().count(), 5);
    // An answer without a push is about the branch as it is now.
    ground.foreign_commit("c.txt", "now");
    let published = writer
        .submit(change(5, vec![set("c.txt", "now")]))
        .await
        .unwrap();
    assert!(published.unchanged);
    assert_eq!(published.commit, ground.tip());
}

#[tokio::test]
async fn a_batch_goes_over_the_wire_once() {
    let ground = Ground::with(&["a.txt"]).await;
    ground.count_pushes();
    let daemon = serve(&ground);
    let writer = writer(&ground, &daemon.url).await;
    let mut all = JoinSet::new();
    for number in 0..60_u128 {
        let writer = writer.clone();
        all.spawn(async move {
            let files = vec![append("a.txt", &number.to_string())];
            writer.submit(change(number, files)).await.unwrap()
        });
    }
    all.join_all().await;
    assert_eq!(ground.file("a.txt").lines().count(), 61);
    assert!(ground.pushes() <= 3, "{} pushes", ground.pushes());
}

#[tokio::test]
async fn a_daemon_that_went_away_is_unreachable() {
    let ground = Ground::with(&["a.txt"]).await;
    let daemon = serve(&ground);
    let writer = writer(&ground, &daemon.url).await;
    writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap();
    drop(daemon);
    let error = writer
        .submit(change(2, vec![append("a.txt", "2")]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git_unreachable");
    assert!(error.retryable());
}

#[tokio::test]
async fn a_missing_branch_and_a_missing_repository_are_named_over_the_wire() {
    let ground = Ground::with(&["a.txt"]).await;
    let daemon = serve(&ground);
    let mirror = Mirror::open(&ground.path("m1"), &daemon.url, Options::default())
        .await
        .unwrap();
    assert_eq!(
        mirror.fetch("mian").await.unwrap_err().code(),
        "git_no_such_branch"
    );
    let nowhere = daemon.url.replace("remote.git", "nowhere.git");
    let mirror = Mirror::open(&ground.path("m2"), &nowhere, Options::default())
        .await
        .unwrap();
    let error = mirror.fetch("main").await.unwrap_err();
    assert_eq!(error.code(), "git_not_a_repository");
}
