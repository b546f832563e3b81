//! Repositories as git itself makes them.

mod made;
mod reach;
mod tags;
