//! Messages, titles and the commits of a push, judged by the command alone: no server runs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::harness::{Git, Outcome, Program, settings};

const ZEROS: &str = "0000000000000000000000000000000000000000";

/// A directory with a remote and clones of it.
struct Ground {
    directory: TempDir,
    remote: Git,
}

impl Ground {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let remote = Git::init_bare(&directory.path().join("remote"), directory.path()).await;
        let it = Self { directory, remote };
        let begin = it.clone("begin", &[]).await;
        begin.run(&["checkout", "-q", "-b", "main"]).await;
        begin.commit([("a", b"a".as_slice())], "chore: begin").await;
        begin.run(&["push", "-q", "origin", "main"]).await;
        it
    }

    /// A clone that has only what it was told to fetch, as from a forge.
    async fn clone(&self, name: &str, options: &[&str]) -> Git {
        let path = self.directory.path().join(name);
        let url = format!("file://{}", self.remote.path().display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([url.as_str(), path.to_str().unwrap()]);
        self.remote.run(&arguments).await;
        Git::at(&path, self.directory.path())
    }

    fn towpath(&self, arguments: &[&str]) -> Program {
        Program::new(&settings().towpath, self.directory.path()).args(arguments)
    }

    async fn check(&self, clone: &Git, arguments: &[&str]) -> Outcome {
        let program = self.towpath(&["commits", "check", "--repo"]);
        let program = program.args([clone.path().to_str().unwrap()]);
        program.args(arguments).run().await
    }

    /// The same as JSON, with the exit code that is meant.
    async fn json(&self, clone: &Git, arguments: &[&str], code: i32) -> Value {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        let outcome = self.check(clone, &all).await;
        assert_eq!(outcome.code, code, "{outcome}");
        serde_json::from_slice(&outcome.stdout).unwrap()
    }

    /// The command that a refused check says to run is run.
    async fn heed(&self, outcome: &Outcome, code: &str) {
        assert_eq!(outcome.code, 1, "{outcome}");
        let said = format!("error[{code}]");
        assert!(outcome.stderr.contains(&said), "{outcome}");
        let (_, fix) = outcome.stderr.split_once("fix: ").unwrap();
        let program = Program::new("sh", self.directory.path());
        program.args(["-c", fix.trim()]).run().await.ok();
    }

    async fn messages(&self, input: &str, arguments: &[&str]) -> Outcome {
        let program = self.towpath(&["commits", "check", "--messages", "-"]);
        program.args(arguments).feed(input.as_bytes()).await
    }
}

fn lines(all: &[&str]) -> String {
    let all = all.iter();
    all.map(|it| format!("{}\n", json!({ "message": it })))
        .collect()
}

fn answers(outcome: &Outcome) -> Vec<Value> {
    let text = outcome.text();
    let all = text.lines();
    all.map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[tokio::test]
async fn one_message_a_line_is_answered_by_one_line() {
    let ground = Ground::new().await;
    let input = lines(&[
        "feat(api)!: x\r\n\r\nbody\r\n\r\nRefs #1\r\nAcked-by: a\u{7f}\u{85}\u{1b}[2J\r\n",
        "Feature: y",
        "no type",
        "fixup! feat: x",
    ]);
    let outcome = ground.messages(&input, &["--output", "json"]).await;
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
    let all = answers(&ground.messages(&input, &branch).await);
    assert_eq!(all[3]["policy"], json!([]));
    assert_eq!(all[1]["policy"][0]["fix"], "write `feature`");
    let fine = ground.messages(&lines(&["fix: x"]), &[]).await;
    assert_eq!(fine.ok(), "1 message(s) checked, 0 failed\n");
    ground.messages("", &[]).await.ok();
}

#[tokio::test]
async fn a_line_that_is_no_message_refuses_all() {
    let ground = Ground::new().await;
    let good = lines(&["feat: x"]);
    for (bad, why) in [
        ("{", "column 1"),
        ("", "EOF"),
        ("[]", "no object"),
        ("{\"message\": 1}", "no string"),
        ("{\"text\": \"feat: x\"}", "no `message`"),
        ("{\"message\": \"feat: x\"} x", "trailing"),
    ] {
        let outcome = ground
            .messages(&format!("{good}{bad}\n{good}"), &["--output", "json"])
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
    let ground = Ground::new().await;
    let outcome = ground
        .messages(&lines(&inputs), &["--output", "json"])
        .await;
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
    let ground = Ground::new().await;
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

#[tokio::test]
async fn each_commit_of_a_range_is_judged_and_merges_are_not() {
    let ground = Ground::new().await;
    let person = ground.clone("person", &[]).await;
    person.run(&["checkout", "-q", "-b", "feature/x"]).await;
    let bad = person
        .commit([], "feat(ui): one\n\nbody\nBREAKING CHANGE: y")
        .await;
    person.run(&["checkout", "-q", "main"]).await;
    person.commit([], "fix: two").await;
    person
        .run(&[
            "merge",
            "-q",
            "--no-ff",
            "-m",
            "Merge branch 'feature/x'",
            "feature/x",
        ])
        .await;
    let outcome = ground.check(&person, &["origin/main..main"]).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    let text = outcome.text();
    for part in [
        format!("{}  feat(ui): one\n", &bad[..8]),
        "     4 | BREAKING CHANGE: y\n       | ^ `BREAKING CHANGE` inside a paragraph".to_owned(),
        "= put a blank line before `BREAKING CHANGE`\n".to_owned(),
        "2 commit(s) of ".to_owned(),
        "on main, which is protected: 1 failed; exempt: 1 merge(s)\n".to_owned(),
    ] {
        assert!(text.contains(&part), "{part:?}: {text}");
    }
    // Without a range: what the remote's default branch has not.
    let json = ground.json(&person, &[], 1).await;
    assert_eq!(json["exempt"]["merges"], 1, "{json:#}");
    let all = json["commits"].as_array().unwrap();
    let said: Vec<_> = all.iter().map(|it| (&it["commit"], &it["valid"])).collect();
    assert_eq!(said[0], (&json!(bad), &json!(false)));
    assert_eq!((said.len(), said[1].1), (2, &json!(true)), "{json:#}");
    let errors = &all[0]["errors"][0];
    assert_eq!((&errors["line"], &errors["column"]), (&4.into(), &1.into()));
    for range in ["main", "a...b"] {
        let outcome = ground.check(&person, &[range]).await;
        assert!(
            outcome.code == 2 && outcome.stderr.contains("A..B"),
            "{outcome}"
        );
    }
    let outcome = ground.check(&person, &["gone..main"]).await;
    assert!(
        outcome.code == 1 && outcome.stderr.contains("no-such-revision"),
        "{outcome}"
    );
}

#[tokio::test]
async fn what_git_writes_for_a_while_fails_on_protected_branches_with_a_hint() {
    let ground = Ground::new().await;
    let person = ground.clone("person", &[]).await;
    person.run(&["checkout", "-q", "-b", "feature/x"]).await;
    for message in [
        "feat: one",
        "fixup! feat: one",
        "squash! feat: one",
        "amend! feat: one\n\nfeat: two",
    ] {
        person.commit([("b", message.as_bytes())], message).await;
    }
    person.run(&["revert", "--no-edit", "HEAD"]).await;
    let json = ground.json(&person, &[], 0).await;
    assert_eq!(
        (&json["checked"], &json["exempt"]["passing"]),
        (&1.into(), &4.into()),
        "{json:#}"
    );
    for branch in ["main", "refs/heads/develop", "release/1/x"] {
        let json = ground.json(&person, &["--branch", branch], 1).await;
        assert_eq!(
            (&json["checked"], &json["failed"]),
            (&5.into(), &4.into()),
            "{json:#}"
        );
        let all = json["commits"].as_array().unwrap().iter();
        let fixes: Vec<_> = all
            .filter_map(|it| it["policy"][0]["fix"].as_str())
            .collect();
        assert!(
            fixes.len() == 4 && fixes[0].contains("--autosquash"),
            "{fixes:?}"
        );
        assert!(fixes[3].contains("`revert: "), "{fixes:?}");
    }
    // Nobody knows which branch that is.
    person.run(&["checkout", "-q", "--detach"]).await;
    let outcome = ground.check(&person, &[]).await;
    assert!(
        outcome.code == 1 && outcome.text().contains("not known"),
        "{outcome}"
    );
    ground
        .json(&person, &["--branch", "main", "--protected", "trunk"], 0)
        .await;
}

#[tokio::test]
async fn a_push_is_what_after_has_and_before_had_not() {
    let ground = Ground::new().await;
    let person = ground.clone("person", &[]).await;
    person.run(&["checkout", "-q", "-b", "develop"]).await;
    person.commit([], "Old words on develop").await;
    person.run(&["push", "-q", "origin", "develop"]).await;
    let before = person.commit([], "feat: one").await;
    person.run(&["checkout", "-q", "-b", "feature/x"]).await;
    let after = person.commit([], "two, wrong").await;
    let push =
        |before: &str, after: &str| ["--before", before, "--after", after].map(str::to_owned);
    let run = async |arguments: [String; 4], more: &[&str], code| {
        let mut all: Vec<_> = arguments.iter().map(String::as_str).collect();
        all.extend(more);
        ground.json(&person, &all, code).await
    };
    let json = run(push(&before, &after), &[], 1).await;
    assert_eq!(
        (&json["checked"], &json["failed"]),
        (&1.into(), &1.into()),
        "{json:#}"
    );
    // A new branch: all that the default branch has not, but for what develop was let have.
    let json = run(push(ZEROS, &before), &[], 0).await;
    assert_eq!(
        (&json["checked"], &json["exempt"]["already_protected"]),
        (&0.into(), &2.into()),
        "{json:#}"
    );
    person
        .run(&["branch", "-f", "develop", "origin/develop"])
        .await;
    let json = run(push(ZEROS, &before), &[], 0).await;
    assert_eq!(
        (&json["checked"], &json["exempt"]["already_protected"]),
        (&1.into(), &1.into()),
        "{json:#}"
    );
    // That branch itself has no excuse, and one that is named as a range neither.
    let json = run(push(ZEROS, &before), &["--branch", "develop"], 1).await;
    assert_eq!(
        (&json["checked"], &json["failed"]),
        (&2.into(), &1.into()),
        "{json:#}"
    );
    ground.json(&person, &["main..develop"], 1).await;
    // The first push of all, and one that deletes.
    let json = run(push(ZEROS, &before), &["--branch", "main"], 0).await;
    assert_eq!(
        (&json["from"], &json["checked"]),
        (&Value::Null, &1.into()),
        "{json:#}"
    );
    let json = run(push(&before, ZEROS), &[], 0).await;
    assert_eq!(
        (&json["to"], &json["checked"]),
        (&Value::Null, &0.into()),
        "{json:#}"
    );
}

#[tokio::test]
async fn what_a_clone_lacks_is_fetched_by_the_command_that_is_printed() {
    let ground = Ground::new().await;
    let person = ground.clone("person", &[]).await;
    person.run(&["checkout", "-q", "-b", "feature/x"]).await;
    let before = person.commit([], "feat: first try").await;
    person.run(&["push", "-q", "origin", "feature/x"]).await;
    person.run(&["reset", "-q", "--hard", "main"]).await;
    for at in 0..5 {
        person
            .commit([], &format!("feat: second try, part {at}"))
            .await;
    }
    let after = person.commit([], "not good").await;
    person
        .run(&["push", "-q", "--force", "origin", "feature/x"])
        .await;
    let (forced, new) = (
        ["--before", &before, "--after", &after],
        ["--before", ZEROS, "--after", &after],
    );
    for (name, option, push, code) in [
        ("a clone's", "--single-branch", forced, "commit-missing"),
        ("shallow", "--depth=2", forced, "commit-missing"),
        ("new", "--single-branch", new, "no-default-branch"),
        ("new shallow", "--depth=2", new, "shallow-history"),
    ] {
        let clone = ground.clone(name, &[option, "--branch", "feature/x"]).await;
        let mut outcome = ground.check(&clone, &push).await;
        if name == "new shallow" {
            ground.heed(&outcome, "no-default-branch").await;
            outcome = ground.check(&clone, &push).await;
        }
        ground.heed(&outcome, code).await;
        let json = ground
            .json(&clone, &[&push[..], &["--branch", "feature/x"]].concat(), 1)
            .await;
        assert_eq!(
            (&json["checked"], &json["failed"]),
            (&6.into(), &1.into()),
            "{name}: {json:#}"
        );
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
    let ground = Ground::new().await;
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
    let json = ground.json(&ground.remote, &["main..many"], 0).await;
    let range = began.elapsed();
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
