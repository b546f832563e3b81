//! `towpath version compute`.

use versioning::bump::Level;
use versioning::compute::{HotfixScheme, Options, PreReleaseCore, decide};
use versioning::tag::Naming;

use super::super::Scene;
use super::{facts, labels, reserve, shape};
use crate::args::{Compute, Core, Hotfix, OnZero};
use crate::failure::Failure;

pub(super) async fn run(scene: &Scene, asked: Compute) -> Result<(), Failure> {
    let options = options(&asked)?;
    let mut facts = facts::gather(&asked, &options).await?;
    let said = labels::read(scene, &asked, &options, &mut facts).await?;
    let mut outcome = decide(&facts, &options).map_err(|conflict| {
        Failure::refused("conflict", conflict.to_string()).fix(
            "if both are to be released, release the other one first and merge it here; if the \
             tag is a mistake, choose the next number with a label or a release of its own: a \
             number that was seen is never used again",
        )
    })?;
    outcome.warnings.extend(said);
    let reservation = reserve::reserve(scene, &asked, &options, &facts, &mut outcome).await?;
    shape::print(scene, &outcome, reservation.as_ref())
}

fn options(asked: &Compute) -> Result<Options, Failure> {
    if !Naming::is_prefix(&asked.prefix) {
        let shown = asked.prefix.escape_debug();
        return Err(Failure::usage(
            "prefix",
            format!("`{shown}` cannot begin the name of a tag"),
        )
        .fix("give something such as v, or storefront/v"));
    }
    Ok(Options {
        naming: Naming {
            prefix: asked.prefix.clone(),
            accept_bare: asked.accept_bare,
        },
        core: match asked.prerelease_core {
            Core::Base => PreReleaseCore::Base,
            Core::Next => PreReleaseCore::Next,
        },
        hotfix: match asked.hotfix_scheme {
            Hotfix::Suffix => HotfixScheme::Suffix,
            Hotfix::Patch => HotfixScheme::Patch,
        },
        major_on_zero: match asked.major_on_zero {
            OnZero::Major => None,
            OnZero::Minor => Some(Level::Minor),
        },
        initial: asked.initial_version.clone(),
    })
}
