//! Writes a number into files of a branch, one change each:
//! `bump <mirror directory> <repository> <first> <last>`.
//!
//! Run it again, or kill it and run it again: every number is written once. A test does that.

use std::path::Path;
use std::sync::Arc;

use git::{Author, Change, EditOutcome, FileEdit, Limits, Mirror, Options, Writer};
use ids::derive;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, url, first, last] = args.as_slice() else {
        return Err("usage: bump <mirror directory> <repository> <first> <last>".into());
    };
    let mirror = Mirror::open(Path::new(dir), url, Options::default()).await?;
    let author = Author {
        name: "Bump".to_owned(),
        email: "bump@example.com".to_owned(),
    };
    let clock = Arc::new(|| 1_767_225_600_000_000);
    let writer = Writer::spawn(mirror, "main", author, Limits::unlimited(), clock)?;
    let mut waiting = Vec::new();
    for number in first.parse::<u32>()?..=last.parse()? {
        let writer = writer.clone();
        waiting.push(tokio::spawn(
            async move { writer.submit(bump(number)).await },
        ));
    }
    for one in waiting {
        one.await??;
    }
    Ok(())
}

/// Appends the number to one of ten files.
fn bump(number: u32) -> Change {
    let edit = move |before: Option<&[u8]>| {
        let mut text = before.unwrap_or_default().to_vec();
        text.extend_from_slice(format!("{number}\n").as_bytes());
        Ok(EditOutcome::Replace(text))
    };
    Change {
        id: derive::id("bump", &[&number.to_string()]),
        files: vec![FileEdit {
            path: format!("numbers/{}.txt", number % 10),
            edit: Arc::new(edit),
        }],
        subject: format!("Bump {number}"),
        body: String::new(),
        trailers: vec![("Bump-Number".to_owned(), number.to_string())],
        since: None,
    }
}
