//! The commits of a range or a push, judged by the command alone: no server runs.

use serde_json::{Value, json};

use crate::harness::{Clones, Git, Outcome, Program};

const ZEROS: &str = "0000000000000000000000000000000000000000";

async fn check(ground: &Clones, clone: &Git, arguments: &[&str]) -> Outcome {
    let program = ground.towpath(&["commits", "check", "--repo"]);
    let program = program.args([clone.path().to_str().unwrap()]);
    program.args(arguments).run().await
}

/// The same as JSON, with the exit code that is meant.
async fn judged(ground: &Clones, clone: &Git, arguments: &[&str], code: i32) -> Value {
    let mut all = vec!["--output", "json"];
    all.extend(arguments);
    let outcome = check(ground, clone, &all).await;
    assert_eq!(outcome.code, code, "{outcome}");
    serde_json::from_slice(&outcome.stdout).unwrap()
}

/// The command that a refused check says to run is run.
async fn heed(ground: &Clones, outcome: &Outcome, code: &str) {
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = format!("error[{code}]");
    assert!(outcome.stderr.contains(&said), "{outcome}");
    let (_, fix) = outcome.stderr.split_once("fix: ").unwrap();
    let program = Program::new("sh", ground.directory.path());
    program.args(["-c", fix.trim()]).run().await.ok();
}

#[tokio::test]
async fn each_commit_of_a_range_is_judged_and_merges_are_not() {
    let ground = Clones::new().await;
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
    let outcome = check(&ground, &person, &["origin/main..main"]).await;
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
    let json = judged(&ground, &person, &[], 1).await;
    assert_eq!(json["exempt"]["merges"], 1, "{json:#}");
    let all = json["commits"].as_array().unwrap();
    let said: Vec<_> = all.iter().map(|it| (&it["commit"], &it["valid"])).collect();
    assert_eq!(said[0], (&json!(bad), &json!(false)));
    assert_eq!((said.len(), said[1].1), (2, &json!(true)), "{json:#}");
    let errors = &all[0]["errors"][0];
    assert_eq!((&errors["line"], &errors["column"]), (&4.into(), &1.into()));
    for range in ["main", "a...b"] {
        let outcome = check(&ground, &person, &[range]).await;
        assert!(
            outcome.code == 2 && outcome.stderr.contains("A..B"),
            "{outcome}"
        );
    }
    let outcome = check(&ground, &person, &["gone..main"]).await;
    assert!(
        outcome.code == 1 && outcome.stderr.contains("no-such-revision"),
        "{outcome}"
    );
}

#[tokio::test]
async fn what_git_writes_for_a_while_fails_on_protected_branches_with_a_hint() {
    let ground = Clones::new().await;
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
    let json = judged(&ground, &person, &[], 0).await;
    assert_eq!(
        (&json["checked"], &json["exempt"]["passing"]),
        (&1.into(), &4.into()),
        "{json:#}"
    );
    for branch in ["main", "refs/heads/develop", "release/1/x"] {
        let json = judged(&ground, &person, &["--branch", branch], 1).await;
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
    let outcome = check(&ground, &person, &[]).await;
    assert!(
        outcome.code == 1 && outcome.text().contains("not known"),
        "{outcome}"
    );
    judged(
        &ground,
        &person,
        &["--branch", "main", "--protected", "trunk"],
        0,
    )
    .await;
}

#[tokio::test]
async fn a_push_is_what_after_has_and_before_had_not() {
    let ground = Clones::new().await;
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
        judged(&ground, &person, &all, code).await
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
    judged(&ground, &person, &["main..develop"], 1).await;
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
    let ground = Clones::new().await;
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
        ("new shallow", "--depth=2", new, "shallow_history"),
    ] {
        let clone = ground.clone(name, &[option, "--branch", "feature/x"]).await;
        let mut outcome = check(&ground, &clone, &push).await;
        if name == "new shallow" {
            heed(&ground, &outcome, "no-default-branch").await;
            outcome = check(&ground, &clone, &push).await;
        }
        heed(&ground, &outcome, code).await;
        let json = judged(
            &ground,
            &clone,
            &[&push[..], &["--branch", "feature/x"]].concat(),
            1,
        )
        .await;
        assert_eq!(
            (&json["checked"], &json["failed"]),
            (&6.into(), &1.into()),
            "{name}: {json:#}"
        );
    }
}
