//! Build reports as events on NATS: the same as the RPC, from the repository that the manifests
//! name.

use access::Principal;
use intake::{Event, Reports};
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind};
use source::Snapshot;

use crate::CdManager;

#[async_trait::async_trait]
impl Reports for CdManager {
    async fn report(
        &self,
        caller: &Principal,
        event: &Event,
    ) -> Result<pb::ReportBuildResponse, Fault> {
        let Event {
            key,
            source,
            request,
        } = event;
        let snapshot = self.0.manifests().await?;
        check_source(&snapshot, &request.definition, source)?;
        self.0
            .report_build_as_seen(&caller.name, Some(key), request, Some(snapshot))
            .await
    }
}

/// Nobody reports builds of another repository. A definition that is not known has none; that is
/// said when the report is routed.
fn check_source(snapshot: &Snapshot, definition: &str, source: &str) -> Result<(), Fault> {
    let graph = &snapshot.graph;
    let Some(known) = graph.build_definition(definition) else {
        return Ok(());
    };
    let Some(url) = graph.repository_url(known) else {
        let what = format!("the manifests do not say where the repository of `{definition}` is");
        return Err(Fault::new(Kind::Rejected, "unknown-repository", what)
            .fix("give its GithubRepository a url, or its connection an organization"));
    };
    if intake::is_from(source, &url) {
        return Ok(());
    }
    let source: String = source
        .chars()
        .take(200)
        .flat_map(char::escape_default)
        .collect();
    let what = format!("`{definition}` is built from {url}, and the event comes from `{source}`");
    Err(Fault::new(Kind::Rejected, "wrong-repository", what)
        .fix("set `source` of the event to the repository that was built"))
}
