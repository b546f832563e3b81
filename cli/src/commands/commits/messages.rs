//! Messages that somebody gives: one on each line in, one answer on each line out.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::{Judged, branch_name, exit, policy};
use crate::args;
use crate::commands::Scene;
use crate::failure::Failure;
use crate::output;

pub(super) fn run(scene: &Scene, asked: &args::Check, file: &Path) -> Result<ExitCode, Failure> {
    let (name, bytes) = read(file)?;
    // All lines are read before the first answer, so that a broken one leaves no half of them.
    let messages = messages(&name, &bytes)?;
    let policy = policy(asked);
    let branch = asked.branch.as_deref().map(branch_name);
    let on_protected = branch.is_none_or(|it| policy.is_protected(it));
    let mut failed = 0;
    for (at, message) in messages.iter().enumerate() {
        let judged = Judged::of(message, &policy, on_protected);
        failed += usize::from(!judged.is_fine());
        if scene.is_json() {
            output::json(&judged.shape())?;
        } else if !judged.is_fine() {
            output::line(&format!("{name}:{}", at + 1))?;
            output::raw(&judged.shown().join("\n"))?;
        }
    }
    if !scene.is_json() {
        let all = messages.len();
        output::line(&format!("{all} message(s) checked, {failed} failed"))?;
    }
    Ok(exit(failed))
}

fn read(file: &Path) -> Result<(String, Vec<u8>), Failure> {
    if file == Path::new("-") {
        let name = "standard input".to_owned();
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(Failure::io(&name))?;
        return Ok((name, bytes));
    }
    let name = file.display().to_string();
    match std::fs::read(file) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(Failure::usage(
            "no-messages",
            format!("{name} cannot be read: {error}"),
        )),
    }
}

/// The messages of a file; one line that is none refuses all.
fn messages(name: &str, bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let lines = bytes.split(|it| *it == b'\n').enumerate();
    lines
        .map(|(at, line)| message(line).map_err(|why| refused(name, at + 1, &why)))
        .collect()
}

fn message(line: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        // One line of JSON knows only its columns.
        error
            .to_string()
            .replace(" at line 1 column ", " at column ")
    })?;
    let Value::Object(mut fields) = value else {
        return Err("it is no object".to_owned());
    };
    match fields.remove("message") {
        Some(Value::String(message)) => Ok(message),
        Some(_) => Err("its `message` is no string".to_owned()),
        None => Err("it has no `message`".to_owned()),
    }
}

fn refused(name: &str, line: usize, why: &str) -> Failure {
    Failure::usage(
        "bad-line",
        format!("line {line} of {name}: {why}; nothing was judged"),
    )
    .fix("give one JSON object on each line, such as {\"message\": \"feat: x\\n\\nWhy.\"}")
}
