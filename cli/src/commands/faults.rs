//! Faults of a message, shown at their place in it.

use versioning::conventional::Fault;

use crate::output;

/// No more of a line is shown than this, in characters.
const WIDTH: usize = 120;

/// The lines that show each fault: the line of the message, a caret below the column, what is
/// wrong and what to do. `indent` stands before each of them.
pub(super) fn shown<'a>(
    message: &str,
    faults: impl IntoIterator<Item = &'a Fault>,
    indent: &str,
) -> Vec<String> {
    let lines: Vec<&str> = message.split('\n').collect();
    let mut shown = Vec::new();
    for fault in faults {
        let line = lines.get(fault.line - 1).copied().unwrap_or_default();
        let (text, caret) = window(line.trim_end_matches('\r'), fault.column);
        shown.push(format!("{indent}{:>4} | {text}", fault.line));
        let what = output::clean(&fault.what);
        shown.push(format!(
            "{indent}     | {caret}^ {what} (column {})",
            fault.column
        ));
        shown.push(format!("{indent}     = {}", output::clean(&fault.fix)));
    }
    shown
}

/// The part of a line around a column, and what pads the next line up to that column.
fn window(line: &str, column: usize) -> (String, String) {
    let skipped = column.saturating_sub(WIDTH / 2);
    let skipped = if line.chars().count() > WIDTH {
        skipped
    } else {
        0
    };
    let piece = |from: usize, count: usize| {
        let text: String = line.chars().skip(from).take(count).collect();
        output::clean(&text)
    };
    let (left, right) = (if skipped > 0 { "…" } else { "" }, piece(skipped, WIDTH));
    let end = if line.chars().count() > skipped + WIDTH {
        "…"
    } else {
        ""
    };
    let before = piece(skipped, column.saturating_sub(1 + skipped));
    let before = format!("{left}{before}");
    // A tab is as wide as where it stands: it stays one.
    let pad = before.chars().map(|it| if it == '\t' { '\t' } else { ' ' });
    (format!("{left}{right}{end}"), pad.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: usize, column: usize) -> Fault {
        Fault {
            line,
            column,
            what: "wrong".to_owned(),
            fix: "right".to_owned(),
        }
    }

    #[test]
    fn the_caret_stands_below_the_column() {
        let shown = shown(
            "feat: x\r\n\r\nä\tb\u{1b}c\r\n",
            &[fault(1, 5), fault(3, 5)],
            "",
        );
        let expected = [
            "   1 | feat: x",
            "     |     ^ wrong (column 5)",
            "     = right",
            "   3 | ä\tb\\u{1b}c",
            "     |  \t       ^ wrong (column 5)",
            "     = right",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_column_is_shown() {
        let line = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let shown = shown(&line, &[fault(1, 501)], "");
        let at = shown[1].chars().position(|it| it == '^');
        let mark = shown[0].chars().position(|it| it == '!');
        assert_eq!(at, mark, "{shown:?}");
        assert!(
            shown[0].chars().count() < 150 && shown[0].ends_with('…'),
            "{shown:?}"
        );
        // A place that is not there is still shown.
        assert_eq!(super::shown("x", &[fault(7, 3)], "").len(), 3);
    }
}
