//! Several applications that go somewhere as one.

use super::*;

fn part(application: &str, standing: Standing) -> Part {
    Part {
        application: application.to_owned(),
        from: Some("v1".to_owned()),
        to: "v2".to_owned(),
        remarks: Vec::new(),
        standing,
    }
}

fn known(added: Vec<Commit>, removed: Vec<Commit>) -> Standing {
    Standing::Known(Box::new(changelog(added, removed, &[])))
}

fn shop() -> Bundle {
    let undo = format!("Revert \"fix: b\"\n\nThis reverts commit {}.", oid(2));
    let long = line(&["feat!: a", "fix: b", undo.as_str(), "Update c", "docs: d"]);
    // As far as the second commit: what takes it back has not come.
    let short = long[3..].to_vec();
    let aside = vec![commit(7, &[0], "fix: gone")];
    Bundle {
        name: "shop/2".to_owned(),
        environment: "production".to_owned(),
        remarks: vec!["It came.".to_owned()],
        parts: vec![
            part("api", known(short, Vec::new())),
            part("cron", Standing::Unknown("no-commit: why".to_owned())),
            part("mail", known(Vec::new(), aside)),
            part("ui", Standing::Unchanged),
            part("web", known(long, Vec::new())),
        ],
    }
}

#[test]
fn each_commit_is_there_once_with_the_applications_it_belongs_to() {
    let shop = shop();
    let union = Union::of(&shop.parts);
    let shown = union.added.shown.iter();
    let shown: Vec<_> = shown
        .map(|it| {
            (
                it.it.oid.clone(),
                it.applications.join(" "),
                it.left_out_for.join(" "),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (oid(1), "api web".to_owned(), String::new()),
            (oid(2), "api".to_owned(), "web".to_owned()),
            (oid(4), "web".to_owned(), String::new()),
        ]
    );
    let left_out = union.added.left_out.iter();
    let mut left_out: Vec<_> = left_out.map(|it| it.it.oid.clone()).collect();
    left_out.sort();
    let mut expected = vec![oid(3), oid(5)];
    expected.sort();
    assert_eq!(left_out, expected);
    assert_eq!((union.added.count(), union.removed.count()), (5, 1));
    let names: Vec<_> = shop.parts.iter().map(|it| it.standing.name()).collect();
    assert_eq!(
        names,
        ["forward", "unknown", "backward", "unchanged", "forward"]
    );
}

#[test]
fn what_breaks_stands_first_and_nothing_stands_twice() {
    let text = shop().text();
    let lines: Vec<_> = text.lines().filter(|it| !it.is_empty()).collect();
    let begins = |line: &str| {
        let found = lines.iter().position(|it| it.starts_with(line));
        found.unwrap_or_else(|| panic!("no line begins with {line} in\n{text}"))
    };
    let order = [
        "shop/2 in production",
        "5 application(s): 5 commit(s) added, 1 removed; each is listed once. Of 1 application(s)",
        "It came.",
        "Applications",
        "  - api: v1 to v2: 2 commit(s) added",
        "  - cron: v1 to v2, unknown: no-commit: why",
        "  - mail: v1 to v2, back: 1 commit(s) removed",
        "  - ui: v2, unchanged",
        "Breaking changes (1)",
        "  - api, web: a [feat] (",
        "Added: api (1)",
        "  - b (",
        "Added: web (3)",
        "  - Update c (",
        "Left out (2)",
        "Removed: mail (1)",
        "  - gone (",
    ];
    let places: Vec<_> = order.into_iter().map(begins).collect();
    assert!(places.is_sorted(), "{places:?} in\n{text}");
    for at in [1, 2, 4, 7] {
        let oid = oid(at);
        let short = &oid.as_str()[..12];
        let count = lines
            .iter()
            .filter(|it| it.contains(&format!("({short})")))
            .count();
        assert_eq!(count, 1, "{short} in\n{text}");
    }
}

#[test]
fn what_is_only_counted_is_said() {
    let Standing::Known(it) = known(line(&["feat!: a", "fix!: b", "fix: c"]), Vec::new()) else {
        panic!("it is known");
    };
    let mut cut = it.bounded(0, 250);
    cut.from = None;
    let standing = Standing::Known(Box::new(cut));
    assert_eq!(standing.name(), "new");
    let bundle = Bundle {
        parts: vec![Part {
            from: None,
            ..part("api", standing)
        }],
        ..shop()
    };
    let text = bundle.text();
    for said in [
        "1 and at most 2 more commit(s) added",
        "v2, new there: 3 commit(s) added",
        "1 more break something",
        "2 of them are only counted",
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
}

#[test]
fn commits_of_one_second_keep_the_order_of_their_list() {
    let messages: Vec<_> = (0..30).map(|it| format!("fix: {it}")).collect();
    let messages: Vec<_> = messages.iter().map(String::as_str).collect();
    let mut commits = line(&messages);
    for it in &mut commits {
        it.committed_at = 7;
    }
    let expected: Vec<_> = commits.iter().map(|it| it.oid.clone()).collect();
    let parts = [part("api", known(commits, Vec::new()))];
    let union = Union::of(&parts);
    let shown: Vec<_> = union
        .added
        .shown
        .iter()
        .map(|it| it.it.oid.clone())
        .collect();
    assert_eq!(shown, expected);
}
