//! Changes become commits, once.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use git::{Author, Limits, Published, WriteError, Writer};
use ids::Uuid;
use tokio::task::JoinSet;

use crate::ground::{Ground, append, author, change, clock, refuse, run, set};

#[tokio::test]
async fn a_change_is_one_commit_with_its_trailers_and_nothing_else() {
    let ground = Ground::with(&["envs/dev.json", "envs/prod.json"]).await;
    run(&ground.remote(), &["config", "core.bare", "true"]);
    let before = ground.tip();
    let writer = ground.writer("mirror").await;
    let mut wanted = change(7, vec![set("envs/dev.json", "{\"tag\": \"é\"}\n")]);
    wanted.body = "Because it was asked for.".to_owned();
    let published = writer.submit(wanted).await.unwrap();
    assert_eq!(
        published,
        Published {
            commit: ground.tip(),
            already: false,
            unchanged: false,
            tries: 1
        }
    );
    let shown = ground.git(&["log", "-1", "--format=%P|%an|%ae|%cn|%ct|%B", "main"]);
    let id = Uuid::from_u128(7);
    assert_eq!(
        shown.trim_end(),
        format!(
            "{before}|Towpath|towpath@example.com|Towpath|1767225660|Change 7\n\nBecause it was \
             asked for.\n\nTowpath-Deployment: 7\nTowpath-Change: {id}"
        )
    );
    let trailer = "--format=%(trailers:key=Towpath-Deployment,valueonly)";
    assert_eq!(ground.git(&["log", "-1", trailer, "main"]).trim(), "7");
    assert_eq!(
        ground.git(&["diff", "--name-status", "main~1", "main"]),
        "M\tenvs/dev.json"
    );
    run(&ground.remote(), &["fsck", "--strict"]);
}

/// The name of a blob, in the words of git itself.
fn hash_object(text: &str) -> String {
    let mut child = Command::new("git")
        .args(["hash-object", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn blobs_have_the_names_git_gives_them_and_files_keep_their_mode() {
    let ground = Ground::with(&["run.sh"]).await;
    let clone = ground.clone_as("ann");
    run(&clone, &["update-index", "--chmod=+x", "run.sh"]);
    run(&clone, &["commit", "--quiet", "-m", "executable"]);
    run(&clone, &["push", "--quiet"]);
    let writer = ground.writer("mirror").await;
    for (number, text) in ["#!/bin/sh\n", "a\r\nb\r\n", "\u{feff}x", "", "no newline"]
        .into_iter()
        .enumerate()
    {
        let number = u128::try_from(number).unwrap();
        let files = vec![set("run.sh", text), set("new/dir/file", text)];
        writer.submit(change(number, files)).await.unwrap();
        let expected = hash_object(text);
        assert_eq!(
            ground.git(&["ls-tree", "-r", "main"]),
            format!("100644 blob {expected}\tnew/dir/file\n100755 blob {expected}\trun.sh")
        );
    }
}

#[tokio::test]
async fn the_same_change_is_never_written_twice() {
    let ground = Ground::with(&["log.txt"]).await;
    let since = ground.tip();
    let writer = ground.writer("one").await;
    let wanted = || change(1, vec![append("log.txt", "once")]);
    let first = writer.submit(wanted()).await.unwrap();
    // To the same writer, later and at once.
    for _ in 0..3 {
        let again = writer.submit(wanted()).await.unwrap();
        assert_eq!((&again.commit, again.already), (&first.commit, true));
    }
    let mut many = JoinSet::new();
    for _ in 0..20 {
        let writer = writer.clone();
        let second = change(2, vec![append("log.txt", "twice")]);
        many.spawn(async move { writer.submit(second).await.unwrap() });
    }
    let answers = many.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.commit == answers[0].commit)
    );
    assert_eq!(answers.iter().filter(|answer| !answer.already).count(), 1);
    // To another writer, on a mirror that knows nothing, after others have worked there.
    ground.foreign_commit("other.txt", "between");
    let fresh = ground.writer("two").await;
    let again = fresh.submit(wanted()).await.unwrap();
    assert_eq!((&again.commit, again.already), (&first.commit, true));
    let mut late = wanted();
    late.since = Some(since);
    assert_eq!(fresh.submit(late).await.unwrap().commit, first.commit);
    assert_eq!(ground.file("log.txt"), "0\nonce\ntwice");
}

#[tokio::test]
async fn a_search_stops_at_since() {
    let ground = Ground::with(&["log.txt"]).await;
    let writer = ground.writer("one").await;
    let wanted = || change(1, vec![append("log.txt", "line")]);
    writer.submit(wanted()).await.unwrap();
    let fresh = ground.writer("two").await;
    let mut other = wanted();
    other.since = Some(ground.tip());
    // The caller says that the change was not there at the tip: it is believed.
    assert!(!fresh.submit(other).await.unwrap().already);
    assert_eq!(ground.file("log.txt"), "0\nline\nline");
}

#[tokio::test]
async fn a_rewritten_branch_forgets_what_it_held() {
    let ground = Ground::with(&["log.txt"]).await;
    let before = ground.tip();
    let writer = ground.writer("mirror").await;
    let wanted = || change(1, vec![append("log.txt", "line")]);
    writer.submit(wanted()).await.unwrap();
    ground.git(&["update-ref", "refs/heads/main", before.as_str()]);
    let again = writer.submit(wanted()).await.unwrap();
    assert!(!again.already);
    assert_eq!(ground.file("log.txt"), "0\nline");
}

#[tokio::test]
async fn nothing_to_change_is_no_commit() {
    let ground = Ground::with(&["a.txt"]).await;
    let writer = ground.writer("mirror").await;
    let published = writer
        .submit(change(1, vec![set("a.txt", "0\n")]))
        .await
        .unwrap();
    assert_eq!(
        published,
        Published {
            commit: ground.tip(),
            already: true,
            unchanged: true,
            tries: 0
        }
    );
    assert_eq!(ground.count(), 1);
}

#[tokio::test]
async fn a_hundred_changes_at_once_are_few_pushes() {
    let ground = Ground::with(&["shared.txt"]).await;
    ground.count_pushes();
    let writer = ground.writer("mirror").await;
    let mut all = JoinSet::new();
    for number in 0..100 {
        let writer = writer.clone();
        all.spawn(async move {
            let file = format!("apps/app-{number}/version");
            let files = vec![set(&file, "1\n"), append("shared.txt", "line")];
            writer.submit(change(number, files)).await.unwrap().commit
        });
    }
    let commits = all.join_all().await;
    assert_eq!(ground.count(), 101);
    let unique: std::collections::BTreeSet<_> = commits.iter().collect();
    assert_eq!(unique.len(), 100);
    assert!(ground.pushes() <= 5, "{} pushes", ground.pushes());
    assert_eq!(ground.file("shared.txt").lines().count(), 101);
    assert_eq!(writer.stats().commits, 100);
    run(&ground.remote(), &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_refusal_fails_its_own_change_only() {
    let ground = Ground::with(&["a.txt", "b.txt"]).await;
    let writer = ground.writer("mirror").await;
    let good = |number| change(number, vec![append("a.txt", "good")]);
    let bad = change(
        2,
        vec![
            append("a.txt", "half"),
            refuse("b.txt", "{\"why\":\"pinned\"}"),
        ],
    );
    let mut panics = change(4, vec![append("a.txt", "x")]);
    panics.files[0].edit = std::sync::Arc::new(|_| panic!("an edit that is broken"));
    let (one, two, three, four) = tokio::join!(
        writer.submit(good(1)),
        writer.submit(bad),
        writer.submit(good(3)),
        writer.submit(panics)
    );
    assert!(one.is_ok() && three.is_ok());
    assert_eq!(
        two,
        Err(WriteError::Refused("{\"why\":\"pinned\"}".to_owned()))
    );
    assert_eq!(four.unwrap_err().code(), "git_change_invalid");
    assert_eq!(ground.file("a.txt"), "0\ngood\ngood");
    assert_eq!(ground.count(), 3);
}

#[tokio::test]
async fn paths_and_things_that_are_no_files_are_not_touched() {
    let ground = Ground::with(&["dir/a.txt"]).await;
    let clone = ground.clone_as("ann");
    std::os::unix::fs::symlink("dir/a.txt", clone.join("link")).unwrap();
    std::os::unix::fs::symlink("dir", clone.join("dirlink")).unwrap();
    run(&clone, &["add", "."]);
    let submodule = format!("160000,{},sub", ground.tip());
    run(
        &clone,
        &["update-index", "--add", "--cacheinfo", &submodule],
    );
    run(&clone, &["commit", "--quiet", "-m", "links"]);
    run(&clone, &["push", "--quiet"]);
    let tip = ground.tip();
    let writer = ground.writer("mirror").await;
    for (path, code) in [
        ("link", "git_edit_refused"),
        ("dirlink/a.txt", "git_edit_refused"),
        ("sub", "git_edit_refused"),
        ("sub/x", "git_edit_refused"),
        ("dir", "git_edit_refused"),
        ("dir/a.txt/x", "git_edit_refused"),
        ("../a", "git_change_invalid"),
        ("/etc/passwd", "git_change_invalid"),
        (".git/config", "git_change_invalid"),
        ("", "git_change_invalid"),
        ("a\0b", "git_change_invalid"),
    ] {
        let result = writer.submit(change(9, vec![set(path, "x")])).await;
        assert_eq!(result.unwrap_err().code(), code, "{path:?}");
    }
    let twice = change(9, vec![set("a", "x"), set("a", "y")]);
    assert_eq!(
        writer.submit(twice).await.unwrap_err().code(),
        "git_change_invalid"
    );
    let mut split = change(9, vec![set("a", "x")]);
    split.subject = "one\ntwo".to_owned();
    assert_eq!(
        writer.submit(split).await.unwrap_err().code(),
        "git_change_invalid"
    );
    assert_eq!(ground.tip(), tip);
}

/// A thousand changes take the way of the pack; the repository is judged by `git fsck`.
#[tokio::test]
async fn a_thousand_changes_are_a_sound_repository() {
    let files: Vec<String> = (0..300)
        .map(|n| format!("envs/e{}/app-{n}.json", n % 7))
        .collect();
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let ground = Ground::with(&names).await;
    ground.count_pushes();
    let writer = ground.writer("mirror").await;
    let mut all = JoinSet::new();
    for number in 0..1_000_u128 {
        let writer = writer.clone();
        let file = files[usize::try_from(number).unwrap() % 300].clone();
        all.spawn(async move {
            let edits = vec![append(&file, &number.to_string())];
            writer.submit(change(number, edits)).await.unwrap();
        });
    }
    all.join_all().await;
    assert_eq!(ground.count(), 1_001);
    assert!(ground.pushes() <= 10, "{} pushes", ground.pushes());
    run(&ground.remote(), &["fsck", "--strict", "--full"]);
    let touched = ground.git(&["log", "--format=", "--name-only", "main~1000..main"]);
    assert_eq!(
        touched.lines().filter(|line| !line.is_empty()).count(),
        1_000
    );
}

#[tokio::test]
async fn a_bucket_holds_pushes_back_and_then_takes_everything() {
    let ground = Ground::with(&["a.txt"]).await;
    ground.count_pushes();
    let limits = Limits {
        capacity: Some(1),
        refill: Duration::from_millis(1_500),
    };
    let mirror = ground.mirror("mirror").await;
    let writer = Writer::spawn(mirror, "main", author(), limits, clock()).unwrap();
    writer
        .submit(change(1, vec![append("a.txt", "1")]))
        .await
        .unwrap();
    let mut all = JoinSet::new();
    for number in 2..30 {
        let writer = writer.clone();
        all.spawn(async move {
            writer
                .submit(change(number, vec![append("a.txt", "x")]))
                .await
                .unwrap()
        });
    }
    all.join_all().await;
    assert_eq!(ground.pushes(), 2);
}

#[tokio::test]
async fn an_author_without_an_address_is_no_writer() {
    let ground = Ground::with(&["a.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    let nobody = Author {
        name: "Towpath".to_owned(),
        email: String::new(),
    };
    let error = Writer::spawn(mirror, "main", nobody, Limits::unlimited(), clock()).unwrap_err();
    assert_eq!(error.code(), "git_author");
}
