//! `ListReleases`.

use std::cmp::Reverse;

use proto::release::v1 as pb;
use service::Fault;

use crate::Inner;

impl Inner {
    pub(super) async fn list_releases(
        &self,
        request: &pb::ListReleasesRequest,
    ) -> Result<pb::ListReleasesResponse, Fault> {
        self.read_now().await?;
        let wanted = &request.application_set;
        let world = self.world();
        let mut found: Vec<_> = world
            .releases()
            .filter(|(_, it)| wanted.is_empty() || it.release.application_set == *wanted)
            .collect();
        found.sort_by_key(|(_, it)| Reverse(it.updated_at_us));
        Ok(pb::ListReleasesResponse {
            releases: found
                .iter()
                .map(|(id, it)| self.shaped(&world, *id, it))
                .collect(),
        })
    }
}
