//! Writes many objects as one pack: a thousand commits are one file instead of four thousand,
//! and a tree that differs in one name is stored as just that.
//!
//! Format: `gitformat-pack(5)`. Deltas name their base by object name (`REF_DELTA`); a base that
//! is not in the pack is added by `git index-pack --fix-thin`, which also makes the pack appear
//! in the mirror whole or not at all.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::ObjectId;
use gix::objs::Kind;

/// The type of a delta against a named object, `gitformat-pack(5)`.
const REF_DELTA: u8 = 7;
/// The longest piece one copy instruction of a delta takes in every version of git.
const COPY_MAX: usize = 0xffff;
/// The longest piece one insert instruction takes.
const INSERT_MAX: usize = 127;

/// A pack in the making.
#[derive(Debug)]
pub(crate) struct Pack {
    bytes: Vec<u8>,
    count: u32,
}

impl Pack {
    pub(crate) fn new() -> Self {
        let mut bytes = b"PACK".to_vec();
        bytes.extend_from_slice(&2_u32.to_be_bytes());
        bytes.extend_from_slice(&0_u32.to_be_bytes());
        Self { bytes, count: 0 }
    }

    /// Adds a whole object.
    pub(crate) fn whole(&mut self, kind: Kind, data: &[u8]) -> std::io::Result<()> {
        let kind = match kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        self.header(kind, data.len());
        self.deflate(data)
    }

    /// Adds an object as its difference from another of the same kind.
    pub(crate) fn delta(&mut self, base: ObjectId, old: &[u8], new: &[u8]) -> std::io::Result<()> {
        let delta = difference(old, new);
        self.header(REF_DELTA, delta.len());
        self.bytes.extend_from_slice(base.as_slice());
        self.deflate(&delta)
    }

    /// The finished pack; `None` when nothing was added.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        self.bytes[8..12].copy_from_slice(&self.count.to_be_bytes());
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&self.bytes);
        let sum = hasher.try_finalize().ok()?;
        self.bytes.extend_from_slice(sum.as_slice());
        Some(self.bytes)
    }

    fn header(&mut self, kind: u8, size: usize) {
        self.count += 1;
        let low = u8::try_from(size & 0x0f).expect("four bits fit a byte");
        let mut rest = size >> 4;
        let more = |rest: usize| if rest > 0 { 0x80 } else { 0 };
        self.bytes.push(more(rest) | (kind << 4) | low);
        while rest > 0 {
            let low = u8::try_from(rest & 0x7f).expect("seven bits fit a byte");
            rest >>= 7;
            self.bytes.push(more(rest) | low);
        }
    }

    fn deflate(&mut self, data: &[u8]) -> std::io::Result<()> {
        let mut encoder = ZlibEncoder::new(&mut self.bytes, Compression::fast());
        encoder.write_all(data)?;
        encoder.finish().map(drop)
    }
}

/// A delta: what both share at the beginning, what is new, what both share at the end.
fn difference(old: &[u8], new: &[u8]) -> Vec<u8> {
    let head = shared_head(old, new);
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = shared_tail(old_rest, new_rest);
    let mut delta = Vec::new();
    size(&mut delta, old.len());
    size(&mut delta, new.len());
    copy(&mut delta, 0, head);
    for piece in new_rest[..new_rest.len() - tail].chunks(INSERT_MAX) {
        delta.push(u8::try_from(piece.len()).expect("chunks are at most 127 bytes"));
        delta.extend_from_slice(piece);
    }
    copy(&mut delta, old.len() - tail, tail);
    delta
}

/// How many bytes are compared at once: large trees differ in 20 bytes.
const BLOCK: usize = 256;

fn shared_head(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK));
    let head = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let bytes = old[head..].iter().zip(&new[head..]);
    head + bytes.take_while(|(a, b)| a == b).count()
}

fn shared_tail(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK));
    let tail = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let bytes = old.iter().rev().zip(new.iter().rev());
    tail + bytes.take_while(|(a, b)| a == b).count()
}

fn size(delta: &mut Vec<u8>, mut size: usize) {
    loop {
        let low = u8::try_from(size & 0x7f).expect("seven bits fit a byte");
        size >>= 7;
        if size == 0 {
            delta.push(low);
            return;
        }
        delta.push(0x80 | low);
    }
}

fn copy(delta: &mut Vec<u8>, mut from: usize, mut length: usize) {
    while length > 0 {
        let piece = length.min(COPY_MAX);
        let mut instruction = 0x80;
        let mut operands = Vec::with_capacity(6);
        for (bit, byte) in from.to_le_bytes().into_iter().take(4).enumerate() {
            if byte != 0 {
                instruction |= 1 << bit;
                operands.push(byte);
            }
        }
        for (bit, byte) in piece.to_le_bytes().into_iter().take(2).enumerate() {
            if byte != 0 {
                instruction |= 0x10 << bit;
                operands.push(byte);
            }
        }
        delta.push(instruction);
        delta.extend_from_slice(&operands);
        from += piece;
        length -= piece;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies a delta as `patch_delta` of git does.
    fn patched(old: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut at = 0;
        let mut number = || {
            let (mut value, mut shift) = (0_usize, 0);
            loop {
                let byte = delta[at];
                at += 1;
                value |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        };
        assert_eq!(number(), old.len());
        let expected = number();
        let mut new = Vec::new();
        while at < delta.len() {
            let instruction = delta[at];
            at += 1;
            if instruction & 0x80 == 0 {
                let end = at + usize::from(instruction);
                new.extend_from_slice(&delta[at..end]);
                at = end;
                continue;
            }
            let (mut from, mut length) = (0_usize, 0_usize);
            for bit in 0..7 {
                if instruction & (1 << bit) != 0 {
                    let byte = usize::from(delta[at]);
                    at += 1;
                    if bit < 4 {
                        from |= byte << (8 * bit);
                    } else {
                        length |= byte << (8 * (bit - 4));
                    }
                }
            }
            new.extend_from_slice(&old[from..from + length]);
        }
        assert_eq!(new.len(), expected);
        new
    }

    #[test]
    fn a_delta_leads_from_the_old_bytes_to_the_new() {
        let long: Vec<u8> = (0..300_000_u32)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        let mut changed = long.clone();
        changed[200_000..200_020].fill(0xee);
        let mut grown = long.clone();
        grown.splice(70_000..70_000, [1_u8; 500]);
        for (old, new) in [
            (&b""[..], &b""[..]),
            (b"", b"new"),
            (b"old", b""),
            (b"aaaa", b"aaaaaa"),
            (b"same", b"same"),
            (&long, &changed),
            (&long, &grown),
            (&grown, &long),
        ] {
            assert_eq!(patched(old, &difference(old, new)), new);
        }
        assert!(difference(&long, &changed).len() < 100);
    }

    #[test]
    fn an_empty_pack_is_none() {
        assert_eq!(Pack::new().finish(), None);
    }
}
