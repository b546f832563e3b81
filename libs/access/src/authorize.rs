//! Who may call what: one table, one function.

use crate::Principal;

/// One row: a full gRPC method (`/package.Service/Method`) and the groups that may call it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The full method name.
    pub method: &'static str,
    /// Groups that may call it; `*` is whoever has a token, `admin` may call everything.
    pub groups: &'static [&'static str],
}

const EVERYONE: &[&str] = &["viewer", "ci", "developer", "release-manager"];
const CI: &[&str] = &["ci"];
const MANAGERS: &[&str] = &["release-manager"];
const DEVELOPERS: &[&str] = &["developer", "release-manager"];
const ADMINS: &[&str] = &[];
/// Whoever builds a version needs one.
const BUILDERS: &[&str] = &["ci", "developer", "release-manager"];
/// The approval policy decides, and it may name any group.
const WHOEVER_IS_ASKED: &[&str] = &[ANYBODY];
/// Stands for every group.
pub const ANYBODY: &str = "*";

/// The table. A test walks the gRPC descriptors: every method is here, and nothing else is.
pub const RULES: &[Rule] = &[
    Rule {
        method: "/towpath.access.v1.AccessService/CreateIdentity",
        groups: ADMINS,
    },
    Rule {
        method: "/towpath.access.v1.AccessService/ListIdentities",
        groups: ADMINS,
    },
    Rule {
        method: "/towpath.access.v1.AccessService/RevokeIdentity",
        groups: ADMINS,
    },
    Rule {
        method: "/towpath.approval.v1.ApprovalService/Approve",
        groups: WHOEVER_IS_ASKED,
    },
    Rule {
        method: "/towpath.approval.v1.ApprovalService/ListApprovals",
        groups: WHOEVER_IS_ASKED,
    },
    Rule {
        method: "/towpath.approval.v1.ApprovalService/Reject",
        groups: WHOEVER_IS_ASKED,
    },
    Rule {
        method: "/towpath.approval.v1.ApprovalService/ShowApproval",
        groups: WHOEVER_IS_ASKED,
    },
    Rule {
        method: "/towpath.changelog.v1.ChangelogService/ShowChangelog",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.changelog.v1.ChangelogService/ShowReleaseChangelog",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.control.v1.ControlService/GetStatus",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.control.v1.ControlService/TailLog",
        groups: MANAGERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/AbortDeployment",
        groups: DEVELOPERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/CreateHold",
        groups: MANAGERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/Explain",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ListDeployments",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ListEnvironments",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ListHolds",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ReleaseHold",
        groups: MANAGERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ReportBuild",
        groups: CI,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/RetryDeployment",
        groups: DEVELOPERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/Rollback",
        groups: MANAGERS,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ShowDeployment",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/ShowEnvironment",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.delivery.v1.DeliveryService/WatchDeployments",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.forge.v1.ForgeService/ListPullRequests",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.release.v1.ReleaseService/CreateRelease",
        groups: MANAGERS,
    },
    Rule {
        method: "/towpath.release.v1.ReleaseService/ListReleases",
        groups: EVERYONE,
    },
    Rule {
        method: "/towpath.release.v1.ReleaseService/ReserveVersion",
        groups: BUILDERS,
    },
    Rule {
        method: "/towpath.release.v1.ReleaseService/ShowRelease",
        groups: EVERYONE,
    },
];

/// The group that may do everything.
pub const ADMIN: &str = "admin";

/// Every group that some rule names.
pub fn known_groups() -> Vec<&'static str> {
    let mut groups: Vec<_> = RULES.iter().flat_map(|rule| rule.groups).copied().collect();
    groups.push(ADMIN);
    groups.retain(|it| *it != ANYBODY);
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Why a call is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller lacks a group.
    #[error("`{name}` may not call {method}: it is in none of the groups {needed}")]
    Group {
        /// The caller.
        name: String,
        /// What was called.
        method: String,
        /// What would do.
        needed: String,
    },
}

impl Denied {
    /// What to do about it.
    pub fn fix(&self) -> String {
        let Self::Group { needed, .. } = self;
        format!(
            "an admin can create an identity in one of {needed}: `towpath access create <name> --group <group>`"
        )
    }
}

/// Says whether `principal` may call `method`. A method without a row is for admins only.
pub fn authorize(principal: &Principal, method: &str) -> Result<(), Denied> {
    let groups = RULES
        .iter()
        .find(|rule| rule.method == method)
        .map_or(ADMINS, |rule| rule.groups);
    let has = |group: &str| principal.groups.iter().any(|it| it == group);
    if has(ADMIN) || groups.iter().any(|group| *group == ANYBODY || has(group)) {
        return Ok(());
    }
    let needed: Vec<_> = groups.iter().chain(&[ADMIN]).copied().collect();
    Err(Denied::Group {
        name: principal.name.clone(),
        method: method.to_owned(),
        needed: needed.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(group: &str) -> Principal {
        Principal {
            name: "p".into(),
            groups: vec![group.into()],
            is_service: false,
        }
    }

    #[test]
    fn ci_reports_builds_and_nothing_else_that_changes() {
        let ci = principal("ci");
        assert!(authorize(&ci, "/towpath.delivery.v1.DeliveryService/ReportBuild").is_ok());
        assert!(authorize(&ci, "/towpath.delivery.v1.DeliveryService/Rollback").is_err());
        assert!(authorize(&ci, "/towpath.access.v1.AccessService/CreateIdentity").is_err());
    }

    #[test]
    fn whoever_has_a_token_may_be_asked_for_approval() {
        assert!(
            authorize(
                &principal("qa"),
                "/towpath.approval.v1.ApprovalService/Approve"
            )
            .is_ok()
        );
        assert!(!known_groups().contains(&ANYBODY));
    }

    #[test]
    fn a_method_without_a_row_is_for_admins_only() {
        assert!(authorize(&principal("viewer"), "/x.Y/Z").is_err());
        assert!(authorize(&principal("admin"), "/x.Y/Z").is_ok());
    }
}
