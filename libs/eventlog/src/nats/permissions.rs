//! Who may do what on NATS: each role writes its own kinds of aggregates, reads the log, and
//! listens to its own inbox. Nobody but the operator makes, changes or deletes a stream.
//!
//! Permissions of users are not enough for that. A server does not check where the answer to a
//! request goes, so that whoever may publish *something* with a reply subject could have the
//! server itself write its answer below `tp.evt.approval`. Therefore the streams lie in an account
//! of their own, and each user in another one that imports exactly what it may ask: answers come
//! back into the account of whoever asked, where no stream listens.
//! See <https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts>.
//!
//! Pure data, rendered as the text of a nats-server configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::options::Place;

/// The user that makes, restores and deletes streams; no role has its password.
pub const OPERATOR: &str = "operator";

/// The user that CI publishes build reports with.
pub const CI: &str = "ci";

/// The account that holds the streams; each user but the operator is in one of its own, which has
/// this name, a dash, and the name of the user.
pub const ACCOUNT: &str = "towpath";

/// How requests to JetStream begin.
const API: &str = "$JS.API.";

/// How they begin inside the accounts of those that ask. There the server answers [`API`] by itself
/// (“JetStream not enabled for account”), so that requests are moved out of its way.
const MOVED: &str = "$JS.towpath.API.";

/// The roles, and the kinds of aggregates that each of them writes.
pub const ROLES: &[(&str, &[&str])] = &[
    (
        "cd-manager",
        &["build", "slot", "environment", "deployment", "identity"],
    ),
    ("releaser", &["release", "version", "commit-version"]),
    ("approval-ledger", &["approval", "checkpoint"]),
    ("changelog", &["changelog"]),
    ("runner", &["run"]),
    ("forge", &["pull-request"]),
];

/// Streams beside the log: what CI publishes, and what was refused of it.
const BESIDE: &[&str] = &["TP_IN", "TP_DLQ"];

/// What reading the log takes, and nothing more.
const READING: &[&str] = &[
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.CONSUMER.CREATE.*",
    "$JS.API.CONSUMER.MSG.NEXT.*.*",
];

/// What cd-manager needs to take build reports in: the same as `intake::PUBLISHES`, where that is
/// not covered by [`READING`].
const INTAKE: &[&str] = &[
    "$JS.API.CONSUMER.INFO.TP_IN.cd-manager",
    "$JS.ACK.TP_IN.cd-manager.>",
    "$JS.ACK.*.*.TP_IN.cd-manager.>",
    "tp.dlq.>",
];

/// One NATS user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Subjects that it may publish to.
    pub publish: Vec<String>,
    /// Subjects that it may not publish to, although the others would allow it.
    pub deny: Vec<String>,
    /// Subjects that it may listen to.
    pub subscribe: Vec<String>,
}

/// How a user proves who it is.
#[derive(Clone)]
pub enum Secret {
    /// The bcrypt hash of its password.
    Bcrypt(String),
    /// The environment variable, of nats-server, that holds password or hash.
    Variable(String),
    /// The password itself: for files that only the server can read.
    Plain(String),
}

/// The users of a role, of CI, and of the operator.
pub fn users(place: &Place) -> Vec<User> {
    let roles = ROLES.iter().map(|(name, kinds)| role(name, kinds, place));
    roles.chain([ci(), operator()]).collect()
}

/// What a role may do.
fn role(name: &str, kinds: &[&str], place: &Place) -> User {
    let owned = kinds
        .iter()
        .map(|kind| format!("{}.{kind}.*", place.prefix));
    let takes_in = name == "cd-manager";
    let intake = if takes_in { INTAKE } else { &[] };
    let others = READING.iter().chain(intake).map(|it| (*it).to_owned());
    let denied = BESIDE.iter().flat_map(|stream| {
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*");
        [
            Some(format!("$JS.API.STREAM.MSG.GET.{stream}")),
            Some(format!("$JS.API.CONSUMER.CREATE.{stream}")),
            (!takes_in || *stream != "TP_IN").then_some(next),
        ]
    });
    User {
        name: name.to_owned(),
        publish: owned.chain(others).collect(),
        deny: denied.flatten().collect(),
        subscribe: vec![format!("_INBOX_{name}.>")],
    }
}

fn ci() -> User {
    User {
        name: CI.into(),
        publish: vec!["tp.in.build.>".into()],
        deny: Vec::new(),
        // Clients other than ours choose their inboxes by themselves, below this.
        subscribe: vec![format!("_INBOX_{CI}.>"), "_INBOX.>".into()],
    }
}

fn operator() -> User {
    User {
        name: OPERATOR.into(),
        publish: vec![">".into()],
        deny: Vec::new(),
        subscribe: vec![">".into()],
    }
}

impl User {
    /// The account that it is in.
    pub fn account(&self) -> String {
        if self.name == OPERATOR {
            ACCOUNT.to_owned()
        } else {
            format!("{ACCOUNT}-{}", self.name)
        }
    }
}

/// The `accounts` block of a nats-server configuration.
pub fn accounts(users: &[(User, Secret)]) -> String {
    let (owners, guests): (Vec<_>, Vec<_>) = users.iter().partition(|(it, _)| it.name == OPERATOR);
    let mut text = String::from("accounts {\n");
    section(&mut text, ACCOUNT, |text| {
        text.push_str("    jetstream: enabled\n");
        listed(text, "users", owners.iter().map(|(it, by)| login(it, by)));
        listed(text, "exports", exports(&guests));
    });
    for (user, secret) in guests {
        section(&mut text, &user.account(), |text| {
            listed(text, "users", std::iter::once(login(user, secret)));
            listed(text, "imports", user.publish.iter().map(|it| import(it)));
            let moved = user.publish.iter().filter(|it| it.starts_with(API));
            let mapping = moved.map(|it| format!("{}: {}", quoted(it), quoted(&numbered(it))));
            fenced(text, "mappings", ('{', '}'), mapping);
        });
    }
    text.push_str("}\n");
    text
}

/// Each subject that some account asks for, once, with those that do.
fn exports(guests: &[&(User, Secret)]) -> Vec<String> {
    let mut asked = BTreeMap::<&str, Vec<String>>::new();
    for (user, _) in guests {
        for subject in &user.publish {
            asked.entry(subject).or_default().push(user.account());
        }
    }
    let export = |(subject, by): (&str, Vec<String>)| {
        // One request for the next messages has many answers.
        let kind = if subject.contains(".MSG.NEXT.") {
            "stream"
        } else {
            "singleton"
        };
        let (subject, by) = (quoted(subject), list(&by));
        format!("{{ service: {subject}, response_type: {kind}, accounts: {by} }}")
    };
    asked.into_iter().map(export).collect()
}

/// A subject as it is called inside the account of whoever asks; the server checks permissions of
/// this name.
fn moved(subject: &str) -> String {
    match subject.strip_prefix(API) {
        Some(rest) => format!("{MOVED}{rest}"),
        None => subject.to_owned(),
    }
}

/// The same, with the n-th `*` as `$n`: how a mapping names what a wildcard stood for.
fn numbered(subject: &str) -> String {
    let mut stars = 0;
    let tokens = moved(subject);
    let tokens = tokens.split('.').map(|token| {
        stars += usize::from(token == "*");
        if token == "*" {
            format!("${stars}")
        } else {
            token.to_owned()
        }
    });
    tokens.collect::<Vec<_>>().join(".")
}

fn import(subject: &str) -> String {
    let local = match subject.strip_prefix(API) {
        Some(_) => format!(", to: {}", quoted(&numbered(subject))),
        None => String::new(),
    };
    let (account, subject) = (quoted(ACCOUNT), quoted(subject));
    format!("{{ service: {{ account: {account}, subject: {subject} }}{local} }}")
}

fn login(user: &User, secret: &Secret) -> String {
    let password = match secret {
        Secret::Bcrypt(text) | Secret::Plain(text) => quoted(text),
        Secret::Variable(name) => format!("${name}"),
    };
    let all = |subjects: &[String]| subjects.iter().map(|it| moved(it)).collect::<Vec<_>>();
    format!(
        "{{\n        user: {}\n        password: {password}\n        permissions: {{\n          \
         publish: {{ allow: {}, deny: {} }}\n          subscribe: {{ allow: {} }}\n        }}\n      }}",
        quoted(&user.name),
        list(&all(&user.publish)),
        list(&all(&user.deny)),
        list(&user.subscribe),
    )
}

fn section(text: &mut String, name: &str, fill: impl FnOnce(&mut String)) {
    // Writing to a string cannot fail, here and below.
    let _infallible = writeln!(text, "  {} {{", quoted(name));
    fill(text);
    text.push_str("  }\n");
}

fn listed(text: &mut String, name: &str, items: impl IntoIterator<Item = String>) {
    fenced(text, name, ('[', ']'), items);
}

fn fenced(
    text: &mut String,
    name: &str,
    (opens, closes): (char, char),
    items: impl IntoIterator<Item = String>,
) {
    let _infallible = writeln!(text, "    {name}: {opens}");
    for item in items {
        let _infallible = writeln!(text, "      {item}");
    }
    let _infallible = writeln!(text, "    {closes}");
}

/// The whole configuration of one server without a cluster, but for the users.
pub fn server(listen: &str, store: &str, syncs_always: bool) -> String {
    let sync = if syncs_always {
        "  sync_interval: always\n"
    } else {
        ""
    };
    format!(
        "listen: {}\nmax_payload: 2MB\njetstream {{\n  store_dir: {}\n{sync}}}\n",
        quoted(listen),
        quoted(store)
    )
}

fn list(subjects: &[String]) -> String {
    let subjects: Vec<_> = subjects.iter().map(|it| quoted(it)).collect();
    format!("[{}]", subjects.join(", "))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for it in text.chars() {
        if it == '"' || it == '\\' {
            quoted.push('\\');
        }
        quoted.push(it);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a subject with wildcards covers another.
    fn covers(allowed: &str, subject: &str) -> bool {
        let mut asked = subject.split('.');
        for token in allowed.split('.') {
            match (token, asked.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (token, Some(it)) if token == it => {}
                (_, Some(_) | None) => return false,
            }
        }
        asked.next().is_none()
    }

    fn may_publish(user: &User, subject: &str) -> bool {
        user.publish.iter().any(|it| covers(it, subject))
            && !user.deny.iter().any(|it| covers(it, subject))
    }

    #[test]
    fn each_kind_has_one_writer_and_no_role_touches_streams() {
        let users = users(&Place::default());
        let kinds = ROLES.iter().flat_map(|(_, kinds)| *kinds);
        for kind in kinds {
            let subject = format!("tp.evt.{kind}.00000000000000000000000000000001");
            let writers: Vec<_> = users
                .iter()
                .filter(|it| may_publish(it, &subject))
                .collect();
            assert_eq!(writers.len(), 2, "{kind}: its role and the operator");
        }
        for verb in [
            "CREATE",
            "UPDATE",
            "DELETE",
            "PURGE",
            "MSG.DELETE",
            "RESTORE",
        ] {
            for stream in ["TP_EVT", "TP_EVT_2", "TP_IN", "TP_DLQ"] {
                let subject = format!("$JS.API.STREAM.{verb}.{stream}");
                let able = users.iter().filter(|it| may_publish(it, &subject));
                let able: Vec<_> = able.map(|it| it.name.as_str()).collect();
                assert_eq!(able, [OPERATOR], "{subject}");
            }
        }
    }

    #[test]
    fn what_ci_sent_with_its_token_is_read_by_cd_manager_alone() {
        for user in users(&Place::default()) {
            let is_operator = user.name == OPERATOR;
            let takes_in = is_operator || user.name == "cd-manager";
            for (subject, may) in [
                ("$JS.API.STREAM.MSG.GET.TP_IN", is_operator),
                ("$JS.API.STREAM.MSG.GET.TP_DLQ", is_operator),
                ("$JS.API.CONSUMER.CREATE.TP_IN", is_operator),
                ("$JS.API.CONSUMER.MSG.NEXT.TP_IN.cd-manager", takes_in),
                ("$JS.ACK.TP_IN.cd-manager.1.2.3.4.5", takes_in),
                ("tp.dlq.build.api", takes_in),
            ] {
                assert_eq!(may_publish(&user, subject), may, "{} {subject}", user.name);
            }
        }
    }

    #[test]
    fn nobody_listens_to_the_inbox_of_another() {
        let users = users(&Place::default());
        for user in users.iter().filter(|it| it.name != OPERATOR) {
            for other in users.iter().filter(|it| it.name != user.name) {
                let inbox = format!("_INBOX_{}.abc.1", other.name);
                let hears = user.subscribe.iter().any(|it| covers(it, &inbox));
                assert!(!hears, "{} hears {}", user.name, other.name);
            }
        }
    }
}
