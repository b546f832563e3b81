//! What is remembered of a slot: one file each, replaced as a whole, so that whoever comes
//! after us knows what is to run and which process does.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ids::{Digest, Uuid};
use serde::{Deserialize, Serialize};

use crate::target::{Desired, Health, Protocol};

/// A slot that was successfully applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) desired: Desired,
    /// Where the slot is reached, also when nobody asked for a certain port.
    pub(super) public_port: u16,
    pub(super) process: ProcessRecord,
}

/// The process that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessRecord {
    pub(super) pid: u32,
    /// In clock ticks since the machine started.
    pub(super) start_time: u64,
    /// Which start of the machine that was.
    pub(super) boot: String,
    /// Where it listens.
    pub(super) port: u16,
}

#[derive(Serialize, Deserialize)]
struct SlotFile {
    format: u32,
    slot: String,
    slot_name: String,
    run: String,
    version: String,
    digest: String,
    layout: PathBuf,
    env: Vec<(String, String)>,
    public_port: u16,
    wanted_port: Option<u16>,
    health: HealthSection,
    process: ProcessRecord,
}

#[derive(Serialize, Deserialize)]
struct HealthSection {
    protocol: String,
    path: String,
    interval_ms: u64,
    timeout_ms: u64,
    healthy_threshold: u32,
    unhealthy_threshold: u32,
    deadline_ms: u64,
}

/// The directory of slot files.
#[derive(Debug, Clone)]
pub(super) struct States {
    directory: PathBuf,
}

impl States {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let directory = data.join("slots");
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// All slots that can be read. A file that cannot is put aside: applying the slot again
    /// writes a new one.
    pub(super) fn load(&self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(record) => records.push(record),
                Err(why) => {
                    tracing::warn!(path = %path.display(), "slot file is put aside: {why}");
                    fs::rename(&path, path.with_extension("unreadable"))?;
                }
            }
        }
        Ok(records)
    }

    /// Remembers the slot, also when the machine stops right after.
    pub(super) async fn save(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&SlotFile::from(record))?;
        let path = self.path(record.desired.slot);
        let directory = self.directory.clone();
        blocking(move || replace(&directory, &path, &text)).await
    }

    /// Forgets the slot, for good as [`States::save`] remembers it.
    pub(super) async fn remove(&self, slot: Uuid) -> io::Result<()> {
        let path = self.path(slot);
        let directory = self.directory.clone();
        blocking(move || match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| sync(&directory)),
        })
        .await
    }

    fn path(&self, slot: Uuid) -> PathBuf {
        self.directory.join(format!("{slot}.json"))
    }
}

/// A disk may take its time: no thread that serves others waits for it.
async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}

fn replace(directory: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(directory)?;
    temporary.write_all(text)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync(directory)
}

/// The name of a file is in its directory, and lost with it when only the file was synced.
fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

fn read(path: &Path) -> Result<Record, String> {
    let text = fs::read(path).map_err(|e| e.to_string())?;
    let file: SlotFile = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
    if file.format != 1 {
        return Err(format!(
            "it has format {}, this version knows 1",
            file.format
        ));
    }
    file.into_record()
}

impl From<&Record> for SlotFile {
    fn from(record: &Record) -> Self {
        let Desired {
            slot,
            slot_name,
            run,
            version,
            digest,
            layout,
            env,
            public_port: wanted_port,
            health,
        } = &record.desired;
        Self {
            format: 1,
            slot: slot.to_string(),
            slot_name: slot_name.clone(),
            run: run.to_string(),
            version: version.clone(),
            digest: digest.to_string(),
            layout: layout.clone(),
            env: env.clone(),
            public_port: record.public_port,
            wanted_port: *wanted_port,
            health: HealthSection {
                protocol: match health.protocol {
                    Protocol::Http => "http".into(),
                    Protocol::Tcp => "tcp".into(),
                },
                path: health.path.clone(),
                interval_ms: milliseconds(health.interval),
                timeout_ms: milliseconds(health.timeout),
                healthy_threshold: health.healthy_threshold,
                unhealthy_threshold: health.unhealthy_threshold,
                deadline_ms: milliseconds(health.deadline),
            },
            process: record.process.clone(),
        }
    }
}

impl SlotFile {
    fn into_record(self) -> Result<Record, String> {
        let id = |text: &str| Uuid::parse_str(text).map_err(|e| e.to_string());
        Ok(Record {
            desired: Desired {
                slot: id(&self.slot)?,
                slot_name: self.slot_name,
                run: id(&self.run)?,
                version: self.version,
                digest: Digest::parse(&self.digest).map_err(|e| e.to_string())?,
                layout: self.layout,
                env: self.env,
                public_port: self.wanted_port,
                health: Health {
                    protocol: match self.health.protocol.as_str() {
                        "http" => Protocol::Http,
                        "tcp" => Protocol::Tcp,
                        other => return Err(format!("unknown protocol `{other}`")),
                    },
                    path: self.health.path,
                    interval: Duration::from_millis(self.health.interval_ms),
                    timeout: Duration::from_millis(self.health.timeout_ms),
                    healthy_threshold: self.health.healthy_threshold,
                    unhealthy_threshold: self.health.unhealthy_threshold,
                    deadline: Duration::from_millis(self.health.deadline_ms),
                },
            },
            public_port: self.public_port,
            process: self.process,
        })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::target::process) fn record() -> Record {
        Record {
            desired: Desired {
                slot: Uuid::from_u128(1),
                slot_name: "dev/shop".into(),
                run: Uuid::from_u128(2),
                version: "1.2.3".into(),
                digest: Digest::of(b"image"),
                layout: "/images".into(),
                env: vec![("A".into(), "b\n\"c\"".into())],
                public_port: None,
                health: Health {
                    protocol: Protocol::Http,
                    path: "/healthz".into(),
                    interval: Duration::from_millis(100),
                    timeout: Duration::from_secs(1),
                    healthy_threshold: 2,
                    unhealthy_threshold: 3,
                    deadline: Duration::from_mins(1),
                },
            },
            public_port: 20_001,
            process: ProcessRecord {
                pid: 4242,
                start_time: 17,
                boot: "boot".into(),
                port: 10_001,
            },
        }
    }

    #[tokio::test]
    async fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let states = States::open(dir.path()).unwrap();
        let record = record();
        states.save(&record).await.unwrap();
        states.save(&record).await.unwrap();
        assert_eq!(states.load().unwrap(), std::slice::from_ref(&record));
        states.remove(record.desired.slot).await.unwrap();
        states.remove(record.desired.slot).await.unwrap();
        assert_eq!(states.load().unwrap(), []);
    }

    #[tokio::test]
    async fn a_damaged_file_is_put_aside_and_the_others_are_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let states = States::open(dir.path()).unwrap();
        states.save(&record()).await.unwrap();
        let good = fs::read_to_string(states.path(Uuid::from_u128(1))).unwrap();
        for (n, bad) in [
            String::new(),
            good[..good.len() / 2].to_owned(),
            good.replace("\"format\": 1", "\"format\": 2"),
            good.replace("\"http\"", "\"gopher\""),
        ]
        .iter()
        .enumerate()
        {
            fs::write(dir.path().join(format!("slots/bad{n}.json")), bad).unwrap();
        }
        assert_eq!(states.load().unwrap(), [record()]);
        assert_eq!(states.load().unwrap(), [record()]);
        assert!(dir.path().join("slots/bad0.unreadable").exists());
    }
}
