//! Read models of this role: one file each, the fold and its SQL together.

mod builds;
mod deployments;
mod holds;
mod slots;

pub use builds::Builds;
pub use deployments::Deployments;
pub use holds::HoldList;
pub use slots::Slots;

use eventlog::Projection;

/// All of them.
pub fn all() -> Vec<Box<dyn Projection>> {
    vec![
        Box::new(Builds),
        Box::new(Deployments),
        Box::new(Slots),
        Box::new(HoldList),
    ]
}
