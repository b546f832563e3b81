//! `towpath up` from the release binary, and build reports as CI sends them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use ids::Digest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::program::program;

/// A server that answers.
pub(crate) struct Server {
    child: Child,
    address: String,
    token: String,
    towpath: PathBuf,
    data: PathBuf,
}

impl Server {
    /// Starts one on a repository and waits until it is ready.
    pub(crate) fn start(ground: &Ground, room: &Path, remote: &Path) -> Result<Self> {
        let data = room.join("data");
        let mut child = program(&ground.towpath, room)
            .arg("--data")
            .arg(&data)
            .args(["up", "--listen", "127.0.0.1:0", "--manifests"])
            .arg(remote)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(room.join("stderr"))?)
            .spawn()
            .context("cannot start towpath")?;
        let stdout = child.stdout.take().context("its output is a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(address) = line.trim().strip_prefix("ready: http://") else {
            bail!(
                "towpath up: {}",
                std::fs::read_to_string(room.join("stderr"))?
            );
        };
        let token = std::fs::read_to_string(data.join("admin.token"))?;
        Ok(Self {
            child,
            address: address.to_owned(),
            token: token.trim().to_owned(),
            towpath: ground.towpath.clone(),
            data,
        })
    }

    /// How to report to it, from any thread.
    pub(crate) fn reporter(&self) -> Reporter {
        Reporter {
            address: self.address.clone(),
            token: self.token.clone(),
        }
    }

    /// The word for the state of a deployment.
    pub(crate) fn state(&self, deployment: &str) -> Result<String> {
        let output = program(&self.towpath, &self.data)
            .arg("--data")
            .arg(&self.data)
            .args(["deployments", "show", deployment, "--output", "json"])
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "deployments show: {stderr}");
        let json: Value = serde_json::from_slice(&output.stdout)?;
        let state = json.get("deployment").unwrap_or(&json)["state"].as_str();
        Ok(state
            .with_context(|| format!("no state in {json}"))?
            .to_owned())
    }

    /// Waits until nothing more will happen to a deployment.
    pub(crate) fn settled(&self, deployment: &str) -> Result<()> {
        for _ in 0..600 {
            if matches!(self.state(deployment)?.as_str(), "SUCCESS" | "FAILED") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("deployment {deployment} did not settle within 30 s")
    }

    /// Its resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib: u32 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next())
            .context("no VmRSS")?
            .parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// Asks it to stop and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("it runs")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "towpath up ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless the bench broke off.
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Sends build reports.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    address: String,
    token: String,
}

impl Reporter {
    /// Reports a build on a connection of its own; the deployment that was opened for it.
    pub(crate) fn report(&self, application: &str, version: &str) -> Result<String> {
        let body = json!({
            "definition": application,
            "container": application,
            "version": version,
            "digest": Digest::of(version.as_bytes()).as_str(),
            "release_type": "LATEST",
            "registries": ["local"],
        })
        .to_string();
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "POST /api/v1/builds HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(
            head.starts_with("HTTP/1.1 200"),
            "the report was answered with {answer}"
        );
        let json: Value = serde_json::from_str(body)?;
        let id = json["deployments"][0]["id"].as_str();
        id.map(str::to_owned)
            .ok_or_else(|| anyhow!("the report was not routed: {body}"))
    }
}
