//! Reserves the number of a pass in the log, then settles its tag. The reservation belongs to the
//! pass: whoever repeats this gets the same number.

use std::collections::BTreeSet;

use eventlog::ExecuteError;
use ids::{Uuid, derive};

use crate::Inner;
use crate::domain::release::{Command, Rejection};
use crate::domain::version::{Key, Reserve};
use crate::process::pass_id;

/// Numbers of release candidates are the same in all registries.
const EVERYWHERE: &str = "*";
/// What stands before the number.
const CHANNEL: &str = "rc";

impl Inner {
    /// The number of a pass, reserved now or before.
    pub(crate) async fn number(
        &self,
        release: Uuid,
        ordinal: u32,
    ) -> Result<Option<u32>, ExecuteError<Rejection>> {
        let loaded = self.releases.load(release).await?;
        let Some(known) = loaded.state else {
            return Ok(None);
        };
        // Two releases whose tags begin alike share their numbers, and so never a tag.
        let core = known.tag_base();
        let aggregate = derive::id("version", &[EVERYWHERE, &core, CHANNEL]);
        let pass = pass_id(release, ordinal);
        let reserve = Reserve {
            key: Key {
                repository: EVERYWHERE.to_owned(),
                core,
                channel: CHANNEL.to_owned(),
            },
            first: 0,
            taken: BTreeSet::new(),
            asker: pass,
            commit: None,
        };
        let context = self.context(release);
        let reserved = self.versions.execute(aggregate, &context, &reserve).await;
        let reserved = reserved.map_err(|error| match error {
            ExecuteError::Rejected(why) => {
                ExecuteError::Rejected(Rejection::NoTag(why.to_string()))
            }
            ExecuteError::Reused => ExecuteError::Reused,
            ExecuteError::Lost(it) => ExecuteError::Lost(it),
            ExecuteError::OutcomeUnknown => ExecuteError::OutcomeUnknown,
            ExecuteError::Log(it) => ExecuteError::Log(it),
        })?;
        let Some(number) = reserved.state.number_of(pass) else {
            return Ok(None);
        };
        let number = u32::try_from(number).map_err(|_| {
            ExecuteError::Rejected(Rejection::NoTag("every number was given out".to_owned()))
        })?;
        let command = Command::Number { ordinal, number };
        self.releases.execute(release, &context, &command).await?;
        Ok(Some(number))
    }
}
