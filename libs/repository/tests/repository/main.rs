//! Repositories as git itself makes them.

mod changes;
mod made;
mod reach;
mod tags;
