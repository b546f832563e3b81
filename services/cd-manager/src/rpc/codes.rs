//! The stable code of every rejection, and what to do about it.

use service::fault::Coded;

use crate::domain::{build, deployment, scope, slot};

impl Coded for build::Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotDeployable => "release-type-none",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::NotDeployable => "report it as LATEST, ALPHA, BETA or HOTFIX, or not at all",
        }
    }
}

impl Coded for deployment::Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "not-found",
            Self::NoSuchEnvironment(_) => "no-such-environment",
            Self::Over(_) => "over",
            Self::Underway(_) => "underway",
            Self::NotApproved(_) => "not-approved",
            Self::NothingToRetry(_) => "nothing-to-retry",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::Unknown => "`towpath deployments list` shows all",
            Self::NoSuchEnvironment(_) => "`towpath deployments show` names its environments",
            Self::Over(_) => "report a new build, or use `towpath rollback`",
            Self::Underway(_) => "wait for its end, then use `towpath rollback`",
            Self::NotApproved(_) => "`towpath explain` says who is asked",
            Self::NothingToRetry(_) => "`towpath explain` says what it waits for",
        }
    }
}

impl Coded for slot::Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NewestChanged => "newest-changed",
            Self::Busy(_) => "busy",
            Self::Held(_) => "held",
            Self::NotWaiting(_) => "not-waiting",
            Self::NoSuchHold(_) => "no-such-hold",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::NewestChanged => "compare again",
            Self::Busy(_) => "wait for its end; `towpath deployments watch` follows it",
            Self::Held(_) => "`towpath hold list` shows what holds it",
            Self::NotWaiting(_) => "`towpath explain` says where it is",
            Self::NoSuchHold(_) => "`towpath hold list` shows those in force",
        }
    }
}

impl Coded for scope::Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchHold(_) => "no-such-hold",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::NoSuchHold(_) => "`towpath hold list` shows those in force",
        }
    }
}
