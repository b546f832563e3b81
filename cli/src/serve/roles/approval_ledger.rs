//! approval-ledger: collects what people say to stages that ask for approval.

use std::sync::Arc;

use approval_ledger::ApprovalLedger;

use super::super::ground::Ground;
use super::AddServices;

/// The role.
pub(in crate::serve) struct Part {
    pub(in crate::serve) ledger: ApprovalLedger,
}

/// Puts the role together.
pub(in crate::serve) fn open(ground: &Ground) -> Part {
    let ledger = approval_ledger::build(approval_ledger::Deps {
        gate: ground.gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        keys: Arc::clone(&ground.keys),
    });
    Part { ledger }
}

impl Part {
    /// What it answers.
    pub(in crate::serve) fn services(&self) -> AddServices {
        let service = self.ledger.grpc();
        Box::new(move |routes| {
            routes.add_service(service);
        })
    }

    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.ledger.clone(), ground.stop.clone());
        ground.watch(approval_ledger::ROLE, async move { role.run(stop).await });
    }
}
