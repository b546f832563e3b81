//! Whose label is on a pull request, and which one should be.

use decider::given;

use super::*;

fn key() -> Key {
    Key {
        repository: RepositoryName::parse("github.com/acme/api").unwrap(),
        number: 7,
    }
}

fn heard(action: &str) -> Event {
    Event::Heard {
        key: key(),
        delivery: "d".to_owned(),
        action: action.to_owned(),
        sender: "wilma".to_owned(),
    }
}

fn hear(action: &str, touched: Option<(Label, bool)>, merge: Option<Merge>) -> Command {
    let delivery = Delivery {
        id: "d".to_owned(),
        action: action.to_owned(),
        sender: "wilma".to_owned(),
        touched,
        merge,
    };
    Command::Hear(key(), delivery)
}

fn observed(heard: u64, title: &str, status: Status, labels: &[Label]) -> Observed {
    Observed {
        heard,
        title: title.to_owned(),
        status,
        base: "main".to_owned(),
        head: "ab".repeat(20),
        labels: labels.iter().map(Label::to_string).collect(),
    }
}

fn merge(labels: &[Label], as_told: bool) -> Merge {
    Merge {
        title: "feat: x".to_owned(),
        base: "main".to_owned(),
        head: "ab".repeat(20),
        commit: Some(Oid::parse(&"c0".repeat(20)).unwrap()),
        labels: labels.iter().map(Label::to_string).collect(),
        breaks: String::new(),
        merged_at_us: 5,
        as_told,
    }
}

/// A look at one that is open.
fn look(title: &str, labels: &[Label], derived: Option<Label>) -> Command {
    Command::Observe {
        observed: observed(1, title, Status::Open, labels),
        derived,
        merge: None,
    }
}

/// A pull request and the labels on it, changed by people and by what is decided.
struct Scene {
    state: State,
    labels: BTreeSet<Label>,
    events: Vec<Event>,
}

impl Scene {
    fn new() -> Self {
        let state = PullRequests::evolve(State::default(), &heard("opened"));
        let (labels, events) = (BTreeSet::new(), Vec::new());
        Self {
            state,
            labels,
            events,
        }
    }

    fn tell(&mut self, command: &Command) {
        let events = PullRequests::decide(&self.state, command).unwrap();
        self.state = PullRequests::fold(std::mem::take(&mut self.state), &events);
        self.events.extend(events);
    }

    /// Looks, and does what is asked for; the labels after it.
    fn reconcile(&mut self, title: &str, derived: Option<Label>) -> Vec<Label> {
        self.look(title, derived);
        for label in self.state.removing.clone() {
            self.labels.remove(&label);
            self.tell(&Command::Removed(label));
        }
        if let Some(label) = self.state.adding {
            self.labels.insert(label);
            self.tell(&Command::Applied(label));
        }
        self.labels.iter().copied().collect()
    }

    fn look(&mut self, title: &str, derived: Option<Label>) {
        let labels: Vec<_> = self.labels.iter().copied().collect();
        self.tell(&look(title, &labels, derived));
    }
}

#[test]
fn the_first_look_asks_for_what_the_title_derives() {
    let seen = observed(1, "feat: x", Status::Open, &[]);
    given::<PullRequests>([heard("opened")]).then(
        &look("feat: x", &[], Some(Label::Minor)),
        &[
            Event::Observed(seen),
            Event::Derived {
                title: "feat: x".to_owned(),
                label: Some(Label::Minor),
            },
            Event::ChangeRequested {
                add: Some(Label::Minor),
                remove: BTreeSet::new(),
            },
        ],
    );
}

#[test]
fn an_edited_title_replaces_towpaths_own_label_only() {
    let mut scene = Scene::new();
    assert_eq!(
        scene.reconcile("feat: x", Some(Label::Minor)),
        [Label::Minor]
    );
    assert_eq!(scene.reconcile("fix: x", None), []);
    assert_eq!(
        scene.reconcile("feat!: x", Some(Label::Major)),
        [Label::Major]
    );
    let before = scene.events.len();
    scene.reconcile("feat!: x", Some(Label::Major));
    assert_eq!(
        scene.events.len(),
        before + 1,
        "an echo is a look and nothing else"
    );
    assert!(!scene.state.is_due());
}

#[test]
fn a_persons_label_stays_and_wins() {
    let mut scene = Scene::new();
    scene.labels.insert(Label::Minor);
    assert_eq!(scene.reconcile("fix: x", None), [Label::Minor]);
    assert_eq!(
        scene.reconcile("feat!: x", Some(Label::Major)),
        [Label::Minor]
    );
    let overridden = |it: &&Event| matches!(it, Event::Overridden { .. });
    assert_eq!(scene.events.iter().filter(overridden).count(), 1);
    scene.labels.clear();
    assert_eq!(
        scene.reconcile("feat!: x", Some(Label::Major)),
        [Label::Major]
    );
    // Beside Towpath's own, the person's alone counts.
    scene.labels.insert(Label::Patch);
    assert_eq!(
        scene.reconcile("feat!: x", Some(Label::Major)),
        [Label::Patch]
    );
}

#[test]
fn what_a_person_took_off_is_not_put_back_before_the_title_derives_another() {
    let mut scene = Scene::new();
    scene.reconcile("feat: x", Some(Label::Minor));
    scene.labels.clear();
    assert_eq!(scene.reconcile("feat: x", Some(Label::Minor)), []);
    assert_eq!(scene.reconcile("feat: y", Some(Label::Minor)), []);
    assert_eq!(
        scene.reconcile("feat!: y", Some(Label::Major)),
        [Label::Major]
    );
    scene.labels.clear();
    assert_eq!(scene.reconcile("fix: y", None), []);
    assert_eq!(
        scene.reconcile("feat!: y", Some(Label::Major)),
        [Label::Major]
    );
}

#[test]
fn a_label_that_a_person_took_off_and_put_back_is_theirs() {
    let mut scene = Scene::new();
    scene.reconcile("feat: x", Some(Label::Minor));
    scene.tell(&hear("labeled", Some((Label::Minor, true)), None));
    assert_eq!(scene.reconcile("fix: x", None), [Label::Minor]);
    let mut scene = Scene::new();
    scene.reconcile("feat: x", Some(Label::Minor));
    scene.tell(&hear("unlabeled", Some((Label::Minor, false)), None));
    assert_eq!(scene.reconcile("fix: x", None), [Label::Minor]);
}

#[test]
fn who_put_a_label_on_is_known_where_it_is_told() {
    let by = "wilma".to_owned();
    let labels = BTreeSet::from([Label::Minor]);
    let overridden = Event::Overridden { labels, by };
    let told = hear("labeled", Some((Label::Minor, true)), None);
    given::<PullRequests>([heard("opened")]).then(&told, &[heard("labeled"), overridden]);
    let mut scene = Scene::new();
    scene.tell(&told);
    scene.labels.insert(Label::Minor);
    scene.reconcile("fix: x", None);
    scene.tell(&told);
    let overridden = |it: &&Event| matches!(it, Event::Overridden { .. });
    assert_eq!(scene.events.iter().filter(overridden).count(), 1);
}

#[test]
fn killed_after_acting_it_knows_its_own_label_and_its_own_removal() {
    let mut scene = Scene::new();
    scene.look("feat: x", Some(Label::Minor));
    scene.labels.insert(Label::Minor);
    assert!(scene.state.is_due(), "what was begun is finished");
    assert_eq!(scene.reconcile("fix: x", None), [], "it was Towpath's");
    let mut scene = Scene::new();
    scene.reconcile("feat: x", Some(Label::Minor));
    scene.look("feat!: x", Some(Label::Major));
    scene.labels.remove(&Label::Minor);
    assert_eq!(
        scene.reconcile("feat!: x", Some(Label::Major)),
        [Label::Major]
    );
    let taken = |it: &Event| matches!(it, Event::TakenOff { .. });
    assert!(!scene.events.iter().any(taken), "{:?}", scene.events);
}

#[test]
fn a_change_that_is_wanted_no_more_is_not_made() {
    let mut scene = Scene::new();
    scene.look("feat: x", Some(Label::Minor));
    assert_eq!(scene.reconcile("fix: x", None), []);
    assert!(!scene.state.is_due());
}

#[test]
fn one_that_is_closed_is_left_alone_until_it_is_opened_again() {
    let mut scene = Scene::new();
    let closed = Command::Observe {
        observed: observed(1, "feat: x", Status::Closed, &[]),
        derived: Some(Label::Minor),
        merge: None,
    };
    scene.look("feat: x", Some(Label::Minor));
    scene.tell(&closed);
    assert!(!scene.state.is_due());
    scene.tell(&hear("reopened", None, None));
    assert!(scene.state.is_due());
    assert_eq!(
        scene.reconcile("feat: x", Some(Label::Minor)),
        [Label::Minor]
    );
}

#[test]
fn labels_at_the_merge_are_kept_whatever_happens_to_them_later() {
    let told = merge(&[Label::Minor], true);
    let merged = Event::Merged {
        key: key(),
        merge: told.clone(),
    };
    let later = [
        hear("labeled", Some((Label::Major, true)), None),
        hear("closed", None, Some(merge(&[Label::Major], true))),
        look("feat!: x", &[Label::Major], Some(Label::Major)),
    ];
    given::<PullRequests>([heard("opened")]).then(
        &hear("closed", None, Some(told)),
        &[heard("closed"), merged.clone()],
    );
    for command in &later {
        given::<PullRequests>([heard("opened"), merged.clone()]).then(command, &[]);
    }
    let state = PullRequests::fold(State::default(), &[heard("closed"), merged]);
    assert!(!state.is_due());
}

#[test]
fn a_merge_that_was_found_gives_way_to_one_that_is_told() {
    let found = Event::Merged {
        key: key(),
        merge: merge(&[Label::Major], false),
    };
    let told = merge(&[Label::Minor], true);
    let event = Event::Merged {
        key: key(),
        merge: told.clone(),
    };
    given::<PullRequests>([heard("labeled"), found])
        .then(&hear("closed", None, Some(told)), &[heard("closed"), event]);
    let seen = observed(1, "feat: x", Status::Merged, &[]);
    let looked = Command::Observe {
        observed: seen.clone(),
        derived: Some(Label::Minor),
        merge: Some(merge(&[], false)),
    };
    let event = Event::Merged {
        key: key(),
        merge: merge(&[], false),
    };
    given::<PullRequests>([heard("labeled")]).then(&looked, &[Event::Observed(seen), event]);
}

#[test]
fn the_same_pull_request_has_the_same_id() {
    let other = Key { number: 8, ..key() };
    assert_eq!(key().id(), key().id());
    assert_ne!(key().id(), other.id());
    for status in [Status::Open, Status::Closed, Status::Merged] {
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
}

#[test]
fn news_is_what_differs_and_nobody_told() {
    let unknown = State::default();
    let seen = |labels: &[Label]| observed(0, "feat: x", Status::Open, labels);
    let minor = Some(Label::Minor);
    assert!(unknown.is_news(&seen(&[]), minor));
    assert!(
        !unknown.is_news(&seen(&[]), None),
        "no label, nothing to do"
    );
    let mut scene = Scene::new();
    assert!(!scene.state.is_news(&seen(&[]), minor), "it is due anyway");
    scene.tell(&look("feat: x", &[], minor));
    scene.tell(&Command::Applied(Label::Minor));
    let state = &scene.state;
    assert!(!state.is_news(&seen(&[Label::Minor]), minor));
    assert!(state.is_news(&seen(&[]), minor), "taken off");
    let both = [Label::Minor, Label::Major];
    assert!(state.is_news(&seen(&both), minor), "put on");
    let major = Some(Label::Major);
    assert!(
        state.is_news(&seen(&[Label::Minor]), major),
        "another title"
    );
    let closed = observed(0, "feat: x", Status::Closed, &[Label::Minor]);
    assert!(state.is_news(&closed, minor), "closed");
    scene.tell(&hear("closed", None, Some(merge(&[Label::Minor], true))));
    assert!(!scene.state.is_news(&seen(&[]), major), "it is merged");
}
