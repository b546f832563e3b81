//! Whatever is broken in a tenant repository is named, with its place and what to do.

use std::sync::Arc;

use manifests::{Cache, Diagnostic};

use crate::support::{good, load, tenant};

/// Loads the tenant with one replacement in one file.
fn with(file: &str, from: &str, to: &str) -> Vec<Diagnostic> {
    let mut files = tenant();
    let text = files.get_mut(file).unwrap();
    assert!(text.contains(from), "{from} is not in {file}");
    *text = text.replacen(from, to, 1);
    load(&files, &mut Cache::new()).1
}

/// Every name that names another manifest, misspelt, is found where it stands, and the right
/// name is suggested.
#[test]
fn a_misspelt_reference_is_found_and_corrected() {
    let files = tenant();
    let graph = good();
    let (mut tried, mut suggested) = (0, 0);
    for manifest in graph.manifests().filter(|it| it.strict_kind().is_some()) {
        for reference in &manifest.references {
            let place = &manifest.meta.place;
            let range = reference.span.range();
            let mut wrong = files.clone();
            let text = wrong.get_mut(&*place.file).unwrap();
            let mut letters: Vec<char> = text[range.clone()].chars().collect();
            let middle = letters.len() / 2;
            letters.remove(middle);
            text.replace_range(range, &letters.iter().collect::<String>());
            let (_, findings) = load(&wrong, &mut Cache::new());
            let found = findings.iter().find(|it| {
                (&*it.file, it.line, it.column)
                    == (&*place.file, reference.span.line, reference.span.column)
            });
            let found = found.unwrap_or_else(|| {
                panic!("{} {}: {findings:#?}", manifest.identity(), reference.field)
            });
            let help = found.help.as_deref().unwrap_or_default();
            tried += 1;
            suggested += usize::from(help.contains(&format!("`{}`", reference.name)));
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(suggested * 100 >= tried * 95, "{suggested} of {tried}");
}

/// What is replaced in which file, and the finding: code and a part of its text.
const BROKEN: &[(&str, &str, &str, &str, &str)] = &[
    (
        "web.yaml",
        "buildDefinition: web",
        "buildDefinitoin: web",
        "unknown-field",
        "did you mean `buildDefinition`?",
    ),
    (
        "web.yaml",
        "  buildDefinition: web\n",
        "",
        "missing-field",
        "`spec` needs `buildDefinition`",
    ),
    (
        "web.yaml",
        "  application-set: shop-apps\n",
        "",
        "missing-parent",
        "needs the parent key `application-set`",
    ),
    (
        "web.yaml",
        "application-set:",
        "aplication-set:",
        "unknown-field",
        "did you mean `application-set`?",
    ),
    (
        "web.yaml",
        "CLOUD_RUN",
        "CLOUDRUN",
        "invalid-value",
        "did you mean `CLOUD_RUN`?",
    ),
    (
        "web.yaml",
        "web-nginx",
        "web-ngnix",
        "unresolved-container",
        "did you mean `web-nginx`?",
    ),
    (
        "web.yaml",
        "  container: web-nginx\n",
        "",
        "ambiguous-container",
        "web-nginx, web-storybook",
    ),
    (
        "web.yaml",
        "kind: Application",
        "kind: Aplication",
        "unknown-kind",
        "did you mean `Application`?",
    ),
    ("web.yaml", "name: web", "name: Web", "invalid-value", "a-z"),
    (
        "web.yaml",
        "name: web",
        "name: [web]",
        "wrong-type",
        "is a list",
    ),
    (
        "web.yaml",
        "manifests.v1",
        "manifests.v2",
        "unknown-api-version",
        "lowops.manifests.v1",
    ),
    ("web.yaml", "spec:", "spec: &x", "ok", ""),
    (
        "web.yaml",
        "target: CLOUD_RUN",
        "target: CLOUD_RUN\n  target: COMPUTE",
        "duplicate-key",
        "stands twice",
    ),
    (
        "web.yaml",
        "metadata:\n",
        "metadata:\n\tname: x\n",
        "tab-indentation",
        "tab",
    ),
    (
        "api.yaml",
        "8080: http",
        "-1: http",
        "invalid-key",
        "1 to 65535",
    ),
    (
        "api.yaml",
        "8080: http",
        "0: http",
        "invalid-key",
        "1 to 65535",
    ),
    (
        "api.yaml",
        "8080: http",
        "70000: http",
        "invalid-key",
        "1 to 65535",
    ),
    (
        "api.yaml",
        "8080: http",
        "8080: htp",
        "invalid-value",
        "did you mean `http`?",
    ),
    (
        "api.yaml",
        "port: 8080",
        "port: -5",
        "invalid-value",
        "1 to 65535",
    ),
    (
        "api.yaml",
        "checkIntervalSec: 1",
        "checkIntervalSec: 0",
        "out-of-range",
        "1 to 3600",
    ),
    (
        "api.yaml",
        "checkIntervalSec: 1",
        "checkIntervalSec: '1'",
        "wrong-type",
        "whole number",
    ),
    (
        "api.yaml",
        "min: 1, max: 3",
        "min: 4, max: 3",
        "out-of-range",
        "above `max`",
    ),
    (
        "api.yaml",
        "name: LOG_LEVEL",
        "name: RETRIES",
        "duplicate-name",
        "set twice",
    ),
    (
        "api.yaml",
        "version: \"0.1.0\"",
        "version: \"$(id)\"",
        "invalid-value",
        "image tag",
    ),
    (
        "api.yaml",
        "version: \"0.1.0\"",
        "version: [a]",
        "wrong-type",
        "is a list",
    ),
    (
        "api.yaml",
        "environment: development",
        "environment: production",
        "duplicate-identity",
        "already defined",
    ),
    (
        "api.yaml",
        "project: storefront\n  buildDefinition",
        "project: storefrnt\n  buildDefinition",
        "unresolved-reference",
        "did you mean `storefront`?",
    ),
    (
        "api.yaml",
        "health:\n",
        "health: *nope\n",
        "unknown-anchor",
        "anchor",
    ),
    (
        "track.yaml",
        "soak: 24h",
        "soak: 24",
        "invalid-value",
        "24h",
    ),
    (
        "track.yaml",
        "attested,",
        "atested,",
        "invalid-value",
        "did you mean `attested`?",
    ),
    (
        "track.yaml",
        "environments: [development]",
        "environments: []",
        "empty-list",
        "at least one",
    ),
    (
        "track.yaml",
        "[staging, production]",
        "[staging, staging]",
        "duplicate-environment",
        "stands twice",
    ),
    (
        "track.yaml",
        "stakeholder: { groupEmail: qa }",
        "stakeholder: {}",
        "one-of",
        "exactly one of",
    ),
    (
        "track.yaml",
        "deny: true",
        "deny: true, allow: true",
        "one-of",
        "exactly one of",
    ),
    (
        "track.yaml",
        "minApprovals: 2",
        "minApprovals: 0",
        "out-of-range",
        "1 to 100",
    ),
    (
        "track.yaml",
        "onFailure: halt",
        "onFailure: explode",
        "invalid-value",
        "halt, revert",
    ),
    (
        "track.yaml",
        "[LATEST, ALPHA]",
        "[HOTFIX]",
        "invalid-value",
        "ALPHA, BETA, LATEST",
    ),
    (
        "environments.yaml",
        "application: web",
        "application: wbe",
        "unresolved-reference",
        "did you mean `web`?",
    ),
    (
        "environments.yaml",
        "envs/dev.json",
        "../dev.json",
        "invalid-value",
        "no `..`",
    ),
    (
        "environments.yaml",
        "envs/dev.json",
        "envs/dve.json",
        "missing-file",
        "did you mean `envs/dev.json`?",
    ),
    (
        "environments.yaml",
        "pointer: /web",
        "pointer: web",
        "invalid-value",
        "begins with `/`",
    ),
    (
        "environments.yaml",
        "{version}",
        "{verison}",
        "invalid-value",
        "did you mean `version`?",
    ),
    (
        "environments.yaml",
        "targetOverride: PROCESS",
        "targetOverride: PROCES",
        "invalid-value",
        "did you mean `PROCESS`?",
    ),
    (
        "builds.yaml",
        "registries: [core-registry]",
        "registries: [core-regstry]",
        "unresolved-reference",
        "did you mean `core-registry`?",
    ),
    (
        "builds.yaml",
        "- name: api",
        "- nme: api",
        "missing-field",
        "needs `name`",
    ),
    (
        "builds.yaml",
        "github-connection: acme-github, organization: acme }\nspec:\n  type: GOLANG",
        "github-connection: acme-github }\nspec:\n  type: GOLANG",
        "missing-parent",
        "`organization`",
    ),
    (
        "projects.yaml",
        "environment: staging",
        "environment: development",
        "duplicate-identity",
        "already defined",
    ),
];

#[test]
fn whatever_is_broken_is_named_with_its_place() {
    for (file, from, to, code, part) in BROKEN {
        let findings = with(file, from, to);
        if *code == "ok" {
            assert_eq!(findings, [], "{to}");
            continue;
        }
        let found = findings
            .iter()
            .find(|it| it.code == *code && it.to_string().contains(part));
        assert!(
            found.is_some(),
            "{file}: {from:?} -> {to:?} should give {code} `{part}`:\n{findings:#?}"
        );
        let text = tenant()[*file].replacen(from, to, 1);
        for it in &findings {
            let rendered = it.render(|_| Some(Arc::from(text.as_str())), false);
            assert!(rendered.contains(it.code), "{rendered}");
            assert!(it.line >= 1 && it.column >= 1, "{it}");
        }
    }
}
