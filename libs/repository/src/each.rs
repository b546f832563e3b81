//! The same for many commits, by as many threads as there are processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::{available_parallelism, scope};

use crate::Repository;

/// More threads would wait for memory.
const THREADS: usize = 8;

impl Repository {
    /// What `of` says of each, in their order. Fewer than `few` are not worth a thread of their
    /// own.
    pub(crate) fn each<'a, T, R>(
        &self,
        all: &'a [T],
        few: usize,
        of: impl Fn(&Self, &'a T) -> R + Sync,
    ) -> Vec<R>
    where
        T: Sync,
        R: Send,
    {
        let processors = available_parallelism().map_or(1, NonZero::get);
        let threads = processors.min(THREADS).min(all.len() / few).max(1);
        let mut parts = all.chunks(all.len().div_ceil(threads).max(1));
        let own = parts.next().unwrap_or_default();
        scope(|scope| {
            let others: Vec<_> = parts
                .map(|part| {
                    let (repository, of) = (self.again(), &of);
                    scope.spawn(move || part.iter().map(|it| of(&repository, it)).collect())
                })
                .collect();
            let mut found: Vec<R> = own.iter().map(|it| of(self, it)).collect();
            for other in others {
                let more: Vec<R> = other.join().unwrap_or_else(|it| resume_unwind(it));
                found.extend(more);
            }
            found
        })
    }

    /// The same repository for another thread: what is open is shared, caches are not.
    fn again(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            place: self.place.clone(),
        }
    }
}
