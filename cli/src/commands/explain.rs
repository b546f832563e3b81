//! `towpath explain`.

use proto::delivery::v1 as pb;
use service::time::rfc3339;

use super::{Scene, view};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, subject: String) -> Result<(), Failure> {
    let request = pb::ExplainRequest { subject };
    let it = scene
        .client()
        .await?
        .delivery()
        .explain(request)
        .await?
        .into_inner();
    if scene.is_json() {
        return output::json(&view::explanation(&it));
    }
    output::line(&format!("{}  {}", it.state, it.summary))?;
    for waiting in &it.waiting {
        output::line("")?;
        output::line(&format!("waits on   {}: {}", waiting.on, waiting.why))?;
        output::line(&format!("who        {}", waiting.who_can_act))?;
        output::line(&format!("next       {}", waiting.next))?;
        if waiting.looked_at_us != 0 {
            output::line(&format!("looked at  {}", rfc3339(waiting.looked_at_us)))?;
        }
    }
    if !it.facts.is_empty() {
        output::line("")?;
    }
    let width = it
        .facts
        .iter()
        .map(|fact| fact.name.chars().count())
        .max()
        .unwrap_or_default();
    for fact in &it.facts {
        output::line(&format!("{:<width$}  {}", fact.name, fact.value))?;
    }
    output::line("")?;
    for entry in &it.timeline {
        output::line(&format!(
            "{}  {:<22} {:<11} {}",
            rfc3339(entry.at_us),
            entry.event,
            entry.actor,
            entry.text
        ))?;
    }
    Ok(())
}
