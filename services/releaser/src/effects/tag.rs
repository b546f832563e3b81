//! Gives an image the tag of a release candidate in one registry: looks what the tag names, acts
//! when it names nothing, reads it back. What the tag names already is never replaced.

use std::path::PathBuf;
use std::time::Duration;

use eventlog::process::Retry;
use ids::{Digest, Version};
use registry::{Address, Client, Credentials};

use crate::Inner;
use crate::domain::release::{Command, Tagged};

/// The first pause when a registry or its manifest needs somebody's hand.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be tagged.
pub(super) struct Wanted<'a> {
    pub(super) ordinal: u32,
    pub(super) application: &'a str,
    pub(super) container: &'a str,
    pub(super) registry: &'a str,
    pub(super) digest: &'a Digest,
    pub(super) tag: &'a Version,
}

/// Where a tag stands now, and whether it did before.
struct Stands {
    place: String,
    already: bool,
}

/// Why it does not.
enum Problem {
    /// It never will: the pass is over.
    Refused { code: &'static str, message: String },
    /// It may later.
    Later { after: Duration, why: String },
}

impl Problem {
    fn later(why: &(impl ToString + ?Sized)) -> Self {
        let (after, why) = (PAUSE, why.to_string());
        Self::Later { after, why }
    }
}

impl Inner {
    /// Tags, and says what to record.
    pub(super) async fn tag(&self, wanted: &Wanted<'_>) -> Result<Command, Retry> {
        let ordinal = wanted.ordinal;
        let (application, registry) = (wanted.application.to_owned(), wanted.registry.to_owned());
        match self.write(wanted).await {
            Ok(Stands { place, already }) => Ok(Command::RecordTag {
                ordinal,
                tagged: Tagged {
                    application,
                    registry,
                    place,
                    digest: wanted.digest.clone(),
                    already,
                },
            }),
            Err(Problem::Refused { code, message }) => Ok(Command::Refuse {
                ordinal,
                application,
                registry,
                code: code.to_owned(),
                message,
            }),
            Err(Problem::Later { after, why }) => Err(Retry { after, why }),
        }
    }

    async fn write(&self, wanted: &Wanted<'_>) -> Result<Stands, Problem> {
        let snapshot = self
            .deps
            .desk
            .look()
            .await
            .map_err(|error| Problem::later(&error))?;
        let name = wanted.registry;
        let Some(found) = snapshot.graph.artifact_registry(name) else {
            // Somebody may put it back; until then nobody knows where to write.
            return Err(Problem::later(&format!(
                "there is no ArtifactRegistry `{name}` at {}; restore its manifest",
                snapshot.commit
            )));
        };
        match (&found.oci_layout, &found.url) {
            (Some(layout), _) => in_layout(self.deps.layouts.join(layout), wanted).await,
            (None, Some(url)) => self.in_registry(url, wanted).await,
            (None, None) => Err(Problem::later(&format!(
                "ArtifactRegistry `{name}` says neither `url` nor `ociLayout`; complete its manifest"
            ))),
        }
    }

    async fn in_registry(&self, url: &str, wanted: &Wanted<'_>) -> Result<Stands, Problem> {
        // A manifest with a wrong address is mended, and then it goes on.
        let address = Address::parse(url).map_err(|error| Problem::later(&error))?;
        let place = format!("{address}/{}:{}", wanted.container, wanted.tag);
        let client = Client::new(address, self.credentials().await?);
        let tagged = client
            .tag(wanted.container, wanted.tag.as_str(), wanted.digest)
            .await;
        match tagged {
            Ok(registry::Tagged::Now) => Ok(Stands {
                place,
                already: false,
            }),
            Ok(registry::Tagged::Already) => Ok(Stands {
                place,
                already: true,
            }),
            Ok(registry::Tagged::Taken(by)) => Err(taken(&place, by.as_str(), wanted)),
            Ok(registry::Tagged::Gone) => Err(Problem::Refused {
                code: "image-gone",
                message: format!(
                    "{place}: the image {} is not there, or the credentials may not see it; push it again by digest, then create the release again",
                    wanted.digest
                ),
            }),
            Err(registry::Error::Busy { place, retry_after }) => Err(Problem::Later {
                after: retry_after.unwrap_or(PAUSE),
                why: registry::Error::Busy { place, retry_after }.to_string(),
            }),
            Err(error) if error.retryable() => Err(Problem::later(&error)),
            Err(error) => Err(Problem::Refused {
                code: error.code(),
                message: error.to_string(),
            }),
        }
    }

    async fn credentials(&self) -> Result<Credentials, Problem> {
        let path = &self.deps.credentials;
        let unusable =
            |why: String| Problem::later(&format!("credentials in {}: {why}", path.display()));
        match tokio::fs::read(path).await {
            Ok(json) => Credentials::parse(&json).map_err(unusable),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Credentials::default())
            }
            Err(error) => Err(unusable(error.to_string())),
        }
    }
}

async fn in_layout(path: PathBuf, wanted: &Wanted<'_>) -> Result<Stands, Problem> {
    let tag = format!("{}:{}", wanted.container, wanted.tag);
    let place = format!("{}:{tag}", path.display());
    let digest = wanted.digest.clone();
    let written = tokio::task::spawn_blocking(move || {
        let layout = oci::Layout::open(path)?;
        let already = layout.tag_once(&digest, &tag)?;
        // Read back what others will read.
        let found = layout.tags()?.remove(&tag);
        Ok((already, found))
    });
    let written = written.await.map_err(|error| Problem::later(&error))?;
    match written {
        Ok((already, Some(found))) if found == *wanted.digest => Ok(Stands { place, already }),
        Ok((_, Some(found))) => Err(taken(&place, found.as_str(), wanted)),
        Ok((_, None)) => Err(Problem::later(&format!(
            "{place} is not there after writing"
        ))),
        Err(oci::Error::TagTaken { by, .. }) => Err(taken(&place, &by, wanted)),
        Err(error) => Err(of_layout(&error)),
    }
}

fn of_layout(error: &oci::Error) -> Problem {
    let code = match error {
        oci::Error::Missing { .. } => "image-gone",
        oci::Error::Corrupt { .. } => "image-corrupt",
        oci::Error::BadTag { .. } => "tag-invalid",
        oci::Error::Malformed { .. } => "image-malformed",
        oci::Error::NotALayout { .. }
        | oci::Error::NoPlatform { .. }
        | oci::Error::Refused { .. }
        | oci::Error::BadFile { .. }
        | oci::Error::TagTaken { .. }
        | oci::Error::Io { .. } => return Problem::later(error),
    };
    Problem::Refused {
        code,
        message: error.to_string(),
    }
}

fn taken(place: &str, by: &str, wanted: &Wanted<'_>) -> Problem {
    Problem::Refused {
        code: "tag-taken",
        message: format!(
            "{place} names {by}, not {}: somebody else wrote it, and it was left alone; create the release again for the next number",
            wanted.digest
        ),
    }
}
