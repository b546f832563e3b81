//! Roles and how they are doing: what `status`, health and `explain` say when one has stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// What is known of the roles of this process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Roles(Arc<RwLock<BTreeMap<&'static str, Option<String>>>>);

impl Roles {
    /// A role began to run.
    pub fn started(&self, role: &'static str) {
        self.write().insert(role, None);
    }

    /// A role stopped, and why.
    pub fn stopped(&self, role: &'static str, why: impl Into<String>) {
        self.write().insert(role, Some(why.into()));
    }

    /// Whether a role runs here.
    pub fn is_running(&self, role: &str) -> bool {
        self.read().get(role).is_some_and(Option::is_none)
    }

    /// Why a role that ran here has stopped; nothing while it runs.
    pub fn why_stopped(&self, role: &str) -> Option<String> {
        self.read().get(role).cloned().flatten()
    }

    /// All roles, and why those that stopped did.
    pub fn all(&self) -> Vec<(&'static str, Option<String>)> {
        self.read()
            .iter()
            .map(|(role, why)| (*role, why.clone()))
            .collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.0
            .write()
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
}
