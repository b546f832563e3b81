//! `[telemetry]`: where traces go.

use serde::{Deserialize, Serialize};

use super::Error;

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// An OTLP receiver that speaks gRPC, such as `http://127.0.0.1:4317`; empty = nowhere.
    pub otlp: String,
}

impl Telemetry {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let is_url = ["http://", "https://"]
            .iter()
            .any(|it| self.otlp.starts_with(it));
        if self.otlp.is_empty() || is_url {
            return Ok(());
        }
        Err(Error::Value {
            name: "telemetry.otlp",
            why: format!(
                "`{}` is not an address such as http://127.0.0.1:4317",
                self.otlp
            ),
        })
    }
}
