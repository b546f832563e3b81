//! Releases: what each takes to which environment, and what ran there without it.

use std::collections::BTreeMap;

use ids::{Oid, Uuid, derive};

use super::{Due, Opened, Wanted, World, changelog_id, range_id};

/// What happens to a release, as far as it matters here.
#[derive(Debug, Clone)]
pub enum News {
    /// It was asked for.
    Created {
        /// Whose bundle.
        application_set: String,
        /// Such as `2026.11`.
        bundle: String,
    },
    /// A pass began.
    Begun {
        /// Which.
        ordinal: u32,
        /// What it is about.
        items: Vec<Item>,
    },
    /// The tag of the last pass is settled.
    Numbered(String),
    /// The last pass ended; whether somebody may take it up again.
    Over {
        /// A failed deployment can be retried.
        may_resume: bool,
    },
    /// It goes on.
    Resumed,
}

/// One application of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The application.
    pub application: String,
    /// The build definition.
    pub definition: String,
    /// The version it was built as.
    pub version: String,
    /// The image.
    pub digest: String,
    /// The source commit, when CI said.
    pub commit: Option<Oid>,
}

/// A release, as far as it got.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Whose bundle.
    pub application_set: String,
    /// Such as `2026.11`.
    pub bundle: String,
    /// Tags of its passes, oldest first.
    pub tags: Vec<String>,
    /// What the last pass is about.
    pub items: Vec<Item>,
    /// The tag of the last pass, once it is settled.
    pub tag: Option<String>,
    /// The last pass.
    ordinal: u32,
    /// The environments it goes to, once a deployment of it is opened.
    environments: Vec<String>,
    /// Its last pass failed, and somebody may take it up again.
    may_resume: bool,
    /// What ran in each slot when the release came to its end.
    frozen: BTreeMap<Uuid, Option<Uuid>>,
}

/// How an application of a release stands in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// What the release brings.
    pub item: Item,
    /// What runs without the release, or ran before it came.
    pub from: Option<Opened>,
    /// When it came.
    pub arrived_at_us: Option<i64>,
    /// What runs there now.
    pub runs: Option<Opened>,
    /// The release ended before it came: `from` is what ran then.
    pub is_frozen: bool,
    /// Why nobody here can say how it stands.
    pub doubt: Option<String>,
}

impl Stand {
    /// Both ends of the range; nothing when CI did not say a commit.
    pub fn ends(&self) -> Option<(Option<&Oid>, &Oid)> {
        let from = match &self.from {
            None => None,
            Some(ran) => Some(ran.commit.as_ref()?),
        };
        Some((from, self.item.commit.as_ref()?))
    }

    /// The release brings the very bytes that run without it, whatever CI said of commits.
    pub fn is_same_image(&self) -> bool {
        let from = self.from.as_ref();
        from.is_some_and(|it| it.digest == self.item.digest)
    }

    /// The range, unless it is empty or nobody can name it.
    pub fn range(&self) -> Option<Uuid> {
        let (from, to) = self.ends()?;
        (from != Some(to)).then(|| range_id(&self.item.definition, from, to))
    }
}

/// The deployment that takes an application of a pass through the release stages; cd-manager and
/// the releaser derive the same id.
fn deployment_id(release: Uuid, application: &str, ordinal: u32) -> Uuid {
    derive::deployment(release, application, "RELEASE", ordinal)
}

impl World {
    /// The release with this id.
    pub fn release(&self, id: Uuid) -> Option<&Release> {
        self.releases.get(&id)
    }

    /// The releases that a text names: by id or the beginning of one, by name, by the tag of a
    /// pass or what all its tags begin with.
    pub fn releases_named(&self, text: &str) -> Vec<Uuid> {
        let prefix = text.to_ascii_lowercase();
        let is_id = text.len() >= 4;
        let is_it = |(id, it): &(&Uuid, &Release)| {
            let name = text.split_once('/');
            name.is_some_and(|(set, bundle)| it.application_set == set && it.bundle == bundle)
                || text == format!("{}-{}", it.application_set, it.bundle)
                || it.tags.iter().any(|it| it == text)
                || (is_id && id.to_string().starts_with(&prefix))
        };
        let found = self.releases.iter().filter(is_it);
        found.map(|(id, _)| *id).collect()
    }

    /// The environments that a release goes to, in order: by its own deployments, or by those of
    /// the last release of the same application set.
    pub fn environments(&self, id: Uuid) -> &[String] {
        let Some(release) = self.releases.get(&id) else {
            return &[];
        };
        if !release.environments.is_empty() {
            return &release.environments;
        }
        let way = self.ways.get(&release.application_set);
        way.map(Vec::as_slice).unwrap_or_default()
    }

    /// A deployment of a release is open: it says where the release goes.
    pub(super) fn way_known(&mut self, id: Uuid, environments: &[String]) {
        let Some(release) = self.releases.get_mut(&id) else {
            return;
        };
        release.environments = environments.to_vec();
        self.ways
            .insert(release.application_set.clone(), environments.to_vec());
        self.want(id, None);
    }

    /// How the applications of a release stand in an environment, by name.
    pub fn stands(&self, id: Uuid, environment: &str) -> Vec<Stand> {
        let Some(release) = self.releases.get(&id) else {
            return Vec::new();
        };
        let items = release.items.iter();
        let mut all: Vec<_> = items
            .map(|item| self.stand(id, release, environment, item))
            .collect();
        all.sort_by(|one, other| one.item.application.cmp(&other.item.application));
        all
    }

    fn stand(&self, id: Uuid, release: &Release, environment: &str, item: &Item) -> Stand {
        let slot = derive::slot(environment, &item.application);
        let all = self
            .arrivals
            .get(&slot)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mine = deployment_id(id, &item.application, release.ordinal);
        let arrived = self.arrived.get(&(slot, mine)).copied();
        let opened = |it: Uuid| self.deployments.get(&it).cloned();
        let frozen = release.frozen.get(&slot).filter(|_| arrived.is_none());
        let from = match frozen {
            Some(ran) => *ran,
            None => self.without(id, slot, arrived.unwrap_or(all.len())),
        };
        Stand {
            item: item.clone(),
            from: from.and_then(opened),
            arrived_at_us: arrived.map(|at| all[at].at_us),
            runs: all.last().and_then(|it| opened(it.deployment)),
            is_frozen: frozen.is_some(),
            doubt: self.doubt(&item.application),
        }
    }

    /// What ran last in a slot, among its first arrivals, that no pass of this release brought.
    fn without(&self, release: Uuid, slot: Uuid, first: usize) -> Option<Uuid> {
        let all = self.arrivals.get(&slot)?.iter();
        let mut others = all.take(first).rev().map(|it| it.deployment);
        others.find(|it| self.owners.get(it) != Some(&release))
    }

    /// Why nobody can say what ran of an application: a newer binary wrote about a deployment of
    /// it, or opened one of nobody here knows what.
    fn doubt(&self, application: &str) -> Option<String> {
        let mut aside = self.aside.iter().filter(|(id, (aggregate, _))| {
            let known = self.deployments.get(id);
            aggregate.kind() == "deployment" && known.is_none_or(|it| it.application == application)
        });
        aside.next().map(|(_, (_, why))| why.clone())
    }

    /// The changelog that is to say what lies in a range of an application that nobody wrote yet:
    /// that of a deployment, or one of its own. Nothing as long as nobody needs it.
    pub fn writes(&self, stand: &Stand) -> Option<Uuid> {
        let range = stand.range()?;
        let due = self.due.values().find(|it| is_about(it, stand));
        let due = due.map(|it| changelog_id(it.opened.deployment));
        due.or_else(|| {
            let mut wanted = self.wanted.values();
            wanted.any(|it| it.id() == range).then_some(range)
        })
    }

    /// The changelog that says what lies in a range, once it is written.
    pub fn written(&self, range: Uuid) -> Option<Uuid> {
        self.written.get(&range).copied()
    }

    pub(super) fn release_news(&mut self, id: Uuid, news: &News) {
        let release = self.releases.entry(id).or_default();
        match news {
            News::Created {
                application_set,
                bundle,
            } => {
                release.application_set.clone_from(application_set);
                release.bundle.clone_from(bundle);
                self.close_failed(application_set);
            }
            News::Begun { ordinal, items } => {
                release.ordinal = *ordinal;
                release.items.clone_from(items);
                release.tag = None;
                for it in items {
                    let deployment = deployment_id(id, &it.application, *ordinal);
                    self.owners.insert(deployment, id);
                }
                self.reopen(id);
            }
            News::Numbered(tag) => {
                release.tag = Some(tag.clone());
                release.tags.push(tag.clone());
            }
            News::Over { may_resume: true } => release.may_resume = true,
            News::Over { may_resume: false } => self.close(id),
            News::Resumed => self.reopen(id),
        }
    }

    fn reopen(&mut self, id: Uuid) {
        if let Some(release) = self.releases.get_mut(&id) {
            release.may_resume = false;
            release.frozen.clear();
        }
        self.open.insert(id);
        self.want(id, None);
    }

    /// Another release of the set follows: those that failed are not compared any further.
    fn close_failed(&mut self, application_set: &str) {
        let failed = self.open.iter().filter(|id| {
            let it = self.releases.get(*id);
            it.is_some_and(|it| it.may_resume && it.application_set == application_set)
        });
        for id in failed.copied().collect::<Vec<_>>() {
            self.close(id);
        }
    }

    /// Keeps what runs now as what the release is compared with from here on.
    fn close(&mut self, id: Uuid) {
        self.want(id, None);
        self.open.remove(&id);
        let Some(release) = self.releases.get(&id) else {
            return;
        };
        let slots = self.environments(id).iter().flat_map(|environment| {
            let items = release.items.iter();
            items.map(move |it| derive::slot(environment, &it.application))
        });
        let frozen = slots.map(|slot| (slot, self.without(id, slot, usize::MAX)));
        let frozen = frozen.collect();
        if let Some(release) = self.releases.get_mut(&id) {
            release.frozen = frozen;
        }
    }

    /// Something changed about an application: releases that hold it may need other ranges.
    pub(super) fn want_for(&mut self, application: &str) {
        for id in self.open.clone() {
            self.want(id, Some(application));
        }
    }

    /// Notes which ranges a release needs that nobody wrote or is about to write: of one
    /// application, or of all.
    fn want(&mut self, id: Uuid, application: Option<&str>) {
        let Some(release) = self.releases.get(&id) else {
            return;
        };
        let items = release.items.iter();
        let items = items.filter(|it| application.is_none_or(|name| it.application == name));
        let mut wanted = Vec::new();
        for item in items {
            for environment in self.environments(id) {
                let slot = derive::slot(environment, &item.application);
                let stand = self.stand(id, release, environment, item);
                wanted.push(((id, slot), self.missing(id, &stand)));
            }
        }
        for (key, missing) in wanted {
            match missing {
                Some(it) => drop(self.wanted.insert(key, it)),
                None => drop(self.wanted.remove(&key)),
            }
        }
    }

    fn missing(&self, release: Uuid, stand: &Stand) -> Option<Wanted> {
        let range = stand.range()?;
        if self.written.contains_key(&range)
            || self.aside.contains_key(&range)
            || self.aside.contains_key(&release)
            || self.due.values().any(|it| is_about(it, stand))
        {
            return None;
        }
        let (from, to) = stand.ends()?;
        Some(Wanted {
            release,
            application: stand.item.application.clone(),
            definition: stand.item.definition.clone(),
            from: from.cloned(),
            to: to.clone(),
        })
    }
}

/// Whether a deployment's changelog is to say what an application needs.
fn is_about(due: &Due, stand: &Stand) -> bool {
    due.opened.definition == stand.item.definition && due.ends() == stand.ends()
}
