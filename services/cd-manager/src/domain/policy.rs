//! Who has to say yes before a stage is written, as the track said when the build was routed.
//! Whether enough did is for the approval-ledger to say; here it is only carried and shown.

use std::fmt;

/// Who has to say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// So many distinct persons of a group, or one person.
    Stakeholder {
        /// Who.
        who: Who,
        /// How many.
        min: u32,
    },
    /// So many distinct persons over all of these.
    AnyOf {
        /// How many.
        min: u32,
        /// Who.
        policies: Vec<Self>,
    },
    /// All of these, each by persons of its own.
    AllOf {
        /// Who.
        policies: Vec<Self>,
    },
}

/// A group or a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Members of this group.
    Group(String),
    /// This person.
    User(String),
}

impl Policy {
    /// Everybody it names, once each, in order.
    pub fn stakeholders(&self) -> Vec<&Who> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Who>) {
        match self {
            Self::Stakeholder { who, .. } => {
                if !found.contains(&who) {
                    found.push(who);
                }
            }
            Self::AnyOf { policies, .. } | Self::AllOf { policies } => {
                for policy in policies {
                    policy.collect(found);
                }
            }
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group `{name}`"),
            Self::User(name) => write!(f, "`{name}`"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies = match self {
            Self::Stakeholder { who, min: 1 } => return write!(f, "{who}"),
            Self::Stakeholder { who, min } => return write!(f, "{min} of {who}"),
            Self::AnyOf { min, policies } => {
                write!(f, "{min} of (")?;
                policies
            }
            Self::AllOf { policies } => {
                f.write_str("all of (")?;
                policies
            }
        };
        for (at, policy) in policies.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}{policy}")?;
        }
        f.write_str(")")
    }
}
