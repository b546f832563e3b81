//! `Approve` and `Reject`: what a person says to the plan that is asked about.

use access::Principal;
use decider::Decider as _;
use eventlog::Context;
use proto::approval::v1 as pb;
use service::fault::{Coded as _, Fault, Kind};

use super::shape::shape;
use crate::Inner;
use crate::domain::approval::{Approval, Caller, Command, Person, Word};
use crate::process::Known;

/// Who vouches for identities that this installation gives out itself.
const ISSUER: &str = "towpath";

/// Bytes of a comment, at most.
const COMMENT: usize = 4_000;

/// The shortest beginning of a plan's digest, in hex digits.
const SHORTEST: usize = 8;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saying {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What came with it.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) deployment: &'a str,
    pub(super) stage: &'a str,
    pub(super) comment: &'a str,
    pub(super) plan: &'a str,
    pub(super) dry_run: bool,
}

impl Inner {
    pub(super) async fn say(
        &self,
        what: Saying,
        caller: Principal,
        context: &Context,
        asked: &Asked<'_>,
    ) -> Result<pb::Approval, Fault> {
        check(asked)?;
        let (id, known) = self.find(asked.deployment, asked.stage).await?;
        let deployment = known.state.as_ref().map(|it| it.subject.deployment);
        let word = Word {
            caller: Caller {
                person: Person {
                    issuer: ISSUER.to_owned(),
                    name: caller.name,
                    groups: caller.groups,
                },
                is_service: caller.is_service,
            },
            comment: asked.comment.to_owned(),
            plan: asked.plan.to_owned(),
        };
        let command = match what {
            Saying::Yes => Command::Approve(word),
            Saying::No => Command::Reject(word),
        };
        if asked.dry_run {
            let state = self.approvals.load(id).await.map_err(Fault::from)?.state;
            let events = Approval::decide(&state, &command).map_err(|it| {
                Fault::new(Kind::Rejected, it.code(), it.to_string()).fix(it.fix())
            })?;
            let state = Approval::fold(state, &events);
            return shape(id, &Known { state, ..known });
        }
        let context = Context {
            correlation: deployment,
            ..context.clone()
        };
        let done = self.approvals.execute(id, &context, &command).await?;
        self.read_now().await?;
        let known = self.world().approval(id).cloned().unwrap_or_default();
        // As it was after this word, not after what others said since: a repeated call gets the
        // same answer.
        shape(
            id,
            &Known {
                state: done.state,
                ..known
            },
        )
    }
}

fn check(asked: &Asked<'_>) -> Result<(), Fault> {
    if asked.comment.len() > COMMENT {
        let what = format!(
            "`comment` has {} bytes, and at most {COMMENT} are kept",
            asked.comment.len()
        );
        return Err(Fault::new(Kind::Invalid, "invalid-value", what).fix("say it shorter"));
    }
    let hex = asked.plan.strip_prefix("sha256:").unwrap_or(asked.plan);
    let is_digest = hex.len() >= SHORTEST && hex.bytes().all(|it| it.is_ascii_hexdigit());
    if !asked.plan.is_empty() && !is_digest {
        let what = format!("`plan_digest` must have at least {SHORTEST} hex digits");
        return Err(Fault::new(Kind::Invalid, "invalid-value", what)
            .fix("copy it from `towpath approvals show`"));
    }
    Ok(())
}
