//! `docs/reference/services.md`: what each service answers, writes, and makes of the events of
//! the others; from the tables that the running roles work by.

use std::collections::{BTreeMap, BTreeSet};

use access::authorize::{ADMIN, ANYBODY, RULES};
use eventlog::Consumed;
use eventlog::nats::Place;
use eventlog::nats::permissions::{self, ROLES, User};
use service::role::Role;

use super::catalogue::{Call, Catalogue};
use crate::failure::Failure;
use crate::serve;

/// What every process answers, whatever its roles.
const EVERYWHERE: &str = "towpath.control.v1.ControlService";

/// What every role's user on NATS may publish, and what none of them may.
struct Shared {
    publish: BTreeSet<String>,
    deny: BTreeSet<String>,
}

/// What a role says of itself.
struct Part {
    /// What the names of the events that it writes begin with.
    writes: &'static [&'static str],
    consumes: &'static [Consumed],
    /// One sentence.
    about: &'static str,
}

fn part(role: Role) -> Part {
    match role {
        Role::CdManager => Part {
            writes: &[cd_manager::PACKAGE, access::PACKAGE],
            consumes: cd_manager::CONSUMES,
            about: "Takes build reports, decides what runs where and what is next, and writes it \
                    into the manifests; keeps who may call.",
        },
        Role::Releaser => Part {
            writes: &[releaser::PACKAGE],
            consumes: releaser::CONSUMES,
            about: "Makes releases of what succeeded in pre-release: reserves their numbers and \
                    writes their tags into the registries.",
        },
        Role::ApprovalLedger => Part {
            writes: &[approval_ledger::PACKAGE],
            consumes: approval_ledger::CONSUMES,
            about: "Records who approved exactly which plan, and says when it is enough.",
        },
        Role::Changelog => Part {
            writes: &[changelog::PACKAGE],
            consumes: changelog::CONSUMES,
            about: "Says what every deployment changes, commit by commit.",
        },
        Role::Runner => Part {
            writes: &[runner::PACKAGE],
            consumes: runner::CONSUMES,
            about: "Makes targets run what the manifests say, and records what came of it.",
        },
        Role::Forge => Part {
            writes: &[forge::PACKAGE],
            consumes: forge::CONSUMES,
            about: "Hears of pull requests by webhook (`POST /webhooks/github`), and keeps on each \
                    the label that says how far the next version is.",
        },
    }
}

/// The page.
pub(super) fn page() -> Result<String, Failure> {
    let catalogue = Catalogue::read()
        .map_err(|error| Failure::broke("reference", format!("the descriptors: {error}")))?;
    let users = permissions::users(&Place::default());
    let shared = Shared {
        publish: shared(&users, |it| &it.publish),
        deny: shared(&users, |it| &it.deny),
    };
    let mut text = String::from(
        "# Services\n\nGenerated from the program; `cargo xtask gen` writes it anew.\n\n\
         What each service answers, what it writes, and what it does about the events of the \
         others. Work crosses services by events; whoever wants something of a service calls it.\n",
    );
    picture(&mut text);
    everywhere(&mut text, &catalogue, &shared);
    for role in Role::ALL {
        service(&mut text, role);
        nats(&mut text, &users, role, &shared);
        calls(&mut text, &catalogue, serve::services(role));
        events(&mut text, &catalogue, role);
    }
    Ok(text)
}

/// The role that writes an event.
fn writer(event: &str) -> Option<Role> {
    let writes = |it: &Role| {
        part(*it)
            .writes
            .iter()
            .any(|begin| event.starts_with(begin))
    };
    Role::ALL.into_iter().find(writes)
}

/// Which events of which other each service acts on.
fn picture(text: &mut String) {
    text.push_str("\n```mermaid\nflowchart LR\n");
    for role in Role::ALL {
        let mut from = BTreeMap::<_, Vec<_>>::new();
        for it in part(role).consumes {
            if let Some(writer) = writer(it.event) {
                from.entry(writer).or_default().push(short(it.event));
            }
        }
        for (writer, events) in from {
            line(
                text,
                &format!(
                    "  {} -->|\"{}\"| {}",
                    writer.as_str(),
                    events.join("<br/>"),
                    role.as_str()
                ),
            );
        }
    }
    text.push_str("```\n");
}

/// What all of them have in common.
fn everywhere(text: &mut String, catalogue: &Catalogue, shared: &Shared) {
    text.push_str(
        "\n## Every service\n\n\
         A call carries a token; who may call is a group of the caller's, and `admin` may call \
         everything. A call that needs a key takes it as the metadata `idempotency-key`: the same \
         key and body give the same answer. Every process follows the identities, whatever it \
         runs:\n",
    );
    consumed(text, access::CONSUMES);
    let (may, may_not) = (listed(&shared.publish), listed(&shared.deny));
    line(
        text,
        &format!("\nOn NATS every service reads the log: it may publish {may}, but not {may_not}."),
    );
    calls(text, catalogue, &[EVERYWHERE]);
}

fn service(text: &mut String, role: Role) {
    let name = role.as_str();
    line(text, &format!("\n## {name}\n\n{}\n", part(role).about));
    let mut owned = ROLES.iter().filter(|(it, _)| *it == name);
    let kinds = owned.next().map_or(&[][..], |(_, kinds)| *kinds);
    line(
        text,
        &format!("* Aggregates that only it writes: {}.", listed(kinds)),
    );
    let answers = serve::services(role);
    match answers {
        [] => text.push_str("* Answers no calls but those of every service.\n"),
        some => line(text, &format!("* Answers {}.", listed(some))),
    }
    if role == Role::CdManager {
        let path = cd_manager::HTTP_PATH;
        line(
            text,
            &format!(
                "* `ReportBuild` is also `POST {path}`, and an event \
                 [on NATS](../guides/report-builds-over-nats.md)."
            ),
        );
    }
}

/// What its user on NATS may publish beside what all may.
fn nats(text: &mut String, users: &[User], role: Role, shared: &Shared) {
    let Some(user) = users.iter().find(|it| it.name == role.as_str()) else {
        return;
    };
    let only = |own: &[String], shared: &BTreeSet<String>| {
        let own: Vec<_> = own.iter().filter(|it| !shared.contains(*it)).collect();
        listed(own)
    };
    let may = only(&user.publish, &shared.publish);
    line(text, &format!("* On NATS may also publish {may}."));
    let may_not = only(&user.deny, &shared.deny);
    if !may_not.is_empty() {
        line(
            text,
            &format!("* On NATS may not publish {may_not} either."),
        );
    }
}

/// What holds for the user of every role.
fn shared(users: &[User], of: fn(&User) -> &[String]) -> BTreeSet<String> {
    let roles = Role::ALL.map(Role::as_str);
    let mut of_roles = users.iter().filter(|it| roles.contains(&it.name.as_str()));
    let first = of_roles.next().map_or(&[][..], of);
    let mut shared: BTreeSet<_> = first.iter().cloned().collect();
    for user in of_roles {
        shared.retain(|it| of(user).contains(it));
    }
    shared
}

fn calls(text: &mut String, catalogue: &Catalogue, services: &[&str]) {
    for service in services {
        line(text, &format!("\n### `{service}`\n"));
        text.push_str("| call | answer | who | key | |\n|---|---|---|---|---|\n");
        for it in catalogue.calls(service) {
            let answer = if it.is_stream { "stream" } else { "one" };
            let key = if it.changes { "needed" } else { "" };
            let (name, who, about) = (&it.name, callers(&it), cell(&it.about));
            line(
                text,
                &format!("| `{name}` | {answer} | {who} | {key} | {about} |"),
            );
        }
    }
}

/// Who may make a call, by the table that is asked for each.
fn callers(call: &Call) -> String {
    let rule = RULES.iter().find(|it| it.method == call.path);
    let groups = rule.map_or(&[][..], |it| it.groups);
    match groups {
        [] => format!("`{ADMIN}`"),
        [ANYBODY] => "whoever has a token".to_owned(),
        some => listed(some),
    }
}

fn events(text: &mut String, catalogue: &Catalogue, role: Role) {
    let name = role.as_str();
    line(text, &format!("\n### What {name} writes\n"));
    text.push_str("| event | |\n|---|---|\n");
    for package in part(role).writes {
        for event in catalogue.events(package.trim_end_matches('.')) {
            let row = format!("| {} | {} |", link(&event.name), cell(&event.about));
            line(text, &row);
        }
    }
    line(
        text,
        &format!("\n### What {name} does about events of others"),
    );
    consumed(text, part(role).consumes);
}

fn consumed(text: &mut String, events: &[Consumed]) {
    text.push_str("\n| event | of | what it does |\n|---|---|---|\n");
    for it in events {
        let of = writer(it.event).map_or("", Role::as_str);
        let row = format!("| {} | {of} | {} |", link(short(it.event)), cell(it.what));
        line(text, &row);
    }
}

/// The name of an event without its package.
fn short(event: &str) -> &str {
    event.rsplit('.').next().unwrap_or(event)
}

/// Where the catalogue of events says what it holds.
fn link(event: &str) -> String {
    format!("[`{event}`](events.md#{})", event.to_lowercase())
}

fn listed(names: impl IntoIterator<Item: std::fmt::Display>) -> String {
    let quoted = names.into_iter().map(|it| format!("`{it}`"));
    quoted.collect::<Vec<_>>().join(", ")
}

/// Text that cannot end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_stands_on_the_page_once_and_all_have_a_comment() {
        let catalogue = Catalogue::read().unwrap();
        let page = page().unwrap();
        for service in catalogue.services() {
            let heading = format!("\n### `{service}`\n");
            assert_eq!(page.matches(&heading).count(), 1, "{service}");
            for call in catalogue.calls(&service) {
                assert!(!call.about.is_empty(), "{} has no comment", call.path);
            }
        }
        for package in catalogue.packages() {
            for event in catalogue.events(package) {
                assert!(!event.about.is_empty(), "{} has no comment", event.name);
            }
        }
    }

    #[test]
    fn every_event_has_one_writer_and_a_consumer_is_another() {
        let catalogue = Catalogue::read().unwrap();
        let packages: Vec<_> = Role::ALL
            .iter()
            .flat_map(|it| part(*it).writes)
            .map(|it| it.trim_end_matches('.'))
            .collect();
        let declared: Vec<_> = catalogue.packages().into_iter().collect();
        assert_eq!(BTreeSet::from_iter(packages.clone()), catalogue.packages());
        assert_eq!(packages.len(), declared.len(), "{packages:?}");
        for role in Role::ALL {
            for it in part(role).consumes {
                let writer = writer(it.event).unwrap();
                assert_ne!(writer, role, "{}", it.event);
            }
        }
    }
}
