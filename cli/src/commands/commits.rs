//! `towpath commits`: judges messages, needs no server.

mod check;
mod messages;
mod range;

use std::process::ExitCode;

use serde_json::{Value, json};
use versioning::conventional::{self, Conventional, Fault};
use versioning::policy::{Passing, Policy};

use super::{Scene, faults};
use crate::args;
use crate::failure::Failure;

pub(super) fn run(scene: &Scene, command: args::Commits) -> Result<ExitCode, Failure> {
    match command {
        args::Commits::Check(asked) => match &asked.messages {
            Some(file) => messages::run(scene, &asked, file),
            None => check::run(scene, &asked),
        },
    }
}

/// What is asked beyond the specification.
fn policy(asked: &args::Check) -> Policy {
    let own = |given: &[String]| (!given.is_empty()).then(|| given.to_vec());
    let usual = Policy::default();
    Policy {
        types: own(&asked.types).map_or(usual.types, |it| {
            it.iter().map(|it| it.trim().to_lowercase()).collect()
        }),
        protected: own(&asked.protected).unwrap_or(usual.protected),
    }
}

/// The name of a branch, as a forge may give it.
fn branch_name(given: &str) -> &str {
    given.strip_prefix("refs/heads/").unwrap_or(given)
}

/// A message and what was found.
struct Judged<'a> {
    message: &'a str,
    change: Result<Conventional, Vec<Fault>>,
    policy: Vec<Fault>,
}

impl<'a> Judged<'a> {
    fn of(message: &'a str, policy: &Policy, on_protected: bool) -> Self {
        let change = conventional::parse(message);
        let policy = policy.judge(message, change.as_ref().ok(), on_protected);
        Self {
            message,
            change,
            policy,
        }
    }

    fn is_fine(&self) -> bool {
        self.change.is_ok() && self.policy.is_empty()
    }

    /// What is wrong, for people: what git wrote itself is told what it is, not how to write a
    /// first line.
    fn shown(&self) -> Vec<String> {
        let is_passing = !self.policy.is_empty() && Passing::of(self.message).is_some();
        let errors = self.change.as_ref().err().filter(|_| !is_passing);
        let faults: Vec<_> = errors.into_iter().flatten().chain(&self.policy).collect();
        faults::shown(self.message, faults, "  ")
    }

    /// Stable: `errors` are judged by the specification alone, `policy` changes nothing of the rest.
    fn shape(&self) -> Value {
        let change = self.change.as_ref().ok();
        let errors = self.change.as_ref().err();
        let footers = change.map_or(&[][..], |it| &it.footers);
        let footers: Vec<_> = footers.iter().map(|it| [&it.token, &it.value]).collect();
        json!({
            "valid": change.is_some(),
            "type": change.map(|it| &it.kind),
            "scope": change.and_then(|it| it.scope.as_ref()),
            "breaking": change.is_some_and(|it| it.breaking),
            "description": change.map(|it| &it.description),
            "footers": footers,
            "errors": errors.into_iter().flatten().map(place).collect::<Vec<_>>(),
            "policy": self.policy.iter().map(place).collect::<Vec<_>>(),
        })
    }
}

fn place(it: &Fault) -> Value {
    json!({ "line": it.line, "column": it.column, "message": it.what, "fix": it.fix })
}

fn exit(failed: usize) -> ExitCode {
    ExitCode::from(u8::from(failed > 0))
}
