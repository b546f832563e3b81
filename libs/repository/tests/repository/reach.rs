//! What can be reached, whatever the clocks said.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::made::{Made, Planned};

/// A history of branches and merges whose clocks go wrong now and then.
fn history(random: &mut StdRng, length: usize) -> Vec<Planned> {
    let mut plan: Vec<Planned> = vec![(vec![], 1_000_000)];
    while plan.len() < length {
        let recent = plan.len().saturating_sub(8);
        let first = random.random_range(recent..plan.len());
        let mut parents = vec![first];
        if random.random_bool(0.3) {
            let second = random.random_range(recent..plan.len());
            if second != first {
                parents.push(second);
            }
        }
        let usual = 1_000_000 + 60 * plan.len() as u64;
        let time = if random.random_bool(0.1) {
            random.random_range(900_000..1_100_000)
        } else {
            usual
        };
        plan.push((parents, time));
    }
    plan
}

/// A commit and everything below it.
fn below(plan: &[Planned], at: usize) -> BTreeSet<usize> {
    let (mut found, mut next) = (BTreeSet::new(), vec![at]);
    while let Some(at) = next.pop() {
        if found.insert(at) {
            next.extend(&plan[at].0);
        }
    }
    found
}

#[test]
fn ranges_and_reach_are_right_on_random_histories() {
    for seed in 0..20 {
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let plan = history(&mut random, 60);
        let made = Made::of(&plan);
        if seed % 2 == 0 {
            made.git(&["commit-graph", "write", "--reachable"]);
        }
        let repository = made.open();
        for _ in 0..10 {
            let (a, b) = (random.random_range(0..60), random.random_range(0..60));
            // Not asked of git: with such clocks it is wrong itself now and then.
            let apart = &below(&plan, b) - &below(&plan, a);
            let names = apart.iter().map(|it| made.commits[*it].to_string());
            let expected: BTreeSet<_> = names.collect();
            let (a, b) = (&made.commits[a], &made.commits[b]);
            let found = repository.range(Some(a), b).unwrap();
            let found: BTreeSet<_> = found.iter().map(|it| it.oid.to_string()).collect();
            assert_eq!(found, expected, "{a}..{b}");
        }
        let at = random.random_range(40..60);
        let head = made.commits[at].clone();
        let candidates: Vec<_> = (0..30)
            .map(|_| made.commits[random.random_range(0..60)].clone())
            .collect();
        let reached = below(&plan, at);
        let reached: BTreeSet<_> = reached.iter().map(|it| &made.commits[*it]).collect();
        let expected = candidates.iter().position(|it| reached.contains(it));
        let found = repository.first_reachable(&[head], &candidates).unwrap();
        assert_eq!(found, expected);
    }
}
