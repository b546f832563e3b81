//! Durations as people write them: `24h`, `60s`, `7d`, `1h30m`.

const UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
];

/// The longest duration that means something here: ten years.
const MAX_US: i64 = 3_650 * 86_400_000_000;

/// Parses into microseconds. Each unit at most once, the largest first.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let wrong = || "a duration is written like `24h`, `60s`, `7d` or `1h30m`".to_owned();
    let mut rest = text;
    let mut total: i64 = 0;
    let mut next_unit = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..]
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = &rest[digits..digits + letters];
        let at = UNITS
            .iter()
            .position(|(it, _)| *it == unit)
            .ok_or_else(wrong)?;
        if at < next_unit {
            return Err("write the largest unit first and each unit once, like `1h30m`".to_owned());
        }
        next_unit = at + 1;
        total = number
            .checked_mul(UNITS[at].1)
            .and_then(|it| total.checked_add(it))
            .filter(|it| *it <= MAX_US)
            .ok_or_else(|| "a duration is at most 3650d".to_owned())?;
        rest = &rest[digits + letters..];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("24h", 86_400),
            ("60s", 60),
            ("7d", 604_800),
            ("1h30m", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(seconds * 1_000_000), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(250_000));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "24",
            "h",
            "-1h",
            "1.5h",
            "1 h",
            "1h ",
            "30m1h",
            "1h1h",
            "1w",
            "99999999999999999999d",
            "9999d",
            "1H",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
