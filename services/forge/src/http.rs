//! Webhooks: what GitHub says happened, remembered once however often it says so.
//!
//! Nobody is known by a token here. The signature over the very bytes is checked before anything
//! of them is read, and nothing that fails is remembered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::post;
use eventlog::{Context, Idempotency};
use ids::{CommitId, RepositoryName, derive};
use serde::Deserialize;
use service::fault::{Fault, Kind};
use service::{authn, serve};
use sha2::Digest as _;

use crate::domain::label::Label;
use crate::domain::pull_request::{Command, Delivery, Key};
use crate::github::{GitHub, Pull};
use crate::{Inner, ROLE, signature};

/// Where webhooks are sent to.
pub const PATH: &str = authn::WEBHOOK;

const SIGNATURE: &str = "x-hub-signature-256";
const DELIVERY: &str = "x-github-delivery";
const EVENT: &str = "x-github-event";
/// What is looked at again; all others say nothing about labels.
const ACTIONS: [&str; 8] = [
    "opened",
    "edited",
    "reopened",
    "synchronize",
    "ready_for_review",
    "labeled",
    "unlabeled",
    "closed",
];
/// How long a body may take to arrive, and the log to take it in: GitHub gives up after ten
/// seconds.
const PATIENCE: Duration = Duration::from_secs(8);

pub(crate) fn router(inner: Arc<Inner>) -> axum::Router {
    axum::Router::new()
        .route(PATH, post(hear))
        .with_state(inner)
}

/// What became of a delivery.
enum Heard {
    /// It is remembered.
    Recorded,
    /// It was before, or nothing follows from it.
    Known,
    /// It is about something else.
    Ignored,
    /// It only asked whether anybody is there.
    Pong,
}

#[derive(Debug, Deserialize)]
struct Payload {
    action: String,
    pull_request: Pull,
    repository: Repository,
    sender: Sender,
    label: Option<Named>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Sender {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

async fn hear(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let answered = tokio::time::timeout(PATIENCE, answer(&inner, request)).await;
    let answered = answered.unwrap_or_else(|_| {
        let what = format!(
            "the delivery was not taken in within {} s",
            PATIENCE.as_secs()
        );
        Err(Fault::new(Kind::Unknown, "webhook-timeout", what).fix("deliver it again"))
    });
    let (status, word) = match answered {
        Ok(Heard::Recorded) => (StatusCode::ACCEPTED, "recorded"),
        Ok(Heard::Known) => (StatusCode::ACCEPTED, "known"),
        Ok(Heard::Ignored) => (StatusCode::ACCEPTED, "ignored"),
        Ok(Heard::Pong) => (StatusCode::OK, "pong"),
        Err(fault) => return refuse(&fault),
    };
    let mut response = Response::new(Body::from(format!("{{\"status\":\"{word}\"}}")));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A fault as an answer; two of them have statuses of their own.
fn refuse(fault: &Fault) -> Response<Body> {
    tracing::warn!(code = fault.code, "a webhook is refused: {}", fault.message);
    let mut response = authn::json(fault);
    match fault.code {
        "body-too-large" => *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE,
        "content-type" => *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "signature-wrong" => drop(response.headers_mut().remove(header::WWW_AUTHENTICATE)),
        _ => {}
    }
    response
}

async fn answer(inner: &Inner, request: Request) -> Result<Heard, Fault> {
    let Some(github) = &inner.github else {
        let what = "no GitHub is configured, so that no webhook can be checked";
        return Err(Fault::new(Kind::NotFound, "github-not-configured", what)
            .fix("set forge.github.webhook_secret_file and forge.github.token_file"));
    };
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let code = text(headers, SIGNATURE)?.to_owned();
    let delivery = text(headers, DELIVERY)?;
    let event = text(headers, EVENT)?;
    is_json(headers)?;
    if !(1..=128).contains(&delivery.len()) || !delivery.bytes().all(|it| it.is_ascii_graphic()) {
        return Err(invalid("header-invalid", format!("`{DELIVERY}` is no id")));
    }
    // Closed by nobody: an error here cannot be.
    let _permit = inner.reading.acquire().await.ok();
    let body = read(body).await?;
    check(github, &code, &body)?;
    match event {
        "ping" => Ok(Heard::Pong),
        "pull_request" => inner.take_in(github, delivery, &body).await,
        _ => Ok(Heard::Ignored),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Fault> {
    let value = headers.get(name).and_then(|it| it.to_str().ok());
    value.filter(|it| !it.is_empty()).ok_or_else(|| {
        invalid("header-missing", format!("the header `{name}` is missing"))
            .fix("give the webhook a secret: GitHub then sends this header with every delivery")
    })
}

fn is_json(headers: &HeaderMap) -> Result<(), Fault> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let what = "the payload is not application/json".to_owned();
    Err(invalid("content-type", what)
        .fix("choose the content type application/json in the webhook's settings; the form that GitHub offers first cannot be read here"))
}

async fn read(body: Body) -> Result<Bytes, Fault> {
    let whole = axum::body::to_bytes(body, serve::MAX_BODY).await;
    whole.map_err(|_| {
        let what = format!(
            "the body has more than {} bytes, or did not arrive whole",
            serve::MAX_BODY
        );
        invalid("body-too-large", what).fix("send pull request events only")
    })
}

fn check(github: &GitHub, code: &str, body: &[u8]) -> Result<(), Fault> {
    let secrets = github.connection().secrets().map_err(|problem| {
        Fault::new(
            Kind::Unknown,
            "webhook-secret-unusable",
            "the secret of webhooks cannot be read here",
        )
        .fix(format!(
            "correct {}: `towpath status` says what is wrong with it",
            problem.setting
        ))
    })?;
    if signature::holds(&secrets, code, body) {
        return Ok(());
    }
    let what =
        format!("`{SIGNATURE}` was not made over this body with a secret that is known here");
    Err(Fault::new(Kind::Unauthenticated, "signature-wrong", what)
        .fix("give the webhook the secret of forge.github.webhook_secret_file"))
}

impl Inner {
    async fn take_in(&self, github: &GitHub, delivery: &str, body: &[u8]) -> Result<Heard, Fault> {
        let payload: Payload = serde_json::from_slice(body).map_err(|error| {
            invalid(
                "body-malformed",
                format!("it is no pull request event: {error}"),
            )
        })?;
        if !ACTIONS.contains(&payload.action.as_str()) {
            return Ok(Heard::Ignored);
        }
        let is_ours = is_same(&github.connection().login, &payload.sender.login);
        let label = payload.label.as_ref().map(|it| it.name.as_str());
        let is_label = matches!(payload.action.as_str(), "labeled" | "unlabeled");
        // What Towpath did itself, and what is not about versions, changes nothing.
        if is_label && (is_ours || !label.is_some_and(Label::is_about_versions)) {
            return Ok(Heard::Ignored);
        }
        let key = key(github, &payload)?;
        let told = told(github, delivery, &payload);
        let context = Context {
            actor: ROLE.to_owned(),
            now_us: self.deps.clock.now_us(),
            idempotency: Some(once(delivery, body)),
            correlation: Some(key.id()),
            causation: None,
        };
        let (id, command) = (key.id(), Command::Hear(key, told));
        let done = self.pull_requests.execute(id, &context, &command).await;
        let done = done.map_err(|error| Fault::of_command(error, |it| match it {}))?;
        Ok(match done.position {
            Some(_) if !done.repeated => Heard::Recorded,
            _ => Heard::Known,
        })
    }
}

/// The same delivery is one commit, for ever. Delivered again, GitHub sends the same bytes.
fn once(delivery: &str, body: &[u8]) -> Idempotency {
    Idempotency {
        commit_id: CommitId(derive::commit("github", "webhook", delivery)),
        request_hash: sha2::Sha256::digest(body).into(),
    }
}

fn key(github: &GitHub, payload: &Payload) -> Result<Key, Fault> {
    let name = format!("{}/{}", github.host(), payload.repository.full_name);
    let repository = RepositoryName::parse(&name)
        .map_err(|error| invalid("body-malformed", error.to_string()))?;
    let number = payload.pull_request.number;
    let is_name = |it: &str| {
        let is_part = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        !it.is_empty() && it.len() <= 100 && it.chars().all(is_part)
    };
    let mut parts = payload.repository.full_name.split('/');
    let is_whole = parts.next().is_some_and(is_name) && parts.next().is_some_and(is_name);
    if !is_whole || parts.next().is_some() || number == 0 || i64::try_from(number).is_err() {
        let what = "it names no pull request of a repository `owner/name`".to_owned();
        return Err(invalid("body-malformed", what));
    }
    Ok(Key { repository, number })
}

fn told(github: &GitHub, delivery: &str, payload: &Payload) -> Delivery {
    let sender: String = payload.sender.login.chars().take(100).collect();
    // Without knowing who Towpath is, nobody can be told from it.
    let is_person = !github.connection().login.is_empty();
    let label = payload.label.as_ref().and_then(|it| Label::parse(&it.name));
    let touched = match payload.action.as_str() {
        "labeled" => label.map(|it| (it, true)),
        "unlabeled" => label.map(|it| (it, false)),
        _ => None,
    };
    let merge = (payload.action == "closed").then(|| payload.pull_request.merge(true));
    Delivery {
        id: delivery.to_owned(),
        action: payload.action.clone(),
        sender,
        touched: touched.filter(|_| is_person),
        merge: merge.flatten(),
    }
}

/// Names of accounts are told apart without regard to case; no name is nobody's.
fn is_same(login: &str, sender: &str) -> bool {
    !login.is_empty() && login.eq_ignore_ascii_case(sender)
}

fn invalid(code: &'static str, what: String) -> Fault {
    Fault::new(Kind::Invalid, code, what)
}
