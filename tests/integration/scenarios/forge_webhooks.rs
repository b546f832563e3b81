//! Webhooks: nothing is taken in without a signature over its very bytes, and nothing twice.

use fake_github::{SECRET, Webhook};
use proto::forge::v1 as pb;
use serde_json::json;

use crate::harness::forge::{REPOSITORY, post, send};
use crate::harness::{Forge, Options, Shape, World};

const HEARD: &str = "towpath.forge.v1.PullRequestHeard";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_of_what_is_not_signed_whole_and_json() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    forge.0.open(REPOSITORY, "feat: search", "main", &[]);
    let good = forge.0.untold().remove(0);
    let mut changed = good.clone();
    let at = changed.body.iter().position(|it| *it == b's').unwrap();
    changed.body[at] = b'S';
    let body = good.body.clone();
    let stranger = Webhook::signed(
        &good.id,
        &good.event,
        body.clone(),
        "another secret, as long",
    );
    let sha1 = Webhook {
        signature: good.signature.replace("sha256", "sha1"),
        ..good.clone()
    };
    for wrong in [&changed, &stranger, &sha1] {
        let answer = send(&server, wrong).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], "signature-wrong");
    }
    for missing in ["x-hub-signature-256", "x-github-delivery", "x-github-event"] {
        let headers = good.headers();
        let headers = headers.iter().filter(|it| it.0 != missing);
        let headers: Vec<_> = headers
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = post(&server, &headers, body.clone()).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(missing), "{}", answer.text());
    }
    let form = [b"payload=".as_slice(), &body].concat();
    let form = Webhook::signed(&good.id, &good.event, form, SECRET);
    let headers = form.headers();
    let headers: Vec<_> = headers
        .iter()
        .filter(|it| it.0 != "content-type")
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("content-type", "application/x-www-form-urlencoded")])
        .collect();
    let answer = post(&server, &headers, form.body.clone()).await;
    assert_eq!(answer.status, 415, "{}", answer.text());
    assert!(
        answer.text().contains("application/json"),
        "{}",
        answer.text()
    );
    let large = Webhook::signed("large", &good.event, vec![b' '; 1024 * 1024 + 1], SECRET);
    assert_eq!(send(&server, &large).await.status, 413);
    for text in ["", "{", "[]", "{\"action\":\"edited\"}"] {
        let odd = Webhook::signed("odd", &good.event, text.into(), SECRET);
        assert_eq!(send(&server, &odd).await.status, 400, "{text}");
    }
    for name in ["acme", "acme/api/x", "acme/\u{202e}api", "acme/ "] {
        let mut payload = good.payload();
        payload["repository"]["full_name"] = name.into();
        let odd = Webhook::new("odd-name", &good.event, &payload);
        assert_eq!(send(&server, &odd).await.status, 400, "{name}");
    }
    let mut payload = good.payload();
    payload["pull_request"]["number"] = 0.into();
    let odd = Webhook::new("odd-number", &good.event, &payload);
    assert_eq!(send(&server, &odd).await.status, 400);
    server.stop().await;
    let export = world.export().await;
    assert!(export.events::<pb::PullRequestHeard>(HEARD).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_count_once_in_any_order_and_others_are_ignored() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    for title in ["fix: search", "feat!: search", "docs: search", "feat: find"] {
        github.retitle(REPOSITORY, number, title);
    }
    let all = github.untold();
    let ping = Webhook::new("ping", "ping", &json!({ "zen": "x" }));
    assert_eq!(send(&server, &ping).await.status, 200);
    let star = Webhook::new("star", "star", &json!({ "action": "created" }));
    let answer = send(&server, &star).await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (202, &json!("ignored"))
    );
    // The last first, each three times, some of them at once.
    for it in all.iter().rev() {
        let (one, two) = tokio::join!(send(&server, it), send(&server, it));
        let three = send(&server, it).await;
        for answer in [one, two, three] {
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
    }
    forge
        .becomes(&server, number, &[("release/minor", "towpath[bot]")])
        .await;
    server.stop().await;
    let export = world.export().await;
    let heard = export.events::<pb::PullRequestHeard>(HEARD);
    let mut ids: Vec<_> = heard.iter().map(|it| it.1.delivery.clone()).collect();
    ids.sort_unstable();
    let mut expected: Vec<_> = all.iter().map(|it| it.id.clone()).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected, "each once, and no echo of what Towpath did");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_while_both_hold_and_shown_to_nobody() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let next = "whsec_next000000000000000000000000000000000";
    let number = forge.0.open(REPOSITORY, "feat: search", "main", &[]);
    forge
        .becomes(&server, number, &[("release/minor", "towpath[bot]")])
        .await;
    let file = world.root().join("webhook-secret");
    std::fs::write(&file, format!("{SECRET}\n{next}\n")).unwrap();
    forge.0.retitle(REPOSITORY, number, "fix: search");
    let told = forge.0.untold().remove(0);
    let signed = Webhook::signed(&told.id, &told.event, told.body.clone(), next);
    assert_eq!(send(&server, &signed).await.status, 202);
    forge.becomes(&server, number, &[]).await;
    std::fs::write(&file, next).unwrap();
    assert_eq!(
        send(&server, &told).await.status,
        401,
        "the old one is over"
    );
    std::fs::write(&file, "short").unwrap();
    let refused = send(&server, &signed).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let status = world.cli(&["status"]).await;
    assert!(
        status.all().contains("webhook_secret_file"),
        "{}",
        status.all()
    );
    let mut seen = vec![server.stderr(), status.all(), refused.text()];
    seen.push(world.cli(&["-v", "log", "tail"]).await.all());
    server.stop().await;
    for secret in [SECRET, next, fake_github::TOKEN] {
        assert!(seen.iter().all(|it| !it.contains(secret)));
        for entry in std::fs::read_dir(&world.data).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            let holds = bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!holds, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_github_webhooks_are_nobodys() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let ping = Webhook::new("ping", "ping", &json!({ "zen": "x" }));
    let answer = send(&server, &ping).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (404, &json!("github-not-configured"))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_hands_webhooks_on_to_the_role() {
    let forge = Forge::start().await;
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let world = forge.known_to(world);
    let server = world.start().await;
    let number = forge.0.open(REPOSITORY, "feat: search", "main", &[]);
    forge
        .becomes(&server, number, &[("release/minor", "towpath[bot]")])
        .await;
    let commit = "c".repeat(40);
    forge.0.merge(REPOSITORY, number, &commit);
    forge.tell(&server).await;
    let came = forge.came_with(&server, "main", &[&commit]).await;
    assert_eq!(came[0].label, "release/minor", "{came:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_is_named_before_anything_starts() {
    let (_forge, world) = Forge::with_world().await;
    let file = world.root().join("webhook-secret");
    std::fs::write(&file, "short").unwrap();
    let refusal = world.refusal(&Options::default()).await;
    assert_eq!(refusal.code, 2, "{}", refusal.stderr);
    assert!(
        refusal.stderr.contains("forge.github.webhook_secret_file"),
        "{}",
        refusal.stderr
    );
    std::fs::remove_file(&file).unwrap();
    let refusal = world.refusal(&Options::default()).await;
    assert!(
        refusal.stderr.contains("webhook-secret"),
        "{}",
        refusal.stderr
    );
    assert!(
        !world.data.join("log.db").exists(),
        "a start that cannot serve changes nothing"
    );
}
