//! Arguments that cannot be read, for machines. People get the parser's own text.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::Failure;

/// Whether these arguments ask for JSON, though they cannot be read as a whole: the last
/// `--output` before a `--` counts.
pub(crate) fn wants_json(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let mut wants = false;
    let mut is_value = false;
    for it in arguments.into_iter().take_while(|it| it != "--") {
        if is_value {
            wants = it == "json";
            is_value = false;
        } else if it == "--output" {
            is_value = true;
        } else if let Some(value) = it.to_str().and_then(|it| it.strip_prefix("--output=")) {
            wants = value == "json";
        }
    }
    wants
}

/// What the parser found.
pub(crate) fn of(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let usage = text.lines().find_map(|it| it.strip_prefix("Usage: "));
    let usage = usage.map(|it| format!("call it as `{}`", it.trim()));
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // The text is the whole help, which begins with what the command is for.
        return Failure::usage("usage", "a command or an argument is missing")
            .fix(usage.unwrap_or_default());
    }
    let first = text.lines().take_while(|it| !it.trim().is_empty());
    let message: Vec<_> = first.map(str::trim).collect();
    let message = message.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let tips = text
        .lines()
        .filter_map(|it| it.trim().strip_prefix("tip: "));
    let fix: Vec<_> = tips.map(str::to_owned).chain(usage).collect();
    let failure = Failure::usage("usage", message);
    if fix.is_empty() {
        return failure.fix("see --help");
    }
    failure.fix(fix.join("; "))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Args;

    fn of_line(line: &str) -> Failure {
        let words = std::iter::once("towpath").chain(line.split(' '));
        of(&Args::try_parse_from(words.filter(|it| !it.is_empty())).unwrap_err())
    }

    #[test]
    fn what_is_wrong_and_what_to_do_are_told_apart() {
        let wrong = of_line("version compute --release-tipe latest");
        assert_eq!(wrong.message, "unexpected argument '--release-tipe' found");
        assert!(wrong.fix.contains("'--release-type'"), "{wrong:?}");
        let missing = of_line("version label");
        assert!(missing.message.ends_with("<TITLE>"), "{missing:?}");
        assert_eq!(missing.fix, "call it as `towpath version label <TITLE>`");
        let none = of_line("version");
        assert!(none.fix.contains("towpath version"), "{none:?}");
        let value = of_line("version compute --release-type soon");
        assert!(value.message.contains("`soon` is none of"), "{value:?}");
        assert_eq!((value.exit, value.fix.as_str()), (2, "see --help"));
    }

    #[test]
    fn json_is_asked_for_by_the_last_output_that_is_one() {
        let wants = |line: &str| wants_json(line.split(' ').map(OsString::from));
        assert!(wants("version compute --output json --nope"));
        assert!(wants("--output=json version"));
        assert!(wants("--output text --output json"));
        for line in [
            "--output json --output text",
            "--output",
            "json",
            "-- --output json",
            "--output=text",
        ] {
            assert!(!wants(line), "{line}");
        }
    }
}
