//! The role on a log that has a bad day: appends whose outcome is unknown, conflicts, a log that
//! is away, commits seen late. Git and the read models are real, the runner answers as the real
//! one does. Whatever happens, nothing is lost and nothing is doubled.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "judged by git itself, not by our own library"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Principal;
use eventlog::process::{Perform, Process, Reaction, Retry};
use eventlog::sim::{Faults, SimLog};
use eventlog::{
    AppendError, Draft, EventLog, EventRecord, LogIdentity, Projector, ReadError, SealedCommit,
    Stored,
};
use git::{Author, Limits, Writer};
use ids::{AggregateId, CommitId, Digest, Uuid, derive};
use prost::Message as _;
use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_server::DeliveryService as _;
use service::SystemClock;
use service::entropy::SystemEntropy;
use source::{Desk, Histories};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

const MANIFESTS: &str = "
apiVersion: lowops.manifests.v1
kind: Organization
metadata: { name: acme }
---
apiVersion: lowops.manifests.v1
kind: OrganizationalUnit
metadata: { name: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: Environment
metadata: { name: development, organizational-unit: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: Environment
metadata: { name: staging, organizational-unit: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: { name: main, organizational-unit: shop, organization: acme }
spec:
  preReleaseStages:
    - environments: [development]
    - environments: [staging]
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: { name: shop, release-track: main, organizational-unit: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: GithubConnection
metadata: { name: github, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: { name: api, github-connection: github, organization: acme }
spec: { strategy: GITHUB_FLOW }
---
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: { name: local, organization: acme }
spec: { ociLayout: images }
---
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: { name: api, github-repository: api, github-connection: github, organization: acme }
spec:
  type: DOCKER
  containerize: [{ name: api, registries: [local] }]
---
apiVersion: lowops.manifests.v1
kind: Application
metadata: { name: api, application-set: shop, release-track: main, organizational-unit: shop, organization: acme }
spec: { buildDefinition: api, target: PROCESS }
";

fn config(environment: &str) -> String {
    format!(
        "apiVersion: lowops.manifests.v1\nkind: Project\nmetadata: {{ name: web, environment: {environment}, \
         organizational-unit: shop, organization: acme }}\n---\napiVersion: lowops.manifests.v1\n\
         kind: DeploymentConfig\nmetadata: {{ name: api, project: web, environment: {environment}, \
         organizational-unit: shop, organization: acme }}\nspec:\n  version:\n"
    )
}

/// Answers every committed manifest as the runner does: the run succeeded.
struct Answers {
    due: BTreeSet<Uuid>,
}

impl Process for Answers {
    type Effect = Uuid;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let id = stored.commit.aggregate.id();
        for record in &stored.commit.events {
            if record.kind == "towpath.delivery.v1.ManifestCommitted" {
                let it = pb::ManifestCommitted::decode(record.payload.clone()).unwrap();
                self.due
                    .insert(derive::run(id, &it.environment, it.attempt));
            } else if record.kind == "towpath.run.v1.RunSucceeded" {
                self.due.remove(&id);
            }
        }
        Ok(())
    }

    fn react(&mut self, _: i64) -> Reaction<Uuid> {
        Reaction {
            effects: self.due.iter().map(|it| (*it, *it)).collect(),
            wake_at_us: None,
        }
    }
}

struct Runner(Arc<dyn EventLog>);

#[async_trait::async_trait]
impl Perform<Uuid> for Runner {
    async fn perform(&self, _: Uuid, run: Uuid) -> Result<(), Retry> {
        let failed = |why: String| Retry {
            after: Duration::from_millis(5),
            why,
        };
        let aggregate = AggregateId::new("run", run);
        let head = self
            .0
            .head(&aggregate)
            .await
            .map_err(|it| failed(it.to_string()))?;
        if head.version > 0 {
            return Ok(());
        }
        let payload = proto::run::v1::RunSucceeded {
            url: "http://x/".into(),
            message: String::new(),
        };
        let draft = Draft {
            aggregate,
            commit_id: CommitId(derive::id("test", &[&run.to_string()])),
            recorded_at_us: 0,
            actor: "runner".into(),
            correlation: None,
            causation: None,
            request_hash: None,
            traceparent: None,
            events: vec![EventRecord {
                kind: "towpath.run.v1.RunSucceeded".into(),
                schema: 1,
                payload: payload.encode_to_vec().into(),
            }],
        };
        match self.0.append(&SealedCommit::seal(draft, &head, 1)).await {
            Ok(_) | Err(AppendError::Conflict { .. }) => Ok(()),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

struct Installation {
    _dir: tempfile::TempDir,
    remote: std::path::PathBuf,
    log: SimLog,
    manager: cd_manager::CdManager,
    stop: CancellationToken,
}

async fn start(seed: u64, faults: Faults) -> Installation {
    let dir = tempfile::tempdir().unwrap();
    let remote = dir.path().join("manifests.git");
    git::init_bare(&remote).await.unwrap();
    let author = Author {
        name: "Ann".into(),
        email: "ann@example.com".into(),
    };
    let (development, staging) = (config("development"), config("staging"));
    let files = [
        ("all.yaml", MANIFESTS.as_bytes()),
        ("development.yaml", development.as_bytes()),
        ("staging.yaml", staging.as_bytes()),
    ];
    git::seed(&remote, &files, &author, "what runs where", 1_000_000)
        .await
        .unwrap();
    let identity = LogIdentity {
        log_id: Uuid::from_u128(7),
        epoch: 1,
        created_at_us: 0,
    };
    let sim = SimLog::new(identity, seed, Faults::OFF);
    let log: Arc<dyn EventLog> = Arc::new(sim.clone());
    let read = dir.path().join("read.db");
    let projector = Arc::new(
        Projector::open(&(&read).into(), log.clone(), cd_manager::projections::all())
            .await
            .unwrap(),
    );
    let desk = Desk::open(&dir.path().join("mirror"), remote.to_str().unwrap(), "main")
        .await
        .unwrap();
    let clock = Arc::new(|| 2_000_000);
    let writer = Writer::spawn(
        desk.mirror().clone(),
        "main",
        author,
        Limits::unlimited(),
        clock,
    )
    .unwrap();
    let roles = service::role::Roles::default();
    roles.started("runner");
    let manager = cd_manager::build(cd_manager::Deps {
        gate: eventlog::lease::Gate::always(),
        log: log.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        desk,
        writer,
        histories: Histories::new(dir.path().join("sources")),
        reads: projector.reads().clone(),
        read_position: projector.position(),
        roles,
        keys: Arc::default(),
        layouts: dir.path().to_owned(),
        look_every: Duration::from_millis(50),
    });
    let stop = CancellationToken::new();
    sim.set_faults(faults);
    tokio::spawn({
        let (projector, stop) = (projector.clone(), stop.clone());
        async move { projector.run(stop).await }
    });
    tokio::spawn({
        let (manager, stop) = (manager.clone(), stop.clone());
        async move {
            let ended = manager.run(stop.clone()).await;
            assert!(stop.is_cancelled(), "the role ended: {ended:?}");
        }
    });
    let answers = Answers {
        due: BTreeSet::new(),
    };
    let runner = Arc::new(Runner(log.clone()));
    tokio::spawn(eventlog::process::run(
        log,
        answers,
        runner,
        Arc::new(|| 0),
        stop.clone(),
    ));
    Installation {
        _dir: dir,
        remote,
        log: sim,
        manager,
        stop,
    }
}

/// Reports until the answer is known, with one key, as CI would.
async fn report(
    manager: &cd_manager::CdManager,
    version: &str,
    ci_run: u64,
) -> pb::ReportBuildResponse {
    let body = pb::ReportBuildRequest {
        definition: "api".into(),
        container: "api".into(),
        version: version.into(),
        release_type: "LATEST".into(),
        digest: Digest::of(version.as_bytes()).to_string(),
        ci_run,
        ..Default::default()
    };
    for _ in 0..500 {
        let mut request = Request::new(body.clone());
        let caller = Principal {
            name: "ci".into(),
            groups: vec!["ci".into()],
            is_service: true,
        };
        request.extensions_mut().insert(caller);
        request
            .metadata_mut()
            .insert("idempotency-key", version.parse().unwrap());
        match manager.rpc().report_build(request).await {
            Ok(answer) => return answer.into_inner(),
            Err(status)
                if matches!(
                    status.code(),
                    Code::Unavailable | Code::Aborted | Code::Internal
                ) =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(status) => panic!("{status:?}"),
        }
    }
    panic!("{version} was never accepted");
}

/// Every deployment named by a trailer on the remote, as git reads them.
fn trailers(remote: &Path) -> Vec<(String, String)> {
    let format = "--format=%(trailers:key=Towpath-Deployment,valueonly,separator=)%x09%(trailers:key=Towpath-Environment,valueonly,separator=)";
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(remote)
        .args(["log", format, "main"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|it| it.split_once('\t'));
    pairs
        .filter(|it| !it.0.is_empty())
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

/// The state of every deployment, read from the log alone.
async fn ends(log: &SimLog) -> BTreeMap<Uuid, String> {
    let mut ends = BTreeMap::new();
    for stored in log.read(eventlog::Position(0), 100_000).await.unwrap() {
        if stored.commit.aggregate.kind() != "deployment" {
            continue;
        }
        let id = stored.commit.aggregate.id();
        for record in &stored.commit.events {
            let name = record.kind.rsplit('.').next().unwrap();
            assert!(
                !(name == "DeploymentCreated" && ends.contains_key(&id)),
                "deployment {id} was opened twice"
            );
            ends.insert(id, name.to_owned());
        }
    }
    ends
}

/// The whole log, a line each commit: what to read when something went wrong.
async fn story(log: &SimLog) -> String {
    let mut text = String::new();
    for stored in log.read(eventlog::Position(0), 100_000).await.unwrap() {
        let names: Vec<_> = stored
            .commit
            .events
            .iter()
            .map(|it| it.kind.rsplit('.').next().unwrap())
            .collect();
        let (at, id) = (stored.position.0, &stored.commit.aggregate);
        text.extend([format!("{at} {id} {}\n", names.join(" "))]);
    }
    text
}

fn is_over(event: &str) -> bool {
    matches!(event, "DeploymentSucceeded" | "DeploymentSuperseded")
}

/// How long a day is bad, if it takes so long.
const DAY: Duration = Duration::from_secs(8);
/// How long what is pending may take after it: an effect that failed again and again pauses for
/// half a minute ([`eventlog::process::LONGEST_PAUSE`]).
const EVENING: Duration = Duration::from_mins(1);

async fn bad_day(seed: u64) {
    let begun = Instant::now();
    let it = start(seed, Faults::HARSH).await;
    let mut ids = Vec::new();
    for n in 1..=6 {
        let answer = report(&it.manager, &format!("v{n}"), n).await;
        ids.push(answer.deployments[0].id.parse::<Uuid>().unwrap());
    }
    let settled = async {
        loop {
            it.log.set_faults(Faults::OFF);
            let ends = ends(&it.log).await;
            if begun.elapsed() < DAY {
                it.log.set_faults(Faults::HARSH);
            }
            if ids
                .iter()
                .all(|id| ends.get(id).is_some_and(|end| is_over(end)))
            {
                return ends;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let settled = tokio::time::timeout(DAY + EVENING, settled).await;
    it.log.set_faults(Faults::OFF);
    let Ok(ends) = settled else {
        let story = story(&it.log).await;
        panic!("seed {seed}: some deployment never came to rest:\n{story}");
    };
    it.stop.cancel();
    assert_eq!(
        ends[&ids[5]], "DeploymentSucceeded",
        "seed {seed}: the newest arrives"
    );
    let mut seen = trailers(&it.remote);
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "seed {seed}: a commit was made twice");
    for (id, end) in &ends {
        if end == "DeploymentSucceeded" {
            let places = seen
                .iter()
                .filter(|(deployment, _)| *deployment == id.to_string())
                .count();
            assert_eq!(places, 2, "seed {seed}: {id} succeeded in two environments");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_on_a_bad_day() {
    for seed in 1..=6 {
        bad_day(seed).await;
    }
}
