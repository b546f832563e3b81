//! The server, and what people do on its pages.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::description::{Description, Operation};
use crate::state::{Asked, Pull, Repository, State};
use crate::webhook::Webhook;
use crate::{LOGIN, TOKEN, shape};

/// What goes wrong for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Every request is answered by this status and message.
    Status(u16, String),
    /// Too many requests: come back after so many seconds.
    Limited(u64),
    /// What is asked for is done, but whoever changes something never hears so.
    WritesLost,
}

/// A forge that listens on this machine until it is dropped. Clones are the same one.
#[derive(Debug, Clone)]
pub struct FakeGitHub {
    inner: Arc<Inner>,
    address: SocketAddr,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    description: Description,
    trouble: Mutex<Option<Trouble>>,
}

impl FakeGitHub {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.expect("a free port");
        let forge = Self {
            inner: Arc::default(),
            address: listener.local_addr().expect("it is bound"),
            stop: CancellationToken::new(),
        };
        forge.serve(listener);
        forge
    }

    fn serve(&self, listener: TcpListener) {
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.inner));
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let serving = axum::serve(listener, router);
            tokio::select! {
                () = stop.cancelled() => {}
                ended = serving => drop(ended),
            }
        });
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The name of a repository here, such as `127.0.0.1/acme/api`.
    pub fn name_of(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address.ip())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this happens to every request; nothing when it is over.
    pub fn trouble(&self, trouble: Option<Trouble>) {
        *self
            .inner
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Makes a repository.
    pub fn repository(&self, name: &str, default_branch: &str) {
        let repository = Repository {
            default_branch: default_branch.to_owned(),
            ..Repository::default()
        };
        self.state()
            .repositories
            .insert(name.to_owned(), repository);
    }

    /// Opens a pull request that brings these commits; its number.
    pub fn open(&self, repository: &str, title: &str, base: &str, commits: &[&str]) -> u64 {
        let mut state = self.state();
        let pulls = &mut state.repository(repository).pulls;
        let number = pulls.len() as u64 + 1;
        let pull = Pull {
            number,
            title: title.to_owned(),
            body: None,
            base: base.to_owned(),
            head: commits
                .last()
                .map_or_else(|| format!("{number:040x}"), |it| (*it).to_owned()),
            is_open: true,
            merged_at: None,
            merge_commit: None,
            labels: std::collections::BTreeMap::new(),
            commits: commits.iter().map(|it| (*it).to_owned()).collect(),
        };
        pulls.insert(number, pull);
        state.happened(repository, number, "opened", "author", &Value::Null);
        number
    }

    /// Gives it another title.
    pub fn retitle(&self, repository: &str, number: u64, title: &str) {
        let mut state = self.state();
        let pull = state.pull(repository, number);
        let before = std::mem::replace(&mut pull.title, title.to_owned());
        let more = json!({ "changes": { "title": { "from": before } } });
        state.happened(repository, number, "edited", "author", &more);
    }

    /// Gives it another body.
    pub fn describe(&self, repository: &str, number: u64, body: &str) {
        let mut state = self.state();
        let before = state.pull(repository, number).body.replace(body.to_owned());
        let before = before.unwrap_or_default();
        let more = json!({ "changes": { "body": { "from": before } } });
        state.happened(repository, number, "edited", "author", &more);
    }

    /// A person puts a label on.
    pub fn label(&self, repository: &str, number: u64, label: &str, by: &str) {
        self.state().label(repository, number, label, by);
    }

    /// A person takes a label off.
    ///
    /// # Panics
    /// When it is not there.
    pub fn unlabel(&self, repository: &str, number: u64, label: &str, by: &str) {
        assert!(
            self.state().unlabel(repository, number, label, by),
            "{label} is not there"
        );
    }

    /// Merges; the base gets this commit.
    pub fn merge(&self, repository: &str, number: u64, commit: &str) {
        let mut state = self.state();
        let now = state.now();
        let pull = state.pull(repository, number);
        pull.is_open = false;
        pull.merged_at = Some(now);
        pull.merge_commit = Some(commit.to_owned());
        let (base, mut commits) = (pull.base.clone(), pull.commits.clone());
        commits.insert(commit.to_owned());
        let known = state.repository(repository);
        if known.default_branch == base {
            known.on_default.extend(commits);
        }
        state.happened(repository, number, "closed", "author", &Value::Null);
    }

    /// Labels of a pull request, and who set each.
    pub fn labels(&self, repository: &str, number: u64) -> Vec<(String, String)> {
        self.state()
            .pull(repository, number)
            .labels
            .clone()
            .into_iter()
            .collect()
    }

    /// What happened since this was asked last, oldest first. Each was held against its schema.
    pub fn untold(&self) -> Vec<Webhook> {
        let mut state = self.state();
        let untold = std::mem::take(&mut state.untold);
        for it in &untold {
            let wrong = self
                .inner
                .description
                .webhook(&it.schema(), &it.described());
            state.violations.extend(wrong);
        }
        untold
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Everything that was not as GitHub describes it, of either side.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }
}

impl Drop for FakeGitHub {
    /// The last one ends the server.
    fn drop(&mut self) {
        // The server's task holds the second one.
        if Arc::strong_count(&self.inner) <= 2 {
            self.stop.cancel();
        }
    }
}

/// What a request is answered by.
struct Answer(u16, Value);

async fn answer(Shared(inner): Shared<Arc<Inner>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1024 * 1024).await;
    let body = body.unwrap_or_default();
    let what = format!("{} {}", parts.method, parts.uri.path());
    let trouble = inner.trouble.lock().unwrap_or_else(PoisonError::into_inner);
    let trouble = trouble.clone();
    let mut state = inner.state.lock().unwrap_or_else(PoisonError::into_inner);
    let wrong = headers(&parts.headers);
    state
        .violations
        .extend(wrong.into_iter().map(|it| format!("{what}: {it}")));
    let message = |text: &str| json!({ "message": text });
    let mut pause = None;
    let Answer(status, json) = match trouble {
        None => inner.judged(&mut state, &parts, &body),
        Some(Trouble::Status(status, text)) => Answer(status, message(&text)),
        Some(Trouble::Limited(seconds)) => {
            pause = Some(seconds);
            Answer(403, message("API rate limit exceeded"))
        }
        Some(Trouble::WritesLost) => {
            let answer = inner.judged(&mut state, &parts, &body);
            if parts.method == Method::GET {
                answer
            } else {
                Answer(502, message("Server Error"))
            }
        }
    };
    state.asked.push(Asked { what, status });
    let mut response = Response::new(Body::from(json.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    if let Some(seconds) = pause {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

impl Inner {
    /// Does what is asked for, with both sides held against the description.
    fn judged(&self, state: &mut State, parts: &Parts, body: &[u8]) -> Answer {
        if !is_known(&parts.headers) {
            return Answer(401, json!({ "message": "Bad credentials" }));
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some(operation) = self.description.operation(method, path) else {
            state
                .violations
                .push(format!("{method} {path}: not described"));
            return Answer(501, json!({ "message": "not described" }));
        };
        let query = parts.uri.query().unwrap_or_default();
        let answer = described(&self.description, state, &operation, query, body);
        let bytes = answer.1.to_string();
        let wrong = self
            .description
            .answer(&operation, answer.0, bytes.as_bytes());
        state.violations.extend(wrong);
        answer
    }
}

fn is_known(headers: &HeaderMap) -> bool {
    let token = headers.get("authorization").and_then(|it| it.to_str().ok());
    token == Some(format!("Bearer {TOKEN}").as_str())
}

/// What every request has to say.
fn headers(headers: &HeaderMap) -> Vec<String> {
    let says = |name: &str, wanted: &str| {
        let value = headers
            .get(name)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        (!value.starts_with(wanted) || value.is_empty())
            .then(|| format!("the header `{name}` is `{value}`"))
    };
    [
        says("accept", "application/vnd.github+json"),
        says("x-github-api-version", "2022-11-28"),
        says("user-agent", "towpath/"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn described(
    description: &Description,
    state: &mut State,
    operation: &Operation,
    query: &str,
    body: &[u8],
) -> Answer {
    let query: Vec<_> = query
        .split('&')
        .filter_map(|it| it.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let keys: Vec<_> = query.iter().map(|it| it.0.clone()).collect();
    state
        .violations
        .extend(description.request(operation, &keys, body));
    let part = |name: &str| operation.parts.get(name).cloned().unwrap_or_default();
    let name = format!("{}/{}", part("owner"), part("repo"));
    if !state.repositories.contains_key(&name) {
        return Answer(404, json!({ "message": "Not Found" }));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let number = part("pull_number")
        .parse()
        .or_else(|_| part("issue_number").parse());
    let number: u64 = number.unwrap_or_default();
    let is_there = state.repository(&name).pulls.contains_key(&number);
    if operation.name.contains("_number}") && !is_there {
        return Answer(404, json!({ "message": "Not Found" }));
    }
    let kind = operation
        .name
        .split_once("/repos/{owner}/{repo}")
        .unwrap_or_default();
    match kind {
        ("get ", "/pulls/{pull_number}") => {
            let known = state.repository(&name);
            Answer(200, shape::pull(&name, known, &known.pulls[&number]))
        }
        ("get ", "/pulls") => {
            let all = state.listed(&name, &query);
            Answer(
                200,
                page(&all, &query, |it| {
                    shape::listed(&name, state.repository(&name), it)
                }),
            )
        }
        ("get ", "/commits/{commit_sha}/pulls") => {
            let all = state.pulls_of(&name, &part("commit_sha"));
            Answer(
                200,
                page(&all, &query, |it| {
                    shape::listed(&name, state.repository(&name), it)
                }),
            )
        }
        ("get ", "/labels/{name}") => label(state.repository(&name), &part("name")),
        ("post ", "/labels") => make_label(state.repository(&name), &body),
        ("post ", "/issues/{issue_number}/labels") => {
            for it in body["labels"].as_array().into_iter().flatten() {
                state.label(&name, number, it.as_str().unwrap_or_default(), LOGIN);
            }
            Answer(200, shape::labels(state.pull(&name, number)))
        }
        ("delete ", "/issues/{issue_number}/labels/{name}") => {
            if state.unlabel(&name, number, &part("name"), LOGIN) {
                Answer(200, shape::labels(state.pull(&name, number)))
            } else {
                Answer(404, json!({ "message": "Label does not exist" }))
            }
        }
        _ => Answer(501, json!({ "message": "described, and not done here" })),
    }
}

/// One page of a list: `per_page` of them, 30 when nobody says.
fn page(all: &[Pull], query: &[(String, String)], mut shape: impl FnMut(&Pull) -> Value) -> Value {
    let number = |name: &str, usual: usize| {
        let found = query.iter().find(|it| it.0 == name);
        found.and_then(|it| it.1.parse().ok()).unwrap_or(usual)
    };
    let size = number("per_page", 30).min(100);
    let begin = number("page", 1).saturating_sub(1) * size;
    all.iter().skip(begin).take(size).map(&mut shape).collect()
}

fn label(known: &Repository, name: &str) -> Answer {
    if known.labels.contains(name) {
        Answer(200, shape::label(name))
    } else {
        Answer(404, json!({ "message": "Not Found" }))
    }
}

fn make_label(known: &mut Repository, body: &Value) -> Answer {
    let name = body["name"].as_str().unwrap_or_default();
    if known.labels.insert(name.to_owned()) {
        return Answer(201, shape::label(name));
    }
    let errors = json!([{ "resource": "Label", "code": "already_exists", "field": "name" }]);
    let documentation = "https://docs.github.com/rest/issues/labels#create-a-label";
    Answer(
        422,
        json!({ "message": "Validation Failed", "errors": errors, "documentation_url": documentation }),
    )
}
