//! Tags, and what they lead to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::refs::file::ReferenceExt as _;
use gix::refs::{Reference, Target};
use ids::Oid;

use crate::open::oid;
use crate::{Error, Repository};

/// Where tags are.
const PREFIX: &str = "refs/tags/";
/// A header of packed references is not longer.
const HEADER: u64 = 256;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name, without `refs/tags/`.
    pub name: String,
    /// What it leads to, over however many other tags. Nearly always that is a commit;
    /// [`Repository::has`] says whether it is.
    pub target: Oid,
}

impl Repository {
    /// All tags, sorted by name, but for those that lead nowhere. Those that git has packed cost
    /// no object each, since their targets stand beside them; nothing says there that a target is
    /// a commit, which is worth a look only for those that matter.
    pub fn tags(&self) -> Result<Vec<Tag>, Error> {
        let loose = self.loose()?;
        let mut tags = Vec::new();
        let packed = self.inner.refs.cached_packed_buffer();
        if let Some(packed) = packed.map_err(|it| self.broken(&it))? {
            let is_peeled = self.is_peeled()?;
            let prefix = self.prefix();
            let all = packed.iter_prefixed(prefix.clone());
            let all = all.map_err(|it| self.broken(&it))?;
            // One that cannot be read is a name that is known to no one here.
            for reference in all.flatten() {
                let name = reference.name.as_bstr()[prefix.len()..].to_string();
                if loose.contains_key(&name) {
                    continue;
                }
                let target = if is_peeled || reference.object.is_some() {
                    Some(reference.object())
                } else {
                    self.peeled(reference.into())
                };
                tags.extend(target.map(|it| (name, it)));
            }
        }
        let loose = loose.into_iter();
        tags.extend(loose.filter_map(|(name, it)| Some((name, self.peeled(it)?))));
        tags.sort_by(|a, b| a.0.cmp(&b.0));
        let tags = tags.into_iter().map(|(name, target)| Tag {
            name,
            target: oid(target),
        });
        Ok(tags.collect())
    }

    /// The tags that have a file of their own; one that is packed as well is what its file says.
    fn loose(&self) -> Result<BTreeMap<String, Reference>, Error> {
        let prefix = PREFIX.try_into().expect("it is a relative path");
        let all = self.inner.refs.iter_prefixed_packed(prefix, None);
        let all = all.map_err(|it| self.broken(&it))?;
        let named = |it: Reference| (it.name.shorten().to_string(), it);
        Ok(all.flatten().map(named).collect())
    }

    /// What a reference leads to; nothing where that is nowhere.
    fn peeled(&self, mut reference: Reference) -> Option<ObjectId> {
        if let Target::Object(id) = reference.target {
            let kind = self.inner.find_header(id).ok()?.kind();
            // Nothing has to be decoded to see that it is no tag of a tag.
            if kind != gix::object::Kind::Tag {
                return Some(id);
            }
        }
        let found = reference.peel_to_id(&self.inner.refs, &self.inner.objects);
        found.ok()
    }

    /// Whether packed tags that lead to others have their targets beside them (`peeled`, as every
    /// git since 1.5.4 writes), so that one without is known to be its own target.
    fn is_peeled(&self) -> Result<bool, Error> {
        let file = match File::open(self.inner.refs.packed_refs_path()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.broken(&error)),
        };
        let mut header = Vec::new();
        let read = BufReader::new(file.take(HEADER)).read_until(b'\n', &mut header);
        read.map_err(|it| self.broken(&it))?;
        let Some(traits) = header.strip_prefix(b"# pack-refs with:") else {
            return Ok(false);
        };
        let mut traits = traits.fields();
        Ok(traits.any(|it| it == b"peeled" || it == b"fully-peeled"))
    }

    /// Where tags are among packed references.
    fn prefix(&self) -> BString {
        let mut prefix = BString::default();
        if let Some(namespace) = &self.inner.refs.namespace {
            prefix.extend_from_slice(namespace.as_bstr());
        }
        prefix.extend_from_slice(PREFIX.as_bytes());
        prefix
    }
}
