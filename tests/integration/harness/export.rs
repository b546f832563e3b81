//! Reads what `towpath log export` wrote, by the documented form of the file and the stored form
//! of commits, with none of the code that wrote it.
//!
//! ```text
//! header  "towpath.export.v1\n"  log id (16)  epoch (u32)  created at (i64 µs)
//! record  length of the bytes (u32, never 0)  hash (32)  sealed bytes      repeated
//! footer  0 (u32)  count (u64)  digest (32)
//! ```

use prost::Message;
use proto::log::v1::Commit;

const MAGIC: &[u8] = b"towpath.export.v1\n";

/// A whole log.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) records: Vec<Record>,
}

/// One commit of it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) commit: Commit,
}

impl Export {
    /// Takes an export apart; a test has no use for half of one.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut rest = bytes
            .strip_prefix(MAGIC)
            .expect("an export begins with its magic");
        take(&mut rest, 16 + 4 + 8);
        let mut records = Vec::new();
        loop {
            let length = u32::from_be_bytes(take(&mut rest, 4).try_into().unwrap());
            if length == 0 {
                break;
            }
            take(&mut rest, 32);
            let sealed = take(&mut rest, length as usize);
            records.push(Record {
                commit: Commit::decode(sealed).unwrap(),
            });
        }
        let count = u64::from_be_bytes(take(&mut rest, 8).try_into().unwrap());
        assert_eq!(count, records.len() as u64, "the footer counts the commits");
        assert_eq!(rest.len(), 32, "nothing follows the footer's digest");
        Self { records }
    }

    /// Every event of this type, oldest first, with the commit it is in.
    pub(crate) fn events<M: Message + Default>(&self, kind: &str) -> Vec<(&Commit, M)> {
        let commits = self.records.iter().map(|it| &it.commit);
        commits
            .flat_map(|commit| commit.events.iter().map(move |event| (commit, event)))
            .filter(|(_, event)| event.kind == kind)
            .map(|(commit, event)| (commit, M::decode(event.payload.clone()).unwrap()))
            .collect()
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest
        .split_at_checked(count)
        .expect("the export is complete");
    *rest = left;
    taken
}
