//! Repositories without manifests: what is proposed for them loads, and writes where it should.

use std::collections::BTreeMap;

use manifests::kinds::Target;
use manifests::scaffold::{Names, Proposal, manifests, propose};
use manifests::{Cache, Graph, Values, set_version};

/// Files as they are found in infrastructure repositories.
fn infra() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        (
            "envs/dev.json",
            "{\n  \"api\": \"registry.example.com/api:c85b418\"\n}\n",
        ),
        (
            "envs/staging.json",
            "{\"api\": {\"url\": \"https://s.example.com\", \"tag\": \"c85b418\"}}\n",
        ),
        (
            "envs/prod.json",
            "{\"api\": {\"url\": \"https://example.com\", \"tag\": \"0c409f3\"}}\n",
        ),
        (
            "overlays/prod/kustomization.yaml",
            "images:\n  - name: registry.example.com/web\n    newTag: 1.4.2 # c\n  - name: other\n    digest: sha256:aa\n",
        ),
        (
            "charts/worker/values-dev.yaml",
            "image:\n  repository: registry.example.com/worker\n  tag: \"1.0\"\nsidecar:\n  image: {repository: x/envoy, tag: v9}\n",
        ),
        (
            "charts/worker/templates/deployment.yaml",
            "image: {{ .Values.image.tag }}\n",
        ),
        ("README.md", "image: nothing:v1\n"),
        ("envs/broken.json", "{\"api\": "),
        (
            "envs/urls.json",
            "{\"api\": \"https://example.com:80/x\", \"n\": 3, \"l\": []}",
        ),
    ])
}

fn proposals() -> Vec<Proposal> {
    propose(infra().iter().map(|(path, text)| (*path, text.as_bytes())))
}

fn names() -> Names {
    Names {
        organization: "acme".into(),
        unit: "shop".into(),
        application_set: "shop".into(),
        target: Target::ArgoCd,
    }
}

#[test]
fn what_holds_a_version_is_recognised() {
    let found: Vec<_> = proposals()
        .iter()
        .map(|it| {
            format!(
                "{}/{} {}#{} {} {}",
                it.environment, it.application, it.file, it.pointer, it.value, it.current
            )
        })
        .collect();
    let expected = [
        "dev/worker charts/worker/values-dev.yaml#/image/tag {version} 1.0",
        "dev/sidecar charts/worker/values-dev.yaml#/sidecar/image/tag {version} v9",
        "dev/api envs/dev.json#/api registry.example.com/api:{version} registry.example.com/api:c85b418",
        "prod/api envs/prod.json#/api/tag {version} 0c409f3",
        "prod/web overlays/prod/kustomization.yaml#/images/0/newTag {version} 1.4.2",
        "staging/api envs/staging.json#/api/tag {version} c85b418",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_proposed_loads_and_writes_where_it_should() {
    let files = infra();
    let proposals = proposals();
    let proposed = manifests(&proposals, &names());
    let all = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .chain(proposed.clone())
        .map(|(path, text)| (path, format!("{}", text.len()), text));
    let (graph, findings) = Graph::load(all, &mut Cache::new());
    assert_eq!(findings, [], "{proposed:#?}");
    let values = Values {
        version: "v2".into(),
        ..Values::default()
    };
    for it in &proposals {
        let application = graph.application(&it.application).unwrap();
        let location = graph
            .version_location(application, &it.environment)
            .unwrap();
        let before = files[it.file.as_str()];
        let edited = set_version(&it.file, before.as_bytes(), &location, &values).unwrap();
        let captured = it.value.matches(&it.current).unwrap();
        assert_eq!(edited.previous, captured.version);
        assert!(edited.changed);
    }
    let track = graph.release_track("shop").unwrap();
    let stages =
        |it: &[manifests::kinds::Stage]| it.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    assert_eq!(stages(&track.pre_release_stages), ["dev"]);
    assert_eq!(stages(&track.release_stages), ["staging", "prod"]);
    let api = graph.application("api").unwrap();
    assert_eq!(graph.target_of(api, "prod"), Target::ArgoCd);
    assert_eq!(graph.applications_of("api", "api")[0].name(), "api");
}

#[test]
fn nothing_recognised_proposes_nothing() {
    assert_eq!(propose([("a.yaml", &b"x: 1"[..])]), []);
    assert_eq!(propose(std::iter::empty()), []);
    assert!(Proposal::environments(&[], &names()).is_empty());
}
