//! Others push to the same branch.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::ground::{Ground, append, change, run, set};

/// A clone that commits and pushes as fast as it can until it is stopped; the commits it landed.
fn hostile(clone: PathBuf, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<BTreeSet<String>> {
    std::thread::spawn(move || {
        let mut landed = BTreeSet::new();
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            std::fs::write(clone.join("foreign.txt"), number.to_string()).unwrap();
            run(&clone, &["commit", "--quiet", "-am", "foreign"]);
            let pushed = std::process::Command::new("git")
                .args(["push", "--quiet"])
                .current_dir(&clone)
                .output()
                .unwrap();
            if pushed.status.success() {
                landed.insert(run(&clone, &["rev-parse", "HEAD"]));
                std::thread::sleep(Duration::from_millis(20));
            } else {
                run(&clone, &["fetch", "--quiet"]);
                run(&clone, &["reset", "--quiet", "--hard", "origin/main"]);
            }
        }
        landed
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_branch_takes_every_change() {
    let ground = Ground::with(&["foreign.txt"]).await;
    let writer = ground.writer("mirror").await;
    let stop = Arc::new(AtomicBool::new(false));
    let foreigner = hostile(ground.clone_as("foreigner"), Arc::clone(&stop));
    let mut all = JoinSet::new();
    for number in 0..100 {
        let writer = writer.clone();
        all.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::try_from(number).unwrap() * 10)).await;
            let file = format!("apps/{number}");
            writer
                .submit(change(number, vec![set(&file, "1")]))
                .await
                .unwrap()
        });
    }
    let published = all.join_all().await;
    stop.store(true, Ordering::Relaxed);
    let foreign = foreigner.join().unwrap();
    let stats = writer.stats();

    assert!(!foreign.is_empty());
    let history: BTreeSet<String> = ground
        .git(&["rev-list", "main"])
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(foreign.is_subset(&history), "a foreign commit was lost");
    assert_eq!(ground.git(&["rev-list", "--merges", "main"]), "");
    assert_eq!(published.len(), 100);
    for one in &published {
        assert!(history.contains(one.commit.as_str()));
        let touched = ground.git(&["show", "--format=", "--name-only", one.commit.as_str()]);
        assert_eq!(touched.lines().count(), 1);
    }
    assert_eq!(
        ground.git(&["rev-list", "--count", "--author=towpath", "main"]),
        "101",
        "the seed and one commit per change"
    );
    assert!(stats.pushes <= 60, "{stats:?}");
}

/// Two writers on one branch, as after a botched fail-over: slower, but right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_of_one_branch_lose_nothing() {
    let ground = Ground::with(&["shared.txt"]).await;
    let writers = [ground.writer("one").await, ground.writer("two").await];
    let mut all = JoinSet::new();
    for number in 0..40_u128 {
        for writer in &writers {
            let writer = writer.clone();
            // Both are given every change: one of them writes it.
            all.spawn(async move {
                let files = vec![append("shared.txt", &number.to_string())];
                writer.submit(change(number, files)).await.unwrap().commit
            });
        }
    }
    let commits: BTreeSet<_> = all.join_all().await.into_iter().collect();
    assert_eq!(commits.len(), 40);
    assert_eq!(ground.count(), 41);
    assert_eq!(ground.file("shared.txt").lines().count(), 41);
}

#[tokio::test]
async fn an_edit_sees_what_others_wrote_meanwhile() {
    let ground = Ground::with(&["a.txt"]).await;
    let writer = ground.writer("mirror").await;
    writer
        .submit(change(1, vec![append("a.txt", "ours")]))
        .await
        .unwrap();
    ground.foreign_commit("a.txt", "theirs\n");
    writer
        .submit(change(2, vec![append("a.txt", "ours too")]))
        .await
        .unwrap();
    assert_eq!(ground.file("a.txt"), "theirs\nours too");
    assert_eq!(ground.git(&["rev-list", "--merges", "main"]), "");
}
