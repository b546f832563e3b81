//! Golden files of stored events, for tests: the bytes as they were when the event was new, and
//! what they mean. Bytes that were stored once must mean the same to every later binary.
//!
//! `<full name>.v<schema>.bin` is an event's payload and is never written again. The `.txt`
//! beside it is how the decoded event looks; after a field was added it may be removed to be
//! written anew, so that a review shows what old events mean now.

#![warn(missing_docs)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use eventlog::{Codec, EventRecord, UnknownEvent};

mod consumed;

pub use consumed::stored;

/// The directory that holds them.
#[derive(Debug, Clone)]
pub struct Golden(PathBuf);

/// What is wrong with a golden file, or with the code that reads it.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// There was none: it is there now, to be looked at and committed.
    #[error("{path} is new; look at it, commit it with the event, and run the test again", path = .0.display())]
    New(PathBuf),
    /// A stored event can no longer be read.
    #[error(
        "{name}: {error}; what was stored once must be readable for ever: restore the decoder, or add an upcaster"
    )]
    Unreadable {
        /// The event's full name.
        name: String,
        /// What the decoder said.
        error: UnknownEvent,
    },
    /// A stored event means something else than it did.
    #[error(
        "{name} means something else now: stored as {expected}, read as {found}; give a changed event a new schema number"
    )]
    Meaning {
        /// The event's full name.
        name: String,
        /// The example it was written from.
        expected: String,
        /// What the decoder makes of it.
        found: String,
    },
    /// A read event is written differently than it was stored.
    #[error(
        "{name} is stored differently now; names and numbers of fields never change, so give a changed event a new schema number"
    )]
    Bytes {
        /// The event's full name.
        name: String,
    },
    /// The text beside the bytes differs.
    #[error("{path} differs from what the bytes mean:\n{found}if a field was added, remove the text, run the test again, and look at what it writes", path = path.display())]
    Text {
        /// The text.
        path: PathBuf,
        /// What it should be.
        found: String,
    },
    /// The file cannot be read or written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Golden {
    /// Those of this project.
    pub fn of_this_project() -> Self {
        Self::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/testdata/events"))
    }

    /// Those in a directory.
    pub fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Checks that the stored bytes of this event mean it, and that it is still stored as those
    /// bytes. Says the event's full name. Where there is no file, writes one and says so.
    pub fn check<C>(&self, example: &C::Event) -> Result<String, Mismatch>
    where
        C: Codec,
        C::Event: Debug + PartialEq,
    {
        let EventRecord {
            kind: name,
            schema,
            payload,
        } = C::encode(example);
        let path = self.0.join(format!("{name}.v{schema}.bin"));
        let (stored, bytes_are_new) = kept(&path, &payload)?;
        let record = EventRecord {
            kind: name.clone(),
            schema,
            payload: stored.clone().into(),
        };
        let found = C::decode(&record).map_err(|error| Mismatch::Unreadable {
            name: name.clone(),
            error,
        })?;
        if found != *example {
            let (expected, found) = (format!("{example:?}"), format!("{found:?}"));
            return Err(Mismatch::Meaning {
                name,
                expected,
                found,
            });
        }
        let again = C::encode(&found);
        if again.kind != name || again.schema != schema || again.payload[..] != stored[..] {
            return Err(Mismatch::Bytes { name });
        }
        check_text(&path, &found, bytes_are_new)?;
        Ok(name)
    }

    /// An event in a form that nothing writes any more: as it was stored, and what the upcaster
    /// makes of it, which the text beside it says too.
    pub fn read<C>(&self, name: &str, schema: u32) -> Result<(EventRecord, C::Event), Mismatch>
    where
        C: Codec,
        C::Event: Debug,
    {
        let path = self.0.join(format!("{name}.v{schema}.bin"));
        let stored = fs::read(&path).map_err(|error| Mismatch::Io {
            path: path.clone(),
            error,
        })?;
        let record = EventRecord {
            kind: name.to_owned(),
            schema,
            payload: stored.into(),
        };
        let found = C::decode(&record).map_err(|error| Mismatch::Unreadable {
            name: name.to_owned(),
            error,
        })?;
        check_text(&path, &found, false)?;
        Ok((record, found))
    }

    /// Full names of all events of a package that have golden files.
    pub fn names(&self, package: &str) -> Result<BTreeSet<String>, Mismatch> {
        let names = self.records()?.into_iter().map(|it| it.kind);
        let of_package = |name: &String| {
            let split = name.rsplit_once('.');
            split.is_some_and(|(found, _)| found == package)
        };
        Ok(names.filter(of_package).collect())
    }

    /// Every event as it was stored.
    fn records(&self) -> Result<Vec<EventRecord>, Mismatch> {
        let failed = |path: &Path, error| Mismatch::Io {
            path: path.to_owned(),
            error,
        };
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(|error| failed(&self.0, error))? {
            let path = entry.map_err(|error| failed(&self.0, error))?.path();
            // `<package>.<Event>.v<schema>.bin`
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(stem) = name.strip_suffix(".bin")
                && let Some((kind, schema)) = stem.rsplit_once(".v")
                && let Ok(schema) = schema.parse()
            {
                records.push(EventRecord {
                    kind: kind.to_owned(),
                    schema,
                    payload: fs::read(&path)
                        .map_err(|error| failed(&path, error))?
                        .into(),
                });
            }
        }
        Ok(records)
    }
}

/// Checks that the text beside an event's bytes says what they mean.
fn check_text(path: &Path, found: &impl Debug, bytes_are_new: bool) -> Result<(), Mismatch> {
    let text = format!("{found:#?}\n");
    let path = path.with_extension("txt");
    let (told, text_is_new) = kept(&path, text.as_bytes())?;
    if bytes_are_new || text_is_new {
        return Err(Mismatch::New(path));
    }
    if told != text.as_bytes() {
        return Err(Mismatch::Text { path, found: text });
    }
    Ok(())
}

/// What the file holds, and whether it was written just now because there was none.
fn kept(path: &Path, bytes: &[u8]) -> Result<(Vec<u8>, bool), Mismatch> {
    let failed = |error| Mismatch::Io {
        path: path.to_owned(),
        error,
    };
    match fs::read(path) {
        Ok(stored) => Ok((stored, false)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(failed)?;
            }
            fs::write(path, bytes).map_err(failed)?;
            Ok((bytes.to_vec(), true))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of one number; `SHIFT` and `ADD` are ways to break it.
    struct Counted<const SHIFT: u8 = 0, const ADD: u8 = 0>;

    impl<const SHIFT: u8, const ADD: u8> Codec for Counted<SHIFT, ADD> {
        type Event = u8;

        fn encode(event: &u8) -> EventRecord {
            let payload = vec![event.wrapping_add(ADD)].into();
            EventRecord {
                kind: "towpath.a.v1.Counted".to_owned(),
                schema: 1,
                payload,
            }
        }

        fn decode(record: &EventRecord) -> Result<u8, UnknownEvent> {
            match record.payload[..] {
                [byte] => Ok(byte.wrapping_add(SHIFT)),
                _ => Err(UnknownEvent::new(record, "one byte")),
            }
        }
    }

    fn written() -> (tempfile::TempDir, Golden) {
        let directory = tempfile::tempdir().unwrap();
        let golden = Golden::at(&directory.path().join("events"));
        let first = golden.check::<Counted>(&7);
        assert!(matches!(first, Err(Mismatch::New(_))), "{first:?}");
        (directory, golden)
    }

    #[test]
    fn what_is_written_once_holds_from_then_on() {
        let (_directory, golden) = written();
        assert_eq!(golden.check::<Counted>(&7).unwrap(), "towpath.a.v1.Counted");
        let names: Vec<_> = golden.names("towpath.a.v1").unwrap().into_iter().collect();
        assert_eq!(names, ["towpath.a.v1.Counted"]);
        assert!(golden.names("towpath.a").unwrap().is_empty());
    }

    #[test]
    fn a_decoder_that_reads_something_else_is_found() {
        let (_directory, golden) = written();
        let found = golden.check::<Counted<1, 0>>(&7);
        assert!(matches!(found, Err(Mismatch::Meaning { .. })), "{found:?}");
    }

    #[test]
    fn an_encoder_that_writes_something_else_is_found() {
        let (_directory, golden) = written();
        let found = golden.check::<Counted<0, 1>>(&7);
        assert!(matches!(found, Err(Mismatch::Bytes { .. })), "{found:?}");
    }

    #[test]
    fn bytes_that_cannot_be_read_any_more_are_found_and_left_alone() {
        let (_directory, golden) = written();
        let path = golden.0.join("towpath.a.v1.Counted.v1.bin");
        fs::write(&path, [1, 2]).unwrap();
        let found = golden.check::<Counted>(&7);
        assert!(
            matches!(found, Err(Mismatch::Unreadable { .. })),
            "{found:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), [1, 2]);
    }

    #[test]
    fn a_text_that_says_something_else_is_found() {
        let (_directory, golden) = written();
        fs::write(golden.0.join("towpath.a.v1.Counted.v1.txt"), "8\n").unwrap();
        let found = golden.check::<Counted>(&7);
        assert!(matches!(found, Err(Mismatch::Text { .. })), "{found:?}");
    }
}
