//! `towpath migrate`: brings the stores to what this version needs, with an operator's
//! credentials, before the roles start.

use eventlog::LogIdentity;
use eventlog::nats;
use service::Clock as _;
use service::Config;
use service::clock::SystemClock;
use service::config::Backend;
use service::entropy::{Entropy as _, SystemEntropy};
use service::time::rfc3339;

use super::Scene;
use crate::failure::Failure;
use crate::output;
use crate::serve::{create_intake, nats_options, nats_refused};

pub(super) async fn run(scene: &Scene) -> Result<(), Failure> {
    scene.asks_no_server("migrate")?;
    let config = Config::load(&scene.data()?, crate::home::settings())?;
    config.validate()?;
    if config.log.backend == Backend::Sqlite {
        return output::line("nothing to prepare: the log is a file, which the first start makes");
    }
    let options = nats_options(&config)?;
    let now_us = SystemClock.now_us();
    let fresh = LogIdentity {
        log_id: SystemEntropy.id(now_us),
        epoch: 1,
        created_at_us: now_us,
    };
    let identity = nats::create(&options, &fresh)
        .await
        .map_err(|error| nats_refused(&error))?;
    create_intake(&config).await?;
    if scene.is_json() {
        return output::json(&serde_json::json!({
            "log_id": identity.log_id.to_string(),
            "epoch": identity.epoch,
            "created_at": rfc3339(identity.created_at_us),
        }));
    }
    let what = if identity == fresh { "made" } else { "there" };
    output::line(&format!(
        "the log {} is {what}, in epoch {}; so are the streams of CI's events",
        identity.log_id, identity.epoch
    ))
}
