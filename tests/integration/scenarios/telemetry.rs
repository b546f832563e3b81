//! One report, one connected set of spans over every role that took part, and numbers that a
//! strict reader takes; a token in none of it.

use std::collections::BTreeSet;

use hyper::Method;
use proto::delivery::v1::ExplainResponse;
use serde_json::Value;

use super::approvals::TRACK as APPROVALS;
use crate::harness::{Report, Server, Shape, Spans, World, http, python, releases, settings};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Reports a build as part of the caller's own trace; gives its deployment.
async fn report(server: &Server, token: &str, report: &Report) -> String {
    let (bearer, context) = (format!("Bearer {token}"), format!("00-{TRACE}-{CALLER}-01"));
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &bearer),
        ("traceparent", &context),
    ];
    let body = report.json().to_string().into_bytes();
    let path = "/api/v1/builds";
    let answer = http(&server.address, Method::POST, path, &headers, body).await;
    let json = answer.unwrap().json();
    let id = json["deployments"][0]["id"].as_str();
    id.unwrap_or_else(|| panic!("{json}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_report_is_one_connected_set_of_spans() {
    connected(settings().shape).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_report_is_one_connected_set_of_spans_over_five_processes() {
    connected(Shape::Split).await;
}

async fn connected(shape: Shape) {
    let (world, _) = releases(&[("track.yaml", APPROVALS)]).await;
    let spans = Spans::receive().await;
    let world = world.shaped(shape).traced(&spans.url);
    let server = world.start().await;
    let token = world.token("canary", "ci").await;
    let image = world.image("api", "1.0.0").await;
    let id = report(&server, &token, &Report::of("api", "1.0.0", &image)).await;
    // Through the first environment, up to where somebody has to approve.
    let asks = |it: &ExplainResponse| it.waiting.iter().any(|it| it.on == "approval");
    server.api().explained(&id, asks).await;
    server.api().quiet().await;
    let admin = server.token.clone();
    // What is left is sent before it ends.
    server.stop().await;

    let found = spans.of(&bytes(TRACE));
    let services: BTreeSet<_> = found.iter().map(|it| it.0.as_str()).collect();
    for role in ["approval-ledger", "cd-manager", "changelog", "runner"] {
        assert!(services.contains(role), "{role} in {services:?}");
    }
    let mut ids: BTreeSet<Vec<u8>> = found.iter().map(|it| it.1.span_id.clone()).collect();
    ids.insert(bytes(CALLER));
    for (service, span) in &found {
        let has_parent = ids.contains(&span.parent_span_id);
        assert!(has_parent, "{service}: {} hangs in the air", span.name);
    }
    let names: BTreeSet<_> = found.iter().map(|it| it.1.name.as_str()).collect();
    for name in ["POST /api/v1/builds", "effect promote", "effect apply"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    let text = spans.text();
    for secret in [&token, &admin, "Bearer"] {
        assert!(!text.contains(secret), "a span holds a secret");
    }
    let export = world.export().await;
    let traced = export.records.iter().filter(|it| {
        let context = &it.commit.traceparent;
        context.starts_with(&format!("00-{TRACE}-"))
    });
    assert!(traced.count() > 5, "commits carry the context");
}

/// What every process counts, one text per process.
async fn metrics(server: &Server) -> Vec<String> {
    let mut texts = Vec::new();
    for address in &server.addresses {
        let answer = http(address, Method::GET, "/metrics", &[], vec![]).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        texts.push(answer.text());
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_what_a_strict_reader_takes_python() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let image = world.image("api", "1.0.0").await;
    server.deployed(&Report::of("api", "1.0.0", &image)).await;
    server.api().quiet().await;
    let texts = metrics(&server).await;
    let parsed = python::client("openmetrics.py", &world.home()).await;
    let mut names = String::new();
    for text in &texts {
        names += &parsed.feed(text.as_bytes()).await.ok();
    }
    let text = texts.concat();
    for name in [
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "towpath_append_seconds",
        "towpath_command_seconds",
        "towpath_commits",
        "towpath_deployments",
        "towpath_effects",
        "towpath_log_position",
        "towpath_projection_lag_commits",
        "towpath_projection_position",
        "towpath_requests",
        "towpath_request_seconds",
        "towpath_role_up",
    ] {
        assert!(names.lines().any(|it| it == name), "no {name} in {names}");
    }
    let archive = names.lines().any(|it| it == "towpath_archive_lag_commits");
    assert_eq!(archive, world.stores().await.is_some());
    for line in [
        "towpath_deployments{state=\"SUCCESS\"} 1.0",
        "towpath_projection_lag_commits 0.0",
        "towpath_role_up{role=\"runner\"} 1.0",
        "towpath_requests_total{method=\"POST /api/v1/builds\",status=\"200\"} 1",
        "towpath_effects_total{role=\"runner\",effect=\"apply\",outcome=\"done\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line} in {text}");
    }
    let stored = |text: &str| {
        let prefix = "towpath_commits_total{kind=\"deployment\",outcome=\"stored\"} ";
        let line = text.lines().find_map(|it| it.strip_prefix(prefix));
        line.and_then(|it| it.parse::<u64>().ok()).unwrap()
    };
    let export: Value = world.json(&["status"]).await;
    assert!(stored(&text) > 2 && stored(&text) < export["log_position"].as_u64().unwrap());
    assert!(!text.contains(&server.token));
    server.stop().await;
}
