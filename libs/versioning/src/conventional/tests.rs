//! Messages, good and bad, and whatever else somebody may write.

use proptest::prelude::*;

use super::*;

fn good(message: &str) -> Conventional {
    parse(message).unwrap_or_else(|faults| panic!("{message:?}: {faults:?}"))
}

fn footers(message: &str) -> Vec<(String, String)> {
    let all = good(message).footers.into_iter();
    all.map(|it| (it.token, it.value)).collect()
}

/// Line and column of each fault.
fn places(message: &str) -> Vec<(usize, usize)> {
    let faults = parse(message).expect_err(message);
    faults.iter().map(|it| (it.line, it.column)).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = all.iter();
    all.map(|(token, value)| ((*token).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_first_line_has_a_type_and_a_description() {
    let it = good("Feat(http parser)!:   add a: b (c)  \n");
    assert_eq!(it.kind, "Feat");
    assert!(it.is("feat") && !it.is("fix"));
    assert_eq!(it.scope.as_deref(), Some("http parser"));
    assert!(it.breaking);
    assert_eq!(it.description, "add a: b (c)");
    assert_eq!((it.body, it.footers), (None, vec![]));
    assert_eq!(good("wip_x-2: y!: z").kind, "wip_x-2");
    assert_eq!(good("änderung(größe): ü").scope.as_deref(), Some("größe"));
}

#[test]
fn a_wrong_first_line_is_wrong_at_a_column() {
    for (message, column) in [
        ("", 1),
        ("  ", 1),
        ("\nfeat: x", 1),
        (" feat: x", 1),
        ("(x): y", 1),
        (": x", 1),
        ("1: x", 1),
        ("Add things", 4),
        ("feat", 5),
        ("feat add", 5),
        ("feat (x): y", 5),
        ("feat; x", 5),
        ("feat!!: x", 6),
        ("feat! : x", 6),
        ("fixup! feat: x", 7),
        ("feat(x) : y", 8),
        ("feat(x)y: z", 8),
        ("feat(x: y", 5),
        ("feat(x\n): y", 5),
        ("feat(x(y)): z", 7),
        ("feat(): x", 6),
        ("feat( )!: x", 6),
        ("feat:x", 6),
        ("feat:\tx", 6),
        ("feat:", 6),
        ("feat(ü)!:  ", 10),
        ("ä ö", 2),
    ] {
        assert_eq!(places(message)[0], (1, column), "{message:?}");
    }
}

#[test]
fn what_follows_the_first_line_is_a_blank_line_away() {
    assert_eq!(places("feat: x\nbody"), [(2, 1)]);
    assert_eq!(places("feat: x\nBREAKING CHANGE: y"), [(2, 1)]);
    assert_eq!(places("feat: x\r\nRefs: 1"), [(2, 1)]);
    // Everything that is wrong is told at once.
    assert_eq!(
        places("feat x\nbody\nBREAKING CHANGE: y"),
        [(1, 5), (2, 1), (3, 1)]
    );
    assert_eq!(good("feat: x\n \t\nbody").body.as_deref(), Some("body"));
}

#[test]
fn footers_begin_behind_a_blank_line_and_end_with_the_message() {
    let it = good(
        "fix: x\n\n\nOne.\nNote: no footer\n\nTwo.\n\n\nRefs #7\nAcked-by:  A B \n goes on\n\nmore\n\n",
    );
    assert_eq!(it.body.as_deref(), Some("One.\nNote: no footer\n\nTwo."));
    let found: Vec<_> = it
        .footers
        .iter()
        .map(|it| (it.token.as_str(), it.value.as_str()))
        .collect();
    assert_eq!(
        found,
        [("Refs", "7"), ("Acked-by", "A B\n goes on\n\nmore")]
    );
    assert!(!it.breaking);
    // CRLF is LF.
    let windows = "fix: x\r\n\r\nbody\r\n\r\nRefs: 1\r\nBREAKING CHANGE: y\r\nz\r\n";
    assert_eq!(good(windows), good(&windows.replace("\r\n", "\n")));
}

#[test]
fn only_a_token_a_separator_and_a_value_are_a_footer() {
    for (line, footer) in [
        ("Refs: 1", Some(("Refs", "1"))),
        ("Refs:    #1 ", Some(("Refs", "#1"))),
        ("Refs #1", Some(("Refs", "1"))),
        ("X-: y", Some(("X-", "y"))),
        ("Refs: \n1", Some(("Refs", "1"))),
        ("Refs:1", None),
        ("Refs#1", None),
        ("Refs :1", None),
        ("Two words: x", None),
        (" Refs: 1", None),
        ("- Refs: 1", None),
        ("-: x", None),
        ("https://example.org", None),
        ("Refs:", None),
        ("Refs: ", None),
        ("Refs #", None),
        ("Refs: \n\n1", None),
    ] {
        let expected = pairs(footer.as_slice());
        assert_eq!(footers(&format!("feat: x\n\n{line}")), expected, "{line:?}");
        // Behind another footer, what is none goes on with that one's value.
        let behind = footers(&format!("feat: x\n\nA: b\n{line}"));
        assert_eq!(behind.len(), 1 + expected.len(), "{line:?}: {behind:?}");
    }
}

#[test]
fn breaking_is_what_rules_11_to_16_call_so() {
    for (message, is) in [
        ("feat!: x", true),
        ("feat: x!", false),
        ("feat: x\n\nBREAKING CHANGE: y", true),
        ("feat: x\n\nBREAKING-CHANGE: y", true),
        ("feat: x\n\nRefs: 1\nBREAKING CHANGE: y", true),
        ("feat: x\n\nRefs: 1\n\nBREAKING CHANGE: y\n\nRefs: 2", true),
        ("feat: x\n\nBREAKING CHANGE: \ny", true),
        ("feat: x\n\nBREAKING CHANGE #5", false),
        ("feat: x\n\nBREAKING CHANGE", false),
        ("feat: x\n\nBREAKING CHANGES: y", false),
        ("feat: x\n\nBreaking-Change: y", false),
        ("feat: x\n\nbreaking change: y", false),
        ("feat: x\n\nnot a BREAKING CHANGE: y", false),
    ] {
        assert_eq!(good(message).breaking, is, "{message:?}");
    }
    assert_eq!(footers("feat: x\n\nBREAKING CHANGE #5"), []);
}

#[test]
fn a_breaking_marker_among_text_is_a_fault() {
    assert_eq!(places("feat: x\n\nbody\nBREAKING CHANGE: y"), [(4, 1)]);
    assert_eq!(
        places("feat: x\n\nbody\nBREAKING-CHANGE: y\n\nRefs: 1"),
        [(4, 1)]
    );
    // One without a description breaks nothing that anybody could read about.
    assert_eq!(places("feat: x\n\nBREAKING CHANGE: "), [(3, 1)]);
    assert_eq!(
        places("feat: x\n\nRefs: 1\nBREAKING CHANGE: \nRefs: 2"),
        [(4, 1)]
    );
}

#[test]
fn a_very_long_message_is_read_in_one_go() {
    let message = format!("feat: x\n\n{}", "Refs: 1\n".repeat(100_000));
    assert_eq!(good(&message).footers.len(), 100_000);
    let message = format!("feat: x\n\n{}", "text\n\n".repeat(100_000));
    assert_eq!(good(&message).footers.len(), 0);
}

/// The message that means this.
fn rendered(it: &Conventional, bang: bool) -> String {
    let scope = it.scope.as_ref().map(|it| format!("({it})"));
    let marked = bang || it.breaking && !it.footers.iter().any(Footer::is_breaking);
    let mut text = format!(
        "{}{}{}: {}",
        it.kind,
        scope.unwrap_or_default(),
        if marked { "!" } else { "" },
        it.description
    );
    if let Some(body) = &it.body {
        text = format!("{text}\n\n{body}");
    }
    let footers = it.footers.iter();
    let footers: Vec<_> = footers
        .map(|it| format!("{}: {}", it.token, it.value))
        .collect();
    if footers.is_empty() {
        text
    } else {
        format!("{text}\n\n{}", footers.join("\n"))
    }
}

fn trimmed(pattern: &'static str) -> impl Strategy<Value = String> {
    let text = pattern.prop_map(|it| it.trim().to_owned());
    text.prop_filter("something to read", |it| !it.is_empty())
}

/// A paragraph that no footer begins, and that may look like some further down.
fn paragraph() -> impl Strategy<Value = String> {
    (
        "\\([a-z :#]{0,8}",
        prop::collection::vec("[A-Za-z:#-][A-Za-z:# -]{0,8}", 0..3),
    )
        .prop_map(|(first, more)| {
            std::iter::once(first)
                .chain(more)
                .collect::<Vec<_>>()
                .join("\n")
        })
}

fn footer() -> impl Strategy<Value = Footer> {
    let token = prop_oneof![
        Just("BREAKING CHANGE".to_owned()),
        Just("BREAKING-CHANGE".to_owned()),
        "[A-Za-z0-9][A-Za-z0-9-]{0,8}",
    ];
    let more = prop::option::of(paragraph());
    (token, trimmed("\\PC{1,12}"), more).prop_map(|(token, first, more)| {
        // The following lines of a value may not begin a footer either.
        let more = more.and_then(|it| {
            it.split_once('\n')
                .map(|(first, _)| first.to_owned())
                .or(Some(it))
        });
        let lines = std::iter::once(first).chain(more);
        let value = lines.collect::<Vec<_>>().join("\n");
        Footer { token, value }
    })
}

prop_compose! {
    fn conventional()(
        kind in "[A-Za-z][A-Za-z0-9_-]{0,8}",
        scope in prop::option::of(trimmed("[^()\\p{C}]{1,8}")),
        breaking in any::<bool>(),
        description in trimmed("\\PC{1,20}"),
        body in prop::collection::vec(paragraph(), 0..3),
        footers in prop::collection::vec(footer(), 0..4),
    ) -> Conventional {
        Conventional {
            kind,
            scope,
            breaking: breaking || footers.iter().any(Footer::is_breaking),
            description,
            body: (!body.is_empty()).then(|| body.join("\n\n")),
            footers,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(it in conventional(), bang in any::<bool>(), ends in "[\n]{0,3}") {
        let bang = bang && it.breaking;
        let text = rendered(&it, bang);
        prop_assert_eq!(parse(&format!("{text}{ends}")), Ok(it.clone()));
        prop_assert_eq!(parse(&text.replace('\n', "\r\n")), Ok(it));
    }

    #[test]
    fn any_text_is_read_or_refused_in_its_lines(
        text in "(feat|BREAKING[ -]CHANGE|Refs|[(!: #)]|\r?\n|\\PC){0,24}",
    ) {
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.is_empty());
            for it in &faults {
                let line = lines(&text).get(it.line - 1).map(|it| it.chars().count());
                prop_assert!(line.is_some_and(|end| (1..=end + 1).contains(&it.column)), "{}", it);
            }
            prop_assert!(faults.is_sorted());
        }
    }
}
