//! What is due, and what is remembered of merges.

use super::*;

fn key(number: u64) -> Key {
    Key {
        repository: RepositoryName::parse("github.com/acme/api").unwrap(),
        number,
    }
}

fn fact(number: u64, event: Event) -> Fact {
    let id = key(number).id();
    Fact { id, event }
}

fn heard(number: u64) -> Fact {
    let event = Event::Heard {
        key: key(number),
        delivery: "d".to_owned(),
        action: "opened".to_owned(),
        sender: "wilma".to_owned(),
    };
    fact(number, event)
}

fn commit(digits: &str) -> Oid {
    Oid::parse(&digits.repeat(20)).unwrap()
}

fn merged(number: u64, commit: Oid, as_told: bool) -> Fact {
    let merge = Merge {
        title: "feat: x".to_owned(),
        base: "main".to_owned(),
        head: "ab".repeat(20),
        commit: Some(commit),
        labels: vec![],
        breaks: String::new(),
        merged_at_us: 5,
        as_told,
    };
    let key = key(number);
    fact(number, Event::Merged { key, merge })
}

fn due(world: &World) -> Vec<u64> {
    world.due().map(|it| it.key.number).collect()
}

fn merged_by(world: &World, branch: &str, commit: &Oid) -> Vec<u64> {
    let name = key(1).repository;
    let all = world.merged_by(&name, branch, commit);
    all.into_iter().map(|it| it.0).collect()
}

#[test]
fn what_was_heard_is_due_until_it_is_looked_at_or_merged() {
    let mut world = World::default();
    world.observe(&heard(1));
    world.observe(&heard(2));
    assert_eq!(due(&world).len(), 2);
    world.observe(&merged(2, commit("ab"), true));
    assert_eq!(due(&world), [1]);
    let request = Event::ChangeRequested {
        add: Some(Label::Minor),
        remove: BTreeSet::new(),
    };
    world.observe(&fact(1, request));
    world.observe(&fact(1, Event::Applied(Label::Minor)));
    assert_eq!(due(&world), [1], "nobody looked yet");
    let unknown = AggregateId::new("pull-request", key(1).id());
    world.set_aside(&unknown, "from the future".to_owned());
    assert!(due(&world).is_empty());
    assert_eq!(world.all_aside().count(), 1);
}

#[test]
fn a_merge_is_found_by_its_commit_and_branch_and_moves_with_what_is_told() {
    let mut world = World::default();
    for it in [
        heard(1),
        merged(1, commit("ab"), false),
        merged(2, commit("ab"), true),
    ] {
        world.observe(&it);
    }
    let mut both = merged_by(&world, "main", &commit("ab"));
    both.sort_unstable();
    assert_eq!(both, [1, 2], "a merge queue makes one commit of several");
    assert!(merged_by(&world, "develop", &commit("ab")).is_empty());
    world.observe(&merged(1, commit("cd"), true));
    assert_eq!(merged_by(&world, "main", &commit("ab")), [2]);
    assert_eq!(merged_by(&world, "main", &commit("cd")), [1]);
    assert!(world.merge_of(&key(1)).is_some() && world.merge_of(&key(3)).is_none());
}

#[test]
fn open_ones_at_rest_are_known_by_their_repository_and_news_is_told_once() {
    let mut world = World::default();
    let repository = key(1).repository;
    assert_eq!(world.repositories().count(), 0);
    let seen = |heard: u64, status: Status| Observed {
        heard,
        title: "feat: x".to_owned(),
        status,
        base: "main".to_owned(),
        head: "ab".repeat(20),
        labels: vec![],
    };
    for number in 1..=4 {
        world.observe(&heard(number));
    }
    let open = |world: &World| world.open_of(&repository).collect::<BTreeSet<_>>();
    assert!(open(&world).is_empty(), "somebody looks at them anyway");
    for number in 1..=3 {
        world.observe(&fact(number, Event::Observed(seen(1, Status::Open))));
    }
    world.observe(&fact(2, Event::Observed(seen(1, Status::Closed))));
    world.observe(&merged(3, commit("ab"), true));
    assert_eq!(open(&world), BTreeSet::from([1]));
    assert_eq!(world.repositories().collect::<Vec<_>>(), [&repository]);
    let elsewhere = RepositoryName::parse("github.com/acme/web").unwrap();
    assert_eq!(world.open_of(&elsewhere).count(), 0);

    let minor = Some(Label::Minor);
    let look = seen(0, Status::Open);
    assert!(world.is_news(&key(1), &look, minor));
    assert!(world.is_news(&key(9), &look, minor));
    assert!(!world.is_news(&key(9), &look, None));
    let unknown = AggregateId::new("pull-request", key(1).id());
    world.set_aside(&unknown, "from the future".to_owned());
    assert!(!world.is_news(&key(1), &look, minor), "a newer binary's");
    assert!(open(&world).is_empty());
}
