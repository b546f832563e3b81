//! What an unquoted YAML scalar means to the parsers of this world.
//!
//! The same text is a number for one parser and a text for another, so a text counts as a text
//! only when *both* YAML 1.1 (<https://yaml.org/type/>) and the YAML 1.2 core schema
//! (<https://yaml.org/spec/1.2.2/#103-core-schema>) read it as one.

/// `null` of YAML 1.1 and 1.2, or nothing at all.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Every parser reads this unquoted text as a text.
pub(crate) fn is_string(text: &str) -> bool {
    !(is_null(text)
        || is_bool(text)
        || is_int(text)
        || is_float(text)
        || is_timestamp(text)
        || matches!(text, "<<" | "="))
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "true", "false", "on", "off"];
    text.len() <= 5 && WORDS.iter().any(|it| text.eq_ignore_ascii_case(it))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_int(text: &str) -> bool {
    let all = |text: &str, ok: fn(u8) -> bool| {
        !text.is_empty() && text.bytes().all(|b| b == b'_' || ok(b))
    };
    let text = unsigned(text);
    if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return all(hex, |b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o").or(text.strip_prefix("0O")) {
        return all(octal, |b| (b'0'..=b'7').contains(&b));
    }
    if let Some(binary) = text.strip_prefix("0b").or(text.strip_prefix("0B")) {
        return all(binary, |b| matches!(b, b'0' | b'1'));
    }
    // 1.1 reads 0755 as octal and 08 as a text; 1.2 reads both as decimal.
    let starts = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    starts && (all(text, |b| b.is_ascii_digit()) || is_sexagesimal(text))
}

/// `1:30:00`, a number to the base 60 in YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or(text);
    let mut parts = whole.split(':');
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    text.contains(':')
        && parts.next().is_some_and(digits)
        && parts.all(|it| digits(it) && it.len() <= 2)
        && text[whole.len()..]
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_')
}

fn is_float(text: &str) -> bool {
    let text = unsigned(text);
    if [".inf", ".nan", "inf", "nan", "infinity"]
        .iter()
        .any(|it| text.eq_ignore_ascii_case(it))
    {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |it: &str| it.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let exponent_ok = exponent.is_none_or(|it| {
        let it = unsigned(it);
        !it.is_empty() && digits(it)
    });
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && mantissa.len() > 1,
        None => {
            exponent.is_some()
                && digits(mantissa)
                && mantissa.as_bytes().first().is_some_and(u8::is_ascii_digit)
        }
    };
    (exponent_ok && mantissa_ok) || (text.contains(':') && is_sexagesimal(text))
}

/// `2026-01-01` and everything that begins like it and goes on with a time.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    if bytes.len() < 8 || digits(0) != 4 || bytes[4] != b'-' {
        return false;
    }
    let month = digits(5);
    let after_month = 5 + month;
    if !(1..=2).contains(&month) || bytes.get(after_month) != Some(&b'-') {
        return false;
    }
    let day = digits(after_month + 1);
    let rest = &bytes[after_month + 1 + day..];
    (1..=2).contains(&day)
        && (rest.is_empty()
            || (matches!(rest[0], b'T' | b't' | b' ' | b'\t')
                && rest
                    .get(1)
                    .is_some_and(|b| b.is_ascii_digit() || *b == b' ')))
}

/// May stand without quotes anywhere a scalar may stand, in block and in flow context: a careful
/// subset of what YAML allows, so that no indicator is ever judged by its neighbours.
pub(crate) fn needs_no_quotes(text: &str) -> bool {
    let first = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/');
    let inner = |c: char| c.is_alphanumeric() || "._-/@:+=~^()$;".contains(c);
    text.chars().next().is_some_and(first)
        && text.chars().all(inner)
        && !text.ends_with(':')
        && !matches!(text, "..." | "---")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_parser_reads_as_something_else_is_not_a_text() {
        for text in [
            "",
            "~",
            "null",
            "NULL",
            "on",
            "Off",
            "YES",
            "n",
            "true",
            "1",
            "-1",
            "+0",
            "1.20",
            "1e3",
            "1E+3",
            "1.5e-3",
            "0x1f",
            "0o17",
            "0b11",
            "0755",
            "08",
            "1_000",
            "2026-01-01",
            "2026-1-1",
            "2026-01-01T00:00:00Z",
            "1:30",
            "190:20:30.15",
            ".5",
            "5.",
            ".inf",
            "-.INF",
            ".NaN",
            "<<",
            "=",
            "6.02e23",
        ] {
            assert!(!is_string(text), "{text:?}");
        }
    }

    #[test]
    fn versions_and_hashes_are_texts() {
        for text in [
            "v1.2.3",
            "0.1.0",
            "1.20.1",
            "729c9e338285f35a97c156ac604e2f0b98d4566b",
            "c85b418",
            "registry.example.com/api:1.20",
            "latest",
            "2026.11-rc.0",
            "2026-01-01-build",
            ".",
            "x",
            "1.2.3-alpha.1",
            "1e",
            "e3",
        ] {
            assert!(is_string(text), "{text:?}");
        }
    }

    #[test]
    fn indicators_and_spaces_need_quotes() {
        for text in [
            "", " a", "a b", "a: b", "a #b", "-a", "*a", "&a", "!a", "{a", "a,b", "a]", "a:", "'a",
            "%a", "@a", "`a", "---", "...", "a\n", "?a", "#",
        ] {
            assert!(!needs_no_quotes(text), "{text:?}");
        }
        for text in ["v1", "a-b", "a:b", "ü1", "/x", "$x".trim_start_matches('$')] {
            assert!(needs_no_quotes(text), "{text:?}");
        }
    }
}
