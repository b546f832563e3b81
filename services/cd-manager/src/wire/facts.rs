//! From a stored commit to the facts that the process manager folds.

use decider::Decider as _;
use eventlog::{Codec as _, Consumed, Stored, UnknownEvent};

use super::{approval, release, run};
use crate::domain::build::Build;
use crate::domain::deployment::Decisions;
use crate::domain::scope::Scope;
use crate::domain::slot::Slot;
use crate::process::Fact;

/// The aggregate kind of the runner's runs.
const RUN: &str = "run";
/// The aggregate kind of the approval-ledger's approvals.
const APPROVAL: &str = "approval";

/// The aggregate kind of the releaser's releases.
const RELEASE: &str = "release";

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: "towpath.approval.v1.RoundOpened",
        what: "remembers the round that the stage waits for; after a veto, opens the stage again",
    },
    Consumed {
        event: "towpath.approval.v1.Approved",
        what: "remembers who said yes, for `explain`",
    },
    Consumed {
        event: "towpath.approval.v1.Rejected",
        what: "halts the stage",
    },
    Consumed {
        event: "towpath.approval.v1.QuorumReached",
        what: "lets the stage be written, exactly as it was planned",
    },
    Consumed {
        event: "towpath.approval.v1.RoundStale",
        what: "forgets what was said in the round",
    },
    Consumed {
        event: "towpath.release.v1.ReleaseCreated",
        what: "remembers the release, for `explain`",
    },
    Consumed {
        event: "towpath.release.v1.PassBegun",
        what: "remembers who asks for the deployments of this pass",
    },
    Consumed {
        event: "towpath.release.v1.CandidateNumbered",
        what: "remembers the tag of the pass, for `explain`",
    },
    Consumed {
        event: "towpath.release.v1.CandidateRefused",
        what: "opens no deployment of this pass",
    },
    Consumed {
        event: "towpath.release.v1.ReleaseCandidateReady",
        what: "opens a deployment for each candidate",
    },
    Consumed {
        event: "towpath.release.v1.ReleaseSucceeded",
        what: "remembers that the pass is over",
    },
    Consumed {
        event: "towpath.release.v1.ReleaseFailed",
        what: "remembers that the pass is over; opens no more deployments of it",
    },
    Consumed {
        event: "towpath.release.v1.ReleaseResumed",
        what: "goes on with the pass",
    },
    Consumed {
        event: "towpath.run.v1.RunSucceeded",
        what: "records that the environment runs the version, and goes on with what is next",
    },
    Consumed {
        event: "towpath.run.v1.RunFailed",
        what: "records that the environment does not run the version: the deployment has failed",
    },
];

/// What a commit means here; commits of other roles mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let aggregate = &stored.commit.aggregate;
    let (id, position) = (aggregate.id(), stored.position.0);
    let mut facts = Vec::with_capacity(stored.commit.events.len());
    for record in &stored.commit.events {
        match aggregate.kind() {
            Build::KIND => facts.push(Fact::Build(id, position, Build::decode(record)?)),
            Decisions::KIND => facts.push(Fact::Deployment(id, Decisions::decode(record)?)),
            Slot::KIND => facts.push(Fact::Slot(id, Slot::decode(record)?)),
            Scope::KIND => facts.push(Fact::Scope(id, Scope::decode(record)?)),
            RELEASE => {
                let news = release::news(stored, record)?;
                facts.extend(news.map(|it| Fact::Release(id, it)));
            }
            RUN => facts.extend(run::outcome(record)?.map(|it| Fact::Run(id, it))),
            APPROVAL => facts.push(Fact::Approval(id, approval::said(record)?)),
            _ => {}
        }
    }
    Ok(facts)
}
