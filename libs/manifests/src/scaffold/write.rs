//! Proposals as manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::API_VERSION;
use crate::kinds::Target;
use crate::scaffold::Proposal;

/// How the proposed manifests name what no file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The Organization.
    pub organization: String,
    /// The `OrganizationalUnit`.
    pub unit: String,
    /// The `ApplicationSet`, and the `ReleaseTrack` of the same name.
    pub application_set: String,
    /// Where the applications run.
    pub target: Target,
}

impl Proposal {
    /// The Environment manifests that these proposals make, as YAML by name.
    pub fn environments(proposals: &[Self], names: &Names) -> BTreeMap<String, String> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for it in proposals {
            let text = texts.entry(it.environment.clone()).or_insert_with(|| {
                let parents = [
                    ("organizational-unit", names.unit.as_str()),
                    ("organization", &names.organization),
                ];
                head("Environment", &it.environment, &parents) + "spec:\n  plainFiles:\n"
            });
            // Writing to a String cannot fail.
            let _ok = write!(
                text,
                "    - application: {}\n      file: {}\n      pointer: {}\n      value: {}\n",
                quoted(&it.application),
                quoted(&it.file),
                quoted(it.pointer.as_str()),
                quoted(it.value.as_str()),
            );
        }
        texts
    }
}

/// Everything a repository needs beside its own files, as path and YAML: what was recognised,
/// and the smallest set of manifests around it. The first environment takes every build, the
/// others take releases.
pub fn manifests(proposals: &[Proposal], names: &Names) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = Proposal::environments(proposals, names)
        .into_iter()
        .map(|(name, text)| (format!("towpath/environments/{name}.yaml"), text))
        .collect();
    files.insert("towpath/organization.yaml".to_owned(), organization(names));
    files.insert("towpath/track.yaml".to_owned(), track(proposals, names));
    let applications: BTreeSet<&str> = proposals.iter().map(|it| it.application.as_str()).collect();
    for it in applications {
        let path = format!("towpath/applications/{it}.yaml");
        files.insert(path, application(it, names));
    }
    files
}

fn head(kind: &str, name: &str, parents: &[(&str, &str)]) -> String {
    let mut text = format!(
        "apiVersion: {API_VERSION}\nkind: {kind}\nmetadata:\n  name: {}\n",
        quoted(name)
    );
    for (key, value) in parents {
        // Writing to a String cannot fail.
        let _ok = writeln!(text, "  {key}: {}", quoted(value));
    }
    text
}

fn organization(names: &Names) -> String {
    let parents = [("organization", names.organization.as_str())];
    [
        head("Organization", &names.organization, &[]),
        head("OrganizationalUnit", &names.unit, &parents),
        head("GithubConnection", "github", &parents),
    ]
    .join("---\n")
}

fn track(proposals: &[Proposal], names: &Names) -> String {
    let mut environments: Vec<&str> = proposals.iter().map(|it| it.environment.as_str()).collect();
    environments.sort_unstable_by_key(|it| (rank(it), *it));
    environments.dedup();
    let mut spec = String::new();
    let lists = [
        ("preReleaseStages", environments.get(..1)),
        ("releaseStages", environments.get(1..)),
        ("hotfixStages", environments.get(1..)),
    ];
    for (list, stages) in lists {
        let stages = stages.unwrap_or_default();
        if stages.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ok = writeln!(spec, "  {list}:");
        for it in stages {
            let _ok = writeln!(spec, "    - environments: [{}]", quoted(it));
        }
    }
    let unit = ("organizational-unit", names.unit.as_str());
    let mut text = head("ReleaseTrack", &names.application_set, &[unit]);
    if !spec.is_empty() {
        text.push_str("spec:\n");
        text.push_str(&spec);
    }
    let set = [("release-track", names.application_set.as_str()), unit];
    text + "---\n" + &head("ApplicationSet", &names.application_set, &set)
}

/// How near to customers an environment usually is, by its name.
fn rank(environment: &str) -> u8 {
    match environment {
        it if it.contains("preprod") || it.contains("pre-prod") => 3,
        it if it.contains("prod") || it.contains("live") => 4,
        it if it.contains("dev") || it.contains("local") => 0,
        it if it.contains("test") || it.contains("qa") || it.contains("int") => 1,
        _ => 2,
    }
}

fn application(name: &str, names: &Names) -> String {
    let set = names.application_set.as_str();
    let organization = ("organization", names.organization.as_str());
    let connection = ("github-connection", "github");
    let spec = format!(
        "spec:\n  buildDefinition: {}\n  target: {}\n",
        quoted(name),
        names.target
    );
    [
        head(
            "Application",
            name,
            &[
                ("application-set", set),
                ("release-track", set),
                ("organizational-unit", &names.unit),
            ],
        ) + &spec,
        head("GithubRepository", name, &[connection, organization]),
        head(
            "BuildDefinition",
            name,
            &[("github-repository", name), connection, organization],
        ) + "spec:\n  type: DOCKER\n",
    ]
    .join("---\n")
}

/// JSON strings are YAML strings. Names need no quotes, unless YAML reads them as something else.
fn quoted(text: &str) -> String {
    if crate::plain::is_string(text) && ids::Name::parse(text).is_ok() {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}
