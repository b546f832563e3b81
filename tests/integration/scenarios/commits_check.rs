//! Messages and titles judged by the command alone: no server runs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Clones, Outcome, Program, settings};

async fn messages(ground: &Clones, input: &str, arguments: &[&str]) -> Outcome {
    let program = ground.towpath(&["commits", "check", "--messages", "-"]);
    program.args(arguments).feed(input.as_bytes()).await
}

fn lines(all: &[&str]) -> String {
    let all: Vec<_> = all.iter().map(|it| json!({ "message": it })).collect();
    let all: Vec<_> = all.iter().map(Value::to_string).collect();
    format!("{}\n", all.join("\n"))
}

fn answers(outcome: &Outcome) -> Vec<Value> {
    let text = outcome.text();
    let all = text.lines();
    all.map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[tokio::test]
async fn one_message_a_line_is_answered_by_one_line() {
    let ground = Clones::new().await;
    let input = lines(&[
        "feat(api)!: x\r\n\r\nbody\r\n\r\nRefs #1\r\nAcked-by: a\u{7f}\u{85}\u{1b}[2J\r\n",
        "Feature: y",
        "no type",
        "fixup! feat: x",
    ]);
    let outcome = messages(&ground, &input, &["--output", "json"]).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    let all = answers(&outcome);
    let first = json!({
        "valid": true, "type": "feat", "scope": "api", "breaking": true, "description": "x",
        "footers": [["Refs", "1"], ["Acked-by", "a\u{7f}\u{85}\u{1b}[2J"]],
        "errors": [], "policy": [],
    });
    assert_eq!(all[0], first);
    // What is asked beyond the specification is told apart from it.
    assert_eq!(
        (&all[1]["valid"], &all[1]["errors"]),
        (&true.into(), &json!([]))
    );
    assert_eq!(all[1]["policy"][0]["column"], 1);
    assert_eq!(
        (&all[2]["valid"], &all[2]["type"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(
        (&all[2]["errors"][0]["column"], &all[2]["policy"]),
        (&3.into(), &json!([]))
    );
    assert!(
        all[3]["policy"][0]["fix"]
            .as_str()
            .unwrap()
            .contains("--autosquash")
    );
    assert_eq!(all.len(), 4);

    let branch = [
        "--output",
        "json",
        "--branch",
        "feature/x",
        "--types",
        "feature,chore",
    ];
    let all = answers(&messages(&ground, &input, &branch).await);
    assert_eq!(all[3]["policy"], json!([]));
    assert_eq!(all[1]["policy"][0]["fix"], "write `feature`");
    let fine = messages(&ground, &lines(&["fix: x"]), &[]).await;
    assert_eq!(fine.ok(), "1 message(s) checked, 0 failed\n");
    messages(&ground, "", &[]).await.ok();
}

#[tokio::test]
async fn a_line_that_is_no_message_refuses_all() {
    let ground = Clones::new().await;
    let good = lines(&["feat: x"]);
    for (bad, why) in [
        ("{", "column 1"),
        ("", "EOF"),
        ("[]", "no object"),
        ("{\"message\": 1}", "no string"),
        ("{\"text\": \"feat: x\"}", "no `message`"),
        ("{\"message\": \"feat: x\"} x", "trailing"),
    ] {
        let outcome = messages(
            &ground,
            &format!("{good}{bad}\n{good}"),
            &["--output", "json"],
        )
        .await;
        assert_eq!(
            (outcome.code, outcome.text().as_str()),
            (2, ""),
            "{outcome}"
        );
        let said =
            outcome.stderr.contains("line 2 of standard input") && outcome.stderr.contains(why);
        assert!(said, "{outcome}");
    }
    let gone = ground
        .towpath(&["commits", "check", "--messages", "gone.jsonl"])
        .run()
        .await;
    assert!(
        gone.code == 2 && gone.stderr.contains("gone.jsonl cannot be read"),
        "{gone}"
    );
}

#[tokio::test]
async fn the_vectors_hold_from_outside() {
    let Some(shared) = &settings().shared else {
        println!("SKIPPED conventional-cases.jsonl: needs TOWPATH_SHARED");
        return;
    };
    let path = shared.join("data/vectors/conventional-cases.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let inputs: Vec<_> = vectors
        .iter()
        .map(|it| it["input"].as_str().unwrap())
        .collect();
    let ground = Clones::new().await;
    let outcome = messages(&ground, &lines(&inputs), &["--output", "json"]).await;
    let all = answers(&outcome);
    assert_eq!(all.len(), vectors.len(), "{}", outcome.stderr);
    for (vector, said) in vectors.iter().zip(&all) {
        for field in [
            "valid",
            "type",
            "scope",
            "breaking",
            "description",
            "footers",
        ] {
            assert_eq!(said[field], vector[field], "{field} of {vector}");
        }
        assert_eq!(said["errors"] == json!([]), said["valid"] == true, "{said}");
    }
    let valid = all.iter().filter(|it| it["valid"] == true).count();
    println!(
        "conventional-cases.jsonl: {} agree, {valid} of them valid",
        all.len()
    );
}

#[tokio::test]
async fn a_title_derives_its_label() {
    let ground = Clones::new().await;
    for (title, label) in [
        ("feat(api): answer in pages", json!("release/minor")),
        ("fix(api): answer in pages", Value::Null),
        ("feat!: answer in pages", json!("release/major")),
        ("chore(db)!: redesign", json!("release/major")),
        ("DOCS: feat: x", Value::Null),
    ] {
        let program = ground.towpath(&["version", "label", title, "--output", "json"]);
        let said: Value = serde_json::from_str(&program.run().await.ok()).unwrap();
        assert_eq!(said["label"], label, "{title}");
        assert!(
            said["why"].as_str().is_some_and(|it| !it.is_empty()),
            "{said}"
        );
    }
    let text = ground
        .towpath(&["version", "label", "fix: x"])
        .run()
        .await
        .ok();
    assert!(text.starts_with("no label: "), "{text}");
    let program = ground.towpath(&["version", "label", "feat: x", "--output", "github"]);
    assert_eq!(
        program.run().await.ok(),
        "label=release/minor\nlevel=minor\n"
    );
    let outcome = ground
        .towpath(&["version", "label", "feat(ä b: x\u{1b}[2J"])
        .run()
        .await;
    assert_eq!(
        (outcome.code, outcome.text().as_str()),
        (1, ""),
        "{outcome}"
    );
    for part in [
        "at column 5\n",
        "feat(ä b: x\\u{1b}[2J\n",
        "|     ^ ",
        "fix: close the scope",
    ] {
        assert!(outcome.stderr.contains(part), "{part:?}: {outcome}");
    }
}

/// 10,000 commits as a stream for `git fast-import`.
fn stream(message: &str) -> String {
    let mut stream = String::new();
    for at in 0..10_000 {
        let text = format!(
            "{message} {at}\n\nWhat was changed, and why,\nin a few lines.\n\nRefs: #{at}\n"
        );
        writeln!(stream, "commit refs/heads/many\nmark :{}", at + 1).unwrap();
        writeln!(
            stream,
            "committer W <w@example.org> {} +0000",
            1_700_000_000 + at
        )
        .unwrap();
        writeln!(stream, "data {}\n{text}", text.len()).unwrap();
        let from = if at == 0 {
            "refs/heads/main^0".to_owned()
        } else {
            format!(":{at}")
        };
        writeln!(stream, "from {from}\n").unwrap();
    }
    stream
}

#[tokio::test]
async fn ten_thousand_commits_take_less_than_a_second() {
    let ground = Clones::new().await;
    let stream = stream("feat(api): part");
    let git = Program::new("git", ground.directory.path()).within(ground.remote.path());
    git.args(["fast-import", "--quiet"])
        .feed(stream.as_bytes())
        .await
        .ok();
    // What was promised is promised of a release build; any other may share its machine.
    let limit = settings()
        .form
        .pick(Duration::from_secs(1), Duration::from_secs(10));
    let began = Instant::now();
    let path = ground.remote.path().to_str().unwrap();
    let arguments = [
        "commits",
        "check",
        "--output",
        "json",
        "--repo",
        path,
        "main..many",
    ];
    let text = ground.towpath(&arguments).run().await.ok();
    let range = began.elapsed();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["checked"], 10_000);
    let input: String = (0..10_000)
        .map(|at| {
            lines(&[&format!(
                "feat(api): part {at}\n\nWhat was changed.\n\nRefs: #{at}\n"
            )])
        })
        .collect();
    let file: PathBuf = ground.directory.path().join("messages.jsonl");
    std::fs::write(&file, input).unwrap();
    let began = Instant::now();
    let arguments = [
        "commits",
        "check",
        "--output",
        "json",
        "--messages",
        file.to_str().unwrap(),
    ];
    let text = ground.towpath(&arguments).run().await.ok();
    let messages = began.elapsed();
    assert_eq!(text.lines().count(), 10_000);
    println!("10,000 commits: as a range {range:?}, as messages {messages:?}");
    assert!(range < limit && messages < limit, "more than {limit:?}");
}
