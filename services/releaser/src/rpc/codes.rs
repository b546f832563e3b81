//! The stable code of every rejection, and what to do about it.

use service::fault::Coded;

use crate::domain::release::Rejection;

impl Coded for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "not-found",
            Self::Empty => "nothing-to-release",
            Self::NoRegistry(_) => "no-registry",
            Self::Underway(_) => "release-underway",
            Self::Released(_) => "already-released",
            Self::NoTag(_) => "invalid-tag",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::Unknown => "`towpath release list` shows all",
            Self::Empty => "give the application set an application",
            Self::NoRegistry(_) => "report the build with the registries that hold its image",
            Self::Underway(_) => {
                "wait for its end, or abort its deployment; `towpath release show` says where it is"
            }
            Self::Released(_) => "give the next release another bundle",
            Self::NoTag(_) => "choose a shorter bundle",
        }
    }
}
