//! Policies against a slow and obvious reading of what they say.

use proptest::prelude::*;

use super::*;

const GROUPS: [&str; 3] = ["qa", "product", "security"];

fn person(name: &str, groups: &[&str]) -> Person {
    Person {
        issuer: "towpath".into(),
        name: name.into(),
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn group(name: &str, min: u32) -> Policy {
    Policy::Stakeholder {
        who: Who::Group(name.into()),
        min,
    }
}

#[test]
fn one_person_counts_once() {
    let both = person("ada", &["qa", "product"]);
    let qa = person("quinn", &["qa"]);
    let all = Policy::AllOf {
        policies: vec![group("qa", 1), group("product", 1)],
    };
    assert!(!all.is_satisfied(std::slice::from_ref(&both)));
    assert!(!all.is_satisfied(&[qa.clone(), person("quentin", &["qa"])]));
    // Whoever approved first does not decide who takes which seat.
    assert!(all.is_satisfied(&[both.clone(), qa.clone()]));
    assert!(all.is_satisfied(&[qa.clone(), both]));
    assert!(!group("qa", 2).is_satisfied(std::slice::from_ref(&qa)));
    assert!(group("qa", 2).is_satisfied(&[qa, person("quentin", &["qa"])]));
}

#[test]
fn any_of_counts_persons_of_children_that_are_satisfied() {
    let any = |min| Policy::AnyOf {
        min,
        policies: vec![group("qa", 2), group("product", 1)],
    };
    let (a, b) = (person("a", &["qa"]), person("b", &["qa"]));
    let p = person("p", &["product"]);
    assert!(
        !any(1).is_satisfied(std::slice::from_ref(&a)),
        "qa sends two"
    );
    assert!(any(1).is_satisfied(&[a.clone(), b.clone()]));
    assert!(any(1).is_satisfied(std::slice::from_ref(&p)));
    assert!(!any(2).is_satisfied(&[a.clone(), p.clone()]));
    assert!(any(3).is_satisfied(&[a, b, p]));
}

#[test]
fn a_policy_reads_like_a_sentence() {
    let user = Policy::Stakeholder {
        who: Who::User("ada".into()),
        min: 1,
    };
    let policy = Policy::AllOf {
        policies: vec![
            group("qa", 2),
            Policy::AnyOf {
                min: 1,
                policies: vec![group("security", 1), user],
            },
        ],
    };
    assert_eq!(
        policy.to_string(),
        "all of (2 of group `qa`, 1 of (group `security`, `ada`))"
    );
    let ada = person("ada", &["qa"]);
    let spoken_for = [Who::Group("qa".into()), Who::User("ada".into())];
    assert_eq!(policy.spoken_for(&ada), spoken_for);
}

/// Whether exactly these persons, each of them used, are what a policy says.
fn exactly(policy: &Policy, persons: &[&Person]) -> bool {
    match policy {
        Policy::Stakeholder { who, min } => {
            persons.len() == *min as usize && persons.iter().all(|it| who.covers(it))
        }
        Policy::AllOf { policies } => shared_out(policies, persons, &|_, rest| rest.is_empty()),
        Policy::AnyOf { min, policies } => {
            let subsets = 1..1_u32 << policies.len();
            persons.len() >= (*min as usize)
                && subsets.into_iter().any(|subset| {
                    let chosen: Vec<_> = policies
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| subset & (1 << at) != 0)
                        .map(|it| it.1.clone())
                        .collect();
                    shared_out(&chosen, persons, &|chosen, rest| {
                        rest.iter()
                            .all(|person| chosen.iter().any(|it| !it.spoken_for(person).is_empty()))
                    })
                })
        }
    }
}

/// Whether the persons can be shared out to the policies so that what is left is as wanted.
fn shared_out(
    policies: &[Policy],
    persons: &[&Person],
    left: &dyn Fn(&[Policy], &[&Person]) -> bool,
) -> bool {
    let shares = policies.len() + 1;
    let count = u32::try_from(persons.len()).unwrap();
    (0..shares.pow(count)).any(|mut code| {
        let mut parts: Vec<Vec<&Person>> = vec![Vec::new(); shares];
        for person in persons {
            parts[code % shares].push(person);
            code /= shares;
        }
        let rest = parts.pop().unwrap();
        left(policies, &rest)
            && policies
                .iter()
                .zip(&parts)
                .all(|(policy, part)| exactly(policy, part))
    })
}

fn some_are_enough(policy: &Policy, persons: &[Person]) -> bool {
    (0..1_u32 << persons.len()).any(|subset| {
        let chosen: Vec<_> = persons
            .iter()
            .enumerate()
            .filter(|(at, _)| subset & (1 << at) != 0)
            .map(|it| it.1)
            .collect();
        exactly(policy, &chosen)
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let who = prop_oneof![
        4 => (0..GROUPS.len()).prop_map(|it| Who::Group(GROUPS[it].into())),
        1 => (0..4_usize).prop_map(|it| Who::User(format!("p{it}"))),
    ];
    let leaf = (who, 1..3_u32).prop_map(|(who, min)| Policy::Stakeholder { who, min });
    leaf.prop_recursive(2, 6, 2, |inner| {
        let children = || prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            children().prop_map(|policies| Policy::AllOf { policies }),
            (1..4_u32, children()).prop_map(|(min, policies)| Policy::AnyOf { min, policies }),
        ]
    })
}

fn any_persons() -> impl Strategy<Value = Vec<Person>> {
    let groups = prop::collection::vec(any::<bool>(), GROUPS.len());
    prop::collection::vec(groups, 0..5).prop_map(|all| {
        let person = |(at, has): (usize, Vec<bool>)| {
            let groups = GROUPS.iter().zip(has).filter(|it| it.1);
            let groups: Vec<_> = groups.map(|it| *it.0).collect();
            person(&format!("p{at}"), &groups)
        };
        all.into_iter().enumerate().map(person).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn persons_are_enough_exactly_when_they_can_be_shared_out(
        policy in any_policy(),
        persons in any_persons(),
    ) {
        prop_assert_eq!(policy.is_satisfied(&persons), some_are_enough(&policy, &persons));
    }

    #[test]
    fn order_and_more_persons_never_take_anything_away(
        policy in any_policy(),
        persons in any_persons(),
    ) {
        let mut turned = persons.clone();
        turned.reverse();
        prop_assert_eq!(policy.is_satisfied(&persons), policy.is_satisfied(&turned));
        for fewer in 0..persons.len() {
            if policy.is_satisfied(&persons[..fewer]) {
                prop_assert!(policy.is_satisfied(&persons));
            }
        }
    }
}
