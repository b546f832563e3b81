//! Which of two builds of one application is newer. Never by version text.

use ids::Uuid;

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Both were given numbers in the log: the later number is newer.
    Reservation,
    /// One commit is on the first-parent chain of the other.
    FirstParent,
    /// CI numbered its runs.
    CiRun,
    /// Nothing better was known: the one reported later is newer.
    ReportOrder,
}

impl Rule {
    /// All rules, strongest first.
    pub const ALL: [Self; 4] = [
        Self::Reservation,
        Self::FirstParent,
        Self::CiRun,
        Self::ReportOrder,
    ];

    /// The word in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reservation => "reservation",
            Self::FirstParent => "first_parent",
            Self::CiRun => "ci_run",
            Self::ReportOrder => "report_order",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What the mirror of the source repository says of two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// The candidate's commit has the other on its first-parent chain.
    Descends,
    /// The candidate's commit is on the other's first-parent chain.
    Precedes,
    /// Neither, the same commit, or no mirror to ask.
    Unknown,
}

/// What takes part in the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The deployment.
    pub deployment: Uuid,
    /// CI's run number.
    pub ci_run: Option<u64>,
    /// Log position of the report.
    pub reported_at: u64,
}

/// Whether a candidate is newer than another, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The candidate is the newer one.
    pub is_newer: bool,
    /// What decided.
    pub rule: Rule,
}

/// Compares two release candidates: whose number was reserved later is newer, whatever was built
/// when. `reported_at` of each is where it became ready.
pub fn compare_reserved(candidate: &Key, other: &Key) -> Verdict {
    Verdict {
        is_newer: candidate.reported_at > other.reported_at,
        rule: Rule::Reservation,
    }
}

/// Compares `candidate` with `other`: ancestry, then run number, then order of report.
pub fn compare(candidate: &Key, other: &Key, ancestry: Ancestry) -> Verdict {
    match (ancestry, candidate.ci_run, other.ci_run) {
        (Ancestry::Descends, ..) => Verdict {
            is_newer: true,
            rule: Rule::FirstParent,
        },
        (Ancestry::Precedes, ..) => Verdict {
            is_newer: false,
            rule: Rule::FirstParent,
        },
        (Ancestry::Unknown, Some(a), Some(b)) if a != b => Verdict {
            is_newer: a > b,
            rule: Rule::CiRun,
        },
        (Ancestry::Unknown, ..) => Verdict {
            is_newer: candidate.reported_at > other.reported_at,
            rule: Rule::ReportOrder,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ci_run: Option<u64>, reported_at: u64) -> Key {
        Key {
            deployment: Uuid::nil(),
            ci_run,
            reported_at,
        }
    }

    #[test]
    fn ancestry_beats_run_number_beats_report_order() {
        let (a, b) = (key(Some(1), 9), key(Some(2), 3));
        assert_eq!(
            compare(&a, &b, Ancestry::Descends),
            Verdict {
                is_newer: true,
                rule: Rule::FirstParent
            }
        );
        assert_eq!(
            compare(&a, &b, Ancestry::Precedes),
            Verdict {
                is_newer: false,
                rule: Rule::FirstParent
            }
        );
        assert_eq!(
            compare(&a, &b, Ancestry::Unknown),
            Verdict {
                is_newer: false,
                rule: Rule::CiRun
            }
        );
        let (a, b) = (key(Some(2), 9), key(None, 3));
        assert_eq!(
            compare(&a, &b, Ancestry::Unknown),
            Verdict {
                is_newer: true,
                rule: Rule::ReportOrder
            }
        );
        let (a, b) = (key(Some(2), 9), key(Some(2), 12));
        assert_eq!(
            compare(&a, &b, Ancestry::Unknown),
            Verdict {
                is_newer: false,
                rule: Rule::ReportOrder
            }
        );
    }
}
