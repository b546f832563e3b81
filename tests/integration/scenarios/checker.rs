//! The judge of long runs (tests/accept/checker.py) accepts what really happened, and sees every
//! kind of fault that is planted into it.

use crate::harness::{Program, Report, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_accepts_the_truth_and_finds_each_planted_fault() {
    let world = World::of(["api", "mail"]).await;
    let sources = world.clone_of(&world.source, "developer").await;
    let parent = sources.commit([("file", b"1".as_slice())], "Parent").await;
    let child = sources.commit([("file", b"2".as_slice())], "Child").await;
    sources.run(&["push", "-q", "origin", "HEAD:main"]).await;
    let server = world.start().await;
    for (app, version) in [("mail", "1.0.0"), ("api", "1.0.0"), ("api", "1.1.0")] {
        let digest = world.image(app, version).await;
        let report = Report::of(app, version, &digest).at_commit(&child);
        server.deployed(&report).await;
    }
    // One that gives way by rule is not lost.
    let late = Report::of("api", "0.9.0", &world.image("api", "0.9.0").await);
    let late = server.deploy(&late.at_commit(&parent)).await;
    assert_eq!(server.api().settled(&late).await.state, "SUPERSEDED");
    server.api().quiet().await;
    server.stop().await;

    let export = world.export_to("log.export").await;
    let selftest = concat!(env!("CARGO_MANIFEST_DIR"), "/../accept/checker_selftest.py");
    let outcome = Program::new("python3", &world.home())
        .args([selftest, "--remote", world.remote.path().to_str().unwrap()])
        .args(["--export", export.to_str().unwrap()])
        .run()
        .await;
    println!("{}", outcome.text());
    assert_eq!(outcome.code, 0, "{outcome}");
}
