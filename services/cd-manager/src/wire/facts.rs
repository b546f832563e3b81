//! From a stored commit to the facts that the process manager folds.

use decider::Decider as _;
use eventlog::{Codec as _, Stored, UnknownEvent};

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
