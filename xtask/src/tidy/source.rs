//! Rust source as tokens, without comments, literals and what only tests compile.
//!
//! Enough of the lexical grammar (<https://doc.rust-lang.org/reference/tokens.html>) that no
//! comment, string or char literal can hide code or pass for it.

/// One token that is no literal: a word, or one character of punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The word without `r#`, or the character.
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

impl Token<'_> {
    /// Whether this is an identifier or a keyword.
    pub(super) fn is_word(&self) -> bool {
        self.text
            .starts_with(|first: char| first == '_' || first.is_alphabetic())
    }
}

/// What is compiled for others than tests, and the modules that only tests have.
#[derive(Debug, Default)]
pub(super) struct Production<'a> {
    /// The tokens that are left.
    pub(super) tokens: Vec<Token<'a>>,
    /// Names of `#[cfg(test)] mod name;`.
    pub(super) test_modules: Vec<&'a str>,
}

/// Splits a file into tokens. Text that is no Rust gives some tokens or other, never an error.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(token) = lexer.next() {
        found.push(token);
    }
    found
}

/// Splits a file into tokens and leaves out every item under `#[cfg(test)]`.
pub(super) fn production(text: &str) -> Production<'_> {
    let all = tokens(text);
    let mut left = Production::default();
    let mut at = 0;
    while at < all.len() {
        let Some((inner, after)) = test_attribute(&all, at) else {
            left.tokens.push(all[at]);
            at += 1;
            continue;
        };
        if inner {
            // `#![cfg(test)]`: the rest of the file, at least of its module.
            break;
        }
        let end = end_of_item(&all, after);
        if let [.., keyword, name, semicolon] = &all[after..end]
            && keyword.text == "mod"
            && semicolon.text == ";"
        {
            left.test_modules.push(name.text);
        }
        at = end;
    }
    left
}

/// The place of the token that closes the bracket at `open`, or of the last one.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// Reads `#[cfg(test)]` or `#[cfg(all(test, ..))]` at `at`: whether it is an inner attribute, and
/// the place behind it.
fn test_attribute(tokens: &[Token<'_>], at: usize) -> Option<(bool, usize)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at) != "#" {
        return None;
    }
    let inner = text(at + 1) == "!";
    let open = at + 1 + usize::from(inner);
    if text(open) != "[" || text(open + 1) != "cfg" {
        return None;
    }
    let is_test = match text(open + 3) {
        "test" => true,
        "all" => text(open + 5) == "test",
        _ => false,
    };
    is_test.then(|| (inner, closing(tokens, open) + 1))
}

/// The place behind the item at `at`, its other attributes included.
fn end_of_item(tokens: &[Token<'_>], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].text {
            ";" => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    tokens.len()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if rest.starts_with("//") {
                self.skip(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.skip(block_comment(rest));
            } else if let Some(length) = literal(rest) {
                self.skip(length);
            } else {
                return Some(self.token(rest, first));
            }
        }
    }

    fn token(&mut self, rest: &'a str, first: char) -> Token<'a> {
        let raw = rest
            .strip_prefix("r#")
            .filter(|name| name.starts_with(is_word_start));
        let (before, word) = raw.map_or((0, rest), |name| (2, name));
        let length = if is_word_start(first) {
            word_length(word)
        } else {
            first.len_utf8()
        };
        let token = Token {
            text: &word[..length],
            line: self.line,
        };
        self.skip(before + length);
        token
    }

    fn skip(&mut self, length: usize) {
        let passed = &self.text[self.at..self.at + length];
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.at += length;
    }
}

fn is_word_start(first: char) -> bool {
    first == '_' || first.is_alphabetic()
}

fn word_length(text: &str) -> usize {
    text.find(|next: char| next != '_' && !next.is_alphanumeric())
        .unwrap_or(text.len())
}

/// Bytes of the block comment at the start; they nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (2, 1_usize);
    while at < bytes.len() && depth > 0 {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => (at, depth) = (at + 2, depth + 1),
            b"*/" => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    // Never inside a character: the last step may have stopped on any byte of the text's end.
    if depth > 0 { text.len() } else { at }
}

/// Bytes of the string, char, lifetime or number at the start, if there is one.
fn literal(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        return Some(word_length(text));
    }
    if first == '\'' {
        return Some(quote(text));
    }
    // Prefixes of strings: b, c, r, br, cr; of chars: b.
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            let hashes = rest.trim_start_matches('#');
            hashes.starts_with('"') && (hashes.len() == rest.len() || prefix.ends_with('r'))
        })
    });
    match prefix {
        Some(prefix) if prefix.ends_with('r') => {
            Some(prefix.len() + raw_string(&text[prefix.len()..]))
        }
        Some(prefix) => Some(prefix.len() + escaped(&text[prefix.len()..], b'"')),
        None if text.starts_with("b'") => Some(1 + escaped(&text[1..], b'\'')),
        None => None,
    }
}

/// A char literal or a lifetime, at its quote.
fn quote(text: &str) -> usize {
    let mut rest = text[1..].chars();
    match (rest.next(), rest.next()) {
        (Some('\\'), _) => escaped(text, b'\''),
        (Some(one), Some('\'')) => 2 + one.len_utf8(),
        _ => 1 + word_length(&text[1..]),
    }
}

/// A literal with escapes, from its first `end` to its last.
fn escaped(text: &str, end: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == end => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// A raw string, from its first `#` or `"`.
fn raw_string(text: &str) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let body = hashes + 1;
    text[body..]
        .find(&end)
        .map_or(text.len(), |at| body + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
        assert_eq!(words(r#"a "b \" // c" d"#), ["a", "d"]);
        assert_eq!(
            words("a r#\"b \" c\"# d br##\"e\"# f\"## g"),
            ["a", "d", "g"]
        );
        assert_eq!(
            words(r"a '\'' b '{' c b'\n' d 'ä' e"),
            ["a", "b", "c", "d", "e"]
        );
        assert_eq!(
            words("fn a<'b>(c: &'b str)"),
            ["fn", "a", "<", ">", "(", "c", ":", "&", "str", ")"]
        );
    }

    #[test]
    fn a_comment_cannot_hide_code_behind_a_string() {
        assert_eq!(
            words("let a = \"/*\"; b(); // \"\nc(); \"*/\";").last(),
            Some(&";")
        );
        assert!(words("let a = \"/*\"; b(); let c = \"*/\";").contains(&"b"));
        assert!(words("let a = '\"'; b(); let c = '\"';").contains(&"b"));
    }

    #[test]
    fn raw_words_are_the_same_words() {
        assert_eq!(words("r#chrono::r#gen"), ["chrono", ":", ":", "gen"]);
    }

    #[test]
    fn lines_count_through_everything_skipped() {
        let text = "a\n/* \n */ b\n\"\n\n\" c";
        let lines: Vec<_> = tokens(text).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 6]);
    }

    #[test]
    fn text_that_is_no_rust_ends_anyway() {
        for text in [
            "\"open",
            "/* open",
            "'",
            "r#\"open",
            "b'",
            "\"\\",
            "\u{feff}ä\u{0}",
            "r#",
            "/*ä",
        ] {
            let _any = tokens(text);
        }
    }

    #[test]
    fn what_only_tests_compile_is_left_out() {
        let text =
            "fn a() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod tests { fn b() { {} } }\nfn c() {}
            #[cfg(test)] use d::e; #[cfg(all(test, unix))] fn f(g: [u8; 2]) -> u8 { 1 } struct H;";
        let left: Vec<_> = production(text)
            .tokens
            .iter()
            .map(|token| token.text)
            .collect();
        assert_eq!(left.join(" "), "fn a ( ) { } fn c ( ) { } struct H ;");
    }

    #[test]
    fn what_tests_do_not_compile_stays() {
        let left = production("#[cfg(not(test))] fn a() {} #[cfg(any(test, unix))] fn b() {}");
        assert!(left.tokens.iter().any(|token| token.text == "a"));
        assert!(left.tokens.iter().any(|token| token.text == "b"));
    }

    #[test]
    fn modules_of_tests_in_files_of_their_own_are_named() {
        assert_eq!(
            production("#[cfg(test)]\nmod scenarios;\nmod other;").test_modules,
            ["scenarios"]
        );
    }
}
