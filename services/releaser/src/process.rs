//! From what is known to what has to be done for releases. Pure, and free to be asked any number
//! of times: whoever does it looks at the world first.

use std::collections::{BTreeMap, BTreeSet};

use decider::Decider as _;
use ids::{AggregateId, Digest, Uuid, Version, derive};

use crate::domain::release::{Event, Item, Outcome, Pass, Release, Releases, Step};

/// How many successes of an application are remembered: as many may be rolled back in a row.
const SUCCESSES: usize = 50;

/// Something that happened, as far as it matters here.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A deployment into pre-release was opened.
    Opened(Item),
    /// Something happened to a deployment.
    Deployment(Uuid, Change),
    /// A build was reported with other bytes: nothing of it may go further.
    Quarantined(Uuid),
    /// Something happened to a release, at a time and because of somebody.
    Release {
        /// Which.
        id: Uuid,
        /// When, in microseconds UTC.
        at_us: i64,
        /// Who.
        actor: String,
        /// What.
        event: Event,
    },
}

/// What happens to a deployment.
#[derive(Debug, Clone)]
pub enum Change {
    /// Every environment of its track runs it.
    Succeeded,
    /// It ended otherwise.
    Ended(Outcome, String),
    /// It had succeeded and was taken back.
    RolledBack,
    /// It goes on after it had failed.
    Retried,
}

/// Something that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Reserve the number of the pass.
    Number,
    /// Give an image the tag of the pass in a registry.
    Tag {
        /// The application.
        application: String,
        /// The container, which names the repository.
        container: String,
        /// The registry.
        registry: String,
        /// The image.
        digest: Digest,
        /// The tag.
        tag: Version,
    },
    /// Record how the deployments of the pass ended.
    RecordEnd(Result<(), (Outcome, String)>),
    /// Record that they go on.
    Resume,
}

impl Effect {
    /// What sort of effect it is.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Tag { .. } => "tag",
            Self::RecordEnd(_) => "record-end",
            Self::Resume => "resume",
        }
    }
}

/// An effect, and the pass that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Derived: asking again is the same request.
    pub id: Uuid,
    /// The release.
    pub release: Uuid,
    /// The pass.
    pub ordinal: u32,
    /// What to do.
    pub effect: Effect,
}

/// A release as far as it got.
#[derive(Debug, Clone)]
pub struct Known {
    /// The release.
    pub release: Release,
    /// Who asked for it first.
    pub requested_by: String,
    /// When, in microseconds UTC.
    pub created_at_us: i64,
    /// When something last happened to it, in microseconds UTC.
    pub updated_at_us: i64,
}

/// Everything known, folded from the log.
#[derive(Debug, Default)]
pub struct World {
    /// Deployments into pre-release that have not come to rest.
    opened: BTreeMap<Uuid, Item>,
    /// What succeeded in pre-release and was not taken back, by application, oldest first.
    succeeded: BTreeMap<String, Vec<Item>>,
    quarantined: BTreeSet<Uuid>,
    releases: BTreeMap<Uuid, Known>,
    /// Deployments of release candidates and the release each is of.
    owners: BTreeMap<Uuid, Uuid>,
    ends: BTreeMap<Uuid, Result<(), (Outcome, String)>>,
    /// Releases, deployments and builds that this binary cannot read, and why.
    aside: BTreeMap<Uuid, (AggregateId, String)>,
    /// Releases for which there may be something to do.
    active: BTreeSet<Uuid>,
}

/// The id of a release.
pub fn release_id(application_set: &str, bundle: &str) -> Uuid {
    derive::id("release", &[application_set, bundle])
}

/// What the number of a pass is reserved for.
pub fn pass_id(release: Uuid, ordinal: u32) -> Uuid {
    derive::id(
        "release-pass",
        &[&release.to_string(), &ordinal.to_string()],
    )
}

/// The deployment that takes an application of a pass through the release stages. cd-manager
/// derives the same id.
pub fn deployment_id(release: Uuid, application: &str, ordinal: u32) -> Uuid {
    derive::deployment(release, application, "RELEASE", ordinal)
}

impl World {
    /// What last succeeded in pre-release for an application.
    pub fn last_success(&self, application: &str) -> Option<&Item> {
        let mut all = self.succeeded.get(application)?.iter().rev();
        all.find(|it| !self.quarantined.contains(&it.build))
    }

    /// Why nobody can say what last succeeded for an application: a newer binary wrote about one
    /// of its deployments, or about a build of it.
    pub fn doubt(&self, application: &str) -> Option<&str> {
        let done = self.succeeded.get(application).into_iter().flatten();
        let opened = self.opened.values();
        let of = done.chain(opened.filter(|it| it.application == application));
        let why = |it: &Item| {
            let found = self.aside.get(&it.deployment);
            found.or_else(|| self.aside.get(&it.build))
        };
        of.filter_map(why).map(|(_, why)| why.as_str()).next()
    }

    /// Leaves alone a release, or what rests on a deployment or build, that a newer binary wrote
    /// about.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        self.active.remove(&aggregate.id());
        self.aside.insert(aggregate.id(), (aggregate.clone(), why));
    }

    /// What is left alone, and why.
    pub fn all_aside(&self) -> impl Iterator<Item = &(AggregateId, String)> {
        self.aside.values()
    }

    /// Why a release is left alone, when it is.
    pub fn aside(&self, release: Uuid) -> Option<&str> {
        self.aside.get(&release).map(|(_, why)| why.as_str())
    }

    /// The release with this id.
    pub fn release(&self, id: Uuid) -> Option<&Known> {
        self.releases.get(&id)
    }

    /// All releases.
    pub fn releases(&self) -> impl Iterator<Item = (Uuid, &Known)> {
        self.releases.iter().map(|(id, it)| (*id, it))
    }

    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened(item) => {
                self.opened.insert(item.deployment, item.clone());
            }
            Fact::Deployment(id, change) => self.deployment(*id, change),
            Fact::Quarantined(build) => {
                self.quarantined.insert(*build);
            }
            Fact::Release {
                id,
                at_us,
                actor,
                event,
            } => self.release_event(*id, *at_us, actor, event),
        }
    }

    fn deployment(&mut self, id: Uuid, change: &Change) {
        if let Some(release) = self.owners.get(&id) {
            self.active.insert(*release);
            match change {
                Change::Succeeded => drop(self.ends.insert(id, Ok(()))),
                Change::Ended(outcome, why) => {
                    drop(self.ends.insert(id, Err((*outcome, why.clone()))));
                }
                Change::Retried => drop(self.ends.remove(&id)),
                // It had arrived; that it was taken back later is another deployment's story.
                Change::RolledBack => {}
            }
            return;
        }
        match change {
            Change::Succeeded => {
                let Some(item) = self.opened.remove(&id) else {
                    return;
                };
                let all = self.succeeded.entry(item.application.clone()).or_default();
                all.push(item);
                if all.len() > SUCCESSES {
                    all.remove(0);
                }
            }
            Change::RolledBack => {
                for all in self.succeeded.values_mut() {
                    all.retain(|it| it.deployment != id);
                }
            }
            // A failed one may be tried again.
            Change::Ended(Outcome::Failed, _) | Change::Retried => {}
            Change::Ended(Outcome::Aborted | Outcome::Superseded | Outcome::Quarantined, _) => {
                self.opened.remove(&id);
            }
        }
    }

    fn release_event(&mut self, id: Uuid, at_us: i64, actor: &str, event: &Event) {
        let known = self.releases.remove(&id);
        let (state, requested_by, created_at_us) = match known {
            Some(it) => (Some(it.release), it.requested_by, it.created_at_us),
            None => (None, actor.to_owned(), at_us),
        };
        if let Event::Ready { ordinal, items, .. } = event {
            let owned = items.iter();
            let owned = owned.map(|it| (deployment_id(id, &it.application, *ordinal), id));
            self.owners.extend(owned);
        }
        if let Some(release) = Releases::evolve(state, event) {
            let known = Known {
                release,
                requested_by,
                created_at_us,
                updated_at_us: at_us,
            };
            self.releases.insert(id, known);
        }
        self.active.insert(id);
    }

    /// What has to be done now. Costs the number of releases that are not at rest.
    pub fn react(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut at_rest = Vec::new();
        let readable = |it: &&Uuid| !self.aside.contains_key(it);
        for id in self.active.iter().filter(readable) {
            let last = self.releases.get(id).and_then(|it| it.release.last());
            let Some(pass) = last else { continue };
            let before = requests.len();
            self.react_to(*id, pass, &mut requests);
            let is_over = !matches!(pass.step, Step::Tagging | Step::Promoting);
            if is_over && requests.len() == before {
                at_rest.push(*id);
            }
        }
        for id in at_rest {
            self.active.remove(&id);
        }
        requests
    }

    /// What has to be done for one release now.
    pub fn asked(&self, release: Uuid) -> Vec<Request> {
        let mut requests = Vec::new();
        let known = self.releases.get(&release);
        let pass = known.and_then(|it| it.release.last());
        if let Some(pass) = pass.filter(|_| self.aside(release).is_none()) {
            self.react_to(release, pass, &mut requests);
        }
        requests
    }

    fn react_to(&self, release: Uuid, pass: &Pass, requests: &mut Vec<Request>) {
        let mut ask = |what: &str, effect: Effect| {
            requests.push(Request {
                id: derive::effect(release, what, effect.word(), pass.ordinal),
                release,
                ordinal: pass.ordinal,
                effect,
            });
        };
        match (&pass.step, &pass.tag) {
            (Step::Tagging, None) => ask("", Effect::Number),
            (Step::Tagging, Some(tag)) => {
                for (item, registry) in pass.untagged() {
                    let effect = Effect::Tag {
                        application: item.application.clone(),
                        container: item.container.clone(),
                        registry: registry.to_owned(),
                        digest: item.digest.clone(),
                        tag: tag.clone(),
                    };
                    ask(&format!("{}/{registry}", item.application), effect);
                }
            }
            (Step::Promoting, _) => {
                if let Some(ended) = self.ended(release, pass) {
                    ask("", Effect::RecordEnd(ended));
                }
            }
            (Step::Failed { .. }, _) if self.ended(release, pass).is_none() => {
                ask("", Effect::Resume);
            }
            (Step::Failed { .. } | Step::Refused { .. } | Step::Succeeded, _) => {}
        }
    }

    /// How the deployments of a pass ended: the first that failed, or all well.
    fn ended(&self, release: Uuid, pass: &Pass) -> Option<Result<(), (Outcome, String)>> {
        let mut all_well = true;
        for item in &pass.items {
            let id = deployment_id(release, &item.application, pass.ordinal);
            match self.ends.get(&id) {
                Some(Err(end)) => return Some(Err(end.clone())),
                Some(Ok(())) => {}
                None => all_well = false,
            }
        }
        all_well.then_some(Ok(()))
    }
}

#[cfg(test)]
mod tests;
