//! What a newer version of Towpath wrote and this one cannot read: it is left alone, and so is
//! what rests on it.

use std::collections::BTreeMap;

use ids::{AggregateId, Uuid, derive};

use super::World;
use crate::domain::deployment::{Deployment, Place as At, Step};
use crate::domain::slot::Place;

impl World {
    /// Leaves an aggregate alone from now on.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        self.aside.insert(aggregate.id(), (aggregate.clone(), why));
        self.dirty.insert(aggregate.id());
        self.dirty_builds.insert(aggregate.id());
        self.dirty.extend(&self.active);
    }

    /// What is left alone, and why.
    pub fn aside(&self) -> &BTreeMap<Uuid, (AggregateId, String)> {
        &self.aside
    }

    /// What is left alone and keeps a deployment from going on, and why.
    pub fn aside_for(&self, id: Uuid, deployment: &Deployment) -> Vec<&(AggregateId, String)> {
        let places = deployment.places.iter();
        let around = places.flat_map(|at| around(id, deployment, at));
        let mut found: Vec<_> = std::iter::once(id)
            .chain(around)
            .filter_map(|it| self.aside.get(&it))
            .collect();
        found.dedup();
        found
    }

    /// Whether nothing may be asked for in one environment.
    pub(super) fn stands_still(&self, id: Uuid, deployment: &Deployment, at: &At) -> bool {
        !self.aside.is_empty() && around(id, deployment, at).any(|it| self.aside.contains_key(&it))
    }
}

/// What one environment of a deployment rests on. Whether something above the slot is held
/// matters only before the commit is requested.
fn around(id: Uuid, deployment: &Deployment, at: &At) -> impl Iterator<Item = Uuid> + use<> {
    let created = &deployment.created;
    let place = Place {
        environment: at.environment.clone(),
        application: created.application.clone(),
    };
    let above = (at.step == Step::Waiting)
        .then(|| super::scope_keys(&place, &created.application_set))
        .into_iter()
        .flatten();
    [
        derive::slot(&at.environment, &created.application),
        derive::run(id, &at.environment, at.attempt),
    ]
    .into_iter()
    .chain(above)
}
