//! The server under test, as a process of its own.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::time::{Instant, timeout};

use super::program::{Program, code};
use super::stores::ROLES;
use super::{Answer, Api, Report, World, http, settings};

/// A server is ready within this time, or refuses within it.
const START: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// What to listen on.
    pub(crate) listen: String,
    /// More arguments of `up`.
    pub(crate) more: Vec<String>,
    /// Another data directory than the world's.
    pub(crate) data: Option<PathBuf>,
    /// Another repository than the world's.
    pub(crate) manifests: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            more: Vec::new(),
            data: None,
            manifests: None,
        }
    }
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    /// Nobody when somebody else started it; the gateway first where there are several.
    children: Vec<Child>,
    stderr: Vec<PathBuf>,
    pub(crate) address: String,
    /// Of every process, the gateway's first.
    pub(crate) addresses: Vec<String>,
    pub(crate) token: String,
    /// When it was spawned.
    pub(crate) spawned: Instant,
}

/// What a server said that did not start.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) stderr: String,
    /// How long it took to refuse.
    pub(crate) after: Duration,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server ended with {}\n{}", self.code, self.stderr)
    }
}

impl Server {
    /// Starts the server and waits until it says that it is ready, or ends.
    pub(crate) async fn start(world: &World, options: &Options) -> Result<Self, Refusal> {
        if let Some(given) = &settings().given {
            return Ok(Self {
                children: Vec::new(),
                stderr: Vec::new(),
                address: given.address.clone(),
                addresses: vec![given.address.clone()],
                token: given.token.clone(),
                spawned: Instant::now(),
            });
        }
        let spawned = Instant::now();
        let mut starting: Vec<_> = programs(world, options)
            .await
            .into_iter()
            .map(|program| Starting::of(&program, next_file(world)))
            .collect();
        let mut addresses = Vec::new();
        for it in &mut starting {
            match it.ready().await {
                Ok(address) => addresses.push(address),
                // The others are killed when they are dropped.
                Err((code, stderr)) => {
                    let after = spawned.elapsed();
                    return Err(Refusal {
                        code,
                        stderr,
                        after,
                    });
                }
            }
        }
        let data = options.data.as_ref().unwrap_or(&world.data);
        let token = std::fs::read_to_string(data.join("admin.token")).unwrap();
        let (children, stderr) = starting.into_iter().map(|it| (it.child, it.stderr)).unzip();
        Ok(Self {
            children,
            stderr,
            address: addresses[0].clone(),
            addresses,
            token: token.trim().to_owned(),
            spawned,
        })
    }

    /// Starts the server and kills it after a while, wherever it has got to by then.
    pub(crate) async fn start_and_kill(world: &World, after: Duration) {
        let mut children = Vec::new();
        for program in programs(world, &Options::default()).await {
            let stderr = File::create(next_file(world)).unwrap();
            children.push(program.spawn(Stdio::null(), stderr.into()));
        }
        tokio::time::sleep(after).await;
        for mut child in children {
            child.kill().await.unwrap();
        }
    }

    /// Its process id; the gateway's where there are several.
    pub(crate) fn pid(&self) -> u32 {
        self.children
            .first()
            .and_then(Child::id)
            .expect("it runs, and it is ours")
    }

    /// Sends a signal to the process of a role.
    pub(crate) fn signal(&self, role: &str, signal: Signal) {
        let at = ROLES.iter().position(|it| *it == role);
        let child = at.and_then(|at| self.children.get(at));
        let pid = child
            .and_then(Child::id)
            .and_then(|it| i32::try_from(it).ok());
        kill_process(pid.and_then(Pid::from_raw).unwrap(), signal).unwrap();
    }

    /// Ends it without any warning.
    pub(crate) async fn kill9(mut self) {
        assert!(!self.children.is_empty(), "it is ours");
        for child in &mut self.children {
            child.start_kill().unwrap();
        }
        for child in &mut self.children {
            child.wait().await.unwrap();
        }
    }

    /// Asks it to end; it does within the time, with success.
    pub(crate) async fn stop(mut self) {
        assert!(!self.children.is_empty(), "it is ours");
        for child in &self.children {
            let pid = child.id().and_then(|it| i32::try_from(it).ok());
            kill_process(pid.and_then(Pid::from_raw).unwrap(), Signal::TERM).unwrap();
        }
        for at in 0..self.children.len() {
            let status = timeout(START, self.children[at].wait())
                .await
                .expect("it stops when asked to")
                .unwrap();
            assert_eq!(code(status), 0, "{}", self.stderr());
        }
    }

    /// What it wrote on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr
            .iter()
            .map(|it| std::fs::read_to_string(it).unwrap_or_default())
            .collect()
    }

    /// gRPC, with the admin's token.
    pub(crate) fn api(&self) -> Api {
        Api::at(&self.address, &self.token)
    }

    /// Sends any JSON to the one REST call, with any token.
    pub(crate) async fn post(&self, token: Option<&str>, body: Vec<u8>) -> Answer {
        let bearer = token.map(|it| format!("Bearer {it}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|it| ("authorization", it)));
        let sent = http(
            &self.address,
            Method::POST,
            "/api/v1/builds",
            &headers,
            body,
        )
        .await;
        sent.unwrap_or_else(|error| panic!("POST /api/v1/builds: {error}\n{}", self.stderr()))
    }

    /// Reports a build over HTTP, whatever comes of it.
    pub(crate) async fn report(&self, report: &Report) -> Answer {
        self.post(Some(&self.token), report.json().to_string().into_bytes())
            .await
    }

    /// Reports a build that one application is made from; gives its deployment.
    pub(crate) async fn deploy(&self, report: &Report) -> String {
        let answer = self.report(report).await;
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["state"]),
            (200, &Value::from("ROUTED")),
            "{json}"
        );
        json["deployments"][0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{json}"))
            .to_owned()
    }

    /// Reports a build and waits until it runs.
    pub(crate) async fn deployed(&self, report: &Report) -> String {
        let id = self.deploy(report).await;
        self.api().succeeded(&id).await;
        id
    }
}

/// A process that is not ready yet.
struct Starting {
    child: Child,
    stderr: PathBuf,
    command: String,
}

impl Starting {
    fn of(program: &Program, stderr: PathBuf) -> Self {
        let child = program.spawn(Stdio::piped(), File::create(&stderr).unwrap().into());
        Self {
            child,
            stderr,
            command: program.to_string(),
        }
    }

    /// Its address, or with which code it ended and what it said.
    async fn ready(&mut self) -> Result<String, (i32, String)> {
        let stdout = self.child.stdout.take().unwrap();
        let found = timeout(START, address(stdout)).await;
        let said = || std::fs::read_to_string(&self.stderr).unwrap();
        match found {
            Ok(Some(address)) => Ok(address),
            Ok(None) => {
                let status = timeout(START, self.child.wait())
                    .await
                    .expect("it closed its output")
                    .unwrap();
                Err((code(status), said()))
            }
            Err(elapsed) => panic!(
                "`{}` is neither ready nor ended after {START:?}: {elapsed}\n{}",
                self.command,
                said()
            ),
        }
    }
}

/// Everything that has to be started; the one that callers call first.
async fn programs(world: &World, options: &Options) -> Vec<Program> {
    let programs = match world.stores().await {
        Some(stores) if options.data.is_none() => {
            let mut roles = ROLES.map(|role| stores.role(world, role)).to_vec();
            roles[0] = roles[0].clone().args(&options.more);
            roles
        }
        Some(_) | None => vec![up(world, options)],
    };
    let otlp = world.otlp.iter();
    let otlp = otlp.map(|it| ("TOWPATH_TELEMETRY_OTLP", it.as_str()));
    let github = world.github.iter();
    let variables: Vec<_> = github
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(otlp)
        .collect();
    let told = |it: Program| {
        let each = variables.iter();
        each.fold(it, |it, (name, value)| it.env(name, value))
    };
    programs.into_iter().map(told).collect()
}

fn up(world: &World, options: &Options) -> Program {
    let data = options.data.as_ref().unwrap_or(&world.data);
    let manifests = options.manifests.as_deref();
    let manifests = manifests.unwrap_or_else(|| world.remote.path().to_str().unwrap());
    world
        .towpath()
        .args(["--data", data.to_str().unwrap(), "up"])
        .args(["--manifests", manifests, "--listen", &options.listen])
        .args(&options.more)
}

async fn address(stdout: ChildStdout) -> Option<String> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.ok()? {
        if let Some(address) = line.strip_prefix("ready: http://") {
            let address = address.trim_end_matches('/').to_owned();
            // A pipe that nobody reads would stop it one day.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(address);
        }
    }
    None
}

fn next_file(world: &World) -> PathBuf {
    let mut names = (1..).map(|it| world.root().join(format!("server-{it}.stderr")));
    names.find(|it| !it.exists()).expect("numbers do not end")
}
