//! What the reference says of every call is what a server does.

use crate::harness::{Api, World};

const PAGE: &str = include_str!("../../../docs/reference/services.md");

/// Groups that roles are given for; `admin` may call everything.
const GROUPS: [&str; 4] = ["viewer", "ci", "developer", "release-manager"];

/// One row of the page's tables of calls.
struct Call {
    path: String,
    who: String,
    needs_key: bool,
}

fn calls() -> Vec<Call> {
    let mut service = None;
    let mut calls = Vec::new();
    for line in PAGE.lines() {
        if line.starts_with('#') {
            let named = line.strip_prefix("### `towpath.");
            service = named.and_then(|it| it.strip_suffix('`'));
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let (Some(service), ["", name, _, who, key, _, ""]) = (service, &cells[..])
            && let Some(name) = name.strip_prefix('`').and_then(|it| it.strip_suffix('`'))
        {
            calls.push(Call {
                path: format!("/towpath.{service}/{name}"),
                who: (*who).to_owned(),
                needs_key: *key == "needed",
            });
        }
    }
    calls
}

/// The code of the refusal; nothing of an answer.
async fn refusal(api: &Api, path: &str) -> String {
    let refused = api.call_bare(path).await.err();
    refused.map(|it| it.code).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_asks_for_the_group_and_the_key_that_the_reference_names() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let calls = calls();
    assert!(calls.len() > 20, "rows of calls: {}", calls.len());
    assert!(calls.iter().any(|it| it.needs_key));
    for Call {
        path, needs_key, ..
    } in &calls
    {
        let asked = refusal(&server.api(), path).await == "idempotency-key-missing";
        assert_eq!(asked, *needs_key, "{path}");
    }
    for group in GROUPS {
        let token = world.token(group, group).await;
        let api = Api::at(&server.address, &token);
        for Call { path, who, .. } in &calls {
            let named = who == "whoever has a token" || who.contains(&format!("`{group}`"));
            let refused = refusal(&api, path).await == "not-allowed";
            assert_eq!(refused, !named, "{path} by {group}");
        }
    }
    server.stop().await;
}
