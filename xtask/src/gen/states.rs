//! `docs/reference/states.md`: every word for a state, how it begins and ends, and who can act.
//!
//! The words are read from the sources that answer with them. A word that is missing in the table
//! below, or that no source knows, is an error: neither can be forgotten.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

/// One kind of thing that has states.
struct Subject {
    title: &'static str,
    about: &'static str,
    /// What paths begin with, and the functions in there that hold its words.
    sources: &'static [(&'static str, &'static str)],
    states: &'static [State],
}

/// One state.
struct State {
    word: &'static str,
    /// Entered by.
    begins: &'static str,
    /// Left by.
    ends: &'static str,
    /// When it is looked at again, or given up, without anybody acting.
    deadline: &'static str,
    who: &'static str,
}

const BUILD: &str = "services/cd-manager/src/domain/build";
const DEPLOYMENT: &str = "services/cd-manager/src/domain/deployment";
const APPROVAL: &str = "services/approval-ledger/src/domain/approval";
const EXPLAIN: &str = "services/cd-manager/src/rpc/explain";
const RELEASE: &str = "services/releaser/src/domain/release/state";
const CHANGELOG: &str = "services/changelog/src/domain/changelog";
const QUERIES: &str = "services/cd-manager/src/queries";

const FINAL: &str = "final";
const NOBODY: &str = "nobody needs to";

const SUBJECTS: &[Subject] = &[
    Subject {
        title: "Build",
        about: "One version of one container of one build definition.",
        sources: &[(BUILD, "as_str")],
        states: &[
            State {
                word: "ROUTED",
                begins: "`BuildRouted`: an application set takes builds of this release type",
                ends: "`BuildQuarantined`",
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "KEPT",
                begins: "`BuildKept`: no track takes this release type; a release may pick it",
                ends: "`BuildQuarantined`",
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "UNMATCHED",
                begins: "`BuildUnmatched`: no application is made from it",
                ends: "the same report again once a matching Application is there (`BuildRouted`, `BuildKept`); `BuildQuarantined`",
                deadline: "none",
                who: "whoever owns the manifests: the answer holds the one that would match",
            },
            State {
                word: "QUARANTINED",
                begins: "`BuildQuarantined`: the version was reported with another digest",
                ends: FINAL,
                deadline: "none",
                who: "CI: give the new image a new version",
            },
        ],
    },
    Subject {
        title: "Deployment",
        about: "One build on its way to one application's environments.",
        sources: &[(DEPLOYMENT, "state_word")],
        states: &[
            State {
                word: "PENDING",
                begins: "`DeploymentCreated`; `DeploymentRetried` before anything was written",
                ends: "`PromotionRequested`, or any end below",
                deadline: "none; looked at with every event of its slot, and when a hold runs out",
                who: "a developer may abort it; a release manager may release what holds it",
            },
            State {
                word: "IN_PROGRESS",
                begins: "`PromotionRequested` in at least one environment",
                ends: "every environment at hand succeeded, failed, or was refused",
                deadline: "that of the environment",
                who: "nobody: what was requested runs to its end",
            },
            State {
                word: "WAITING",
                begins: "an environment is done and the next was not begun",
                ends: "`PromotionRequested` there, or any end below",
                deadline: "none; looked at with every event of its slot, and when a hold runs out",
                who: "a developer may abort it; a release manager may release what holds it; whoever a stage asks for approval: `towpath approve`; a stage with a gate waits for good",
            },
            State {
                word: "HALTED",
                begins: "`PromotionRefused`: the manifest cannot be changed as it stands; `StageRejected`: somebody who was asked said no",
                ends: "`DeploymentRetried` (refused), `StageReopened` (rejected), `DeploymentAborted`, `EnvironmentSuperseded`, `DeploymentQuarantined`",
                deadline: "none: only a person can settle a true conflict, or a veto",
                who: "refused: whoever owns the manifest corrects it, and a developer retries; rejected: somebody of the group that said no: `towpath approve`",
            },
            State {
                word: "SUCCESS",
                begins: "`DeploymentSucceeded`: every environment of its track runs it",
                ends: "`DeploymentRolledBack`",
                deadline: "none",
                who: "a release manager may roll back",
            },
            State {
                word: "FAILED",
                begins: "`DeploymentFailed`: the target or a check said no",
                ends: "`DeploymentRetried`",
                deadline: "none",
                who: "a developer may retry, or report a version that works",
            },
            State {
                word: "SUPERSEDED",
                begins: "`DeploymentSuperseded`: a newer one took its place before anything was requested",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "ABORTED",
                begins: "`DeploymentAborted`: a developer gave it up",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "QUARANTINED",
                begins: "`DeploymentQuarantined`: its build was, and nothing of it had been written",
                ends: FINAL,
                deadline: "none",
                who: "CI: give the new image a new version",
            },
            State {
                word: "ROLLED_BACK",
                begins: "`DeploymentRolledBack`: a rollback that replaced it succeeded",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
        ],
    },
    Subject {
        title: "Environment of a deployment",
        about: "How far a deployment is in one place. A stage has the words of its environments: \
                what went wrong first, then what is under way.",
        sources: &[(DEPLOYMENT, "as_str"), (QUERIES, "stage_word")],
        states: &[
            State {
                word: "WAITING",
                begins: "`DeploymentCreated`, `DeploymentRetried`, `StageStale`, `StageReopened`",
                ends: "`PromotionRequested`, `StageRejected`, `EnvironmentSuperseded`",
                deadline: "none; `towpath explain` names what it waits on: hold, slot-busy, turn, gate, approval",
                who: "whoever `towpath explain` names",
            },
            State {
                word: "COMMITTING",
                begins: "`PromotionRequested`: from here on the commit may exist",
                ends: "`ManifestCommitted`, `PromotionRefused`, `StageStale`",
                deadline: "tried again by itself, after 30 s at the latest",
                who: "nobody needs to; whoever owns the repository when the remote stays away",
            },
            State {
                word: "RECONCILING",
                begins: "`ManifestCommitted`",
                ends: "`EnvironmentSucceeded`, `EnvironmentFailed`",
                deadline: "60 s, or as long as the probe's thresholds need; then it has failed",
                who: NOBODY,
            },
            State {
                word: "HALTED",
                begins: "`PromotionRefused`: code, file, line and reason are kept; `StageRejected`",
                ends: "`DeploymentRetried` (refused), `StageReopened` (rejected), `EnvironmentSuperseded`",
                deadline: "none: only a person can settle a true conflict, or a veto",
                who: "whoever owns the manifest corrects it, and a developer retries; or somebody of the group that said no",
            },
            State {
                word: "SUCCESS",
                begins: "`EnvironmentSucceeded`: its probes are good",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "FAILED",
                begins: "`EnvironmentFailed`: the target said no; what ran before still does",
                ends: "`DeploymentRetried`",
                deadline: "none",
                who: "a developer may retry",
            },
            State {
                word: "SUPERSEDED",
                begins: "`EnvironmentSuperseded`: a newer candidate took its place",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
        ],
    },
    Subject {
        title: "Release",
        about: "One bundle of an application set; the words are those of its last pass.",
        sources: &[(RELEASE, "state_word"), (RELEASE, "as_str")],
        states: &[
            State {
                word: "TAGGING",
                begins: "`PassBegun`: the first, or another after one that failed",
                ends: "`ReleaseCandidateReady`, `CandidateRefused`",
                deadline: "a registry that does not answer is tried again, after 30 s at the latest",
                who: "nobody needs to; `towpath release show` names a registry that does not answer",
            },
            State {
                word: "PROMOTING",
                begins: "`ReleaseCandidateReady`: every registry holds the tag; `ReleaseResumed`",
                ends: "`ReleaseSucceeded`, `ReleaseFailed`",
                deadline: "that of its deployment",
                who: "whoever `towpath explain` names",
            },
            State {
                word: "SUCCESS",
                begins: "`ReleaseSucceeded`: every environment of the release stages runs it",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "FAILED",
                begins: "`CandidateRefused`: a registry cannot hold the tag; `ReleaseFailed`: the deployment failed",
                ends: "`PassBegun`; `ReleaseResumed` when the deployment is retried",
                deadline: "none",
                who: "a release manager: create the release again; a developer may retry the deployment",
            },
            State {
                word: "ABORTED",
                begins: "`ReleaseFailed`: its deployment was given up",
                ends: "`PassBegun`",
                deadline: "none",
                who: "a release manager: create the release again",
            },
            State {
                word: "SUPERSEDED",
                begins: "`ReleaseFailed`: a newer candidate took its place",
                ends: "`PassBegun`",
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "QUARANTINED",
                begins: "`ReleaseFailed`: its build was reported with another digest",
                ends: "`PassBegun`",
                deadline: "none",
                who: "CI: give the new image a new version",
            },
        ],
    },
    Subject {
        title: "Changelog",
        about: "What one deployment changes, or what lies between two commits that a release takes an environment between.",
        sources: &[(CHANGELOG, "as_str")],
        states: &[
            State {
                word: "PENDING",
                begins: "`DeploymentCreated`; of a range, whatever makes a release need it",
                ends: "`ChangelogGenerated`, `ChangelogUnavailable`; of a range, `RangeGenerated`, `RangeUnavailable`",
                deadline: "a repository that does not answer is asked again, after 30 s at the latest",
                who: NOBODY,
            },
            State {
                word: "GENERATED",
                begins: "`ChangelogGenerated`; of a range, `RangeGenerated`",
                ends: FINAL,
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "UNAVAILABLE",
                begins: "`ChangelogUnavailable`; of a range, `RangeUnavailable`: a commit or the source repository is not known",
                ends: FINAL,
                deadline: "none",
                who: "CI: report builds with their commit; whoever owns the manifests",
            },
        ],
    },
    Subject {
        title: "Approval",
        about: "What people said to one stage of one deployment, in its last round.",
        sources: &[(APPROVAL, "as_str")],
        states: &[
            State {
                word: "OPEN",
                begins: "`RoundOpened`: a stage asks about exactly one plan",
                ends: "`QuorumReached`, `Rejected`, `RoundStale`",
                deadline: "none: nobody's yes is made up",
                who: "whom its policy names, but not who asked for the deployment",
            },
            State {
                word: "APPROVED",
                begins: "`QuorumReached`: the policy is satisfied",
                ends: "`RoundStale`, when the plan is not what would be done any more",
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "REJECTED",
                begins: "`Rejected`",
                ends: "`RoundOpened`, by a yes of the group that said no; `RoundStale`, when the deployment is over",
                deadline: "none",
                who: "somebody of the group that said no",
            },
            State {
                word: "STALE",
                begins: "`RoundStale`: the configuration changed, or the deployment is over",
                ends: "`RoundOpened`, for the next plan",
                deadline: "none",
                who: NOBODY,
            },
        ],
    },
    Subject {
        title: "Slot",
        about: "One application in one environment.",
        sources: &[
            (EXPLAIN, "explain_slot"),
            (QUERIES, "environments"),
            (QUERIES, "slot"),
        ],
        states: &[
            State {
                word: "IDLE",
                begins: "`PromotionFinished`, and nothing holds it",
                ends: "`PromotionStarted`, `HoldPlaced`, `ManualChange`",
                deadline: "none",
                who: NOBODY,
            },
            State {
                word: "PROMOTING",
                begins: "`PromotionStarted`",
                ends: "`PromotionFinished`",
                deadline: "that of the promotion",
                who: NOBODY,
            },
            State {
                word: "HELD",
                begins: "`HoldPlaced` by a person, a rollback, or a version written by hand",
                ends: "`HoldReleased`, or the hold's own end",
                deadline: "the hold's own, where it has one",
                who: "a release manager: `towpath hold release`",
            },
            State {
                word: "UNAPPROVED_CHANGE",
                begins: "`ManualChange` where the track asks for approval: nothing is restarted",
                ends: "the next version written there",
                deadline: "none",
                who: "whoever wrote it: revert, or report a build and have it approved; then a release manager releases the hold",
            },
            State {
                word: "UNKNOWN_VERSION",
                begins: "`ManualChange` to a version that nobody reported: nothing is restarted",
                ends: "the next version written there",
                deadline: "none",
                who: "whoever wrote it: report that build, or revert; then a release manager releases the hold",
            },
        ],
    },
];

/// Writes the page.
pub(crate) fn render(workspace: &Workspace) -> Result<String> {
    let mut text = "# States\n\n<!-- Written by `cargo xtask gen` from xtask/src/gen/states.rs, \
        and checked against the words in the sources. -->\n\n\
        Every word for a state that Towpath answers with. A deadline is what happens without \
        anybody acting.\n"
        .to_owned();
    for subject in SUBJECTS {
        let Subject {
            title,
            about,
            states,
            ..
        } = subject;
        check(workspace, subject)?;
        let _infallible = write!(
            text,
            "\n## {title}\n\n{about}\n\n\
             | state | entered by | left by | deadline | who can act |\n|---|---|---|---|---|\n"
        );
        for State {
            word,
            begins,
            ends,
            deadline,
            who,
        } in *states
        {
            let _infallible = writeln!(
                text,
                "| **{word}** | {begins} | {ends} | {deadline} | {who} |"
            );
        }
    }
    Ok(text)
}

/// The table and the sources know the same words.
fn check(workspace: &Workspace, subject: &Subject) -> Result<()> {
    let mut known = BTreeSet::new();
    for (begin, function) in subject.sources {
        let words: BTreeSet<&str> = workspace
            .rust()
            .filter(|(path, _)| path.starts_with(begin))
            .flat_map(|(_, source)| words_of(source, function))
            .collect();
        ensure!(
            !words.is_empty(),
            "{begin}: no function `{function}` with words for states of `{}`; \
             name the one that holds them now in xtask/src/gen/states.rs",
            subject.title
        );
        known.extend(words);
    }
    let told: BTreeSet<&str> = subject.states.iter().map(|state| state.word).collect();
    let untold: Vec<_> = known.difference(&told).collect();
    let unknown: Vec<_> = told.difference(&known).collect();
    ensure!(
        untold.is_empty() && unknown.is_empty(),
        "states of `{}`: {untold:?} stand in the sources and not in xtask/src/gen/states.rs, \
         {unknown:?} the other way round",
        subject.title
    );
    Ok(())
}

/// String literals in capitals within every function of that name. The text is as rustfmt leaves
/// it: a function ends with the first brace that stands as far in as it begins.
fn words_of<'a>(source: &'a str, function: &str) -> BTreeSet<&'a str> {
    let begin = format!("fn {function}(");
    let mut words = BTreeSet::new();
    let mut end: Option<String> = None;
    for line in source.lines() {
        match &end {
            None if line.contains(&begin) => {
                let margin = line.len() - line.trim_start().len();
                end = Some(format!("{}}}", " ".repeat(margin)));
            }
            Some(last) if line == last => end = None,
            Some(_) if !line.trim_start().starts_with("//") => {
                words.extend(
                    line.split('"')
                        .skip(1)
                        .step_by(2)
                        .filter(|word| is_state(word)),
                );
            }
            None | Some(_) => {}
        }
    }
    words
}

fn is_state(word: &str) -> bool {
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    word.len() > 2 && word.bytes().all(is_capital)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    const ONE: Subject = Subject {
        title: "Thing",
        about: "",
        sources: &[("thing.rs", "word")],
        states: &[State {
            word: "IDLE",
            begins: "",
            ends: "",
            deadline: "",
            who: "",
        }],
    };

    fn checked(source: &str) -> String {
        let workspace = Workspace::of(&[("thing.rs", source)]);
        check(&workspace, &ONE).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn words_are_read_from_the_named_function_only() {
        let source = "impl A {\n    fn word(&self) -> &str {\n        if x {\n            \"IDLE\"\n        } else {\n            \
            // \"NEVER\"\n            \"Busy, not a state\"\n        }\n    }\n    fn other() { \"OTHER\" }\n}\n";
        let words: Vec<_> = words_of(source, "word").into_iter().collect();
        assert_eq!(words, ["IDLE"]);
        assert_eq!(checked(source), "");
    }

    #[test]
    fn a_new_state_that_nobody_described_is_an_error() {
        let found = checked("fn word() {\n    \"IDLE\", \"STUCK\"\n}\n");
        assert!(
            found.contains("[\"STUCK\"] stand in the sources"),
            "{found}"
        );
    }

    #[test]
    fn a_described_state_that_is_gone_is_an_error() {
        let found = checked("fn word() {\n    \"STUCK\"\n}\n");
        assert!(found.contains("[\"IDLE\"] the other way"), "{found}");
        assert!(checked("").contains("no function `word`"));
    }

    #[test]
    fn every_word_of_the_domain_stands_on_the_page() {
        let workspace = Workspace::read(&root()).unwrap();
        let page = render(&workspace).unwrap();
        for (path, source) in workspace.rust() {
            if !path.starts_with("services/cd-manager/src/domain/") {
                continue;
            }
            let spoken = words_of(source, "as_str").into_iter();
            for word in spoken.chain(words_of(source, "state_word")) {
                let is_kind = path.ends_with("/domain/track.rs");
                assert!(
                    is_kind || page.contains(&format!("| **{word}** |")),
                    "{path}: {word}"
                );
            }
        }
    }
}
