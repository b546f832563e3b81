//! `Explain` of a release: what its last pass waits for, and which role would do it.

use ids::{AggregateId, Uuid};
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use super::explain::{entry, fact};
use crate::Inner;
use crate::domain::release::{Release, Step};

/// The role that reserves numbers and writes tags.
const RELEASER: &str = "releaser";

impl Inner {
    /// The release that a text names: `application-set/bundle`, a tag, an id or its beginning.
    pub(super) async fn release_named(&self, text: &str) -> Result<Option<(Uuid, Release)>, Fault> {
        self.catch_up().await.map_err(|why| {
            Fault::new(Kind::Unknown, "log-unavailable", why).fix("repeat the call")
        })?;
        let prefix = text.to_ascii_lowercase();
        let is_it = |id: Uuid, it: &Release| {
            it.name() == text
                || it.tag.as_ref().is_some_and(|tag| tag.as_str() == text)
                || (text.len() >= 4 && id.to_string().starts_with(&prefix))
        };
        let world = self.world();
        let mut found = world.releases().filter(|(id, it)| is_it(*id, it));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => {
                let what = format!("several releases begin with `{}`", shown(text));
                Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
            }
            (first, _) => Ok(first.map(|(id, it)| (id, it.clone()))),
        }
    }

    pub(super) async fn explain_release(
        &self,
        id: Uuid,
        release: &Release,
    ) -> Result<pb::ExplainResponse, Fault> {
        let mut facts = vec![
            fact("release", &release.name()),
            fact("requested_by", &release.requested_by),
        ];
        facts.extend(release.tag.iter().map(|it| fact("tag", it)));
        facts.extend(release.deployments.iter().map(|it| fact("deployment", it)));
        Ok(pb::ExplainResponse {
            subject: id.to_string(),
            state: release.state_word().to_owned(),
            summary: summary(release),
            waiting: match self.unreadable_aggregate(id) {
                Some(newer) => vec![newer],
                None => self.release_waits(release).await?,
            },
            facts,
            timeline: self.release_timeline(id).await?,
        })
    }

    async fn release_waits(&self, release: &Release) -> Result<Vec<pb::Waiting>, Fault> {
        let is_away = !self.deps.roles.is_running(RELEASER);
        match &release.step {
            Step::Over { .. } => Ok(vec![]),
            Step::Tagging => Ok(vec![tagging(is_away)]),
            Step::Promoting => {
                let mut waits = Vec::new();
                for id in &release.deployments {
                    waits.extend(self.waits_for(*id, is_away).await?);
                }
                Ok(waits)
            }
        }
    }

    /// What one of its deployments waits for; nothing when it has ended and that is known.
    async fn waits_for(&self, id: Uuid, is_away: bool) -> Result<Vec<pb::Waiting>, Fault> {
        let Some(deployment) = self.readable_deployment(id).await? else {
            let why = self.troubles.of(&id);
            return Ok(vec![pb::Waiting {
                on: "deployment".into(),
                why: why.unwrap_or_else(|| "its deployment is about to be opened".into()),
                who_can_act: "whoever owns the manifests, when they do not say the way".into(),
                next: "it is tried again by itself, at the latest after 30 s".into(),
                looked_at_us: 0,
            }]);
        };
        if deployment.end.is_some() {
            let ended = is_away.then(|| away("which records how its deployment ended"));
            return Ok(ended.into_iter().collect());
        }
        self.waiting(id, &deployment).await
    }

    async fn release_timeline(&self, id: Uuid) -> Result<Vec<pb::TimelineEntry>, Fault> {
        let aggregate = AggregateId::new("release", id);
        let stored = self.deps.log.load(&aggregate, 0).await;
        let mut entries = Vec::new();
        for commit in &stored? {
            for record in &commit.commit.events {
                let text = crate::wire::release_told(record).map_err(Fault::broken)?;
                entries.push(entry(commit, record, text));
            }
        }
        Ok(entries)
    }
}

/// Why a release has no deployment yet.
fn tagging(is_away: bool) -> pb::Waiting {
    if is_away {
        return away("which reserves its number and writes its tag");
    }
    pb::Waiting {
        on: "tag".into(),
        why: "its tag is being written into every registry that holds its images".into(),
        who_can_act: "nobody needs to; `towpath release show` names what does not answer".into(),
        next: "its deployment is opened when every registry holds the tag".into(),
        looked_at_us: 0,
    }
}

fn away(what: &str) -> pb::Waiting {
    pb::Waiting {
        on: "role".into(),
        why: format!("the role `{RELEASER}`, {what}, is not running"),
        who_can_act: "whoever operates Towpath".into(),
        next: "it goes on by itself when the role runs".into(),
        looked_at_us: 0,
    }
}

fn summary(release: &Release) -> String {
    let name = release.name();
    let name = match &release.tag {
        Some(tag) => format!("{name} ({tag})"),
        None => name,
    };
    match &release.step {
        Step::Tagging => format!("{name} is getting its tag."),
        Step::Promoting => format!("{name} is on its way through the release stages."),
        Step::Over { state, message } if message.is_empty() => format!("{name} is {state}."),
        Step::Over { state, message } => format!("{name} is {state}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_waits_for_its_tag_names_the_role_that_is_away() {
        let waiting = tagging(true);
        assert_eq!(waiting.on, "role");
        assert!(waiting.why.contains("`releaser`"), "{}", waiting.why);
        assert_eq!(tagging(false).on, "tag");
    }
}
