//! What is new between two revisions is exactly what git says lies between them, on repositories
//! that git itself made.

use std::collections::BTreeSet;
use std::path::Path;

use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Git, Outcome, Program, settings};

/// A repository with a working tree, and a place for others beside it.
pub(super) struct Clone {
    pub(super) dir: TempDir,
    pub(super) git: Git,
}

impl Clone {
    pub(super) async fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("towpath-range-")
            .tempdir()
            .unwrap();
        let path = dir.path().join("repo");
        std::fs::create_dir(&path).unwrap();
        let git = Git::at(&path, dir.path());
        git.run(&["init", "-q", "-b", "main"]).await;
        git.run(&["config", "uploadpack.allowFilter", "true"]).await;
        Self { dir, git }
    }

    /// A clone of it with these options, made over the protocol.
    pub(super) async fn copy(&self, name: &str, options: &[&str]) -> Git {
        let path = self.dir.path().join(name);
        let from = format!("file://{}", self.git.path().display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend(options);
        arguments.extend([from.as_str(), path.to_str().unwrap()]);
        self.git.run(&arguments).await;
        Git::at(&path, self.dir.path())
    }

    pub(super) async fn commit(&self, file: &str, content: &str, message: &str) -> String {
        self.git.commit([(file, content.as_bytes())], message).await
    }
}

pub(super) async fn towpath(at: &Path, arguments: &[&str]) -> Outcome {
    let program = Program::new(&settings().towpath, at.parent().unwrap());
    program.within(at).args(arguments).run().await
}

pub(super) async fn json(git: &Git, range: &str) -> Value {
    let text = towpath(git.path(), &["changelog", range, "--output", "json"])
        .await
        .ok();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The commits of a side: shown, and left out for this reason, or any.
pub(super) fn told(side: &Value) -> BTreeSet<String> {
    let all = [shown(side), left_out(side, "")].concat();
    assert_eq!(side["count"], all.len(), "{side:#}");
    let commits: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(commits.len(), all.len(), "one is told twice: {side:#}");
    commits
}

fn shown(side: &Value) -> Vec<String> {
    names(side["shown"].as_array().unwrap().iter())
}

pub(super) fn left_out(side: &Value, reason: &str) -> Vec<String> {
    let all = side["left_out"].as_array().unwrap().iter();
    names(all.filter(|it| reason.is_empty() || it["reason"] == reason))
}

fn names<'a>(all: impl Iterator<Item = &'a Value>) -> Vec<String> {
    all.map(|it| it["commit"].as_str().unwrap().to_owned())
        .collect()
}

pub(super) async fn rev_list(git: &Git, range: &str) -> BTreeSet<String> {
    let text = git.run(&["rev-list", range]).await;
    text.lines().map(str::to_owned).collect()
}

/// A history for `git fast-import` in which the same change is often made on two lines.
fn history(random: &mut rand::rngs::StdRng, commits: usize) -> String {
    const MESSAGES: &[&str] = &[
        "feat: a",
        "fix(x): b",
        "docs: c",
        "Just so",
        "feat!: d",
        "chore: e",
    ];
    let mut states: Vec<Vec<Vec<u32>>> = Vec::new();
    let mut stream = String::new();
    for at in 0..commits {
        // Mostly one of the last: long lines, some of them side by side.
        let recent = at.saturating_sub(6)..at;
        let parent = (at > 0).then(|| random.random_range(recent.clone()));
        let other = (at > 6 && random.random_range(0..6) == 0).then(|| random.random_range(recent));
        let mut state = parent.map_or_else(|| vec![vec![0; 30]; 2], |it| states[it].clone());
        let file = random.random_range(0..2_usize);
        // Never nothing: git takes all commits that change nothing for one change.
        let line = &mut state[file][random.random_range(0..3_usize) * 10 + 4];
        *line = (*line + random.random_range(1..3)) % 3;
        let message = MESSAGES[random.random_range(0..MESSAGES.len())];
        let message = format!("{message} {at}");
        // Clocks that are not in order.
        let time = 1_700_000_000 + at * 60 - random.random_range(0..200_usize);
        let mut lines = vec![
            format!("commit refs/tags/c{at}"),
            format!("mark :{}", at + 1),
            format!("committer W <w@example.com> {time} +0000"),
            format!("data {}\n{message}", message.len()),
        ];
        lines.extend(parent.map(|it| format!("from :{}", it + 1)));
        lines.extend(
            other
                .filter(|it| Some(*it) != parent)
                .map(|it| format!("merge :{}", it + 1)),
        );
        for (number, content) in state.iter().enumerate() {
            let content: Vec<_> = content
                .iter()
                .enumerate()
                .map(|(at, it)| format!("{at} {it}\n"))
                .collect();
            let content = content.concat();
            lines.push(format!(
                "M 100644 inline f{number}\ndata {}\n{content}",
                content.len()
            ));
        }
        states.push(state);
        stream.push_str(&lines.join("\n"));
        stream.push('\n');
    }
    stream
}

/// Shown and left out are what `git rev-list` says, both ways; and the same change on both sides
/// is what git takes for it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_from_random_ranges() {
    let mut twins = 0;
    for seed in 0..8 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let world = Clone::new().await;
        let commits = 60;
        let stream = history(&mut random, commits);
        let import = Program::new("git", world.dir.path()).within(world.git.path());
        import
            .args(["fast-import", "--quiet"])
            .feed(stream.as_bytes())
            .await
            .ok();
        if seed % 2 == 1 {
            world
                .git
                .run(&["commit-graph", "write", "--reachable"])
                .await;
        }
        for _ in 0..6 {
            let (a, b) = (
                random.random_range(0..commits),
                random.random_range(0..commits),
            );
            let (there, back) = (format!("c{a}..c{b}"), format!("c{b}..c{a}"));
            let it = json(&world.git, &there).await;
            let what = format!("seed {seed}, {there}: {it:#}");
            let (added, removed) = (
                rev_list(&world.git, &there).await,
                rev_list(&world.git, &back).await,
            );
            assert_eq!(told(&it["added"]), added, "{what}");
            assert_eq!(told(&it["removed"]), removed, "{what}");
            let direction = match (added.is_empty(), removed.is_empty()) {
                (true, true) => "same",
                (false, true) => "forward",
                (true, false) => "backward",
                (false, false) => "diverged",
            };
            assert_eq!(it["direction"], direction, "{what}");
            let marked = world
                .git
                .run(&[
                    "rev-list",
                    "--no-merges",
                    "--cherry-mark",
                    "--left-right",
                    &format!("c{a}...c{b}"),
                ])
                .await;
            let same: BTreeSet<_> = marked
                .lines()
                .filter_map(|it| it.strip_prefix('='))
                .map(str::to_owned)
                .collect();
            let ours: BTreeSet<_> = ["added", "removed"]
                .iter()
                .flat_map(|side| left_out(&it[*side], "on-both-sides"))
                .collect();
            assert_eq!(ours, same, "{what}");
            twins += same.len();
        }
    }
    assert!(twins > 20, "{twins} commits had twins: that says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotfix_line_and_a_rollback_are_told_both_ways() {
    let world = Clone::new().await;
    world.commit("a", "1", "feat: one").await;
    world.git.run(&["tag", "v1"]).await;
    let two = world.commit("a", "2", "feat: two").await;
    let fix = world.commit("b", "fixed", "fix: late").await;
    world.git.run(&["tag", "v2"]).await;
    world
        .git
        .run(&["checkout", "-q", "-b", "hotfix", "v1"])
        .await;
    world.git.run(&["cherry-pick", &fix]).await;
    let picked = world.git.run(&["rev-parse", "HEAD"]).await;
    let only = world.commit("c", "urgent", "fix: urgent").await;
    world.git.run(&["tag", "v1-hotfix"]).await;

    let it = json(&world.git, "v1-hotfix..v2").await;
    assert_eq!(it["direction"], "diverged", "{it:#}");
    assert_eq!(shown(&it["added"]), [two.as_str()]);
    assert_eq!(shown(&it["removed"]), [only.as_str()]);
    assert_eq!(it["added"]["left_out"][0]["because_of"][0], picked.as_str());
    assert_eq!(it["removed"]["left_out"][0]["because_of"][0], fix.as_str());

    let it = json(&world.git, "v2..v1").await;
    assert_eq!(it["direction"], "backward", "{it:#}");
    assert_eq!(
        (shown(&it["added"]).len(), shown(&it["removed"]).len()),
        (0, 2)
    );
    assert_eq!(json(&world.git, "v1..v1").await["direction"], "same");
    // HEAD stands for an empty side, from a directory below.
    assert_eq!(shown(&json(&world.git, "v1..").await["added"]).len(), 2);
    assert_eq!(shown(&json(&world.git, "..v1").await["removed"]).len(), 2);
    let text = towpath(world.git.path(), &["changelog", "v2..v1"])
        .await
        .ok();
    assert!(
        text.contains("The second is older") && text.contains("Removed (2)"),
        "{text}"
    );

    // Merged back, the picked change is told once.
    world.git.run(&["checkout", "-q", "main"]).await;
    world.git.run(&["merge", "-q", "--no-edit", "hotfix"]).await;
    let it = json(&world.git, "v1..main").await;
    let mut expected = [two, fix.clone(), only];
    let mut found = shown(&it["added"]);
    expected.sort_unstable();
    found.sort_unstable();
    // Which of the two is kept is a matter of clocks, which agree here to a second.
    let kept = left_out(&it["added"], "duplicate");
    assert!(
        kept == [picked.as_str()] || kept == [fix.as_str()],
        "{it:#}"
    );
    let renamed = found.iter().map(|it| {
        if *it == picked {
            fix.clone()
        } else {
            it.clone()
        }
    });
    let mut renamed: Vec<_> = renamed.collect();
    renamed.sort_unstable();
    assert_eq!(renamed, expected, "{it:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reverts_go_with_what_they_revert_only_when_both_are_there() {
    let world = Clone::new().await;
    world.commit("a", "1", "feat: one").await;
    let old = world.commit("b", "2", "feat: old").await;
    world.git.run(&["tag", "v1"]).await;
    let new = world.commit("c", "3", "feat: new").await;
    for commit in [&new, &old] {
        world.git.run(&["revert", "--no-edit", commit]).await;
    }
    let (undo_new, undo_old) = (
        world.git.run(&["rev-parse", "HEAD~1"]).await,
        world.git.run(&["rev-parse", "HEAD"]).await,
    );
    let it = json(&world.git, "v1..HEAD").await;
    assert_eq!(shown(&it["added"]), [undo_old], "{it:#}");
    assert_eq!(it["added"]["shown"][0]["section"], "reverts");
    assert_eq!(it["added"]["shown"][0]["reverts"][0], old.as_str());
    assert_eq!(left_out(&it["added"], "revert"), [undo_new.as_str()]);
    assert_eq!(left_out(&it["added"], "reverted"), [new.as_str()]);
    // With the end before it the revert is alone.
    let it = json(&world.git, &format!("{new}..{undo_new}")).await;
    assert_eq!(shown(&it["added"]), [undo_new.as_str()], "{it:#}");
    // Taken back itself, it takes nothing back.
    world.git.run(&["revert", "--no-edit", &undo_new]).await;
    let it = json(&world.git, "v1..HEAD").await;
    assert!(shown(&it["added"]).contains(&new), "{it:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_commits_are_text_everywhere() {
    let world = Clone::new().await;
    world.commit("a", "1", "feat: one").await;
    world.git.run(&["tag", "v1"]).await;
    let url = "https://user:s3cret@github.com/acme/shop.git";
    world.git.run(&["remote", "add", "origin", url]).await;
    let hostile = Git::at(world.git.path(), world.dir.path())
        .by("<img src=x>@team\u{202e}", "](javascript:alert(1))");
    let message = "feat(`x`): <script>alert(1)</script> [x](javascript:alert(1)) ![y](z) @all (#7)\n\n\
        BREAKING CHANGE: # heading `code`\nCo-authored-by: @eve <script> <e@example.com>";
    let commit = hostile.commit([("b", &b"2"[..])], message).await;
    let print = async |format| {
        towpath(world.git.path(), &["changelog", "v1..", "--output", format])
            .await
            .ok()
    };
    let (markdown, html, text) = (
        print("markdown").await,
        print("html").await,
        print("text").await,
    );
    for (format, shown) in [("markdown", &markdown), ("html", &html), ("text", &text)] {
        assert!(
            !shown.contains("s3cret") && !shown.contains('\u{202e}'),
            "{format}: {shown}"
        );
        assert!(
            shown.contains("https://github.com/acme/shop/"),
            "{format}: {shown}"
        );
    }
    for bare in [
        "<script",
        "<img",
        "](javascript:",
        "![y]",
        "`code`",
        "@all",
        "@eve",
        "\n# heading",
    ] {
        assert!(!markdown.contains(bare), "{bare} in {markdown}");
        assert!(!html.contains(bare), "{bare} in {html}");
    }
    assert!(
        markdown.contains(&format!("](https://github.com/acme/shop/commit/{commit})")),
        "{markdown}"
    );
    assert!(
        markdown.contains("[\\#7](https://github.com/acme/shop/issues/7)"),
        "{markdown}"
    );
    let it = json(&world.git, "v1..").await;
    let entry = &it["added"]["shown"][0];
    assert_eq!(entry["section"], "breaking", "{it:#}");
    assert_eq!(entry["co_authors"][0]["name"], "@eve <script>");
    assert!(
        it["compare"]
            .as_str()
            .unwrap()
            .starts_with("https://github.com/acme/shop/compare/")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused_with_the_way_to_ask_it() {
    let world = Clone::new().await;
    world.commit("a", "1", "feat: one").await;
    let home = world.dir.path().to_str().unwrap();
    for (arguments, code, said) in [
        (&["changelog", "a...b"][..], 2, "`a..b` lists both already"),
        (&["changelog", ".."], 2, "write `A..B`"),
        (&["changelog", "a..b..c"], 2, "is no range"),
        (
            &["changelog", "HEAD..nothing"],
            1,
            "`nothing` names no commit",
        ),
        (
            &["changelog", "HEAD..", "--repo", home],
            2,
            "error[no-repository]",
        ),
        (
            &["changelog", "0123abcd", "--repo", "."],
            2,
            "error[no-range]",
        ),
        (
            &["changelog", "HEAD..", "--environment", "production"],
            2,
            "error[no-release]",
        ),
        (&["status", "--output", "markdown"], 2, "error[output]"),
    ] {
        let outcome = towpath(world.git.path(), arguments).await;
        assert_eq!(outcome.code, code, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
    }
}
