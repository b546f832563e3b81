//! Roles and how they are doing: what `status`, health and `explain` say when one has stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A service that can run on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// What runs where, what is next; the gateway to the others.
    CdManager,
    /// Releases, tags.
    Releaser,
    /// Who approved what.
    ApprovalLedger,
    /// What changed.
    Changelog,
    /// Plans, applies, observes.
    Runner,
    /// Hears of pull requests, keeps their labels.
    Forge,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CdManager,
        Self::Releaser,
        Self::ApprovalLedger,
        Self::Changelog,
        Self::Runner,
        Self::Forge,
    ];

    /// The word in configuration, on the command line and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CdManager => "cd-manager",
            Self::Releaser => "releaser",
            Self::ApprovalLedger => "approval-ledger",
            Self::Changelog => "changelog",
            Self::Runner => "runner",
            Self::Forge => "forge",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What is known of the roles, of this process and elsewhere. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    known: Arc<RwLock<BTreeMap<&'static str, Known>>>,
    changes: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    is_here: bool,
    stopped: Option<String>,
}

impl Roles {
    /// A role of this process began to run.
    pub fn started(&self, role: &'static str) {
        self.set(role, true, None);
    }

    /// A role of this process stopped, and why.
    pub fn stopped(&self, role: &'static str, why: impl Into<String>) {
        self.set(role, true, Some(why.into()));
    }

    /// How a role that runs elsewhere is doing: why it is away, when it is.
    pub fn elsewhere(&self, role: &'static str, away: Option<String>) {
        self.set(role, false, away);
    }

    /// Whether a role runs, here or elsewhere.
    pub fn is_running(&self, role: &str) -> bool {
        self.read().get(role).is_some_and(|it| it.stopped.is_none())
    }

    /// Why a role has stopped, or is away; nothing while it runs.
    pub fn why_stopped(&self, role: &str) -> Option<String> {
        self.read().get(role)?.stopped.clone()
    }

    /// All roles, and why those that stopped did.
    pub fn all(&self) -> Vec<(&'static str, Option<String>)> {
        self.read()
            .iter()
            .map(|(role, it)| (*role, it.stopped.clone()))
            .collect()
    }

    /// Those of this process, and why those that stopped did.
    pub fn here(&self) -> Vec<(&'static str, Option<String>)> {
        self.read()
            .iter()
            .filter(|(_, it)| it.is_here)
            .map(|(role, it)| (*role, it.stopped.clone()))
            .collect()
    }

    /// Tells of every change.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn set(&self, role: &'static str, is_here: bool, stopped: Option<String>) {
        let new = Known { is_here, stopped };
        let mut known = self
            .known
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.get(role) == Some(&new) {
            return;
        }
        known.insert(role, new);
        self.changes.send_modify(|it| *it += 1);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<&'static str, Known>> {
        self.known
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_role_says_why() {
        let roles = Roles::default();
        roles.started("runner");
        assert!(roles.is_running("runner") && !roles.is_running("releaser"));
        roles.stopped("runner", "disk full");
        assert_eq!(roles.all(), [("runner", Some("disk full".to_owned()))]);
    }

    #[test]
    fn a_role_that_is_away_elsewhere_stops_nothing_here() {
        let roles = Roles::default();
        let changes = roles.changed();
        roles.started("cd-manager");
        roles.elsewhere("runner", Some("no answer".into()));
        assert!(!roles.is_running("runner"));
        assert_eq!(roles.here(), [("cd-manager", None)]);
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn words_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("portal"), None);
    }
}
