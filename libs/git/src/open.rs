//! Making a mirror's directory usable, whatever a killed process left in it.
//!
//! The marker file is written last and holds the address: without it, or with another address
//! in it, the directory is emptied and made again. Everything in a mirror can be fetched again.

use std::fs;
use std::io;
use std::path::Path;

use crate::GitError;
use crate::address::Address;
use crate::command::Git;

/// Says that the mirror was made completely, and of what.
const MARKER: &str = "towpath-mirror";
/// Locked while a process uses the mirror.
const OWNER: &str = "towpath-owner";

/// Packs a mirror can hold before the object store has to be reopened: every large batch and
/// every fetch that is not copied leaves one.
const PACK_SLOTS: u16 = 8192;

/// Written into the mirror's configuration. A fetched pack stays a pack, so that it appears
/// whole or not at all; nothing is collected behind our back.
const CONFIG: &str = "[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[fetch]
\tunpackLimit = 1
\twriteCommitGraph = false
";

/// Takes the directory for this process.
pub(crate) fn claim(dir: &Path) -> Result<fs::File, GitError> {
    fs::create_dir_all(dir).map_err(|why| GitError::storage(dir, "created", &why))?;
    let path = dir.join(OWNER);
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|why| GitError::storage(&path, "created", &why))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(GitError::Locked {
            place: dir.display().to_string(),
            detail: "another process or another part of this one uses this mirror".to_owned(),
        }),
        Err(fs::TryLockError::Error(why)) => Err(GitError::storage(&path, "locked", &why)),
    }
}

/// Opens the mirror, making it (again) when it is not whole.
pub(crate) async fn prepare(
    git: &Git,
    address: &Address,
) -> Result<gix::ThreadSafeRepository, GitError> {
    if marked(&git.dir, address) {
        sweep(&git.dir).map_err(|why| GitError::storage(&git.dir, "cleaned of old locks", &why))?;
        match usable(git) {
            Ok(repository) => return Ok(repository),
            Err(why) => {
                let dir = git.dir.display();
                tracing::warn!(%dir, %why, "the mirror is damaged and is made again");
            }
        }
    }
    empty(&git.dir).map_err(|why| GitError::storage(&git.dir, "emptied", &why))?;
    make(git, address).await?;
    usable(git)
}

fn marked(dir: &Path, address: &Address) -> bool {
    fs::read_to_string(dir.join(MARKER)).is_ok_and(|text| text == address.text)
}

async fn make(git: &Git, address: &Address) -> Result<(), GitError> {
    let output = git
        .run(
            &[
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--initial-branch=main",
                ".",
            ],
            Vec::new(),
        )
        .await?;
    if !output.success {
        return Err(GitError::Broken {
            place: git.dir.display().to_string(),
            doing: "making the mirror",
            detail: output.stderr,
        });
    }
    let config = git.dir.join("config");
    fs::write(&config, CONFIG).map_err(|why| GitError::storage(&config, "written", &why))?;
    let (draft, marker) = (git.dir.join("towpath-mirror.new"), git.dir.join(MARKER));
    fs::write(&draft, &address.text)
        .and_then(|()| fs::rename(&draft, &marker))
        .map_err(|why| GitError::storage(&marker, "written", &why))
}

/// Opens the object store and looks whether every branch leads to a commit and its tree.
fn usable(git: &Git) -> Result<gix::ThreadSafeRepository, GitError> {
    let broken = |why: &dyn std::fmt::Display| GitError::Broken {
        place: git.dir.display().to_string(),
        doing: "opening the mirror",
        detail: why.to_string(),
    };
    let options = gix::open::Options::isolated()
        .open_path_as_is(true)
        .object_store_slots(gix::odb::store::init::Slots::Given(PACK_SLOTS));
    let repository =
        gix::ThreadSafeRepository::open_opts(&git.dir, options).map_err(|why| broken(&why))?;
    let local = repository.to_thread_local();
    let platform = local.references().map_err(|why| broken(&why))?;
    for reference in platform.all().map_err(|why| broken(&why))? {
        let reference = reference.map_err(|why| broken(&why))?;
        let commit = local
            .find_commit(reference.id().detach())
            .map_err(|why| broken(&why))?;
        commit.tree().map_err(|why| broken(&why))?;
    }
    Ok(repository)
}

/// Removes the locks and half-written packs of a process that died. Only ours: the directory is
/// claimed.
fn sweep(dir: &Path) -> io::Result<()> {
    sweep_dir(dir, false)?;
    sweep_dir(&dir.join("refs"), true)?;
    sweep_dir(&dir.join("objects/info"), true)?;
    sweep_dir(&dir.join("objects/pack"), false)
}

fn sweep_dir(dir: &Path, recurse: bool) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if recurse {
                sweep_dir(&entry.path(), true)?;
            }
            continue;
        }
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".lock") || name.starts_with("tmp_") {
            tracing::info!(path = %entry.path().display(), "removing what a killed process left");
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes everything but the claim. The marker goes first.
fn empty(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(MARKER)) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() == OWNER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
