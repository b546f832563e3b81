//! Paths and imports in Rust source, found among its tokens.

use super::source::Token;

/// The path that begins at `at` and has at least two words; generic arguments end it.
pub(super) fn path_at<'a>(tokens: &[Token<'a>], at: usize) -> Option<Vec<&'a str>> {
    let word = |at: usize| {
        tokens
            .get(at)
            .filter(|token| token.is_word())
            .map(|token| token.text)
    };
    let colons = |at: usize| {
        [at, at + 1]
            .iter()
            .all(|at| tokens.get(*at).is_some_and(|it| it.text == ":"))
    };
    if at >= 3 && colons(at - 2) && continues(tokens, at - 3) {
        return None;
    }
    if at >= 1 && tokens[at - 1].text == "." {
        return None;
    }
    let mut path = vec![word(at).filter(|first| !is_keyword(first))?];
    let mut end = at + 1;
    while colons(end) {
        let Some(next) = word(end + 2) else { break };
        path.push(next);
        end += 3;
    }
    (path.len() > 1 || colons(end)).then_some(path)
}

/// Whether `::` behind the token at `at` goes on with what stands there, and begins no path.
fn continues(tokens: &[Token<'_>], at: usize) -> bool {
    let is_arrow = at >= 1 && tokens[at - 1].text == "-";
    match tokens[at].text {
        ">" => !is_arrow,
        word => tokens[at].is_word() && !is_keyword(word),
    }
}

/// Keywords that may stand before a path that begins with `::`.
fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "use"
            | "as"
            | "in"
            | "return"
            | "dyn"
            | "impl"
            | "mut"
            | "match"
            | "if"
            | "else"
            | "for"
            | "where"
            | "while"
            | "break"
            | "move"
            | "ref"
            | "let"
    )
}

/// Whether the token stands between `use` and its `;`.
pub(super) fn is_inside_use(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[..=at]
        .windows(2)
        .rev()
        .take_while(|pair| !matches!(pair[0].text, ";" | "(" | ")" | "=" | "<"))
        .any(|pair| pair[0].text == "use")
}

/// Modules declared in this file.
pub(super) fn declared<'a>(tokens: &[Token<'a>]) -> impl Iterator<Item = &'a str> {
    tokens
        .windows(2)
        .filter(|pair| pair[0].text == "mod")
        .map(|pair| pair[1].text)
}

/// One name that a `use` brings in.
pub(super) struct Import<'a> {
    /// From its first word, as written.
    pub(super) path: Vec<&'a str>,
    /// Its last word, or the one behind `as`.
    pub(super) name: &'a str,
    /// Of the `use`.
    pub(super) line: usize,
}

/// Every name that a `use` anywhere in the file brings in.
pub(super) fn imports<'a>(tokens: &[Token<'a>]) -> Vec<Import<'a>> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // `use<'a>` captures lifetimes and imports nothing.
        if token.text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<") {
            let mut at = at + 1;
            tree(tokens, &mut at, &[], token.line, &mut found);
        }
    }
    found
}

/// Reads one use tree from `at`: `a::b`, `a::{..}`, `a::*`, `a as b`.
fn tree<'a>(
    tokens: &[Token<'a>],
    at: &mut usize,
    before: &[&'a str],
    line: usize,
    found: &mut Vec<Import<'a>>,
) {
    let mut path = before.to_vec();
    let mut name = None;
    while let Some(token) = tokens.get(*at) {
        match token.text {
            ":" => *at += 1,
            "{" => {
                *at += 1;
                while tokens.get(*at).is_some_and(|token| token.text != "}") {
                    let start = *at;
                    tree(tokens, at, &path, line, found);
                    if tokens.get(*at).is_some_and(|token| token.text == ",") || *at == start {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "as" => {
                name = tokens.get(*at + 1).map(|token| token.text);
                *at += 2;
            }
            "," | ";" | "}" => break,
            word => {
                path.push(word);
                *at += 1;
            }
        }
    }
    // `a::{self}` brings in `a`.
    if path.len() > 1 && path.last() == Some(&"self") {
        path.pop();
    }
    if let Some(last) = path.last().copied() {
        found.push(Import {
            path,
            name: name.unwrap_or(last),
            line,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let tokens = tokens(text);
        (0..tokens.len())
            .filter_map(|at| path_at(&tokens, at))
            .map(|path| path.join("::"))
            .collect()
    }

    fn imported(text: &str) -> Vec<(String, String)> {
        let shown = |import: Import<'_>| (import.path.join("::"), import.name.to_owned());
        imports(&tokens(text)).into_iter().map(shown).collect()
    }

    #[test]
    fn paths_are_found_whole_and_once() {
        assert_eq!(
            paths("a::b::c(); d.e::<F>(); G::<h::I>::new(); x"),
            ["a::b::c", "G", "h::I"]
        );
        assert_eq!(paths("-> ::a::B { <C as d::E>::f() }"), ["a::B", "d::E"]);
        assert_eq!(paths("return ::a::b; let c: d = e;"), ["a::b"]);
    }

    #[test]
    fn use_trees_are_flattened() {
        let found =
            imported("use a::{self, b::{C as D, e}, f::*}; pub use ::g; fn h() { use i::j; }");
        let expected = [
            ("a", "a"),
            ("a::b::C", "D"),
            ("a::b::e", "e"),
            ("a::f::*", "*"),
            ("g", "g"),
            ("i::j", "j"),
        ];
        let owned = |(path, name): (&str, &str)| (path.to_owned(), name.to_owned());
        assert_eq!(found, expected.map(owned));
        assert_eq!(imported("fn a<'b>() -> impl C + use<'b> {}"), []);
    }

    #[test]
    fn a_tree_that_never_ends_is_read_to_the_end_of_the_file() {
        for text in [
            "use",
            "use a::{",
            "use a::{b,",
            "use a as",
            "use {{{,,",
            "use a::{b}}}",
        ] {
            let _any = imported(text);
        }
    }
}
