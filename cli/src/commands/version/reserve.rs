//! Has the server reserve the version, so that no other commit gets it: not one that is built at
//! the same time, and not one that comes after a build that failed.

use std::time::Duration;

use ids::RepositoryName;
use proto::release::v1 as pb;
use repository::Repository;
use semver::Version;
use service::clock::{Clock as _, SystemClock};
use service::entropy::{Entropy as _, SystemEntropy};
use service::time::rfc3339;
use tonic::{Code, Status};
use versioning::channel;
use versioning::compute::{Facts, Options, Outcome};

use super::super::Scene;
use crate::args::Compute;
use crate::client::{Client, keyed};
use crate::failure::Failure;
use crate::output;

/// How often a call is repeated that may succeed then, and the first pause.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// What the server said.
#[derive(Debug)]
pub(super) struct Reservation {
    /// Host and path.
    pub(super) repository: String,
    /// Whether it is in the log.
    pub(super) reserved: bool,
    /// Whether it was before.
    pub(super) earlier: bool,
    /// By whom; empty when it is not reserved.
    pub(super) by: String,
    /// When, as RFC 3339.
    pub(super) at: Option<String>,
    /// Versions that would have done, and the commits that have them.
    pub(super) passed: Vec<(String, String)>,
}

impl Reservation {
    /// For people.
    pub(super) fn words(&self) -> String {
        let Self { repository, by, .. } = self;
        match (&self.at, self.reserved) {
            (Some(at), true) if self.earlier => format!("for {repository} by {by} at {at}"),
            (_, true) => format!("for {repository}, now"),
            (_, false) => format!("nothing: a dry run, for {repository}"),
        }
    }
}

/// Reserves what was decided, on the server that is named, and changes it to what is reserved.
/// Nothing where no server is named, or nothing is to be built.
pub(super) async fn reserve(
    scene: &Scene,
    asked: &Compute,
    options: &Options,
    facts: &Facts,
    outcome: &mut Outcome,
) -> Result<Option<Reservation>, Failure> {
    let wanted = match &outcome.target_version {
        Some(wanted) if !outcome.skip && scene.names_server() => wanted.clone(),
        Some(_) | None => return Ok(None),
    };
    let request = pb::ReserveVersionRequest {
        repository: name(asked)?.to_string(),
        commit: facts.head.to_string(),
        release_type: facts.release_type.as_str().to_owned(),
        prefix: options.naming.prefix.clone(),
        taken: taken(options, facts, &wanted),
        version: wanted.clone(),
        dry_run: asked.dry_run,
    };
    let answer = ask(scene, request).await?;
    let odd = |why: String| Failure::broke("server", format!("the server's answer: {why}"));
    let version = options.naming.read(&answer.version);
    let version = version.map_err(|why| odd(why.to_string()))?;
    is_free(facts, &version, &answer)?;
    let at = Some(answer.reserved_at_us).filter(|it| *it != 0);
    let reservation = Reservation {
        repository: answer.repository,
        reserved: answer.reserved,
        earlier: answer.earlier,
        by: answer.reserved_by,
        at: at.map(rfc3339),
        passed: answer
            .passed
            .into_iter()
            .map(|it| (it.version, it.commit))
            .collect(),
    };
    if answer.version != wanted {
        outcome
            .warnings
            .push(why_other(&wanted, &answer.version, &reservation));
    }
    let channel = channel::name(facts.release_type);
    outcome.counter = channel.and_then(|it| channel::number(&version, it));
    outcome.target_version = Some(answer.version);
    Ok(Some(reservation))
}

/// The repository, as the server knows it: every clone of it says the same.
pub(super) fn name(asked: &Compute) -> Result<RepositoryName, Failure> {
    let fix = "name the repository with --repository, such as git.example.com/shop/api";
    let wrong = |why: ids::Invalid| Failure::usage("repository", why.to_string()).fix(fix);
    if let Some(given) = &asked.repository {
        let name = RepositoryName::parse(given).or_else(|_| RepositoryName::of_url(given));
        let name = name.map_err(wrong)?;
        // `acme/api` names no host, and would be another repository than the one that is meant.
        if *given == name.as_str()
            && !name.host().contains(['.', ':'])
            && name.host() != "localhost"
        {
            let what = format!("`{given}` begins with no host");
            return Err(Failure::usage("repository", what).fix(fix));
        }
        return Ok(name);
    }
    let repository = Repository::open(&asked.repo)?;
    let remote = repository.remote();
    let address = remote.as_ref().and_then(|it| repository.address(it));
    let address = address.ok_or_else(|| {
        let what = "versions are reserved for a repository, and no remote says which one this is: \
                    none is called origin or followed by the branch that is checked out";
        Failure::usage("repository", what).fix(fix)
    })?;
    RepositoryName::of_url(&address).map_err(wrong)
}

/// Versions in the same line that tags have: nobody reserved those that were made by hand.
fn taken(options: &Options, facts: &Facts, wanted: &str) -> Vec<String> {
    let Ok(wanted) = options.naming.read(wanted) else {
        return Vec::new();
    };
    let line = |it: &Version| (it.major, it.minor, it.pre.is_empty());
    let here = facts.catalogue.all().map(|it| &it.version);
    let all = here.chain(&facts.catalogue.in_use).chain(&facts.taken);
    let same = all.filter(|it| line(it) == line(&wanted));
    let same = same.filter(|it| it.cmp_precedence(&wanted).is_ge());
    same.map(|it| options.naming.write(it)).collect()
}

/// A reservation that somebody else's tag has overtaken serves nobody.
fn is_free(
    facts: &Facts,
    version: &Version,
    answer: &pb::ReserveVersionResponse,
) -> Result<(), Failure> {
    let mut tags = facts.catalogue.all();
    let found =
        tags.find(|it| it.version.cmp_precedence(version).is_eq() && it.commit != facts.head);
    let Some(tag) = found else { return Ok(()) };
    let what = format!(
        "{} is reserved for this commit since {} by {}, and the tag {} is on commit {}: somebody \
         made it without reserving it",
        answer.version,
        rfc3339(answer.reserved_at_us),
        answer.reserved_by,
        tag.name,
        output::short(tag.commit.as_str()),
    );
    Err(Failure::refused("conflict", what).fix(
        "take the tag away if it is a mistake; otherwise release another commit, which gets \
         another version",
    ))
}

/// Why it is not the version that the repository alone would give.
fn why_other(wanted: &str, given: &str, it: &Reservation) -> String {
    let first = it.passed.first().filter(|(version, _)| version == wanted);
    match first {
        Some((version, commit)) => {
            let more = match it.passed.len() - 1 {
                0 => String::new(),
                more => format!(", {more} more to others"),
            };
            format!(
                "reserved: {version} belongs to commit {}{more}, so this commit gets {given}",
                output::short(commit)
            )
        }
        None if it.earlier => format!(
            "reserved_before: {given} belongs to this commit; without that it would be {wanted}"
        ),
        None => format!("reserved: {wanted} was given out before, so this commit gets {given}"),
    }
}

/// Asks with one key, again while the answer is that it may work then.
async fn ask(
    scene: &Scene,
    request: pb::ReserveVersionRequest,
) -> Result<pb::ReserveVersionResponse, Failure> {
    let key = SystemEntropy.id(SystemClock.now_us()).to_string();
    let client: Client = scene.client().await?;
    let may_pass = |it: &Status| matches!(it.code(), Code::Aborted | Code::Unavailable);
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        let call = keyed(request.clone(), Some(&key))?;
        match client.release().reserve_version(call).await {
            Err(status) if may_pass(&status) => {
                tracing::debug!(%status, "asked again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            answer => return Ok(answer?.into_inner()),
        }
    }
    let call = keyed(request, Some(&key))?;
    Ok(client.release().reserve_version(call).await?.into_inner())
}
