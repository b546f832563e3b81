//! Writes a version into an environment's manifest: takes the slot, records that the commit may
//! exist from now on, hands it to the one writer of the branch, records where it landed.

use std::sync::Arc;
use std::time::Duration;

use eventlog::process::Retry;
use git::{Change, EditOutcome, FileEdit, Published, WriteError};
use ids::{Digest, Oid, Uuid, derive};
use manifests::{Diagnostic, Location, Values};

use super::ask::{Difference, STALE, configuration};
use super::retry;
use crate::domain::deployment::{Command, Deployment, Step};
use crate::domain::plan::Plan;
use crate::domain::slot::{self, Place};
use crate::{Inner, ROLE};

impl Inner {
    pub(super) async fn promote(
        &self,
        id: Uuid,
        place: &Place,
        held_above: Option<String>,
    ) -> Result<(), Retry> {
        let Some(asked) = self.take_slot(id, place, held_above).await? else {
            return Ok(());
        };
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let request = Command::RequestPromotion {
            environment: place.environment.clone(),
            since: Some(snapshot.commit.clone()),
            plan: asked,
        };
        self.tell(id, request).await?;
        let Some(deployment) = self.deployment(id).await? else {
            return Ok(());
        };
        let Some(at) = deployment.place(&place.environment) else {
            return Ok(());
        };
        let Step::Requested { since, plan } = &at.step else {
            return Ok(());
        };
        let plan = plan.as_ref().and_then(|digest| {
            let found = deployment
                .asked
                .iter()
                .rfind(|it| it.plan.digest == *digest);
            found.map(|it| &it.plan)
        });

        let environment = place.environment.clone();
        let location = match snapshot.version_location(&place.application, &place.environment) {
            Ok(location) => location,
            Err(problem) => return self.refuse(id, environment, &problem).await,
        };
        if let Some(problem) = snapshot.problem_near(&place.application, &place.environment) {
            let refusal = Refusal {
                code: "manifests-unusable".to_owned(),
                message: told(problem),
            };
            return self.refuse_with(id, environment, refusal).await;
        }
        let file = location.file.clone();
        let change_id = derive::effect(id, &place.environment, "commit", at.attempt);
        let change = Change {
            id: change_id,
            files: vec![edit(
                location.clone(),
                values(&deployment, &snapshot),
                plan.and_then(|it| it.change(&place.environment))
                    .map(|it| it.configuration.clone()),
            )],
            subject: format!(
                "{}: {} {}",
                place.environment, place.application, deployment.created.version
            ),
            body: String::new(),
            trailers: trailers(id, &at.stage, place),
            since: since.clone(),
        };
        match self.deps.writer.submit(change).await {
            Ok(published) => self.record(id, environment, file, published).await,
            Err(WriteError::Refused(text)) => {
                let refusal = Refusal::parse(text);
                if let Some(plan) = plan.filter(|_| refusal.code == STALE) {
                    return self.became_stale(id, plan, place, &location).await;
                }
                self.refuse_with(id, environment, refusal).await
            }
            Err(WriteError::Invalid(message)) => {
                let refusal = Refusal {
                    code: "change-invalid".into(),
                    message,
                };
                self.refuse_with(id, environment, refusal).await
            }
            // The remote may change its mind, or come back: only a true conflict needs a person.
            Err(error) => Err(Retry {
                after: Duration::from_millis(200),
                why: error.to_string(),
            }),
        }
    }

    /// Takes the slot; says which plan has to be kept to, if one has to. Nothing when the slot is
    /// not to be had, or what would be done is not what was approved.
    async fn take_slot(
        &self,
        id: Uuid,
        place: &Place,
        held_above: Option<String>,
    ) -> Result<Option<Option<Digest>>, Retry> {
        let Some(deployment) = self.deployment(id).await? else {
            return Ok(None);
        };
        let Some(at) = deployment.place(&place.environment) else {
            return Ok(None);
        };
        let asked = deployment.asked(&at.stage).map(|it| it.plan.clone());
        if let Some(plan) = asked.as_ref().filter(|_| at.step == Step::Waiting) {
            // Before the slot is taken: what is not as approved must keep nobody waiting.
            let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
            if !self.is_as_planned(id, &deployment, plan, &snapshot).await? {
                return Ok(None);
            }
        }
        let start = slot::Command::Start {
            deployment: id,
            now_us: self.deps.clock.now_us(),
            held_above,
        };
        let is_ours = self.tell_slot(id, place, &start).await?;
        Ok(is_ours.then(|| asked.map(|it| it.digest)))
    }

    /// The commit was refused because the file is not as it was approved.
    async fn became_stale(
        &self,
        id: Uuid,
        plan: &Plan,
        place: &Place,
        location: &Location,
    ) -> Result<(), Retry> {
        let mirror = self.deps.desk.mirror();
        let snapshot = self.deps.desk.look().await.map_err(|error| retry(&error))?;
        let field = match snapshot.files.get(&location.file) {
            None => String::new(),
            Some(blob) => match mirror.blob(blob).await {
                Ok(now) => self.field(plan, &place.environment, &now, location).await,
                Err(_) => String::new(),
            },
        };
        let difference = Difference {
            file: location.file.clone(),
            field,
        };
        self.tell_stale(id, plan, Some(place.environment.clone()), difference)
            .await
    }

    async fn record(
        &self,
        id: Uuid,
        environment: String,
        file: String,
        it: Published,
    ) -> Result<(), Retry> {
        let commit: Oid = it.commit;
        let already = it.already;
        self.tell(
            id,
            Command::RecordCommit {
                environment,
                commit,
                file,
                already,
            },
        )
        .await
    }

    async fn refuse(
        &self,
        id: Uuid,
        environment: String,
        problem: &Diagnostic,
    ) -> Result<(), Retry> {
        self.refuse_with(id, environment, Refusal::of(problem))
            .await
    }

    async fn refuse_with(
        &self,
        id: Uuid,
        environment: String,
        refusal: Refusal,
    ) -> Result<(), Retry> {
        let Refusal { code, message } = refusal;
        self.tell(
            id,
            Command::RecordRefusal {
                environment,
                code,
                message,
            },
        )
        .await
    }
}

fn values(deployment: &Deployment, snapshot: &source::Snapshot) -> Values {
    let created = &deployment.created;
    let registry = created
        .registries
        .iter()
        .find_map(|name| snapshot.graph.artifact_registry(name));
    let image = registry.and_then(|it| it.url.as_deref()).map(|url| {
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        format!("{host}/{}", created.container)
    });
    Values {
        version: created.version.to_string(),
        image,
        digest: Some(created.digest.to_string()),
        commit: created.commit.as_ref().map(ToString::to_string),
    }
}

/// A problem with its place, if it has one.
fn told(problem: &Diagnostic) -> String {
    if problem.file.is_empty() {
        problem.message.clone()
    } else {
        problem.to_string()
    }
}

/// Why an edit was refused, on its way through the writer.
#[derive(serde::Serialize, serde::Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    fn parse(text: String) -> Self {
        serde_json::from_str(&text).unwrap_or_else(|_| Self {
            code: "edit-refused".to_owned(),
            message: text,
        })
    }

    fn of(problem: &Diagnostic) -> Self {
        Self {
            code: problem.code.to_owned(),
            message: problem.to_string(),
        }
    }
}

/// `approved` names the configuration that the version may be written into, when only one may.
fn edit(location: Location, values: Values, approved: Option<Oid>) -> FileEdit {
    let path = location.file.clone();
    let edit = move |bytes: Option<&[u8]>| {
        let refuse = |problem: &Diagnostic| {
            let refusal = Refusal::of(problem);
            serde_json::to_string(&refusal).unwrap_or(refusal.message)
        };
        let Some(bytes) = bytes else {
            let why = format!("`{}` is not there any more", location.file);
            let problem = Diagnostic::of_file("file-missing", why, &location.file)
                .help("restore the file, or point the environment at another one");
            return Err(refuse(&problem));
        };
        if let Some(approved) = &approved
            && configuration(bytes, &location).ok().as_ref() != Some(approved)
        {
            let why = format!("`{}` is not as it was approved", location.file);
            return Err(refuse(&Diagnostic::of_file(STALE, why, &location.file)));
        }
        match manifests::set_version(&location.file, bytes, &location, &values) {
            Ok(edited) if edited.changed => Ok(EditOutcome::Replace(edited.bytes)),
            Ok(_) => Ok(EditOutcome::Unchanged),
            Err(problem) => Err(refuse(&problem)),
        }
    };
    FileEdit {
        path,
        edit: Arc::new(edit),
    }
}

fn trailers(id: Uuid, stage: &str, place: &Place) -> Vec<(String, String)> {
    [
        ("Towpath-Deployment", id.to_string()),
        ("Towpath-Stage", stage.to_owned()),
        ("Towpath-Environment", place.environment.clone()),
        ("Towpath-Actor", ROLE.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use manifests::tree::Span;
    use manifests::{Document, Place as Declared, Pointer, Template};

    use super::*;

    const APPROVED: &[u8] = b"api: { tag: v1, replicas: 2 }\n";

    fn written(into: &[u8]) -> Result<EditOutcome, String> {
        let location = Location {
            file: "values.yaml".into(),
            document: Document::Only,
            pointer: Pointer::parse("/api/tag").unwrap(),
            template: Template::version(),
            declared: Declared {
                file: "staging.yaml".into(),
                document: 0,
                span: Span::START,
            },
        };
        let values = Values {
            version: "v2".into(),
            image: None,
            digest: None,
            commit: None,
        };
        let approved = configuration(APPROVED, &location).unwrap();
        let edit = edit(location, values, Some(approved));
        (edit.edit)(Some(into))
    }

    #[test]
    fn a_version_is_written_only_into_what_was_approved() {
        assert!(matches!(written(APPROVED), Ok(EditOutcome::Replace(_))));
        let others = written(b"api: { tag: v7, replicas: 2 }\n");
        assert!(matches!(others, Ok(EditOutcome::Replace(_))), "{others:?}");
        let Err(refusal) = written(b"api: { tag: v1, replicas: 3 }\n") else {
            panic!("the configuration is another one")
        };
        assert_eq!(Refusal::parse(refusal).code, STALE);
    }
}
