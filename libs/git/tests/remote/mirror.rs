//! Opening, fetching and reading.

use std::fs;

use git::{Mirror, Options};
use ids::Oid;

use crate::ground::{Ground, run};

#[tokio::test]
async fn what_is_fetched_is_what_git_has() {
    let ground = Ground::with(&["a.txt", "dir/b.txt", "dir/deep/c.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    let tip = mirror.fetch("main").await.unwrap().oid;
    assert_eq!(tip, ground.tip());
    assert_eq!(mirror.tip("main").await.unwrap().unwrap().oid, tip);
    let listed: Vec<String> = mirror
        .list_files(&tip)
        .await
        .unwrap()
        .into_iter()
        .map(|(path, blob)| format!("100644 blob {blob}\t{path}"))
        .collect();
    assert_eq!(listed.join("\n"), ground.git(&["ls-tree", "-r", "main"]));
    let bytes = mirror.read_file(&tip, "dir/deep/c.txt").await.unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"0\n"[..]));
    for absent in ["nope", "dir", "a.txt/x", "", "/", "dir//b.txt"] {
        assert_eq!(
            mirror.read_file(&tip, absent).await.unwrap(),
            None,
            "{absent}"
        );
    }
}

#[tokio::test]
async fn every_foreign_commit_arrives_by_copy_or_by_fetch() {
    let ground = Ground::with(&["a.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    mirror.fetch("main").await.unwrap();
    // A merge, new directories and an executable: by copy.
    let clone = ground.clone_as("ann");
    run(&clone, &["switch", "--quiet", "-c", "side"]);
    fs::create_dir_all(clone.join("x/y")).unwrap();
    fs::write(clone.join("x/y/z"), "z").unwrap();
    run(&clone, &["add", "."]);
    run(&clone, &["add", "--chmod=+x", "x/y/z"]);
    run(&clone, &["commit", "--quiet", "-m", "side"]);
    run(&clone, &["checkout", "--quiet", "--force"]);
    run(&clone, &["switch", "--quiet", "main"]);
    fs::write(clone.join("a.txt"), "1").unwrap();
    run(&clone, &["commit", "--quiet", "-am", "straight"]);
    run(&clone, &["merge", "--quiet", "--no-edit", "side"]);
    run(&clone, &["push", "--quiet"]);
    assert_eq!(mirror.fetch("main").await.unwrap().oid, ground.tip());
    // More objects than are copied: by the command.
    for number in 0..2_100 {
        fs::write(clone.join(format!("f{number}")), number.to_string()).unwrap();
    }
    run(&clone, &["add", "."]);
    run(&clone, &["commit", "--quiet", "-m", "many"]);
    run(&clone, &["push", "--quiet"]);
    let tip = mirror.fetch("main").await.unwrap().oid;
    assert_eq!(tip, ground.tip());
    assert_eq!(mirror.list_files(&tip).await.unwrap().len(), 2_102);
    // History is rewritten: the mirror follows.
    run(&clone, &["reset", "--quiet", "--hard", "HEAD~2"]);
    run(&clone, &["push", "--quiet", "--force"]);
    assert_eq!(mirror.fetch("main").await.unwrap().oid, ground.tip());
    drop(mirror);
    run(&ground.path("mirror"), &["fsck", "--strict"]);
}

#[tokio::test]
async fn facts_about_commits_are_those_of_git_log() {
    let ground = Ground::with(&["a.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    let first = mirror.fetch("main").await.unwrap().oid;
    let clone = ground.clone_as("ann");
    fs::write(clone.join("b.txt"), "b").unwrap();
    fs::write(clone.join("a.txt"), "a").unwrap();
    run(&clone, &["add", "."]);
    run(
        &clone,
        &[
            "commit",
            "--quiet",
            "-m",
            "Two files\n\nText.\n\nKey: value\nOther-Key: é",
        ],
    );
    run(&clone, &["push", "--quiet"]);
    let tip = mirror.fetch("main").await.unwrap().oid;
    let facts = mirror.commits(Some(&first), &tip).await.unwrap();
    assert_eq!(facts.len(), 1);
    let fact = &facts[0];
    assert_eq!(fact.oid, tip);
    assert_eq!(fact.parents, std::slice::from_ref(&first));
    assert_eq!(
        (fact.author_name.as_str(), fact.author_email.as_str()),
        ("Ann", "ann@example.com")
    );
    assert_eq!(fact.subject, "Two files");
    assert_eq!(fact.trailer("other-key"), Some("é"));
    assert_eq!(fact.changed_paths, ["a.txt", "b.txt"]);
    let seconds: i64 = ground
        .git(&["log", "-1", "--format=%ct", "main"])
        .parse()
        .unwrap();
    assert_eq!(fact.committer_time_us, seconds * 1_000_000);
    let all = mirror.commits(None, &tip).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].changed_paths, ["a.txt"]);
    assert_eq!(mirror.commit(&first).await.unwrap(), all[1]);
    assert!(mirror.commits(Some(&tip), &tip).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let ground = Ground::with(&["a.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    mirror.fetch("main").await.unwrap();
    for nowhere in ["1".repeat(40), "1".repeat(64)] {
        let nowhere = Oid::parse(&nowhere).unwrap();
        assert_eq!(
            mirror.blob(&nowhere).await.unwrap_err().code(),
            "git_missing_object"
        );
        assert_eq!(
            mirror
                .read_file(&nowhere, "a.txt")
                .await
                .unwrap_err()
                .code(),
            "git_missing_object"
        );
        assert_eq!(
            mirror.commits(None, &nowhere).await.unwrap_err().code(),
            "git_missing_object"
        );
    }
}

#[tokio::test]
async fn a_mirror_belongs_to_one_at_a_time() {
    let ground = Ground::with(&["a.txt"]).await;
    let first = ground.mirror("mirror").await;
    assert_eq!(
        ground.try_mirror("mirror").await.unwrap_err().code(),
        "git_locked"
    );
    drop(first);
    ground.mirror("mirror").await;
}

/// Every state that a killed process can leave: a directory that is cut short after each file,
/// stale locks, half-written packs, damaged objects.
#[tokio::test]
async fn a_half_made_mirror_is_finished_or_made_again() {
    let ground = Ground::with(&["a.txt"]).await;
    let tip = ground.tip();
    drop(ground.mirror("mirror").await);
    let dir = ground.path("mirror");
    let wrecks: [&dyn Fn(); 8] = [
        &|| fs::remove_file(dir.join("HEAD")).unwrap(),
        &|| fs::remove_file(dir.join("config")).unwrap(),
        &|| fs::write(dir.join("config"), "[core").unwrap(),
        &|| fs::remove_dir_all(dir.join("objects")).unwrap(),
        &|| fs::remove_file(dir.join("towpath-mirror")).unwrap(),
        &|| fs::write(dir.join("towpath-mirror"), "/another/remote").unwrap(),
        &|| fs::write(dir.join("refs/heads/main"), "").unwrap(),
        &|| {
            fs::write(dir.join("refs/heads/main.lock"), "").unwrap();
            fs::write(dir.join("packed-refs.lock"), "").unwrap();
            fs::write(dir.join("objects/pack/tmp_pack_x"), "half").unwrap();
        },
    ];
    for (number, wreck) in wrecks.iter().enumerate() {
        wreck();
        let mirror = ground.mirror("mirror").await;
        assert_eq!(
            mirror.fetch("main").await.unwrap().oid,
            tip,
            "wreck {number}"
        );
        assert!(mirror.read_file(&tip, "a.txt").await.unwrap().is_some());
    }
    assert!(!dir.join("objects/pack/tmp_pack_x").exists());
    for entry in fs::read_dir(dir.join("objects/pack")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let mirror = ground.mirror("mirror").await;
    assert_eq!(mirror.fetch("main").await.unwrap().oid, tip);
    assert!(mirror.read_file(&tip, "a.txt").await.unwrap().is_some());
}

#[tokio::test]
async fn the_file_url_of_a_repository_is_the_repository() {
    let ground = Ground::with(&["a.txt"]).await;
    let url = format!("file://{}", ground.remote().display());
    let mirror = Mirror::open(&ground.path("m"), &url, Options::default())
        .await
        .unwrap();
    assert!(mirror.is_local());
    assert_eq!(mirror.fetch("main").await.unwrap().oid, ground.tip());
}

#[tokio::test]
async fn a_mirror_is_packed_while_it_is_used() {
    let ground = Ground::with(&["a.txt"]).await;
    let mirror = ground.mirror("mirror").await;
    let writer = git::Writer::spawn(
        mirror.clone(),
        "main",
        crate::ground::author(),
        git::Limits::unlimited(),
        crate::ground::clock(),
    )
    .unwrap();
    for number in 0..6 {
        let edit = crate::ground::append("a.txt", "line");
        let change = crate::ground::change(number, vec![edit]);
        let (published, packed) = tokio::join!(writer.submit(change), mirror.maintain());
        packed.unwrap();
        let tip = mirror.fetch("main").await.unwrap().oid;
        assert_eq!(tip, published.unwrap().commit);
        assert!(mirror.read_file(&tip, "a.txt").await.unwrap().is_some());
    }
    assert_eq!(ground.file("a.txt").lines().count(), 7);
}
