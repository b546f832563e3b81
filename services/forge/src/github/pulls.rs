//! Pull requests: one as it stands, and those that a commit came with.

use ids::Oid;
use reqwest::{Method, StatusCode};

use super::{Call, Error, GitHub, Pull};

/// Pull requests on a page: the most that there can be.
const PAGE: usize = 100;
/// Pages of one commit; no commit belongs to more pull requests than these hold.
const PAGES: usize = 10;

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

    /// The pull requests that a commit belongs to, open ones included.
    pub(crate) async fn pulls_of(
        &self,
        repository: &str,
        commit: &Oid,
    ) -> Result<Vec<Pull>, Error> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let call = Call {
                method: Method::GET,
                repository,
                path: &["commits", commit.as_str(), "pulls"],
                query: &[("per_page", &size), ("page", &page)],
            };
            let (status, body) = self.send(&call, None::<&()>).await?;
            // A commit that was not pushed there came with nothing.
            if status == StatusCode::UNPROCESSABLE_ENTITY {
                return Ok(all);
            }
            let found: Vec<Pull> = serde_json::from_slice(&body)
                .map_err(|error| Error::odd(&call.to_string(), &error))?;
            let is_last = found.len() < PAGE;
            all.extend(found);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}
