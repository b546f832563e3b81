//! An explanation is only one if taking the reason away has the effect that it names.

use std::fmt::Write as _;

use rand::RngExt as _;

use super::version_compute::{Ground, told};
use crate::harness::settings;

const MESSAGES: [&str; 7] = [
    "feat: a feature",
    "fix: a mistake",
    "docs: words",
    "refactor!: another shape",
    "chore: tidy up\n\nBREAKING CHANGE: nothing is where it was",
    "some words",
    "perf(api): faster",
];

/// Makes `main` of these messages, behind a release.
async fn history(ground: &Ground, messages: &[&str]) {
    let mut stream = String::new();
    for (at, message) in std::iter::once(&"feat: begin").chain(messages).enumerate() {
        writeln!(stream, "commit refs/heads/main\nmark :{}", at + 1).unwrap();
        writeln!(
            stream,
            "committer A <a@example.org> {} +0000",
            1_700_000_000 + at
        )
        .unwrap();
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
        if at > 0 {
            writeln!(stream, "from :{at}").unwrap();
        }
        writeln!(stream).unwrap();
    }
    writeln!(stream, "reset refs/tags/v1.2.3\nfrom :1\n").unwrap();
    ground.git.import(&stream).await;
}

#[tokio::test]
async fn without_the_commit_that_is_named_the_version_is_the_one_that_is_named() {
    let mut random = settings().random("evidence");
    let mut changed = 0;
    for _ in 0..20 {
        let length = random.random_range(1..8);
        let messages: Vec<_> = (0..length)
            .map(|_| MESSAGES[random.random_range(0..MESSAGES.len())])
            .collect();
        let ground = Ground::new().await;
        history(&ground, &messages).await;
        let found = ground.compute(&[]).await;
        let evidence = found["evidence"].as_array().unwrap();
        assert_eq!(evidence.len(), messages.len());
        for (at, it) in evidence.iter().enumerate() {
            if it["decisive"] != true {
                assert!(it["without"].is_null());
                continue;
            }
            // Newest first.
            let mut fewer = messages.clone();
            fewer.remove(messages.len() - 1 - at);
            let without = Ground::new().await;
            history(&without, &fewer).await;
            let expected = told(&without.compute(&[]).await);
            match it["without"].as_str() {
                Some(predicted) => assert_eq!(predicted, expected, "{messages:?} without {at}"),
                None => assert_eq!(expected, "v1.2.3 skipped: already_released"),
            }
            changed += usize::from(expected != told(&found));
        }
    }
    assert!(changed > 0, "some evidence made a difference");
}
