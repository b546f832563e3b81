//! Webhooks: bytes, and a signature over them.

use std::fmt::Write as _;

use ring::hmac;
use serde_json::Value;

use crate::SECRET;

/// Something that happened, ready to be sent any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The same however often it is sent.
    pub id: String,
    /// Such as `pull_request`.
    pub event: String,
    /// The payload; whoever changes it breaks the signature.
    pub body: Vec<u8>,
    /// What `X-Hub-Signature-256` says.
    pub signature: String,
}

impl Webhook {
    /// Signs a payload.
    pub fn new(id: impl Into<String>, event: &str, payload: &Value) -> Self {
        Self::signed(id, event, payload.to_string().into_bytes(), SECRET)
    }

    /// Signs any bytes with any secret.
    pub fn signed(id: impl Into<String>, event: &str, body: Vec<u8>, secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mut signature = "sha256=".to_owned();
        for byte in hmac::sign(&key, &body).as_ref() {
            // Writing to a String cannot fail.
            let _ok = write!(signature, "{byte:02x}");
        }
        Self {
            id: id.into(),
            event: event.to_owned(),
            body,
            signature,
        }
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// When somebody broke it.
    pub fn payload(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a payload is JSON")
    }

    /// Headers, as GitHub sends them.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "GitHub-Hookshot/fake".to_owned()),
            ("x-github-event", self.event.clone()),
            ("x-github-delivery", self.id.clone()),
            ("x-github-hook-id", "1".to_owned()),
            ("x-hub-signature-256", self.signature.clone()),
        ]
    }

    /// The name of its schema.
    pub(crate) fn schema(&self) -> String {
        let event = self.event.replace('_', "-");
        match self.payload()["action"].as_str() {
            // Described like its opposite.
            Some("unlabeled") => format!("{event}-labeled"),
            Some(action) => format!("{event}-{action}"),
            None => event,
        }
    }

    /// The payload as its schema knows it.
    pub(crate) fn described(&self) -> Value {
        let mut payload = self.payload();
        if payload["action"] == "unlabeled" {
            payload["action"] = "labeled".into();
        }
        payload
    }
}
