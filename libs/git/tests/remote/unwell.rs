//! Remotes that are missing, empty, shallow, locked, or say no.

use std::fs;
use std::time::{Duration, Instant};

use git::{Mirror, Options, WriteError};

use crate::ground::{Ground, append, change, run, set};

#[tokio::test]
async fn each_unusable_repository_has_its_own_code() {
    let ground = Ground::with(&["a.txt"]).await;
    let open = async |name: &str, path: &std::path::Path| {
        Mirror::open(
            &ground.path(name),
            path.to_str().unwrap(),
            Options::default(),
        )
        .await
        .unwrap()
    };
    // Nothing there.
    let mirror = open("m1", &ground.path("nowhere")).await;
    assert_eq!(
        mirror.fetch("main").await.unwrap_err().code(),
        "git_unreachable"
    );
    // A directory, and a file.
    fs::create_dir(ground.path("plain")).unwrap();
    let mirror = open("m2", &ground.path("plain")).await;
    assert_eq!(
        mirror.fetch("main").await.unwrap_err().code(),
        "git_not_a_repository"
    );
    fs::write(ground.path("file"), "x").unwrap();
    let mirror = open("m3", &ground.path("file")).await;
    assert_eq!(
        mirror.fetch("main").await.unwrap_err().code(),
        "git_not_a_repository"
    );
    // Without a commit.
    let empty = Ground::empty().await;
    let mirror = open("m4", &empty.remote()).await;
    assert_eq!(mirror.fetch("main").await.unwrap_err().code(), "git_empty");
    // Without this branch.
    let mirror = ground.mirror("m5").await;
    let error = mirror.fetch("mian").await.unwrap_err();
    assert_eq!(error.code(), "git_no_such_branch");
    assert!(error.to_string().contains("it has main"), "{error}");
    assert_eq!(
        mirror.fetch("no good").await.unwrap_err().code(),
        "git_branch_name"
    );
    // Shallow.
    ground.foreign_commit("b.txt", "b");
    let url = format!("file://{}", ground.remote().display());
    let shallow = ground.path("shallow");
    run(
        &ground.path(""),
        &[
            "clone",
            "--quiet",
            "--depth=1",
            &url,
            shallow.to_str().unwrap(),
        ],
    );
    let mirror = open("m6", &shallow).await;
    assert_eq!(
        mirror.fetch("main").await.unwrap_err().code(),
        "git_shallow"
    );
    // Nobody listens.
    let mirror = Mirror::open(
        &ground.path("m7"),
        "http://127.0.0.1:9/x.git",
        Options::default(),
    )
    .await
    .unwrap();
    let error = mirror.fetch("main").await.unwrap_err();
    assert_eq!(error.code(), "git_unreachable");
    assert!(error.retryable());
}

#[tokio::test]
async fn a_remote_that_went_away_is_unreachable_until_it_is_back() {
    let ground = Ground::with(&["a.txt"]).await;
    let writer = ground.writer("mirror").await;
    writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap();
    fs::rename(ground.remote(), ground.path("away")).unwrap();
    let second = || change(2, vec![append("a.txt", "2")]);
    let error = writer.submit(second()).await.unwrap_err();
    assert!(matches!(error, WriteError::Unreachable(_)), "{error:?}");
    assert!(error.retryable());
    fs::rename(ground.path("away"), ground.remote()).unwrap();
    writer.submit(second()).await.unwrap();
    assert_eq!(ground.file("a.txt"), "0\n1\n2");
}

#[tokio::test]
async fn a_lock_that_is_let_go_is_waited_for() {
    let ground = Ground::with(&["a.txt"]).await;
    let writer = ground.writer("mirror").await;
    let lock = ground.remote().join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let submitted = tokio::spawn(async move {
        writer
            .submit(change(1, vec![append("a.txt", "1")]))
            .await
            .map(|done| (done, writer))
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    fs::remove_file(&lock).unwrap();
    let (published, writer) = submitted.await.unwrap().unwrap();
    assert!(published.tries > 1 && writer.stats().lost > 0);
    assert_eq!(ground.file("a.txt"), "0\n1");
}

#[tokio::test]
async fn a_lock_that_nobody_lets_go_is_named() {
    let ground = Ground::with(&["a.txt"]).await;
    let writer = ground.writer("mirror").await;
    let lock = ground.remote().join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let started = Instant::now();
    let error = writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git_locked");
    assert!(error.retryable());
    assert!(error.to_string().contains("main.lock"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
    fs::remove_file(&lock).unwrap();
    writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap();
    assert_eq!(ground.count(), 2);
}

#[tokio::test]
async fn a_hook_that_says_no_to_one_change_says_it_to_that_one() {
    let ground = Ground::with(&["a.txt"]).await;
    ground.hook(
        "pre-receive",
        "while read old new ref; do\n\
         if git log --format=%s $old..$new | grep -q 'Change 5$'; then\n\
         echo 'no fives here'; exit 1; fi; done",
    );
    let writer = ground.writer("mirror").await;
    let results = futures_of(&writer, 10).await;
    for (number, result) in results.into_iter().enumerate() {
        if number == 5 {
            let error = result.unwrap_err();
            assert_eq!(error.code(), "git_push_rejected");
            assert!(error.to_string().contains("no fives here"), "{error}");
        } else {
            result.unwrap();
        }
    }
    assert_eq!(ground.count(), 10);
}

async fn futures_of(writer: &git::Writer, count: u128) -> Vec<Result<git::Published, WriteError>> {
    let mut all = Vec::new();
    for number in 0..count {
        let writer = writer.clone();
        let file = format!("f{number}");
        all.push(tokio::spawn(async move {
            writer.submit(change(number, vec![set(&file, "x")])).await
        }));
    }
    let mut results = Vec::new();
    for one in all {
        results.push(one.await.unwrap());
    }
    results
}

#[tokio::test]
async fn a_branch_that_may_not_be_pushed_to_is_not_tried_again_and_again() {
    let ground = Ground::with(&["a.txt"]).await;
    let clone = ground.clone_as("checked-out");
    let mirror = Mirror::open(
        &ground.path("m"),
        clone.to_str().unwrap(),
        Options::default(),
    )
    .await
    .unwrap();
    let limits = git::Limits::unlimited();
    let writer = git::Writer::spawn(
        mirror,
        "main",
        crate::ground::author(),
        limits,
        crate::ground::clock(),
    )
    .unwrap();
    let error = writer
        .submit(change(1, vec![set("a.txt", "x")]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git_push_rejected");
    assert!(error.to_string().contains("checked out"), "{error}");
    assert_eq!(writer.stats().lost, 0);
}

/// The push lands, but the process that pushed is killed before it can say so.
#[tokio::test]
async fn a_push_that_broke_off_after_landing_is_found() {
    let ground = Ground::with(&["a.txt"]).await;
    ground.hook(
        "post-receive",
        "test -e \"$GIT_DIR/once\" || { : > \"$GIT_DIR/once\"; sleep 60; }",
    );
    let options = Options {
        timeout: Duration::from_secs(3),
        ..Options::default()
    };
    let url = ground.remote();
    let mirror = Mirror::open(&ground.path("m"), url.to_str().unwrap(), options)
        .await
        .unwrap();
    let limits = git::Limits::unlimited();
    let writer = git::Writer::spawn(
        mirror,
        "main",
        crate::ground::author(),
        limits,
        crate::ground::clock(),
    )
    .unwrap();
    let published = writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap();
    assert_eq!(published.commit, ground.tip());
    assert_eq!(ground.file("a.txt"), "0\n1");
}
