//! A world whose server is connected to a GitHub of its own.

use std::time::Duration;

use fake_github::{FakeGitHub, LOGIN, SECRET, TOKEN, Webhook};
use hyper::Method;
use proto::forge::v1::forge_service_client::ForgeServiceClient;
use proto::forge::v1::{CommitPullRequests, ListPullRequestsRequest, ListPullRequestsResponse};
use tokio::time::{Instant, sleep};
use tonic::transport::Endpoint;
use tonic::{Request, Status};

use super::{Answer, Server, World, http};

/// What follows from a webhook follows within this time.
const SOON: Duration = Duration::from_secs(30);
/// Nothing happened for so long: nothing more will.
const QUIET: Duration = Duration::from_millis(700);

/// The repository that scenarios are about.
pub(crate) const REPOSITORY: &str = "acme/api";

/// A GitHub with one repository, and what it tells a server.
#[derive(Debug)]
pub(crate) struct Forge(pub(crate) FakeGitHub);

impl Forge {
    /// A GitHub, and a world whose server will find it.
    pub(crate) async fn with_world() -> (Self, World) {
        let forge = Self::start().await;
        let world = forge.known_to(World::of(["api"]).await);
        (forge, world)
    }

    /// A GitHub with a repository.
    pub(crate) async fn start() -> Self {
        let github = FakeGitHub::start().await;
        github.repository(REPOSITORY, "main");
        Self(github)
    }

    /// A GitHub, and a world whose server looks at it every second without being told.
    pub(crate) async fn distrusted() -> (Self, World) {
        let (forge, mut world) = Self::with_world().await;
        let every = "TOWPATH_FORGE_GITHUB_LOOK_EVERY_MS".to_owned();
        world.github.push((every, "1000".to_owned()));
        (forge, world)
    }

    /// The same world, with a server that will find this GitHub.
    pub(crate) fn known_to(&self, mut world: World) -> World {
        let file = |name: &str, text: &str| {
            let path = world.root().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let variables = [
            ("API_URL", self.0.url()),
            ("LOGIN", LOGIN.to_owned()),
            ("WEBHOOK_SECRET_FILE", file("webhook-secret", SECRET)),
            ("TOKEN_FILE", file("github-token", TOKEN)),
        ];
        world.github = variables
            .map(|(name, value)| (format!("TOWPATH_FORGE_GITHUB_{name}"), value))
            .to_vec();
        world
    }

    /// Sends what happened since, in order; the server takes all of it.
    pub(crate) async fn tell(&self, server: &Server) -> Vec<Webhook> {
        let untold = self.0.untold();
        for it in &untold {
            let answer = send(server, it).await;
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
        untold
    }

    /// Tells everything until the pull request has exactly these labels, each with who set it, and
    /// nothing more happens.
    pub(crate) async fn becomes(&self, server: &Server, number: u64, wanted: &[(&str, &str)]) {
        let end = Instant::now() + SOON;
        loop {
            self.at_rest(server).await;
            let labels = self.0.labels(REPOSITORY, number);
            let labels: Vec<_> = labels
                .iter()
                .map(|(it, by)| (it.as_str(), by.as_str()))
                .collect();
            if labels == wanted {
                break;
            }
            assert!(
                Instant::now() < end,
                "{labels:?} and not {wanted:?}\n{}",
                server.stderr()
            );
        }
        assert_eq!(self.0.violations(), Vec::<String>::new());
    }

    /// Tells everything until nobody asks or does anything any more.
    pub(crate) async fn at_rest(&self, server: &Server) {
        let end = Instant::now() + SOON;
        let (mut since, mut asked) = (Instant::now(), self.0.asked().len());
        while since.elapsed() < QUIET {
            assert!(Instant::now() < end, "it does not come to rest");
            let now = self.0.asked().len();
            if !self.tell(server).await.is_empty() || now != asked {
                (since, asked) = (Instant::now(), now);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What commits of a branch came with.
    pub(crate) async fn came_with(
        &self,
        server: &Server,
        branch: &str,
        commits: &[&str],
    ) -> Vec<CommitPullRequests> {
        let answer = list(server, &self.0.name_of(REPOSITORY), branch, commits).await;
        let answer = answer.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(answer.not_asked, "");
        answer.commits
    }
}

/// Sends a webhook, whatever comes of it.
pub(crate) async fn send(server: &Server, webhook: &Webhook) -> Answer {
    let headers = webhook.headers();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    post(server, &headers, webhook.body.clone()).await
}

/// Sends anything to where webhooks go.
pub(crate) async fn post(server: &Server, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let sent = http(
        &server.address,
        Method::POST,
        "/webhooks/github",
        headers,
        body,
    )
    .await;
    sent.unwrap_or_else(|error| panic!("{error}\n{}", server.stderr()))
}

/// Asks with the admin's token.
pub(crate) async fn list(
    server: &Server,
    repository: &str,
    branch: &str,
    commits: &[&str],
) -> Result<ListPullRequestsResponse, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let mut client = ForgeServiceClient::new(endpoint.connect().await.unwrap());
    let mut request = Request::new(ListPullRequestsRequest {
        repository: repository.to_owned(),
        branch: branch.to_owned(),
        commits: commits.iter().map(|it| (*it).to_owned()).collect(),
    });
    let token = format!("Bearer {}", server.token).parse().unwrap();
    request.metadata_mut().insert("authorization", token);
    client
        .list_pull_requests(request)
        .await
        .map(tonic::Response::into_inner)
}
