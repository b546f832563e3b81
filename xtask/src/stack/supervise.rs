//! Keeps the parts of a stack up: what ends is started again, until the stack is ended.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::plan::Plan;
use super::state::{self, Nats, Process, State};
use super::{ROLES, RUNNER, left, nats, postgres};
use crate::shell;

/// How often the parts are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How long a part may take to end when it is asked to.
const LOOKS_TO_END: u32 = 200;

/// One part, and how it is started again.
struct Part {
    name: String,
    log: PathBuf,
    make: Box<dyn Fn() -> Result<Command>>,
    child: Option<Child>,
    restarts: u32,
    /// Looks to wait before it is started again: longer after each quick end.
    wait: u32,
    /// Looks since it was started.
    up: u32,
}

impl Part {
    fn start(&mut self) -> Result<()> {
        let open = || OpenOptions::new().create(true).append(true).open(&self.log);
        let mut command = (self.make)()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name))?;
        self.child = Some(child);
        self.up = 0;
        Ok(())
    }

    /// Starts it again when it has ended; says whether anything changed.
    fn look(&mut self, paused: bool) -> Result<bool> {
        if let Some(child) = &mut self.child {
            self.up += 1;
            let Some(status) = child.try_wait()? else {
                return Ok(false);
            };
            println!("{} ended ({status})", self.name);
            self.child = None;
            self.wait = if self.up < 40 {
                (self.wait * 2).clamp(2, 40)
            } else {
                2
            };
            return Ok(true);
        }
        if paused {
            return Ok(false);
        }
        if self.wait > 0 {
            self.wait -= 1;
            return Ok(false);
        }
        self.restarts += 1;
        self.wait = 2;
        self.start()?;
        Ok(true)
    }
}

/// Starts the stores, then the roles; then keeps all of them up.
pub(super) fn run(plan: &Plan) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut parts = Vec::new();
    let ended = work(plan, &mut parts, &stop);
    end(&mut parts);
    let left = left::end_applications(&plan.data(RUNNER));
    drop(state::write(&plan.dir, &describe(plan, &parts)));
    ended.and(left).map(|()| ExitCode::SUCCESS)
}

fn work(plan: &Plan, parts: &mut Vec<Part>, stop: &AtomicBool) -> Result<()> {
    for setup in &plan.nats {
        let (binary, setup) = (plan.nats_server.clone(), setup.clone());
        add(plan, parts, &setup.name.clone(), move || {
            Ok(nats::command(&binary, &setup)?)
        })?;
    }
    let (bin, setup) = (plan.postgres_bin.clone(), plan.postgres.clone());
    add(plan, parts, "postgres", move || {
        Ok(postgres::command(&bin, &setup)?)
    })?;
    wait(parts, stop, "PostgreSQL", || {
        postgres::answers(&plan.postgres_bin, plan.postgres.port)
    })?;
    postgres::create_database(&plan.postgres_bin, &plan.postgres, "towpath")?;
    let monitors: Vec<u16> = plan.nats.iter().map(|it| it.monitor).collect();
    wait(parts, stop, "NATS", || {
        monitors.iter().all(|it| is_healthy(*it))
    })?;
    if !plan.migrate().status()?.success() {
        bail!("the stores cannot be prepared");
    }
    for role in ROLES {
        let command = plan.role(role);
        let (program, arguments) = (
            command.get_program().to_owned(),
            command
                .get_args()
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>(),
        );
        let environment = plan.environment(role, role);
        add(plan, parts, role, move || {
            let mut command = testkit::program::command(program.as_ref());
            command.args(&arguments).envs(environment.clone());
            Ok(command)
        })?;
    }
    let ports: Vec<u16> = plan.ports.values().copied().collect();
    wait(parts, stop, "the roles", || {
        ports.iter().all(|it| is_ready(*it))
    })?;
    println!("ready: {}", plan.address(ROLES[0]));
    println!(
        "  towpath --server {} --token-file {} status",
        plan.address(ROLES[0]),
        token(plan).display()
    );
    keep(plan, parts, stop)
}

fn keep(plan: &Plan, parts: &mut [Part], stop: &AtomicBool) -> Result<()> {
    let pause = plan.dir.join("pause");
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        let paused = std::fs::read_to_string(&pause).unwrap_or_default();
        let mut changed = false;
        for part in parts.iter_mut() {
            let is_paused = paused.split_whitespace().any(|it| it == part.name);
            changed |= part.look(is_paused)?;
        }
        if changed {
            state::write(&plan.dir, &describe(plan, parts))?;
        }
    }
    Ok(())
}

fn add(
    plan: &Plan,
    parts: &mut Vec<Part>,
    name: &str,
    make: impl Fn() -> Result<Command> + 'static,
) -> Result<()> {
    let mut part = Part {
        name: name.to_owned(),
        log: plan.dir.join(format!("{name}.log")),
        make: Box::new(make),
        child: None,
        restarts: 0,
        wait: 2,
        up: 0,
    };
    part.start()?;
    parts.push(part);
    // From here on it is known to whoever has to end it, whatever becomes of us.
    state::write(&plan.dir, &describe(plan, parts))
}

/// Waits until something is ready; what ends meanwhile is an error.
fn wait(
    parts: &mut [Part],
    stop: &AtomicBool,
    what: &str,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    for _ in 0..1_200 {
        if ready() {
            return Ok(());
        }
        if stop.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        for part in parts.iter_mut() {
            let Some(child) = &mut part.child else {
                continue;
            };
            if let Some(status) = child.try_wait()? {
                let said = std::fs::read_to_string(&part.log).unwrap_or_default();
                let last: Vec<_> = said.lines().rev().take(15).collect();
                let last: Vec<_> = last.into_iter().rev().collect();
                bail!("{} ended ({status}):\n{}", part.name, last.join("\n"));
            }
        }
        std::thread::sleep(LOOK);
    }
    bail!("{what} did not get ready within a minute")
}

/// Ends everything in the opposite order; what does not end in time is killed.
fn end(parts: &mut [Part]) {
    for part in parts.iter_mut().rev() {
        let Some(child) = &mut part.child else {
            continue;
        };
        let pid = child.id().to_string();
        // SIGINT ends PostgreSQL without waiting for its clients.
        let signal = if part.name == "postgres" {
            "-INT"
        } else {
            "-TERM"
        };
        drop(shell::run(
            std::path::Path::new("/"),
            "kill",
            &[signal, &pid],
        ));
        // A stopped process ends only once it goes on.
        drop(shell::run(
            std::path::Path::new("/"),
            "kill",
            &["-CONT", &pid],
        ));
        for _ in 0..LOOKS_TO_END {
            if child.try_wait().ok().flatten().is_some() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        drop(child.kill());
        drop(child.wait());
        part.child = None;
    }
}

fn token(plan: &Plan) -> PathBuf {
    plan.data(ROLES[0]).join("admin.token")
}

fn describe(plan: &Plan, parts: &[Part]) -> State {
    let processes: BTreeMap<_, _> = parts
        .iter()
        .map(|part| {
            let pid = part.child.as_ref().map_or(0, Child::id);
            let process = Process {
                pid,
                start_time: state::start_time(pid).unwrap_or_default(),
                restarts: part.restarts,
                log: part.log.clone(),
            };
            (part.name.clone(), process)
        })
        .collect();
    let nats = plan.nats.iter().map(|it| Nats {
        name: it.name.clone(),
        url: format!("nats://127.0.0.1:{}", it.port),
        monitor: format!("http://127.0.0.1:{}", it.monitor),
        store: it.dir.join("store"),
    });
    let users = ROLES.iter().chain(&["operator", "ci"]);
    State {
        server: plan.address(ROLES[0]),
        token_file: token(plan),
        roles: ROLES.map(|it| (it.to_owned(), plan.address(it))).into(),
        data: plan.data(ROLES[0]),
        manifests: plan.manifests.clone(),
        supervisor: std::process::id(),
        supervisor_start_time: state::start_time(std::process::id()).unwrap_or_default(),
        processes,
        nats: nats.collect(),
        postgres: plan.postgres_url(),
        passwords: users
            .map(|it| {
                (
                    (*it).to_owned(),
                    plan.dir.join(format!("nats-{it}.password")),
                )
            })
            .chain([("postgres".to_owned(), plan.dir.join("postgres.password"))])
            .collect(),
        pause_file: plan.dir.join("pause"),
    }
}

/// Whether a NATS server says that it is up, JetStream included.
fn is_healthy(monitor: u16) -> bool {
    answers(monitor, "/healthz")
}

fn is_ready(port: u16) -> bool {
    answers(port, "/readyz")
}

/// Whether a page answers 200.
fn answers(port: u16, path: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || -> std::io::Result<String> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|it| it.starts_with("HTTP/1.1 200"))
}
