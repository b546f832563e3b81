//! A whole tenant repository: it loads without a finding and answers every question.

use std::collections::BTreeMap;
use std::sync::Arc;

use manifests::kinds::{
    Condition, OnFailure, Policy, Protocol, Spec, Stakeholder, Target, VerifyBy,
};
use manifests::{Cache, Document, Graph, Kind, Values, current_version, set_version};

use crate::support::{Files, blob, good, load, tenant};

#[test]
fn every_question_has_an_answer() {
    let graph = good();
    let api = graph.application("api").unwrap();
    let web = graph.application("web").unwrap();
    let names = |it: Vec<&manifests::kinds::Application>| -> Vec<String> {
        it.iter().map(|it| it.name().to_owned()).collect()
    };
    assert_eq!(names(graph.applications_of("api", "api")), ["api"]);
    assert_eq!(names(graph.applications_of("web", "web-nginx")), ["web"]);
    assert!(graph.applications_of("web", "web-storybook").is_empty());
    assert!(graph.applications_of("nothing", "api").is_empty());
    assert_eq!(names(graph.applications_in("shop-apps")), ["api", "web"]);
    assert_eq!(graph.track_of(api).unwrap().name(), "shop-track");
    assert_eq!(graph.target_of(api, "development"), Target::Process);
    assert_eq!(graph.target_of(api, "production"), Target::Kubernetes);
    assert_eq!(graph.target_of(web, "staging"), Target::CloudRun);
    let set = graph.application_set_of(api).unwrap();
    assert_eq!(
        set.pre_release_from,
        [ids::ReleaseType::Latest, ids::ReleaseType::Alpha]
    );
    let definition = graph.build_definition("api").unwrap();
    assert_eq!(
        graph.repository_url(definition).unwrap(),
        "/srv/git/shop-api.git"
    );
    let other = graph.build_definition("web").unwrap();
    assert_eq!(
        graph.repository_url(other).unwrap(),
        "https://github.com/acme-shop/shop-web.git"
    );
    let registries = graph.registries_of(definition, "api");
    assert_eq!(
        registries[0].url.as_deref(),
        Some("registry.example.com/shop")
    );
    assert!(graph.registries_of(other, "web-storybook").is_empty());
    assert_eq!(
        graph.unmanaged().map(|it| &*it.kind).collect::<Vec<_>>(),
        ["Database"]
    );
}

#[test]
fn a_track_reads_as_it_is_written() {
    let graph = good();
    let track = graph.release_track("shop-track").unwrap();
    assert_eq!(track.pre_release_stages[0].approval_policy, None);
    let [staging, production] = track.release_stages.as_slice() else {
        panic!("two stages")
    };
    let group = |name: &str, min| Policy::Stakeholder {
        who: Stakeholder::Group(name.into()),
        min,
    };
    let any = Policy::AnyOf {
        min: 1,
        policies: vec![group("qa", 1)],
    };
    assert_eq!(staging.approval_policy, Some(any));
    let all = Policy::AllOf {
        policies: vec![group("product", 1), group("security", 2)],
    };
    assert_eq!(production.approval_policy, Some(all));
    assert_eq!(production.soak_us, Some(86_400_000_000));
    assert_eq!(production.conditions, Condition::ALL);
    assert_eq!(production.windows[0].days, [5, 6]);
    assert!(production.windows[0].deny);
    assert_eq!(production.verify[0].timeout_us, 60_000_000);
    let smoke = VerifyBy::Http {
        path: "/healthz".into(),
        port: None,
        status: 200,
    };
    assert_eq!(production.verify[0].by, smoke);
    assert_eq!(production.on_failure, OnFailure::Halt);
    assert_eq!(track.hotfix_stages[0].id, "staging+production");
    assert_eq!(track.hotfix_stages[0].on_failure, OnFailure::Revert);
}

#[test]
fn a_deployment_config_reads_as_it_is_written() {
    let graph = good();
    let api = graph.application("api").unwrap();
    let config = graph.deployment_config(api, "development").unwrap();
    assert_eq!(config.version.as_deref(), Some("0.1.0"));
    let env: Vec<_> = config
        .env
        .iter()
        .map(|it| (it.name.as_str(), it.value.as_str()))
        .collect();
    assert_eq!(env, [("LOG_LEVEL", "debug"), ("RETRIES", "3")]);
    assert_eq!(
        config.ports,
        BTreeMap::from([(8080, Protocol::Http), (9090, Protocol::Grpc)])
    );
    let probe = config.health.startup.as_ref().unwrap();
    assert_eq!(
        (
            probe.port,
            probe.healthy_threshold,
            probe.unhealthy_threshold
        ),
        (Some(8080), 2, 5)
    );
    assert_eq!(
        graph.deployment_config(api, "production").unwrap().version,
        None
    );
    assert_eq!(graph.deployment_config(api, "staging"), None);
}

#[test]
fn versions_are_written_where_the_manifests_say() {
    let graph = good();
    let files = tenant();
    let values = Values {
        version: "v2".into(),
        ..Values::default()
    };
    let api = graph.application("api").unwrap();
    let development = graph.version_location(api, "development").unwrap();
    let text = &files[&development.file];
    let edited = set_version(&development.file, text.as_bytes(), &development, &values).unwrap();
    assert_eq!(edited.previous.as_deref(), Some("0.1.0"));
    let wanted = text.replace("version: \"0.1.0\"", "version: \"v2\"");
    assert_eq!(String::from_utf8(edited.bytes).unwrap(), wanted);
    let production = graph.version_location(api, "production").unwrap();
    assert!(matches!(production.document, Document::Identity(_)));
    let edited = set_version(&production.file, text.as_bytes(), &production, &values).unwrap();
    assert_eq!(edited.previous, None);
    assert_eq!(
        String::from_utf8(edited.bytes).unwrap(),
        text.replace("version:\n", "version: v2\n")
    );
    let web = graph.application("web").unwrap();
    let plain = graph.version_location(web, "development").unwrap();
    assert_eq!(
        (plain.file.as_str(), plain.pointer.as_str()),
        ("envs/dev.json", "/web")
    );
    let edited = set_version(&plain.file, files[&plain.file].as_bytes(), &plain, &values).unwrap();
    assert_eq!(edited.previous.as_deref(), Some("v1"));
    let now = current_version(&plain.file, &edited.bytes, &plain).unwrap();
    assert_eq!(now.as_deref(), Some("v2"));
    let by_hand = b"{\"web\": \"elsewhere.example.com/web:v1\"}";
    let refused = set_version(&plain.file, by_hand, &plain, &values).unwrap_err();
    assert_eq!(
        (refused.code, refused.line, refused.column),
        ("template-mismatch", 1, 9)
    );
    let nowhere = graph.version_location(web, "staging").unwrap_err();
    assert_eq!(nowhere.code, "no-version-location");
    let unknown = graph.version_location(web, "stagging").unwrap_err();
    assert!(
        unknown.to_string().contains("did you mean `staging`?"),
        "{unknown}"
    );
}

#[test]
fn one_changed_file_is_one_parsed_file() {
    let mut cache = Cache::new();
    let mut files = tenant();
    load(&files, &mut cache);
    let before = cache.parsed();
    load(&files, &mut cache);
    assert_eq!(cache.parsed(), before);
    files.get_mut("web.yaml").unwrap().push_str("# changed\n");
    let (graph, findings) = load(&files, &mut cache);
    assert_eq!((cache.parsed(), findings.len()), (before + 1, 0));
    assert!(graph.application("web").is_some());
    for _ in 0..40 {
        load(&files, &mut cache);
    }
    assert_eq!(cache.len() as u64, before, "the old blob is forgotten");
}

#[test]
fn content_is_only_asked_for_when_it_is_new() {
    let files = tenant();
    let blobs: BTreeMap<&str, String> = files
        .iter()
        .map(|(path, text)| (path.as_str(), format!("{:x}", blob(text))))
        .collect();
    let mut cache = Cache::new();
    for round in 0..2 {
        let names = blobs.iter().map(|(path, blob)| (*path, blob.as_str()));
        let (_, findings) = Graph::load_with(names, &mut cache, |path, _| {
            assert_eq!(round, 0, "{path} was asked for again");
            Ok::<Arc<[u8]>, String>(Arc::from(files[path].as_bytes()))
        })
        .unwrap();
        assert_eq!(findings, []);
    }
    let broken = Graph::load_with([("a.yaml", "1")], &mut cache, |_, _| Err("disk".to_owned()));
    assert_eq!(broken.unwrap_err(), "disk");
}

#[test]
fn parents_that_belong_elsewhere_are_named() {
    let mut files = tenant();
    files.get_mut("organization.yaml").unwrap().push_str(
        "---\napiVersion: lowops.manifests.v1\nkind: OrganizationalUnit\nmetadata: { name: other, organization: acme }\n",
    );
    let text = files.get_mut("web.yaml").unwrap();
    *text = text.replace("organizational-unit: shop", "organizational-unit: other");
    let (_, findings) = load(&files, &mut Cache::new());
    let codes: Vec<_> = findings.iter().map(|it| it.code).collect();
    assert_eq!(
        codes,
        ["parent-mismatch", "parent-mismatch"],
        "{findings:#?}"
    );
    assert_eq!(&*findings[0].secondary[0].file, "track.yaml");
}

#[test]
fn both_places_of_a_duplicate_are_named_across_files() {
    let mut files = tenant();
    let copy = files["web.yaml"].clone();
    files.insert("copy/web.yaml".into(), copy);
    let (graph, findings) = load(&files, &mut Cache::new());
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].code, &*findings[0].file),
        ("duplicate-identity", "web.yaml")
    );
    assert_eq!(&*findings[0].secondary[0].file, "copy/web.yaml");
    assert_eq!(
        graph
            .manifests()
            .filter(|it| &*it.meta.name == "web")
            .count(),
        2,
        "application and definition"
    );
}

#[test]
fn the_order_of_files_does_not_matter() {
    let files = tenant();
    let forward = load(&files, &mut Cache::new()).0;
    let backward = files
        .iter()
        .rev()
        .map(|(path, text)| (path, format!("{:x}", blob(text)), text));
    let (backward, _) = Graph::load(backward, &mut Cache::new());
    let list = |it: &Graph| {
        it.manifests()
            .map(manifests::Manifest::identity)
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&forward), list(&backward));
    assert_eq!(
        forward.edges().collect::<Vec<_>>(),
        backward.edges().collect::<Vec<_>>()
    );
    assert!(forward.edges().count() > 40);
}

#[test]
fn an_opaque_manifest_joins_the_graph() {
    let graph = good();
    let all: Vec<_> = graph.manifests().collect();
    let database = all.iter().position(|it| &*it.kind == "Database").unwrap();
    assert!(matches!(all[database].spec, Spec::Opaque));
    let to: Vec<_> = graph
        .edges()
        .filter(|(from, _)| *from == database)
        .map(|(_, to)| &*all[to].kind)
        .collect();
    assert!(
        to.contains(&"DeploymentConfig") && to.contains(&"Project"),
        "{to:?}"
    );
}

#[test]
fn an_unmatched_build_is_shown_the_manifest_that_would_match() {
    let graph = good();
    let snippet = graph.nearest_match("web", "web-storybook");
    assert!(
        snippet.contains("# Application `web` runs another container of it."),
        "{snippet}"
    );
    let mut files = tenant();
    files.insert("new.yaml".into(), snippet);
    let (graph, findings) = load(&files, &mut Cache::new());
    assert_eq!(findings, []);
    let matching = graph.applications_of("web", "web-storybook");
    assert_eq!(matching[0].name(), "web-storybook");
    let far = graph.nearest_match("ap", "api");
    assert!(
        far.contains("There is no BuildDefinition `ap`.") && far.contains("`api`"),
        "{far}"
    );
    let hostile = graph.nearest_match("x\nkind: Evil", "$(id)");
    assert!(
        !hostile.contains("Evil") && !hostile.contains("$(id)"),
        "{hostile}"
    );
}

#[test]
fn an_empty_repository_is_an_empty_graph() {
    let (graph, findings) = load(&Files::new(), &mut Cache::new());
    assert_eq!(findings, []);
    assert_eq!(graph.manifests().count(), 0);
    assert!(graph.nearest_match("a", "b").contains("FILL-IN"));
    for kind in Kind::ALL {
        assert!(Kind::parse(kind.word()).is_some());
    }
}

/// Thousands of manifests: a change reads one file, and nothing is slow enough to notice.
#[test]
fn thousands_of_manifests_load_and_reload() {
    let mut files = tenant();
    for it in 0..1_000 {
        let application = files["web.yaml"].replace("name: web\n", &format!("name: web-{it}\n"));
        files.insert(format!("many/web-{it}.yaml"), application);
        let config = format!(
            "apiVersion: lowops.manifests.v1\nkind: DeploymentConfig\nmetadata:\n  name: web-{it}\n  project: storefront\n  environment: staging\n  organizational-unit: shop\n  organization: acme\nspec:\n  version: v{it}\n"
        );
        files.insert(format!("many/config-{it}.yaml"), config);
    }
    let mut cache = Cache::new();
    let (graph, findings) = load(&files, &mut cache);
    assert_eq!(findings, []);
    let before = cache.parsed();
    let many = graph.applications_of("web", "web-nginx");
    assert_eq!(many.len(), 1_001);
    for application in many.iter().filter(|it| it.name() != "web") {
        let location = graph.version_location(application, "staging").unwrap();
        assert_eq!(
            location.file,
            format!("many/config-{}.yaml", &application.name()[4..])
        );
    }
    let changed = files.get_mut("many/config-7.yaml").unwrap();
    *changed = changed.replace("v7", "v8");
    let (_, findings) = load(&files, &mut cache);
    assert_eq!((cache.parsed() - before, findings.len()), (1, 0));
    // Everything broken at once is still answered, without a suggestion for each.
    files.remove("builds.yaml");
    let (_, findings) = load(&files, &mut cache);
    assert!(findings.len() >= 1_001, "{}", findings.len());
}
