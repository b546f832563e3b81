//! A world to test in: remotes, images, manifests, a server, and the means to look at them from
//! outside.

mod api;
mod clock;
mod clones;
mod export;
pub(crate) mod forge;
mod git;
mod http;
mod manifests;
mod ports;
mod processes;
mod program;
pub(crate) mod python;
mod raw;
mod release;
mod report;
mod server;
mod settings;
mod shop;
mod spans;
mod sqlite;
mod stores;
mod world;

pub(crate) use api::{Api, Failure};
pub(crate) use clock::now_us;
pub(crate) use clones::Clones;
pub(crate) use export::Export;
pub(crate) use forge::Forge;
pub(crate) use git::Git;
pub(crate) use http::{Answer, Connection, http};
pub(crate) use manifests::{App, Manifests, PlainFile};
pub(crate) use ports::free_port;
pub(crate) use processes::{Process, Sightings, processes_of};
pub(crate) use program::{Outcome, Program};
pub(crate) use raw::Raw;
pub(crate) use release::{Release, releases};
pub(crate) use report::Report;
pub(crate) use server::{Options, Refusal, Server};
pub(crate) use settings::{Shape, settings};
pub(crate) use shop::Shop;
pub(crate) use spans::Spans;
pub(crate) use sqlite::Sqlite;
pub(crate) use stores::Stores;
pub(crate) use world::World;
