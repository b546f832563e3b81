//! `kill -9` at any moment costs nothing but time, and little of that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hyper::Method;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use crate::harness::{Process, Report, Server, World, http, now_us, settings};

/// From the restart to SUCCESS. The sample application is healthy at once, so that its probe adds
/// nothing that would have to be taken off.
const RECOVERY: Duration = Duration::from_secs(2);

/// Kills are never aimed closer to the report than this.
const SHORTEST_WINDOW: Duration = Duration::from_millis(20);

const APPLICATIONS: [&str; 4] = ["api", "mail", "shop", "stock"];

/// What the world should look like, as far as it was told.
#[derive(Default)]
struct Expected {
    deployments: Vec<String>,
    /// Newest version by application.
    versions: BTreeMap<usize, String>,
}

/// The applications' processes, once those that were replaced have ended: a replaced one serves
/// what it had begun for at most ten seconds, and has ten more to end.
async fn drained(world: &World) -> Vec<Process> {
    let limit = Instant::now() + Duration::from_secs(25);
    loop {
        let processes = world.processes();
        let slots: BTreeSet<_> = processes.iter().map(|it| &it.slot).collect();
        if slots.len() == processes.len() || Instant::now() > limit {
            return processes;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Expected {
    async fn report(&mut self, world: &World, server: &Server, app: usize) -> String {
        let name = APPLICATIONS[app];
        let version = format!("1.0.{}", self.deployments.len());
        let digest = world.image(name, &version).await;
        let id = server.deploy(&Report::of(name, &version, &digest)).await;
        self.deployments.push(id.clone());
        self.versions.insert(app, version);
        id
    }

    /// Every deployment has one commit; every slot has one process and serves its newest version.
    async fn holds(&self, world: &World) {
        let commits = world.remote.trailers("Towpath-Deployment").await;
        let named: Vec<_> = commits.iter().map(|(_, id)| id).collect();
        let distinct: BTreeSet<_> = named.iter().copied().collect();
        assert_eq!(
            distinct.len(),
            named.len(),
            "no deployment is committed twice"
        );
        assert_eq!(
            distinct,
            self.deployments.iter().collect(),
            "each deployment is committed"
        );

        let processes = drained(world).await;
        let slots: BTreeSet<_> = processes.iter().map(|it| &it.slot).collect();
        assert_eq!(
            slots.len(),
            processes.len(),
            "one process per slot: {processes:#?}"
        );
        assert_eq!(slots.len(), self.versions.len(), "{processes:#?}");
        for (app, version) in &self.versions {
            let address = world.app(*app).address();
            let served = http(&address, Method::GET, "/version", &[], Vec::new())
                .await
                .unwrap();
            assert_eq!(served.text().trim(), version, "{}", APPLICATIONS[*app]);
        }
        println!(
            "{} deployments, {} trailers, {} processes",
            named.len(),
            distinct.len(),
            slots.len()
        );
    }
}

/// How long a deployment takes when nobody kills anything: the longest of one per application.
async fn usual(world: &World, server: &Server, expected: &mut Expected) -> Duration {
    let mut longest = Duration::ZERO;
    for app in 0..APPLICATIONS.len() {
        let began = Instant::now();
        let id = expected.report(world, server, app).await;
        server.api().succeeded(&id).await;
        longest = longest.max(began.elapsed());
    }
    longest
}

/// Waits for SUCCESS after a restart.
async fn recovered(server: &Server, id: &str) -> (i64, Duration) {
    let deployment = server.api().succeeded(id).await;
    let took = server.spawned.elapsed();
    assert!(
        took <= RECOVERY,
        "{id} took {took:?} after the restart\n{}",
        server.stderr()
    );
    (deployment.updated_at_us, took)
}

fn moment(random: &mut StdRng, until: Duration) -> Duration {
    random.random_range(Duration::ZERO..until)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_report_and_success_every_deployment_succeeds_once() {
    let mut random = settings().random("kill");
    let kills = settings().form.pick(200, 25);
    let world = World::of(APPLICATIONS).await;
    let mut server = world.start().await;
    let mut expected = Expected::default();
    let mut window = usual(&world, &server, &mut expected).await;
    let (mut landed, mut late, mut slowest) = (0, 0, Duration::ZERO);
    while landed < kills {
        let app = random.random_range(0..APPLICATIONS.len());
        let id = expected.report(&world, &server, app).await;
        tokio::time::sleep(moment(&mut random, window)).await;
        let killed_us = now_us();
        server.kill9().await;
        server = world.start().await;
        let (succeeded_us, took) = recovered(&server, &id).await;
        slowest = slowest.max(took);
        // A kill after SUCCESS proves less; it is done, but does not count.
        if succeeded_us > killed_us {
            landed += 1;
            window = window.mul_f64(1.05);
        } else {
            // The first deployments of a server are slower than later ones: aim earlier.
            window = window.mul_f64(0.9).max(SHORTEST_WINDOW);
            late += 1;
            assert!(
                late <= 4 * kills,
                "deployments take less time than {window:?}"
            );
        }
    }
    println!("{landed} kills between report and SUCCESS, {late} after; window {window:?}");
    println!("slowest SUCCESS after a restart: {slowest:?}");
    expected.holds(&world).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_while_it_recovers_every_deployment_succeeds_once() {
    let mut random = settings().random("kill while recovering");
    let rounds = settings().form.pick(25, 5);
    let world = World::of(APPLICATIONS).await;
    let mut server = world.start().await;
    let mut expected = Expected::default();
    let window = usual(&world, &server, &mut expected).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        // All four at once: their commits may share a push, their processes a moment.
        let mut ids = Vec::new();
        for app in 0..APPLICATIONS.len() {
            ids.push(expected.report(&world, &server, app).await);
        }
        tokio::time::sleep(moment(&mut random, window)).await;
        server.kill9().await;
        for _ in 0..random.random_range(1..4) {
            Server::start_and_kill(&world, moment(&mut random, window)).await;
        }
        server = world.start().await;
        for id in &ids {
            slowest = slowest.max(recovered(&server, id).await.1);
        }
    }
    println!("{rounds} rounds; slowest SUCCESS after the last restart of one: {slowest:?}");
    expected.holds(&world).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_outlive_a_killed_server_and_are_adopted() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    let before = world.processes();
    assert_eq!(before.len(), 1);
    server.kill9().await;
    assert_eq!(world.processes(), before, "it runs on without a server");
    let server = world.start().await;
    let address = world.app(0).address();
    let served = http(&address, Method::GET, "/version", &[], Vec::new())
        .await
        .unwrap();
    assert_eq!(served.text().trim(), "1.0.0");
    assert_eq!(world.processes(), before, "the same process, not another");
    server.stop().await;
    assert_eq!(
        world.processes(),
        before,
        "a clean stop leaves it running as well"
    );
}
