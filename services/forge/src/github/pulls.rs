//! Pull requests: one as it stands, those that are open, and those that a commit came with.

use ids::Oid;
use reqwest::{Method, StatusCode};

use super::{Call, Error, GitHub, Pull};

/// Pull requests on a page: the most that there can be.
const PAGE: usize = 100;
/// Pages of one commit; no commit belongs to more pull requests than these hold.
const PAGES: usize = 10;
/// Pages of open pull requests, those first that were changed last.
const OPEN_PAGES: usize = 30;

/// Pull requests of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) pulls: Vec<Pull>,
    /// Whether there are no more.
    pub(crate) is_whole: bool,
    /// Whether what they belong to is there.
    is_known: bool,
}

impl GitHub {
    /// A pull request as it stands now.
    pub(crate) async fn pull(&self, repository: &str, number: u64) -> Result<Pull, Error> {
        let number = number.to_string();
        let call = Call {
            method: Method::GET,
            repository,
            path: &["pulls", &number],
            query: &[],
        };
        let (_, body) = self.send(&call, None::<&()>).await?;
        serde_json::from_slice(&body).map_err(|error| Error::odd(&call.to_string(), &error))
    }

    /// The pull requests that a commit belongs to, open ones included; nothing when the commit is
    /// not there.
    pub(crate) async fn pulls_of(
        &self,
        repository: &str,
        commit: &Oid,
    ) -> Result<Option<Vec<Pull>>, Error> {
        let path = ["commits", commit.as_str(), "pulls"];
        let listed = self.listed(repository, &path, &[], PAGES).await?;
        Ok(listed.is_known.then_some(listed.pulls))
    }

    /// The open pull requests of a repository.
    pub(crate) async fn open_pulls(&self, repository: &str) -> Result<Listed, Error> {
        let order = [
            ("state", "open"),
            ("sort", "updated"),
            ("direction", "desc"),
        ];
        self.listed(repository, &["pulls"], &order, OPEN_PAGES)
            .await
    }

    async fn listed(
        &self,
        repository: &str,
        path: &[&str],
        query: &[(&str, &str)],
        pages: usize,
    ) -> Result<Listed, Error> {
        let mut pulls = Vec::new();
        for page in 1..=pages {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let pages = [("per_page", size.as_str()), ("page", page.as_str())];
            let call = Call {
                method: Method::GET,
                repository,
                path,
                query: &[query, &pages].concat(),
            };
            let (status, body) = self.send(&call, None::<&()>).await?;
            // A commit that was not pushed there.
            let is_known = status != StatusCode::UNPROCESSABLE_ENTITY;
            let found: Vec<Pull> = if is_known {
                let read = serde_json::from_slice(&body);
                read.map_err(|error| Error::odd(&call.to_string(), &error))?
            } else {
                vec![]
            };
            let is_last = found.len() < PAGE;
            pulls.extend(found);
            if is_last {
                return Ok(Listed {
                    pulls,
                    is_whole: true,
                    is_known,
                });
            }
        }
        Ok(Listed {
            pulls,
            is_whole: false,
            is_known: true,
        })
    }
}
