//! Labels: put on one by one, so that nobody else's are touched.

use reqwest::{Method, StatusCode};
use serde::Serialize;

use super::{Call, Error, GitHub};
use crate::domain::label::Label;

/// A label as it is made in a repository that has none of that name.
#[derive(Debug, Serialize)]
struct New<'a> {
    name: &'a str,
    color: &'a str,
    description: &'a str,
}

#[derive(Debug, Serialize)]
struct Labels<'a> {
    labels: [&'a str; 1],
}

impl GitHub {
    /// Puts a label on a pull request, and makes it before where the repository has none.
    pub(crate) async fn add_label(
        &self,
        repository: &str,
        number: u64,
        label: Label,
    ) -> Result<(), Error> {
        self.make_label(repository, label).await?;
        let number = number.to_string();
        let call = Call {
            method: Method::POST,
            repository,
            path: &["issues", &number, "labels"],
            query: &[],
        };
        let labels = [label.as_str()];
        let (status, body) = self.send(&call, Some(&Labels { labels })).await?;
        accepted(&call, status, &body)
    }

    /// A label that nobody made would be made by putting it on, without a colour or a word.
    async fn make_label(&self, repository: &str, label: Label) -> Result<(), Error> {
        let there = Call {
            method: Method::GET,
            repository,
            path: &["labels", label.as_str()],
            query: &[],
        };
        match self.ask(&there).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
        let call = Call {
            method: Method::POST,
            repository,
            path: &["labels"],
            query: &[],
        };
        let (color, description) = match label {
            Label::Patch => ("c2e0c6", "The next version is a patch"),
            Label::Minor => ("0e8a16", "The next version is a minor one: a feature"),
            Label::Major => (
                "b60205",
                "The next version is a major one: a breaking change",
            ),
        };
        let name = label.as_str();
        let new = New {
            name,
            color,
            description,
        };
        let (status, body) = self.send(&call, Some(&new)).await?;
        // Somebody else was faster.
        if status == StatusCode::UNPROCESSABLE_ENTITY
            && String::from_utf8_lossy(&body).contains("already_exists")
        {
            return Ok(());
        }
        accepted(&call, status, &body)
    }

    /// Takes a label off a pull request; one that is not there is off.
    pub(crate) async fn remove_label(
        &self,
        repository: &str,
        number: u64,
        label: Label,
    ) -> Result<(), Error> {
        let number = number.to_string();
        let call = Call {
            method: Method::DELETE,
            repository,
            path: &["issues", &number, "labels", label.as_str()],
            query: &[],
        };
        match self.ask(&call).await {
            Ok((status, body)) => accepted(&call, status, &body),
            Err(error) if error.is_absent() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What cannot be processed is refused, and stays so.
fn accepted(call: &Call<'_>, status: StatusCode, body: &[u8]) -> Result<(), Error> {
    if status.is_success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(body);
    let plain = text.chars().filter(|it| !it.is_control());
    Err(Error::Refused {
        what: call.to_string(),
        status: status.as_u16(),
        why: plain.take(200).collect(),
        fix: "look at the repository's labels",
    })
}
