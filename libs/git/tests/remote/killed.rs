//! A writer that is killed at any moment, and run again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::ground::{Ground, run};

/// The example, which cargo builds with the tests.
fn bump() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/bump")
}

#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_is_written_twice() {
    let ground = Ground::with(&["a.txt"]).await;
    let (mirror, remote) = (ground.path("mirror"), ground.remote());
    let command = |last: u32| {
        let mut command = Command::new(bump());
        command
            .args([mirror.to_str().unwrap(), remote.to_str().unwrap(), "1"])
            .arg(last.to_string())
            .stdout(Stdio::null());
        command
    };
    // Every run has more to do than the one before and is given a little longer, so that they
    // die in every phase: opening, fetching, staging, pushing.
    let mut cut_short = 0;
    for round in 0..40_u32 {
        let mut child = command(10 + round * 5)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(u64::from(round % 20) * 5)).await;
        if child.try_wait().unwrap().is_none() {
            cut_short += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(cut_short > 10, "only {cut_short} runs were killed");
    let output = command(205).stderr(Stdio::piped()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let numbers = ground.git(&[
        "log",
        "--format=%(trailers:key=Bump-Number,valueonly)",
        "main",
    ]);
    let numbers: Vec<u32> = numbers
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    assert_eq!(numbers.len(), 205);
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 205);
    assert_eq!(ground.count(), 206);
    run(&remote, &["fsck", "--strict"]);
    run(&mirror, &["fsck", "--strict"]);
}
