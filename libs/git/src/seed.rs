//! New repositories, for tests and for the demo.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use gix::objs::tree::EntryKind;
use gix::refs::transaction::PreviousValue;
use ids::Oid;

use crate::change::Author;
use crate::command::{Git, Whose};
use crate::mirror::oid;
use crate::{GitError, path};

/// Makes an empty bare repository whose first branch will be `main`. Doing it again changes
/// nothing.
pub async fn init_bare(dir: &Path) -> Result<(), GitError> {
    std::fs::create_dir_all(dir).map_err(|why| GitError::storage(dir, "created", &why))?;
    let git = Git {
        dir: dir.to_path_buf(),
        place: dir.display().to_string(),
        timeout: Duration::from_mins(1),
        environment: BTreeMap::new(),
        whose: Whose::Ours,
    };
    let args = [
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--initial-branch=main",
        ".",
    ];
    let output = git.run(&args, Vec::new()).await?;
    if output.success {
        return Ok(());
    }
    Err(GitError::Broken {
        place: git.place,
        doing: "making a repository",
        detail: output.stderr,
    })
}

/// Writes the first commit on `main` of an empty bare repository; `time_us` is its time in
/// microseconds UTC since 1970. Fails when `main` exists already.
pub async fn seed(
    dir: &Path,
    files: &[(&str, &[u8])],
    author: &Author,
    message: &str,
    time_us: i64,
) -> Result<Oid, GitError> {
    author.check()?;
    let place = dir.display().to_string();
    for (name, _) in files {
        path::check(name).map_err(|detail| GitError::Broken {
            place: place.clone(),
            doing: "writing a first commit",
            detail,
        })?;
    }
    let files: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()))
        .collect();
    let (dir, author, message) = (dir.to_path_buf(), author.clone(), message.to_owned());
    let broken = |detail: String| GitError::Broken {
        place: place.clone(),
        doing: "writing a first commit",
        detail,
    };
    tokio::task::spawn_blocking(move || first_commit(&dir, &files, &author, &message, time_us))
        .await
        .map_err(|why| broken(why.to_string()))?
        .map_err(|why| broken(why.to_string()))
}

fn first_commit(
    dir: &Path,
    files: &[(String, Vec<u8>)],
    author: &Author,
    message: &str,
    time_us: i64,
) -> Result<Oid, gix::Error> {
    let repository = gix::open_opts(dir, gix::open::Options::isolated())?;
    let mut editor = repository.empty_tree().edit()?;
    for (name, bytes) in files {
        let blob = repository.write_blob(bytes)?.detach();
        editor.upsert(name.as_str(), EntryKind::Blob, blob)?;
    }
    let signature = gix::actor::Signature {
        name: author.name.trim().into(),
        email: author.email.trim().into(),
        time: gix::date::Time {
            seconds: time_us.div_euclid(1_000_000),
            offset: 0,
        },
    };
    let commit = gix::objs::Commit {
        tree: editor.write()?.detach(),
        parents: Vec::new().into_iter().collect(),
        author: signature.clone(),
        committer: signature,
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    };
    let id = repository.write_object(&commit)?.detach();
    repository.reference("refs/heads/main", id, PreviousValue::MustNotExist, "seed")?;
    Ok(oid(id))
}
