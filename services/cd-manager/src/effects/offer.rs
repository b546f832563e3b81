//! Finds out whether a candidate is newer than the newest its slot knows, and tells the slot.

use eventlog::process::Retry;

use crate::Inner;
use crate::domain::order::{self, compare};
use crate::domain::slot::{Candidate, Command, Place};

impl Inner {
    pub(super) async fn offer(
        &self,
        place: &Place,
        candidate: &Candidate,
        definition: Option<&str>,
        newest: Option<&Candidate>,
    ) -> Result<(), Retry> {
        let compared = match newest {
            None => None,
            Some(newest) => Some((
                newest.deployment,
                self.verdict(candidate, newest, definition).await,
            )),
        };
        let command = Command::Offer {
            place: place.clone(),
            candidate: candidate.clone(),
            compared,
        };
        // Refused when a newer one came meanwhile: then it is asked for again, with that one.
        self.tell_slot(candidate.deployment, place, &command)
            .await
            .map(drop)
    }

    async fn verdict(
        &self,
        candidate: &Candidate,
        newest: &Candidate,
        definition: Option<&str>,
    ) -> order::Verdict {
        let Some(definition) = definition else {
            return order::compare_reserved(&candidate.key(), &newest.key());
        };
        let ancestry = self.ancestry(definition, candidate, newest).await;
        compare(&candidate.key(), &newest.key(), ancestry)
    }

    async fn ancestry(
        &self,
        definition: &str,
        candidate: &Candidate,
        newest: &Candidate,
    ) -> order::Ancestry {
        let (Some(first), Some(second)) = (&candidate.commit, &newest.commit) else {
            return order::Ancestry::Unknown;
        };
        let url = match self.deps.desk.look().await {
            Ok(snapshot) => snapshot
                .graph
                .build_definition(definition)
                .and_then(|it| snapshot.graph.repository_url(it)),
            Err(error) => {
                tracing::warn!(%error, "the manifests could not be read to compare two builds");
                None
            }
        };
        let Some(url) = url else {
            return order::Ancestry::Unknown;
        };
        match self.deps.histories.compare(&url, first, second).await {
            source::Ancestry::Descends => order::Ancestry::Descends,
            source::Ancestry::Precedes => order::Ancestry::Precedes,
            source::Ancestry::Unknown => order::Ancestry::Unknown,
        }
    }
}
