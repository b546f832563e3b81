//! A long history, the same in every run: a stream for `git fast-import`.
//!
//! It is made of blocks of ten commits: three on the branch, three on a topic that began before
//! them, three more on the branch, and the merge. Each block but the first and the last few is a
//! release with its pre-releases, as many as there have to be tags.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, ensure};

use super::message;
use crate::program::{git, git_bytes};

/// Commits in a block.
const BLOCK: usize = 10;
/// Blocks at the end that were not released yet.
const UNRELEASED: usize = 3;
/// Directories, and files in each of them.
const DIRECTORIES: usize = 40;
const FILES: usize = 25;
/// Lines of a file.
const LINES: usize = 30;
/// When the first commit was made, and how long after it the next one, in seconds.
const BEGAN: usize = 1_400_000_000;
const STEP: usize = 14_000;
/// Who commits.
const PEOPLE: usize = 60;

/// How long a history is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// All commits, whole blocks.
    pub(super) commits: usize,
    /// All tags.
    pub(super) tags: usize,
}

/// The ends of what is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    /// The first release that has a tag.
    pub(super) first: String,
    /// The last one.
    pub(super) last: String,
}

/// Makes the history in `directory`: one pack, packed references, nothing checked out.
pub(super) fn make(directory: &Path, size: Size) -> Result<Ends> {
    git(directory, &["init", "--quiet", "-b", "main"])?;
    let (stream, ends) = Stream::of(size);
    git_bytes(directory, &["fast-import", "--quiet"], Some(&stream))?;
    git(directory, &["repack", "-a", "-d", "-f", "--quiet"])?;
    git(directory, &["pack-refs", "--all"])?;
    // As a clone has it: a directory that held twelve thousand files stays large.
    let loose = directory.join(".git/refs/tags");
    std::fs::remove_dir_all(&loose)?;
    std::fs::create_dir(&loose)?;
    let commits = git(directory, &["rev-list", "--count", "main"])?;
    let tags = git(directory, &["tag", "--list"])?.lines().count();
    ensure!(
        commits == size.commits.to_string() && tags == size.tags,
        "the history has {commits} commits and {tags} tags, not {size:?}"
    );
    Ok(ends)
}

/// What is written.
struct Stream {
    text: String,
    /// What the lines of each file were last changed by.
    files: Vec<[usize; LINES]>,
    /// Blobs are numbered above all commits.
    blobs: usize,
}

/// A tag to be.
struct Tag {
    name: String,
    commit: usize,
    is_annotated: bool,
}

impl Stream {
    fn of(size: Size) -> (Vec<u8>, Ends) {
        let mut stream = Self {
            text: String::new(),
            files: vec![[0; LINES]; DIRECTORIES * FILES],
            blobs: size.commits,
        };
        for block in 0..size.commits / BLOCK {
            stream.block(block);
        }
        let tags = tags(size);
        for tag in &tags {
            stream.tag(tag);
        }
        stream.text.push_str("done\n");
        let releases = || tags.iter().filter(|it| is_release(&it.name));
        let name = |it: Option<&Tag>| it.map(|it| it.name.clone()).unwrap_or_default();
        let ends = Ends {
            first: name(releases().next_back()),
            last: name(releases().next()),
        };
        (stream.text.into_bytes(), ends)
    }

    /// Ten commits. Topics change files of their own, so that a merge is the sum of both sides.
    fn block(&mut self, block: usize) {
        let first = block * BLOCK + 1;
        let mut tip = (block > 0).then(|| first - 1);
        let mut topic = tip;
        let mut of_topic = Vec::new();
        for place in 0..BLOCK {
            let at = first + place;
            match place {
                3..=5 => {
                    let from = topic.or(Some(first));
                    let changed = self.change(at, true);
                    self.commit(at, "topic", from, None, &changed);
                    topic = Some(at);
                    of_topic.extend(changed);
                }
                9 => self.commit(at, "main", tip, topic, &of_topic),
                _ => {
                    let changed = if at == 1 {
                        (0..self.files.len()).map(|it| self.file(it, at)).collect()
                    } else {
                        self.change(at, false)
                    };
                    self.commit(at, "main", tip, None, &changed);
                    tip = Some(at);
                }
            }
        }
    }

    /// One to three files with another line.
    fn change(&mut self, at: usize, of_topic: bool) -> Vec<(usize, usize)> {
        let of = |number: usize| {
            let half = DIRECTORIES / 2;
            let directory = (at * 7 + number * 3) % half + if of_topic { half } else { 0 };
            directory * FILES + (at * 11 + number) % FILES
        };
        let mut found: Vec<_> = (0..=at % 3).map(of).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|it| self.file(it, at)).collect()
    }

    /// A file as this commit leaves it: which one, and the blob.
    fn file(&mut self, file: usize, at: usize) -> (usize, usize) {
        self.files[file][at * 13 % LINES] = at;
        let mut content = String::new();
        for (line, by) in self.files[file].iter().enumerate() {
            let _infallible = writeln!(content, "let value_{line} = read({file}, {by});");
        }
        self.blobs += 1;
        let (blob, length) = (self.blobs, content.len());
        let _infallible = writeln!(self.text, "blob\nmark :{blob}\ndata {length}\n{content}");
        (file, blob)
    }

    fn commit(
        &mut self,
        at: usize,
        branch: &str,
        from: Option<usize>,
        merge: Option<usize>,
        changed: &[(usize, usize)],
    ) {
        let message = message::of(at, merge.is_some());
        let (who, when) = (at * 17 % PEOPLE, BEGAN + at * STEP);
        let _infallible = write!(
            self.text,
            "commit refs/heads/{branch}\nmark :{at}\n\
             committer Person {who} <person-{who}@example.com> {when} +0000\ndata {}\n{message}\n",
            message.len()
        );
        for (word, commit) in [("from", from), ("merge", merge)] {
            if let Some(commit) = commit {
                let _infallible = writeln!(self.text, "{word} :{commit}");
            }
        }
        for (file, blob) in changed {
            let (directory, file) = (file / FILES, file % FILES);
            let path = format!("part-{directory:02}/src/file_{file:02}.rs");
            let _infallible = writeln!(self.text, "M 100644 :{blob} {path}");
        }
        self.text.push('\n');
    }

    fn tag(&mut self, tag: &Tag) {
        let Tag { name, commit, .. } = tag;
        let _infallible = if tag.is_annotated {
            let when = BEGAN + commit * STEP + 60;
            let length = name.len();
            write!(
                self.text,
                "tag {name}\nfrom :{commit}\n\
                 tagger Person 0 <person-0@example.com> {when} +0000\ndata {length}\n{name}\n"
            )
        } else {
            write!(self.text, "reset refs/tags/{name}\nfrom :{commit}\n\n")
        };
    }
}

/// The newest tags first: of each block the release, three alphas, and of most of them something
/// that is no version, or a beta on the topic.
fn tags(size: Size) -> Vec<Tag> {
    let released = size.commits / BLOCK - UNRELEASED;
    let of_block = |block: usize| {
        let version = |block: usize| {
            let (major, minor, patch) = (1 + block / 500, block % 500 / 10, block % 10);
            format!("v{major}.{minor}.{patch}")
        };
        let first = block * BLOCK + 1;
        let tag = move |name: String, place: usize, is_annotated: bool| Tag {
            name,
            commit: first + place,
            is_annotated,
        };
        let base = version(block.saturating_sub(1));
        let other = match block % 5 {
            0 => None,
            1 => Some(tag(format!("nightly-{block}"), 8, false)),
            _ => Some(tag(format!("{base}-beta.{}", block % 5), 5, true)),
        };
        let alphas = (0..3).rev();
        let alphas = alphas.map(move |it| tag(format!("{base}-alpha.{it}"), it, false));
        std::iter::once(tag(version(block), 9, !block.is_multiple_of(3)))
            .chain(other)
            .chain(alphas)
    };
    let all = (1..released).rev().flat_map(of_block);
    all.take(size.tags).collect()
}

fn is_release(name: &str) -> bool {
    name.starts_with('v') && !name.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size {
        commits: 400,
        tags: 150,
    };

    #[test]
    fn the_same_history_is_made_every_time() {
        let mut heads = Vec::new();
        for _ in 0..2 {
            let directory = tempfile::tempdir().unwrap();
            let ends = make(directory.path(), SMALL).unwrap();
            let ask = |arguments: &[&str]| git(directory.path(), arguments).unwrap();
            let since = |tag: &str| ask(&["rev-list", "--count", &format!("{tag}..main")]);
            assert_eq!(since(&ends.last), "30");
            let whole: usize = since(&ends.first).parse().unwrap();
            assert!((300..370).contains(&whole), "{whole}");
            assert_eq!(ask(&["rev-list", "--count", "--merges", "main"]), "40");
            let kinds = ask(&["for-each-ref", "--format=%(objecttype)", "refs/tags"]);
            let annotated = kinds.lines().filter(|it| *it == "tag").count();
            assert!((30..120).contains(&annotated), "{annotated}");
            heads.push(ask(&["show-ref", "--tags", "--dereference", "--head"]));
        }
        assert_eq!(heads[0], heads[1]);
    }

    #[test]
    fn the_whole_history_has_tags_enough() {
        let size = super::super::SIZE;
        let tags = tags(size);
        assert_eq!(tags.len(), size.tags);
        let oldest = tags.last().map(|it| it.commit).unwrap();
        assert!((1_500..2_500).contains(&oldest), "{oldest}");
    }
}
