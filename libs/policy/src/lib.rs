//! Who has to say yes, and whether they did.
//!
//! A stakeholder is satisfied by so many distinct persons of a group; `AnyOf` by so many distinct
//! persons over its children; `AllOf` by an assignment of distinct persons to all children. Pure:
//! the roles' domains hold policies and ask them, and no two roles can read one differently.

#![warn(missing_docs)]

use std::collections::BTreeSet;
use std::fmt;

/// Who has to say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// So many distinct persons of a group, or one person.
    Stakeholder {
        /// Who.
        who: Who,
        /// How many.
        min: u32,
    },
    /// So many distinct persons over all of these.
    AnyOf {
        /// How many.
        min: u32,
        /// Who.
        policies: Vec<Self>,
    },
    /// All of these, each by persons of its own.
    AllOf {
        /// Who.
        policies: Vec<Self>,
    },
}

/// A group or a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Members of this group.
    Group(String),
    /// This person.
    User(String),
}

/// Somebody who says something: who vouched for them, their name, and their groups now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who vouched for the name.
    pub issuer: String,
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Person {
    /// Whether both are the same person, whatever groups they were in.
    pub fn is(&self, other: &Self) -> bool {
        (&self.issuer, &self.name) == (&other.issuer, &other.name)
    }
}

impl Who {
    /// Whether a person speaks for this.
    pub fn covers(&self, person: &Person) -> bool {
        match self {
            Self::Group(group) => person.groups.contains(group),
            Self::User(name) => person.name == *name,
        }
    }
}

impl Policy {
    /// Everybody it names, once each, in order.
    pub fn stakeholders(&self) -> Vec<&Who> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Who>) {
        match self {
            Self::Stakeholder { who, .. } => {
                if !found.contains(&who) {
                    found.push(who);
                }
            }
            Self::AnyOf { policies, .. } | Self::AllOf { policies } => {
                for policy in policies {
                    policy.collect(found);
                }
            }
        }
    }

    /// Those of the policy that a person speaks for.
    pub fn spoken_for(&self, person: &Person) -> Vec<Who> {
        let all = self.stakeholders().into_iter();
        all.filter(|it| it.covers(person)).cloned().collect()
    }

    /// Whether these persons, all different, are enough.
    pub fn is_satisfied(&self, persons: &[Person]) -> bool {
        self.ways().iter().any(|seats| is_seated(seats, persons))
    }

    /// Every way to be satisfied, each as the seats that distinct persons have to take. Of
    /// endlessly many only the first: leaving one out never lets anything through.
    fn ways(&self) -> Vec<Vec<Seat<'_>>> {
        match self {
            Self::Stakeholder { who, min } => vec![vec![vec![who]; *min as usize]],
            Self::AllOf { policies } => policies
                .iter()
                .fold(vec![vec![]], |ways, it| both(&ways, &it.ways())),
            Self::AnyOf { min, policies } => any_of(*min as usize, policies),
        }
    }
}

/// Those any of whom may sit here.
type Seat<'a> = Vec<&'a Who>;

/// So many ways are looked at.
const WAYS: usize = 1_000;

/// Each way of one with each of the other.
fn both<'a>(one: &[Vec<Seat<'a>>], other: &[Vec<Seat<'a>>]) -> Vec<Vec<Seat<'a>>> {
    one.iter()
        .flat_map(|one| {
            other
                .iter()
                .map(move |other| [&one[..], &other[..]].concat())
        })
        .take(WAYS)
        .collect()
}

/// Some of the children, each satisfied, and as many more persons who speak for one of those.
fn any_of(min: usize, policies: &[Policy]) -> Vec<Vec<Seat<'_>>> {
    // One person of such a child satisfies it: those need not be chosen one by one.
    let (plain, other): (Vec<_>, Vec<_>) = policies
        .iter()
        .partition(|it| matches!(it, Policy::Stakeholder { min: 1, .. }));
    let anybody: Seat<'_> = plain.iter().flat_map(|it| it.stakeholders()).collect();
    let mut chosen = vec![(vec![], anybody)];
    for policy in other {
        let ways = policy.ways();
        let with: Vec<_> = chosen
            .iter()
            .flat_map(|(seats, anybody): &(Vec<Seat<'_>>, Seat<'_>)| {
                let anybody = [&anybody[..], &policy.stakeholders()[..]].concat();
                ways.iter()
                    .map(move |more| ([&seats[..], &more[..]].concat(), anybody.clone()))
            })
            .take(WAYS)
            .collect();
        chosen.extend(with);
        chosen.truncate(WAYS);
    }
    let mut ways = Vec::new();
    for (mut seats, anybody) in chosen {
        let missing = min.max(1).saturating_sub(seats.len());
        seats.extend(vec![anybody; missing]);
        ways.push(seats);
    }
    ways
}

/// Whether every seat can be taken by a person of its own (maximum bipartite matching, by
/// augmenting paths).
fn is_seated(seats: &[Seat<'_>], persons: &[Person]) -> bool {
    let mut seat_of: Vec<Option<usize>> = vec![None; persons.len()];
    (0..seats.len()).all(|seat| find_seat(seat, seats, persons, &mut seat_of, &mut BTreeSet::new()))
}

fn find_seat(
    seat: usize,
    seats: &[Seat<'_>],
    persons: &[Person],
    seat_of: &mut [Option<usize>],
    asked: &mut BTreeSet<usize>,
) -> bool {
    for (at, person) in persons.iter().enumerate() {
        let may = seats[seat].iter().any(|it| it.covers(person));
        if !may || !asked.insert(at) {
            continue;
        }
        let is_free = match seat_of[at] {
            None => true,
            Some(other) => find_seat(other, seats, persons, seat_of, asked),
        };
        if is_free {
            seat_of[at] = Some(seat);
            return true;
        }
    }
    false
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group `{name}`"),
            Self::User(name) => write!(f, "`{name}`"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies = match self {
            Self::Stakeholder { who, min: 1 } => return write!(f, "{who}"),
            Self::Stakeholder { who, min } => return write!(f, "{min} of {who}"),
            Self::AnyOf { min, policies } => {
                write!(f, "{min} of (")?;
                policies
            }
            Self::AllOf { policies } => {
                f.write_str("all of (")?;
                policies
            }
        };
        for (at, policy) in policies.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}{policy}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
