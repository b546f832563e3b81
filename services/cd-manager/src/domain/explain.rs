//! Why something has not happened yet: data, the same in the command line, over gRPC and in
//! tests. Never a guess from logs.

use ids::Uuid;
use policy::Policy;

use super::deployment::{Asked, Deployment, End, Place, Review, Step};
use super::hold::Hold;
use super::slot;

/// One reason why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// A stable word.
    pub on: &'static str,
    /// What and why, as a sentence.
    pub why: String,
    /// Who can do something about it.
    pub who_can_act: String,
    /// What happens next.
    pub next: String,
    /// When it is looked at again without anybody acting, in microseconds UTC.
    pub looked_at_us: Option<i64>,
}

/// What is known around one environment of a deployment.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The slot.
    pub slot: &'a slot::State,
    /// Holds in force on scopes above it.
    pub holds_above: Vec<&'a Hold>,
    /// Conditions of the stage that nothing can meet yet.
    pub gates: &'a [String],
    /// The role that applies manifests is running.
    pub runner_is_running: bool,
    /// The approval that the stage waits for.
    pub approval: Option<Approval<'a>>,
}

/// The approval that a stage waits for.
#[derive(Debug)]
pub struct Approval<'a> {
    /// Who has to say yes.
    pub policy: &'a Policy,
    /// What they are asked about; before they are, what they were asked about before.
    pub asked: Option<&'a Asked>,
    /// They are asked about what would be done now.
    pub is_asked: bool,
    /// Who said yes so far.
    pub yes: &'a [String],
    /// The role that collects approvals is running.
    pub ledger_is_running: bool,
}

/// Says why `deployment` has not got further in `place`.
pub fn place(id: Uuid, at: &Place, around: &Surroundings<'_>, now_us: i64) -> Vec<Waiting> {
    match &at.step {
        Step::Waiting => in_queue(id, at, around, now_us),
        Step::Requested { .. } => vec![Waiting {
            on: "commit",
            why: format!(
                "the commit to `{}` is being written and pushed",
                at.environment
            ),
            who_can_act: "nobody needs to; a push that fails is tried again".into(),
            next: "the manifest is committed".into(),
            looked_at_us: None,
        }],
        Step::Committed { commit } if around.runner_is_running => vec![Waiting {
            on: "probe",
            why: format!(
                "commit {commit} is being applied to `{}` and probed",
                at.environment
            ),
            who_can_act: "nobody needs to".into(),
            next: "SUCCESS when the probes are good, FAILED with their answer when they are not"
                .into(),
            looked_at_us: None,
        }],
        Step::Committed { .. } => vec![Waiting {
            on: "role",
            why: "the role `runner`, which applies manifests, is not running".into(),
            who_can_act: "whoever operates Towpath".into(),
            next: "it goes on by itself when the role runs".into(),
            looked_at_us: None,
        }],
        Step::Refused { code, message } => vec![Waiting {
            on: "refused",
            why: format!("{code}: {message}"),
            who_can_act: "whoever owns the manifest".into(),
            next: format!("correct the manifest, then `towpath deployments retry {id}`"),
            looked_at_us: None,
        }],
        Step::Rejected => around
            .approval
            .iter()
            .filter_map(|it| rejected(id, it))
            .collect(),
        Step::Succeeded { .. } | Step::Failed { .. } | Step::Superseded { .. } => vec![],
    }
}

/// Who is asked, what for, and what they can do.
fn approval(id: Uuid, at: &Place, it: &Approval<'_>) -> Vec<Waiting> {
    let mut reasons = Vec::new();
    if !it.ledger_is_running {
        reasons.push(Waiting {
            on: "role",
            why: "the role `approval-ledger`, which collects approvals, is not running".into(),
            who_can_act: "whoever operates Towpath".into(),
            next: "it goes on by itself when the role runs".into(),
            looked_at_us: None,
        });
    }
    let mut why = format!("stage `{}` needs approval by {}", at.stage, it.policy);
    if !it.yes.is_empty() {
        why.push_str("; approved so far by ");
        why.push_str(&it.yes.join(", "));
    }
    if let Some(Asked {
        review: Review::Stale { file, field },
        ..
    }) = it.asked
    {
        why.push_str(&stale(file, field));
    }
    if !it.is_asked {
        reasons.push(Waiting {
            on: "turn",
            why: format!("{why}; they are about to be asked"),
            who_can_act: "nobody needs to".into(),
            next: "they are asked".into(),
            looked_at_us: None,
        });
        return reasons;
    }
    let all: Vec<_> = it
        .policy
        .stakeholders()
        .iter()
        .map(ToString::to_string)
        .collect();
    let but = it.asked.map_or_else(String::new, |it| {
        format!(", but not `{}`, who asked for it", it.plan.requested_by)
    });
    reasons.push(Waiting {
        on: "approval",
        why,
        who_can_act: format!("{}{but}", all.join(", ")),
        next: format!(
            "`towpath approve {id}`, then its commit is requested; or `towpath reject {id}`"
        ),
        looked_at_us: None,
    });
    reasons
}

fn stale(file: &str, field: &str) -> String {
    let what = if field.is_empty() {
        "comments or layout".to_owned()
    } else {
        format!("`{field}`")
    };
    format!(
        "; what was asked about before is stale: {what} of {file} changed since, and earlier approvals count for nothing"
    )
}

fn rejected(id: Uuid, it: &Approval<'_>) -> Option<Waiting> {
    let asked = it.asked?;
    let Review::Rejected {
        by,
        comment,
        spoke_for,
        ..
    } = &asked.review
    else {
        return None;
    };
    let comment = if comment.is_empty() {
        String::new()
    } else {
        format!(": {}", one_line(comment))
    };
    Some(Waiting {
        on: "rejected",
        why: format!("{by} rejected stage `{}`{comment}", asked.plan.stage),
        who_can_act: spoke_for.join(", "),
        next: format!(
            "`towpath approve {id}` by one of them opens a fresh round; or report a build that is better"
        ),
        looked_at_us: None,
    })
}

fn in_queue(id: Uuid, at: &Place, around: &Surroundings<'_>, now_us: i64) -> Vec<Waiting> {
    let slot = around.slot;
    let mut reasons: Vec<_> = around
        .gates
        .iter()
        .map(|gate| gate_is_closed(gate))
        .collect();
    if let Some(it) = &around.approval {
        reasons.extend(approval(id, at, it));
    }
    let forced = slot.forced.as_ref().is_some_and(|it| it.deployment == id);
    if let Some(other) = slot.in_flight.as_ref().filter(|it| it.deployment != id) {
        reasons.push(Waiting {
            on: "slot-busy",
            why: format!(
                "{} (deployment {}) is being promoted there",
                other.version, other.deployment
            ),
            who_can_act: "nobody needs to".into(),
            next: "it is this one's turn when that one has ended".into(),
            looked_at_us: None,
        });
    }
    if !forced {
        let holds = slot
            .holds
            .active(now_us)
            .chain(around.holds_above.iter().copied());
        reasons.extend(holds.map(held));
    }
    if reasons.is_empty() {
        reasons.push(Waiting {
            on: "turn",
            why: "it is about to be taken up".into(),
            who_can_act: "nobody needs to".into(),
            next: "its commit is requested".into(),
            looked_at_us: None,
        });
    }
    reasons
}

/// A text of a person on one line, without what could drive a terminal; the log has it as it was
/// written.
pub fn one_line(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.chars().filter(|it| !it.is_control()).collect())
        .collect();
    words.join(" ")
}

fn gate_is_closed(gate: &str) -> Waiting {
    Waiting {
        on: "gate",
        why: format!("the stage asks for `{gate}`, which this version of Towpath cannot check"),
        who_can_act: "whoever owns the ReleaseTrack".into(),
        next: format!(
            "it waits; remove `{gate}` from the stage and report a new build to go on without"
        ),
        looked_at_us: None,
    }
}

/// A hold as a reason to wait.
pub fn held(hold: &Hold) -> Waiting {
    let what = if hold.subject.is_empty() {
        "everything"
    } else {
        &hold.subject
    };
    let end = match hold.until_us {
        Some(_) => "runs out by itself, or",
        None => "stands until",
    };
    Waiting {
        on: "hold",
        why: format!("{what} is held ({}): {}", hold.source.as_str(), hold.reason),
        who_can_act: "a release manager".into(),
        next: format!("the hold {end} `towpath hold release {}`", hold.id),
        looked_at_us: hold.until_us,
    }
}

/// One sentence about where a deployment stands.
pub fn summary(deployment: &Deployment) -> String {
    let version = &deployment.created.version;
    let application = &deployment.created.application;
    match &deployment.end {
        Some(End::Success) => {
            format!("{application} {version} reached every environment of its track.")
        }
        Some(End::Failed {
            environment,
            message,
        }) => {
            format!("{application} {version} failed in {environment}: {message}")
        }
        Some(End::Superseded { by, rule }) => {
            format!(
                "{application} {version} was superseded by deployment {by} (decided by {}).",
                rule.as_str()
            )
        }
        Some(End::Aborted { reason }) => format!("{application} {version} was aborted: {reason}"),
        Some(End::Quarantined { message }) => {
            format!("{application} {version} is quarantined: {message}")
        }
        Some(End::RolledBack { by }) => {
            format!("{application} {version} was rolled back by deployment {by}.")
        }
        None => format!("{application} {version} is {}.", deployment.state_word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Who;

    fn explained(is_asked: bool, ledger_is_running: bool) -> Vec<Waiting> {
        let at = Place {
            stage: "staging".into(),
            environment: "staging".into(),
            attempt: 0,
            step: Step::Waiting,
        };
        let policy = Policy::Stakeholder {
            who: Who::Group("qa".into()),
            min: 2,
        };
        let slot = slot::State::default();
        let around = Surroundings {
            slot: &slot,
            holds_above: vec![],
            gates: &[],
            runner_is_running: true,
            approval: Some(Approval {
                policy: &policy,
                asked: None,
                is_asked,
                yes: &["quinn".to_owned()],
                ledger_is_running,
            }),
        };
        place(Uuid::from_u128(1), &at, &around, 0)
    }

    #[test]
    fn who_is_asked_and_which_role_is_missing_are_named() {
        let with = explained(true, true);
        assert_eq!(with.len(), 1, "{with:?}");
        assert_eq!(with[0].on, "approval");
        assert!(with[0].why.contains("2 of group `qa`"), "{with:?}");
        assert!(with[0].why.contains("so far by quinn"), "{with:?}");
        assert!(with[0].next.contains("towpath approve"), "{with:?}");
        let before = explained(false, true);
        assert_eq!((before.len(), before[0].on), (1, "turn"));
        let without = explained(true, false);
        assert_eq!((without[0].on, without[1].on), ("role", "approval"));
        assert!(without[0].why.contains("`approval-ledger`"), "{without:?}");
    }

    #[test]
    fn a_comment_cannot_drive_a_terminal() {
        assert_eq!(one_line(" a\u{1b}[31m\n\tb\u{7}  "), "a[31m b");
    }
}
