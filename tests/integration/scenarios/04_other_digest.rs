//! The same version with other bytes is never deployed, and never forgotten.

use proto::delivery::v1::BuildQuarantined;

use crate::harness::{Report, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_version_with_another_digest_is_refused_and_the_build_is_quarantined() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let good = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let other = Report::of("api", "1.0.0", &world.image("api", "other-bytes").await);
    assert_ne!(good.digest, other.digest);
    server.deployed(&good).await;
    let build = server.report(&good).await.json()["build_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = world.remote.tip().await;

    // Refused the same way by every door, however often.
    for _ in 0..2 {
        let answer = server.report(&other).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (409, &"digest-changed".into())
        );
        assert!(
            answer.json()["error"]["fix"]
                .as_str()
                .is_some_and(|it| !it.is_empty())
        );
    }
    let refused = server.api().report(&other, Some("key")).await.unwrap_err();
    assert_eq!(refused.status, tonic::Code::FailedPrecondition, "{refused}");
    assert_eq!(refused.code, "digest-changed");
    let arguments = [
        "--definition",
        "api",
        "--container",
        "api",
        "--version",
        "1.0.0",
    ];
    let outcome = world
        .cli(
            &[
                &["build", "report", "--digest", &other.digest],
                &arguments[..],
            ]
            .concat(),
        )
        .await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.starts_with("error[digest-changed]: "),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("fix: "), "{outcome}");

    let explanation = world.explain(&build).await;
    assert_eq!(explanation["state"], "QUARANTINED", "{explanation:#}");
    assert_eq!(world.remote.tip().await, before, "the remote is unchanged");
    server.stop().await;
    let export = world.export().await;
    let kind = "towpath.delivery.v1.BuildQuarantined";
    let quarantined = export.events::<BuildQuarantined>(kind);
    assert_eq!(quarantined.len(), 1, "{quarantined:#?}");
    assert_eq!(quarantined[0].1.digest, other.digest);
}
