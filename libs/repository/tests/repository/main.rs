//! Repositories as git itself makes them.

mod branches;
mod made;
mod reach;
mod tags;
