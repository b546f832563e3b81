//! `[reads]`: where read models are kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::log::Backend;
use super::{Error, url_has_password};

/// Where read models are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reads {
    /// A PostgreSQL database, such as `postgres://towpath@db/towpath`; empty = a file in the data
    /// directory.
    pub url: String,
    /// A file with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

impl Reads {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over a variable of the environment; says whether it was one of these.
    pub(super) fn set(&mut self, name: &str, value: &str) -> bool {
        match name {
            "TOWPATH_READS_URL" => value.clone_into(&mut self.url),
            "TOWPATH_READS_PASSWORD_FILE" => self.password_file = Some(value.into()),
            _ => return false,
        }
        true
    }

    pub(super) fn validate(&self, log: Backend) -> Result<(), Error> {
        let wrong = |why: &str| {
            Err(Error::Value {
                name: "reads.url",
                why: why.to_owned(),
            })
        };
        if self.url.is_empty() {
            return Ok(());
        }
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|it| self.url.starts_with(it))
        {
            return wrong(
                "only PostgreSQL is reached by a URL: it begins with postgres://; leave it empty for a file in the data directory",
            );
        }
        if url_has_password(&self.url) {
            return wrong(
                "the URL holds a password; put it into a file and name that in reads.password_file",
            );
        }
        if log == Backend::Sqlite {
            return wrong(
                "read models in PostgreSQL need the record in NATS (log.backend = \"nats\"): a file is read by one machine only",
            );
        }
        Ok(())
    }
}
