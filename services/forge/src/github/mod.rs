//! GitHub's REST API, as far as this role needs it.
//! <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api>

mod answer;
mod error;
mod labels;
mod pauses;
mod pulls;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use serde::Serialize;
use service::Clock;
use tokio::sync::Semaphore;

use crate::config::{Connection, Problem};

pub(crate) use answer::Pull;
pub(crate) use error::Error;
use pauses::Pauses;
pub(crate) use pulls::Listed;

/// The version of the API whose answers are understood here.
const VERSION: &str = "2022-11-28";
const ACCEPT: &str = "application/vnd.github+json";
const AGENT: &str = concat!("towpath/", env!("CARGO_PKG_VERSION"));
/// How long a connection, and a whole answer, may take.
const CONNECT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(9);
/// The largest answer that is read: a hundred pull requests with long descriptions.
const LARGEST: usize = 16 * 1024 * 1024;
/// Requests at once; GitHub slows down those who send many.
const AT_ONCE: usize = 4;

/// The way to GitHub.
pub(crate) struct GitHub {
    connection: Connection,
    host: String,
    base: Url,
    http: Client,
    clock: Arc<dyn Clock>,
    at_once: Semaphore,
    pauses: Pauses,
}

/// One request; its path is given in parts, so that no part can become two.
struct Call<'a> {
    method: Method,
    /// `owner/name`.
    repository: &'a str,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
}

impl GitHub {
    /// Prepares the way; nobody is called.
    pub(crate) fn new(connection: Connection, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let wrong = |setting, why: String| Problem {
            setting,
            why,
            fix: "correct the setting",
        };
        let host = connection.host()?;
        let base = Url::parse(&connection.api_url)
            .map_err(|error| wrong("forge.github.api_url", error.to_string()))?;
        let tls =
            tls::config(connection.ca.as_deref()).map_err(|why| wrong("forge.github.ca", why))?;
        let http = Client::builder()
            .user_agent(AGENT)
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            // A token is for the host that was configured, and a write must not become a read.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| wrong("forge.github", error::root(&error)))?;
        Ok(Self {
            connection,
            host,
            base,
            http,
            clock,
            at_once: Semaphore::new(AT_ONCE),
            pauses: Pauses::default(),
        })
    }

    /// The host that repositories are named by.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The way as it is configured.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends a request and reads its answer, whatever the status; those that say “later” make
    /// everybody wait.
    async fn send(
        &self,
        call: &Call<'_>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<(StatusCode, Vec<u8>), Error> {
        self.pauses.check(call.repository)?;
        let sent = self.send_once(call, body).await;
        if let Err(error) = &sent {
            self.pauses.note(call.repository, error);
        }
        sent
    }

    /// The same without a body, where “not there” is an answer like any other.
    async fn ask(&self, call: &Call<'_>) -> Result<(StatusCode, Vec<u8>), Error> {
        self.pauses.check(call.repository)?;
        let sent = self.send_once(call, None::<&()>).await;
        if let Err(error) = &sent
            && !error.is_absent()
        {
            self.pauses.note(call.repository, error);
        }
        sent
    }

    async fn send_once(
        &self,
        call: &Call<'_>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<(StatusCode, Vec<u8>), Error> {
        let what = call.to_string();
        let token = self.connection.token().map_err(Error::Unready)?;
        let mut request = self
            .http
            .request(call.method.clone(), self.url(call))
            .header("accept", ACCEPT)
            .header("x-github-api-version", VERSION)
            .bearer_auth(token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        // Closed by nobody: an error here cannot be.
        let _permit = self.at_once.acquire().await.ok();
        let response = request.send().await;
        let mut response = response.map_err(|error| Error::away(&what, error::root(&error)))?;
        let status = response.status();
        let limit = pauses::limit(&response, self.clock.now_us());
        let body = whole(&mut response)
            .await
            .map_err(|why| Error::away(&what, why))?;
        match error::of_status(&what, status, &body, limit) {
            None => Ok((status, body)),
            Some(error) => Err(error),
        }
    }

    fn url(&self, call: &Call<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push("repos");
            parts.extend(call.repository.split('/')).extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        url
    }
}

impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (method, repository, path) = (&self.method, self.repository, self.path.join("/"));
        write!(f, "{method} repos/{repository}/{path}")
    }
}

/// The whole body, unless it is larger than anything that is expected.
async fn whole(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| error::root(&error))? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("its answer has more than {LARGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
}

#[cfg(test)]
mod tests;
