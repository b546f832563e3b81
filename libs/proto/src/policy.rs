//! Approval policies as every role stores them; the only place that knows both forms.

use policy::{Policy, Who};

use crate::delivery::v1 as pb;

/// The stored form.
pub fn to_wire(policy: &Policy) -> pb::ApprovalPolicy {
    let (node, who, min, policies): (_, _, _, &[Policy]) = match policy {
        Policy::Stakeholder { who, min } => {
            let (node, name) = match who {
                Who::Group(name) => ("group", name),
                Who::User(name) => ("user", name),
            };
            (node, name.clone(), *min, &[])
        }
        Policy::AnyOf { min, policies } => ("any_of", String::new(), *min, policies),
        Policy::AllOf { policies } => ("all_of", String::new(), 0, policies),
    };
    pb::ApprovalPolicy {
        node: node.to_owned(),
        who,
        min,
        policies: policies.iter().map(to_wire).collect(),
    }
}

/// Reads the stored form back. Nothing for a node that this binary does not know: a policy is never read as less than it is.
pub fn from_wire(it: pb::ApprovalPolicy) -> Option<Policy> {
    let who = match it.node.as_str() {
        "group" => Who::Group(it.who),
        "user" => Who::User(it.who),
        "any_of" | "all_of" => {
            let policies = it
                .policies
                .into_iter()
                .map(from_wire)
                .collect::<Option<Vec<_>>>()?;
            return Some(if it.node == "any_of" {
                Policy::AnyOf {
                    min: it.min,
                    policies,
                }
            } else {
                Policy::AllOf { policies }
            });
        }
        _ => return None,
    };
    Some(Policy::Stakeholder { who, min: it.min })
}
