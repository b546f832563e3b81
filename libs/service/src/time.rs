//! Times and spans as people write them.

use chrono::{DateTime, SecondsFormat};

/// `2026-11-20T10:00:00.000Z` for microseconds since 1970 UTC.
pub fn rfc3339(us: i64) -> String {
    DateTime::from_timestamp_micros(us).map_or_else(
        || us.to_string(),
        |it| it.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

/// Microseconds since 1970 UTC of an RFC 3339 time (`2026-11-20T10:00:00Z`).
///
/// # Errors
/// The text, when it is none.
pub fn parse_rfc3339(text: &str) -> Result<i64, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|it| it.timestamp_micros())
        .map_err(|_| format!("`{text}` is not a time such as 2026-11-20T10:00:00Z"))
}

/// Reads RFC 3339 (`2026-11-20T10:00:00Z`), or a span from now such as `90s`, `30m`, `2h`, `7d`.
///
/// # Errors
/// A sentence that says which forms there are.
pub fn parse(text: &str, now_us: i64) -> Result<i64, String> {
    if let Ok(at) = parse_rfc3339(text) {
        return Ok(at);
    }
    span_us(text)
        .and_then(|span| now_us.checked_add(span))
        .ok_or_else(|| format!("`{text}` is neither a time such as 2026-11-20T10:00:00Z nor a span such as 90s, 30m, 2h or 7d"))
}

fn span_us(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    number
        .parse::<i64>()
        .ok()?
        .checked_mul(seconds)?
        .checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_read() {
        assert_eq!(parse("1970-01-01T00:00:01Z", 0), Ok(1_000_000));
        assert_eq!(parse("2h", 5), Ok(7_200_000_005));
        for wrong in ["", "h", "-1h", "1w", "99999999999999999999d", "tomorrow"] {
            assert!(parse(wrong, 0).is_err(), "{wrong}");
        }
        assert_eq!(rfc3339(1_000_000), "1970-01-01T00:00:01.000Z");
    }
}
