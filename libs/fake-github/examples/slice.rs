//! Writes `description.json` anew: `cargo run -p fake-github --example slice -- <directory>`, where
//! the directory holds `github-openapi-slim.json` and `github-openapi-webhooks-slim.json`.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use serde_json::Value;

fn main() -> Result<()> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or_else(|| Error::other("name the directory"))?;
    let read = |name: &str| -> Result<Value> {
        Ok(serde_json::from_str(&fs::read_to_string(
            directory.join(name),
        )?)?)
    };
    let rest = read("github-openapi-slim.json")?;
    let webhooks = read("github-openapi-webhooks-slim.json")?;
    let slice = serde_json::to_string(&fake_github::slice::of(&rest, &webhooks))?;
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("description.json");
    fs::write(to, slice + "\n")
}
