//! Messages as people write them: mostly conventional, some with bodies and footers, some not.

/// The message of a commit by its number.
pub(super) fn of(at: usize, is_merge: bool) -> String {
    let header = header(at);
    if is_merge {
        return format!("Merge pull request #{at} from acme/topic-{at}\n\n{header}\n");
    }
    // Numbers that have little to do with each other choose what a message has.
    match at * 31 % 200 {
        0..=3 => format!("Update the notes of part {}\n", at % 40),
        4..=7 => "chore(deps): update dependencies\n".to_owned(),
        8 => format!("Revert \"{header}\"\n\nThis reverts commit {at:040x}.\n"),
        9..=11 => format!("{header}\n\n{}\n\nBREAKING CHANGE: {}\n", body(at), why(at)),
        12..=40 => format!("{header} (#{at})\n\n{}\n\nCloses: #{}\n", body(at), at / 2),
        41..=50 => format!(
            "{header}\n\n{}\n\nCo-authored-by: Person {who} <person-{who}@example.com>\n",
            body(at),
            who = at % 60
        ),
        51..=99 => format!("{header}\n\n{}\n", body(at)),
        _ => format!("{header} (#{at})\n"),
    }
}

fn header(at: usize) -> String {
    let kind = match at * 37 % 100 {
        0..=21 => "feat",
        22..=54 => "fix",
        55..=64 => "docs",
        65..=78 => "chore",
        79..=87 => "refactor",
        88..=90 => "perf",
        91..=96 => "test",
        97 => "feat!",
        _ => "ci",
    };
    let pick = |words: &[&'static str], by: usize| words[at * by % words.len()];
    let verb = pick(
        &["read", "check", "keep", "name", "close", "sort", "share"],
        3,
    );
    let what = pick(
        &["order", "price", "address", "basket", "refund", "voucher"],
        5,
    );
    let place = pick(&["api", "web", "store", "mail", "search"], 7);
    let told = format!("{verb} the {what} of customer {at} before it is shown");
    match (kind.strip_suffix('!'), at % 3) {
        (Some(kind), _) => format!("{kind}({place})!: {told}"),
        (None, 0) => format!("{kind}: {told}"),
        (None, _) => format!("{kind}({place}): {told}"),
    }
}

fn body(at: usize) -> String {
    let sentence = format!("What was read for customer {at} was not what had been written.");
    let sentences = vec![sentence; 1 + at % 4];
    sentences.join("\n")
}

fn why(at: usize) -> String {
    format!("customer {at} has to be named now.")
}
