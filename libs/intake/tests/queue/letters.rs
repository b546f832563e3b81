//! What is refused is kept with the reason, and nothing behind it waits.

use serde_json::json;
use service::fault::{Fault, Kind};

use crate::people::token;
use crate::world::{World, event};

const API: &str = "tp.in.build.api";

#[tokio::test(flavor = "multi_thread")]
async fn each_refused_message_is_a_letter_and_the_next_is_taken() {
    let world = World::new().await;
    let good = event("api", "1.0.0").to_string();
    let mut other = event("api", "1.0.0");
    other["type"] = json!("com.example.cake.baked");
    let other = other.to_string();
    for (subject, name, body, code) in [
        (API, "ci", "{ no json", "event-malformed"),
        (API, "", good.as_str(), "token-missing"),
        (API, "nobody", &good, "token-unknown"),
        (API, "gone", &good, "token-revoked"),
        (API, "late", &good, "token-expired"),
        (API, "viewer", &good, "not-allowed"),
        ("tp.in.build.web", "ci", &good, "subject-mismatch"),
        ("tp.in.else", "ci", &good, "subject-unknown"),
        (API, "ci", &other, "event-type-unknown"),
    ] {
        println!("{code}");
        world.publish(subject, name, body.as_bytes()).await;
    }
    let stop = world.read().await;
    let letters = world.letters(9).await;
    let mut codes: Vec<_> = letters
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "event-malformed",
            "event-type-unknown",
            "not-allowed",
            "subject-mismatch",
            "subject-unknown",
            "token-expired",
            "token-missing",
            "token-revoked",
            "token-unknown",
        ]
    );
    for letter in &letters {
        let text = letter.to_string();
        assert!(!letter["message"].as_str().unwrap().is_empty(), "{text}");
        assert!(!letter["fix"].as_str().unwrap().is_empty(), "{text}");
        for name in ["ci", "nobody", "gone", "late", "viewer"] {
            assert!(!text.contains(&token(name)), "{text}");
        }
    }
    let malformed = letters
        .iter()
        .find(|it| it["code"] == "event-malformed")
        .unwrap();
    assert_eq!(malformed["body"], "{ no json");
    assert_eq!(malformed["subject"], API);

    world.report("api", "1.0.0").await;
    world.settled(1).await;
    assert_eq!(world.held(intake::DLQ).await, 9);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_refuses_is_a_letter() {
    let world = World::new().await;
    let faults = [
        (Kind::Rejected, "wrong-repository"),
        (Kind::NotFound, "unknown-definition"),
        (Kind::KeyReused, "idempotency-key-reused"),
    ];
    world
        .book
        .refuse(faults.map(|(kind, code)| Fault::new(kind, code, "no").fix("mend it")));
    let stop = world.read().await;
    for at in 0..4 {
        world.report("api", &format!("1.0.{at}")).await;
    }
    let letters = world.letters(3).await;
    let codes: Vec<_> = letters
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "wrong-repository",
            "unknown-definition",
            "idempotency-key-reused"
        ]
    );
    world.settled(1).await;
    assert_eq!(world.book.versions("api"), ["1.0.3"]);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_for_the_broker_do_not_come_with_a_letter() {
    let world = World::new().await;
    let body = b"\xff no text".to_vec();
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("authorization", format!("bearer {}", token("ci")).as_str());
    headers.insert("Nats-Msg-Id", "1");
    let sent = world
        .context
        .publish_with_headers(API, headers, body.into())
        .await;
    sent.unwrap().await.unwrap();
    let stop = world.read().await;
    let letters = world.letters(1).await;
    assert_eq!(letters[0]["code"], "event-malformed");
    assert_eq!(letters[0]["headers"]["Nats-Msg-Id"], "1");
    assert_eq!(letters[0]["body_base64"], "/yBubyB0ZXh0");
    world.settled(0).await;
    stop.cancel();
}
