//! Which changelogs are due, against what.

use super::*;

/// A deployment is named by a number, and brings a commit of that number.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn oid(number: u128) -> Oid {
    Oid::parse(&format!("{number:040x}")).unwrap()
}

fn opening(deployment: Uuid, environments: &[&str], number: u128) -> Fact {
    Fact::Opened(Opened {
        deployment,
        application: "api".into(),
        environments: environments.iter().map(|it| (*it).to_owned()).collect(),
        definition: "api".into(),
        version: format!("v{number}"),
        digest: number.to_string(),
        commit: Some(oid(number)),
    })
}

fn opened(deployment: u128, environment: &str, number: u128) -> Fact {
    opening(id(deployment), &[environment], number)
}

fn running(deployment: Uuid, environment: &str) -> Fact {
    Fact::Runs {
        deployment,
        environment: environment.into(),
        at_us: 5,
    }
}

fn runs(deployment: u128, environment: &str) -> Fact {
    running(id(deployment), environment)
}

fn written(deployment: Uuid) -> Fact {
    Fact::Written {
        deployment,
        is_whole: true,
    }
}

fn world(facts: impl IntoIterator<Item = Fact>) -> World {
    let mut world = World::default();
    facts.into_iter().for_each(|it| world.observe(&it));
    world
}

fn before(world: &World, deployment: u128) -> Option<String> {
    match &world.due()[&changelog_id(id(deployment))] {
        Effect::Deployment(due) => due.before.as_ref().map(|it| it.version.clone()),
        Effect::Range(it) => panic!("{it:?}"),
    }
}

#[test]
fn a_deployment_is_compared_with_what_ran_when_it_was_opened() {
    let mut world = world([
        opened(1, "dev", 1),
        opened(2, "dev", 2),
        runs(1, "dev"),
        opened(3, "dev", 3),
        opened(4, "staging", 3),
        runs(3, "dev"),
        runs(1, "staging"),
    ]);
    assert_eq!(before(&world, 1), None);
    assert_eq!(before(&world, 2), None);
    assert_eq!(before(&world, 3).as_deref(), Some("v1"));
    assert_eq!(before(&world, 4), None);
    world.observe(&opened(5, "dev", 1));
    assert_eq!(before(&world, 5).as_deref(), Some("v3"));
    world.observe(&written(id(5)));
    assert_eq!(world.due().len(), 4);
    assert_eq!(world.named("00000000-").count(), 5);
    let written = AggregateId::new("changelog", changelog_id(id(4)));
    let told = AggregateId::new("deployment", id(3));
    for aggregate in [&written, &told] {
        world.set_aside(aggregate, "from the future".into());
    }
    let due: Vec<_> = world.due().into_keys().collect();
    let mut expected = [changelog_id(id(1)), changelog_id(id(2))];
    expected.sort();
    assert_eq!(due, expected);
    assert!(world.aside(id(4)).is_some());
    let all: Vec<_> = world.all_aside().map(|(it, _)| it).collect();
    assert!(all.len() == 2 && all.contains(&&written) && all.contains(&&told));
}

const STAGES: [&str; 2] = ["staging", "production"];

fn release_id(bundle: &str) -> Uuid {
    derive::id("release", &["shop", bundle])
}

/// The deployment of a pass.
fn of_pass(bundle: &str, ordinal: u32) -> Uuid {
    derive::deployment(release_id(bundle), "api", "RELEASE", ordinal)
}

fn begun(bundle: &str, ordinal: u32, number: u128) -> [Fact; 3] {
    let news = |it| Fact::Release(release_id(bundle), it);
    let item = Item {
        application: "api".into(),
        definition: "api".into(),
        version: format!("v{number}"),
        digest: number.to_string(),
        commit: Some(oid(number)),
    };
    let created = News::Created {
        application_set: "shop".into(),
        bundle: bundle.into(),
    };
    let begun = News::Begun {
        ordinal,
        items: vec![item],
    };
    [
        news(created),
        news(begun),
        news(News::Numbered(format!("shop-{bundle}-rc.{ordinal}"))),
    ]
}

fn over(bundle: &str, may_resume: bool) -> Fact {
    Fact::Release(release_id(bundle), News::Over { may_resume })
}

/// A bundle that goes through staging and production.
fn comes(bundle: &str, number: u128) -> Vec<Fact> {
    let deployment = of_pass(bundle, 0);
    let mut all = begun(bundle, 0, number).to_vec();
    all.extend([
        opening(deployment, &STAGES, number),
        running(deployment, "staging"),
        running(deployment, "production"),
        over(bundle, false),
    ]);
    all
}

/// From which commit to which, in production.
fn in_production(world: &World, bundle: &str) -> (Option<Oid>, Oid) {
    let stands = world.stands(release_id(bundle), "production");
    let (from, to) = stands[0].ends().unwrap();
    (from.cloned(), to.clone())
}

fn wanted(world: &World) -> Vec<(Option<Oid>, Oid)> {
    let due = world.due().into_values().filter_map(|it| match it {
        Effect::Range(it) => Some((it.from, it.to)),
        Effect::Deployment(_) => None,
    });
    let mut due: Vec<_> = due.collect();
    due.sort();
    due
}

#[test]
fn what_comes_is_compared_with_what_ran_before_and_what_has_not_come_with_what_runs() {
    let mut world = world(comes("1", 1));
    assert_eq!(in_production(&world, "1"), (None, oid(1)));
    let [created, begins, numbered] = begun("2", 0, 2);
    for fact in [created, begins, numbered] {
        world.observe(&fact);
    }
    // Where it will go is known by the release before.
    assert_eq!(world.environments(release_id("2")), STAGES);
    assert_eq!(in_production(&world, "2"), (Some(oid(1)), oid(2)));
    assert!(!world.stands(release_id("2"), "production")[0].is_same_image());
    let two = of_pass("2", 0);
    world.observe(&opening(two, &STAGES, 2));
    world.observe(&running(two, "staging"));
    // A hotfix comes in between, and moves what the release is compared with.
    world.observe(&opened(9, "production", 9));
    world.observe(&runs(9, "production"));
    assert_eq!(in_production(&world, "2"), (Some(oid(9)), oid(2)));
    world.observe(&running(two, "production"));
    assert_eq!(in_production(&world, "2"), (Some(oid(9)), oid(2)));
    // What happens later changes nothing about what it brought.
    world.observe(&opened(10, "production", 1));
    world.observe(&runs(10, "production"));
    let stand = &world.stands(release_id("2"), "production")[0];
    assert_eq!(stand.ends(), Some((Some(&oid(9)), &oid(2))));
    assert_eq!(stand.arrived_at_us, Some(5));
    assert_eq!(stand.runs.as_ref().unwrap().deployment, id(10));
    assert_eq!(in_production(&world, "1"), (None, oid(1)));
    for fact in begun("1.1", 0, 1) {
        world.observe(&fact);
    }
    assert!(world.stands(release_id("1.1"), "production")[0].is_same_image());
    // The next one is compared with what was gone back to.
    for fact in begun("3", 0, 3) {
        world.observe(&fact);
    }
    assert_eq!(in_production(&world, "3"), (Some(oid(1)), oid(3)));
}

#[test]
fn passes_of_one_release_are_one() {
    let mut world = world(comes("1", 1));
    for fact in begun("2", 0, 2) {
        world.observe(&fact);
    }
    let first = of_pass("2", 0);
    world.observe(&opening(first, &STAGES, 2));
    world.observe(&running(first, "staging"));
    world.observe(&over("2", true));
    let [_, begins, _] = begun("2", 1, 3);
    world.observe(&begins);
    let second = of_pass("2", 1);
    world.observe(&opening(second, &STAGES, 3));
    let staging = &world.stands(release_id("2"), "staging")[0];
    assert_eq!(staging.ends(), Some((Some(&oid(1)), &oid(3))));
    world.observe(&running(second, "staging"));
    let staging = &world.stands(release_id("2"), "staging")[0];
    assert_eq!(staging.ends(), Some((Some(&oid(1)), &oid(3))));
    assert_eq!(world.releases_named("shop/2"), [release_id("2")]);
    assert_eq!(world.releases_named("shop-2-rc.0"), [release_id("2")]);
    assert_eq!(world.releases_named("shop-2"), [release_id("2")]);
    let short = &release_id("2").to_string()[..8];
    assert_eq!(world.releases_named(short), [release_id("2")]);
    assert!(world.releases_named("shop").is_empty());
}

#[test]
fn what_ended_before_it_came_is_compared_with_what_ran_then() {
    for may_resume in [false, true] {
        let mut world = world(comes("1", 1));
        for fact in begun("2", 0, 2) {
            world.observe(&fact);
        }
        world.observe(&opening(of_pass("2", 0), &STAGES, 2));
        world.observe(&over("2", may_resume));
        for fact in comes("3", 3) {
            world.observe(&fact);
        }
        let stand = &world.stands(release_id("2"), "production")[0];
        assert!(stand.is_frozen);
        assert_eq!(stand.ends(), Some((Some(&oid(1)), &oid(2))));
        // Nothing more is found out for it.
        let more = wanted(&world);
        world.observe(&opened(9, "production", 9));
        world.observe(&runs(9, "production"));
        assert_eq!(wanted(&world), more);
        // Until it goes on.
        let resumed = Fact::Release(release_id("2"), News::Resumed);
        world.observe(&resumed);
        assert_eq!(in_production(&world, "2"), (Some(oid(9)), oid(2)));
        assert!(wanted(&world).contains(&(Some(oid(9)), oid(2))));
    }
}

#[test]
fn a_range_is_wanted_once_and_only_where_no_deployment_says_it() {
    let mut world = world(comes("1", 1));
    assert_eq!(wanted(&world), [], "the deployment says it");
    world.observe(&written(of_pass("1", 0)));
    assert_eq!(wanted(&world), []);
    let range = range_id("api", None, &oid(1));
    assert_eq!(world.written(range), Some(changelog_id(of_pass("1", 0))));
    // A rollback of production makes a range that staging does not have.
    world.observe(&opened(9, "production", 9));
    world.observe(&runs(9, "production"));
    world.observe(&written(id(9)));
    for fact in begun("2", 0, 2) {
        world.observe(&fact);
    }
    let both = [(Some(oid(1)), oid(2)), (Some(oid(9)), oid(2))];
    assert_eq!(wanted(&world), both);
    world.observe(&opening(of_pass("2", 0), &STAGES, 2));
    assert_eq!(
        wanted(&world),
        both[1..],
        "a deployment is to say the other"
    );
    // Who is asked why it is not there yet.
    let writes = |environment: &str| {
        let stand = &world.stands(release_id("2"), environment)[0];
        world.writes(stand)
    };
    let of_pass = of_pass("2", 0);
    assert_eq!(writes("staging"), Some(changelog_id(of_pass)));
    let range = range_id("api", Some(&oid(9)), &oid(2));
    assert_eq!(writes("production"), Some(range));
    assert_eq!(writes("nowhere"), None);
}

#[test]
fn what_an_older_version_wrote_is_not_enough() {
    let mut world = world(comes("1", 1).into_iter().take(4));
    assert_eq!(wanted(&world), []);
    world.observe(&Fact::Written {
        deployment: of_pass("1", 0),
        is_whole: false,
    });
    assert_eq!(wanted(&world), [(None, oid(1))]);
    world.observe(&Fact::RangeWritten(range_id("api", None, &oid(1))));
    assert_eq!(wanted(&world), []);
}

#[test]
fn a_release_of_a_newer_version_is_left_alone() {
    let mut world = world(comes("1", 1));
    world.observe(&written(of_pass("1", 0)));
    for fact in begun("2", 0, 2) {
        world.observe(&fact);
    }
    assert_eq!(wanted(&world).len(), 1);
    let release = AggregateId::new("release", release_id("2"));
    world.set_aside(&release, "from the future".into());
    assert_eq!(wanted(&world), []);
    assert!(world.why_aside(release_id("2")).is_some());
    let deployment = AggregateId::new("deployment", of_pass("1", 0));
    world.set_aside(&deployment, "from the future".into());
    let stand = &world.stands(release_id("1"), "production")[0];
    assert_eq!(stand.doubt.as_deref(), Some("from the future"));
    // One that was never opened here may be of any application.
    let mut world = super::tests::world(comes("1", 1));
    assert_eq!(world.stands(release_id("1"), "production")[0].doubt, None);
    let unknown = AggregateId::new("deployment", id(77));
    world.set_aside(&unknown, "from the future".into());
    assert!(
        world.stands(release_id("1"), "production")[0]
            .doubt
            .is_some()
    );
}
