//! Whatever is written in a commit, its author's name or a branch's, is text when it is read.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::tests::{commit, end};
use super::visible::visible;
use super::*;

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</li></ul><img src=x onerror=alert(1)>",
    "`code` ``two`` ```",
    "[click](javascript:alert(1)) ](javascript:alert(1))",
    "![x](https://example.com/x.png) ![x][y] !",
    "<https://example.com> <a@example.com> https://example.com www.example.com WWW.example.com",
    "@everyone @acme/team mail@example.com",
    "# heading",
    "#12 acme/shop#12 GH-12",
    "=== --- ***",
    "1. one",
    "12) twelve",
    "- item",
    "+ item",
    ": x",
    "> quote",
    "| a | b |",
    "[ ] task",
    "[^1] [^1]: note",
    "~~gone~~ **bold** __bold__ *em* _em_",
    "&lt;b&gt; &#60;b&#62; &amp; &copy;",
    "$a$ $$b$$",
    "{{ x }} {% y %} {#id}",
    ":tada:",
    "\\",
    "\\<b>\\",
    "a\nb\r\n\n# c\n\n    code\n```\nx\n```",
    "\u{202e}gnp.exe\u{2066}",
    "a\u{200b}b\u{feff}c\u{ad}d",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "\0\u{8}\u{7f}",
    "<!-- comment",
    "<![CDATA[x]]>",
    "<?php ?>",
    "]: https://example.com",
    "[x]: javascript:alert(1)",
    "  \t  code",
    "--- ",
    "==x==",
    "^up^",
    "||spoiler||",
    "\u{a0}**\u{a0}",
    "\"quoted\" 'single'",
    "a|b|c\n-|-|-",
    "[[wiki]]",
    "!",
    "\u{2028}# x",
];

/// A changelog in which a hostile text stands wherever somebody else decides what stands there.
fn full_of(text: &str, forge: Option<Forge>) -> Changelog {
    let messages = [
        text.to_owned(),
        format!("feat: {text}"),
        format!("docs: {text}"),
        format!(
            "fix({}): x\n\nBREAKING CHANGE: {text}\nCo-authored-by: {text} <{text}>",
            text.replace(['\n', '\r'], " ")
        ),
        format!("Revert \"{text}\""),
    ];
    let commits = messages.iter().enumerate().map(|(at, message)| {
        let mut it = commit(at + 1, &[at], message);
        it.author.name = text.to_owned();
        it.author.email = text.to_owned();
        it
    });
    let mut from = end(text, 0);
    from.revision = text.to_owned();
    let range = Range {
        from: Some(from),
        to: end(text, 9),
        added: commits.collect(),
        removed: vec![commit(20, &[0], text)],
    };
    Draft::read(range).finish(&Changes::default(), forge)
}

fn forge() -> Option<Forge> {
    Forge::of_remote("https://github.com/acme/shop.git")
}

fn leads_to(forge: &Forge, address: &str) -> bool {
    address.starts_with(&format!("{}/", forge.base()))
}

/// What is left when it is read as Markdown: structure that is ours, links that a forge made.
fn read(markdown: &str, forge: Option<&Forge>) -> String {
    let mut text = String::new();
    let mut link: Option<(String, String)> = None;
    // Curled quotes are typography.
    let options = Options::all().difference(Options::ENABLE_SMART_PUNCTUATION);
    for event in Parser::new_ext(markdown, options) {
        match &event {
            Event::Text(it) => {
                if let Some((_, label)) = &mut link {
                    label.push_str(it);
                }
                text.push_str(it);
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                let is_ours = forge.is_some_and(|it| leads_to(it, dest_url));
                assert!(is_ours, "{dest_url}\n{markdown}");
                link = Some((dest_url.to_string(), String::new()));
            }
            Event::Start(
                Tag::Heading { id: None, .. }
                | Tag::Paragraph
                | Tag::List(None)
                | Tag::Item
                | Tag::Strong,
            ) => {}
            Event::End(end) => {
                if let Some((address, label)) = link.take_if(|_| matches!(end, TagEnd::Link)) {
                    let is_ours = label.bytes().all(|it| it.is_ascii_hexdigit())
                        || label
                            .strip_prefix('#')
                            .is_some_and(|it| it.parse::<u64>().is_ok())
                        || label == address;
                    assert!(is_ours, "{label} leads to {address}");
                }
                if !matches!(end, TagEnd::Link | TagEnd::Strong) {
                    text.push('\n');
                }
            }
            Event::Start(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => panic!("{event:?} in\n{markdown}"),
        }
    }
    text
}

/// The text that stays must be the text that was written.
fn words(it: &Changelog) -> Vec<String> {
    let from = it.from.as_ref().expect("it was given one");
    let mut all = vec![from.revision.clone()];
    for side in [&it.added, &it.removed] {
        all.extend(side.shown.iter().flat_map(|it| {
            let said = [
                revert::bare(&it.description).to_owned(),
                it.author.name.clone(),
            ];
            said.into_iter()
                .chain(it.notes.clone())
                .chain(it.scope.clone())
        }));
        all.extend(side.left_out.iter().map(|it| it.subject.clone()));
    }
    all.iter().map(|it| visible(it).into_owned()).collect()
}

fn check(text: &str) {
    for forge in [None, forge()] {
        let it = full_of(text, forge.clone());
        let words = words(&it);
        let pages = [it.markdown(), it.html(), it.text()];
        check_pages(pages, &words, forge.as_ref());
        let bundle = bundle_of(text, it);
        let pages = [bundle.markdown(), bundle.html(), bundle.text()];
        check_pages(pages, &words, forge.as_ref());
    }
}

/// The same in a bundle that is called like that, and so is all that is in it.
fn bundle_of(text: &str, it: Changelog) -> Bundle {
    let part = |standing: Standing| Part {
        application: text.to_owned(),
        from: Some(text.to_owned()),
        to: text.to_owned(),
        remarks: vec![text.to_owned()],
        standing,
    };
    Bundle {
        name: text.to_owned(),
        environment: text.to_owned(),
        remarks: vec![text.to_owned()],
        parts: vec![
            part(Standing::Known(Box::new(it))),
            part(Standing::Unchanged),
            part(Standing::Pending(text.to_owned())),
            part(Standing::Unknown(text.to_owned())),
        ],
    }
}

fn check_pages([markdown, html, plain]: [String; 3], words: &[String], forge: Option<&Forge>) {
    let without = |it: &str| it.replace('\u{200b}', "");
    let read = without(&read(&markdown, forge));
    tags(&html, forge);
    for word in words {
        assert!(read.contains(word), "{word:?} is not in\n{read}");
        assert!(plain.contains(word), "{word:?} is not in\n{plain}");
    }
    for rendered in [markdown, html, plain] {
        assert!(
            !rendered.contains(|it: char| it.is_control() && it != '\n'),
            "{rendered:?}"
        );
        assert!(!rendered.contains([
            '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{ad}', '\u{2028}'
        ]));
    }
}

/// Reads a page as a browser would: every `<` begins one of our tags.
fn tags(html: &str, forge: Option<&Forge>) {
    const OURS: &[&str] = &[
        "!doctype html",
        "html lang=\"en\"",
        "/html",
        "head",
        "/head",
        "body",
        "/body",
        "title",
        "/title",
        "meta charset=\"utf-8\"",
        "h1",
        "/h1",
        "h2",
        "/h2",
        "h3",
        "/h3",
        "p",
        "/p",
        "ul",
        "/ul",
        "li",
        "/li",
        "strong",
        "/strong",
        "/a",
        "meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"",
    ];
    for rest in html.split('<').skip(1) {
        let (tag, text) = rest.split_once('>').unwrap();
        let is_link = tag
            .strip_prefix("a href=\"")
            .and_then(|it| it.strip_suffix('"'));
        let is_link = is_link
            .is_some_and(|it| forge.is_some_and(|forge| leads_to(forge, it)) && !it.contains('"'));
        assert!(OURS.contains(&tag) || is_link, "<{tag}> in\n{html}");
        assert!(
            !text.contains(['>', '"', '`', '[', ']', '*', '_']),
            "{text} in\n{html}"
        );
        for (at, _) in text.match_indices('@') {
            assert!(text[at..].starts_with("@&#8203;"), "{text}");
        }
    }
}

#[test]
fn hostile_texts_stay_texts() {
    for text in HOSTILE {
        check(text);
    }
}

/// What readers of Markdown beyond the standard look for is not in the source either.
#[test]
fn mentions_addresses_and_templates_are_taken_apart() {
    let markdown = full_of(&HOSTILE.join(" "), None).markdown();
    for at in markdown.match_indices('@').map(|(at, _)| at) {
        assert!(markdown[at..].starts_with("@&#8203;"), "{markdown}");
    }
    for word in [
        "https://",
        "<",
        "](javascript:",
        "www.",
        "WWW.",
        "{{",
        "{%",
        "shop#12",
        "shop\\#12",
        "mailto:",
    ] {
        assert!(!markdown.contains(word), "{word} in\n{markdown}");
    }
    assert!(markdown.contains("shop\\#&#8203;12"), "{markdown}");
}

#[test]
fn ordinary_texts_stay_readable() {
    let message = "feat(api): it's done (v1.2.3), at last! See a-b/c.d: yes\n";
    let markdown = full_of(message, None).markdown();
    assert!(
        markdown.contains("it's done (v1.2.3), at last! See a-b/c.d: yes"),
        "{markdown}"
    );
}

proptest! {
    #[test]
    fn no_text_is_more_than_text(parts in prop::collection::vec(prop_oneof![
        prop::sample::select(HOSTILE).prop_map(str::to_owned),
        "[!-/:-@\\[-`{-~ a1\n]{0,12}",
        any::<String>(),
    ], 1..4)) {
        check(&parts.concat());
    }
}
