//! The log as it is stored, read and written past the server by somebody who may.

use std::fmt::Write as _;

use proto::log::v1::Commit;
use serde_json::{Value, json};

use super::{World, python};

/// A commit as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) kind: String,
    /// The aggregate's id in hexadecimal digits, nothing between them.
    pub(crate) id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

impl World {
    /// The last commit of an aggregate, or of any of a kind.
    pub(crate) async fn last_stored(&self, kind: &str, id: Option<&str>) -> Option<Raw> {
        let id = id.map(|it| it.replace('-', ""));
        match self.stores().await {
            None => self.last_in_sqlite(kind, id.as_deref()).await,
            Some(_) => self.last_in_nats(kind, id.as_deref()).await,
        }
    }

    /// Stores a commit without asking any role.
    pub(crate) async fn store(&self, raw: &Raw, commit: &Commit) {
        match self.stores().await {
            None => self.store_in_sqlite(raw, commit).await,
            Some(_) => self.store_in_nats(raw, commit).await,
        }
    }

    async fn last_in_sqlite(&self, kind: &str, id: Option<&str>) -> Option<Raw> {
        let of = id.map_or(String::new(), |it| format!("AND id = X'{it}'"));
        let ask = format!(
            "SELECT lower(hex(id)), hex(hash), hex(bytes) FROM commits
             WHERE kind = '{kind}' {of} ORDER BY position DESC LIMIT 1;"
        );
        let line = self.database("log.db").run(&ask).await.pop()?;
        let parts: Vec<_> = line.split('|').collect();
        Some(Raw {
            kind: kind.to_owned(),
            id: parts[0].to_owned(),
            hash: from_hex(parts[1]),
            bytes: from_hex(parts[2]),
        })
    }

    async fn store_in_sqlite(&self, raw: &Raw, commit: &Commit) {
        let insert = format!(
            "INSERT INTO commits (kind, id, version, commit_id, hash, bytes)
             VALUES ('{}', X'{}', {}, X'{}', X'{}', X'{}');",
            raw.kind,
            raw.id,
            commit.version,
            hex(&commit.commit_id),
            hex(&raw.hash),
            hex(&raw.bytes)
        );
        self.database("log.db").run(&insert).await;
    }

    async fn last_in_nats(&self, kind: &str, id: Option<&str>) -> Option<Raw> {
        let subject = format!("tp.evt.{kind}.{}", id.unwrap_or("*"));
        let found = self.stream(&json!({ "last": subject })).await;
        let text = |name: &str| found[name].as_str();
        Some(Raw {
            kind: kind.to_owned(),
            id: text("subject")?.rsplit('.').next()?.to_owned(),
            hash: from_hex(text("hash")?),
            bytes: from_hex(text("data")?),
        })
    }

    async fn store_in_nats(&self, raw: &Raw, commit: &Commit) {
        let headers = json!({
            "Tp-Hash": hex(&raw.hash),
            "Tp-Version": commit.version.to_string(),
            "Tp-Commit-Id": hex(&commit.commit_id),
        });
        let subject = format!("tp.evt.{}.{}", raw.kind, raw.id);
        let order = json!({ "store": subject, "headers": headers, "data": hex(&raw.bytes) });
        self.stream(&order).await;
    }

    /// Has the operator of NATS do something to the log; gives the answer.
    async fn stream(&self, order: &Value) -> Value {
        let stores = self.stores().await.expect("the log is in NATS");
        let password = stores.password_file("operator");
        let client = python::client("log.py", &self.home()).await;
        let client = client
            .args(["--server", &stores.nats_url(), "--user", "operator"])
            .args(["--password-file", password.to_str().unwrap()]);
        let text = client.feed(order.to_string().as_bytes()).await.ok();
        serde_json::from_str(&text).unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
