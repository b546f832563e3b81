//! What lies between two commits, as it is stored and sent.

use ids::Oid;
use versioning::changelog::{
    Changelog, Direction, End, Entry, Forge, LeftOut, Person, Reason, Section, Side, Untold,
};

use crate::changelog::v1 as pb;

/// A field that holds what cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(pub String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// What a changelog says, without its ends.
pub fn to_wire(it: &Changelog) -> pb::Found {
    pb::Found {
        added: Some(side_to_wire(&it.added)),
        removed: Some(side_to_wire(&it.removed)),
        forge: it
            .forge
            .as_ref()
            .map(|it| it.base().to_owned())
            .unwrap_or_default(),
        warnings: it.warnings.clone(),
    }
}

/// The changelog between these ends that says this.
pub fn from_wire(it: pb::Found, from: Option<End>, to: End) -> Result<Changelog, Invalid> {
    let added = side_from_wire(it.added.unwrap_or_default())?;
    let removed = side_from_wire(it.removed.unwrap_or_default())?;
    Ok(Changelog {
        from,
        to,
        direction: Direction::between(added.count() == 0, removed.count() == 0),
        added,
        removed,
        forge: Forge::of_remote(&it.forge),
        warnings: it.warnings,
    })
}

fn side_to_wire(it: &Side) -> pb::FoundSide {
    let untold = it.untold.shown.iter().map(|(section, count)| pb::Untold {
        section: section.name().to_owned(),
        count: *count,
    });
    pb::FoundSide {
        shown: it.shown.iter().map(shown_to_wire).collect(),
        left_out: it.left_out.iter().map(left_out_to_wire).collect(),
        untold: untold.collect(),
        untold_left_out: it.untold.left_out,
        untold_unsorted: it.untold.unsorted,
    }
}

fn side_from_wire(it: pb::FoundSide) -> Result<Side, Invalid> {
    let untold = it.untold.into_iter();
    let untold = untold.map(|it| Ok((section(&it.section)?, it.count)));
    Ok(Side {
        shown: it
            .shown
            .into_iter()
            .map(shown_from_wire)
            .collect::<Result<_, _>>()?,
        left_out: it
            .left_out
            .into_iter()
            .map(left_out_from_wire)
            .collect::<Result<_, _>>()?,
        untold: Untold {
            shown: untold.collect::<Result<_, _>>()?,
            left_out: it.untold_left_out,
            unsorted: it.untold_unsorted,
        },
    })
}

fn shown_to_wire(it: &Entry) -> pb::Shown {
    pb::Shown {
        commit: it.oid.to_string(),
        section: it.section.name().to_owned(),
        subject: it.subject.clone(),
        r#type: it.kind.clone().unwrap_or_default(),
        scope: it.scope.clone().unwrap_or_default(),
        breaking: it.breaking,
        description: it.description.clone(),
        breaking_notes: it.notes.clone(),
        author: Some(person_to_wire(&it.author)),
        co_authors: it.co_authors.iter().map(person_to_wire).collect(),
        pull_request: it.pull_request.clone().unwrap_or_default(),
        issues: it.issues.clone(),
        reverts: it.reverts.clone(),
        committed_at_s: it.committed_at,
    }
}

fn shown_from_wire(it: pb::Shown) -> Result<Entry, Invalid> {
    let told = |text: String| (!text.is_empty()).then_some(text);
    Ok(Entry {
        section: section(&it.section)?,
        oid: oid(&it.commit)?,
        subject: it.subject,
        kind: told(it.r#type),
        scope: told(it.scope),
        breaking: it.breaking,
        description: it.description,
        notes: it.breaking_notes,
        author: person(it.author.unwrap_or_default()),
        co_authors: it.co_authors.into_iter().map(person).collect(),
        pull_request: told(it.pull_request),
        issues: it.issues,
        reverts: it.reverts,
        committed_at: it.committed_at_s,
    })
}

fn left_out_to_wire(it: &LeftOut) -> pb::LeftOut {
    let others = it.reason.others().into_iter();
    pb::LeftOut {
        commit: it.oid.to_string(),
        subject: it.subject.clone(),
        reason: it.reason.name().to_owned(),
        r#type: it.reason.kind().unwrap_or_default().to_owned(),
        because_of: others.map(ToString::to_string).collect(),
    }
}

fn left_out_from_wire(it: pb::LeftOut) -> Result<LeftOut, Invalid> {
    let others = it.because_of.iter().map(|it| oid(it));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let reason = Reason::told(&it.reason, &it.r#type, &others);
    Ok(LeftOut {
        oid: oid(&it.commit)?,
        subject: it.subject,
        reason: reason.ok_or_else(|| Invalid(format!("`{}` is no reason", it.reason)))?,
    })
}

fn person_to_wire(it: &Person) -> pb::Person {
    pb::Person {
        name: it.name.clone(),
        email: it.email.clone(),
    }
}

fn person(it: pb::Person) -> Person {
    Person {
        name: it.name,
        email: it.email,
    }
}

fn section(name: &str) -> Result<Section, Invalid> {
    Section::named(name).ok_or_else(|| Invalid(format!("`{name}` is no section")))
}

fn oid(text: &str) -> Result<Oid, Invalid> {
    Oid::parse(text).map_err(|it| Invalid(it.to_string()))
}

#[cfg(test)]
mod tests {
    use versioning::changelog::{Changes, Commit, Draft, Range};

    use super::*;

    fn end(digit: &str) -> End {
        End {
            revision: format!("v{digit}"),
            oid: Oid::parse(&digit.repeat(40)).unwrap(),
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let commit = |digit: &str, parents: &[&str], message: &str| Commit {
            oid: end(digit).oid,
            parents: parents.iter().map(|it| end(it).oid).collect(),
            message: message.to_owned(),
            author: Person {
                name: "Wilma".to_owned(),
                email: "wilma@example.com".to_owned(),
            },
            committed_at: 7,
        };
        let range = Range {
            from: Some(end("a")),
            to: end("f"),
            added: vec![
                commit("f", &["e", "b"], "Merge"),
                commit("e", &["d"], "docs: x"),
                commit("d", &["c"], "Update"),
                commit(
                    "c",
                    &["b"],
                    "feat(ui)!: y (#2)\n\nBREAKING CHANGE: z\nCo-authored-by: Ada <a@b.c>",
                ),
            ],
            removed: vec![commit(
                "1",
                &["0"],
                "fix: w\n\nThis reverts commit 1234567.",
            )],
        };
        let forge = Forge::of_remote("git@gitlab.com:acme/shop.git");
        let mut all = Draft::read(range).finish(&Changes::default(), forge);
        all.added.untold.shown.insert(Section::Fixes, 3);
        all.removed.untold.left_out = 4;
        let read = from_wire(to_wire(&all), all.from.clone(), all.to.clone());
        assert_eq!(read, Ok(all));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let read = |change: fn(&mut pb::FoundSide)| {
            let mut side = pb::FoundSide {
                shown: vec![pb::Shown {
                    commit: "a".repeat(40),
                    section: "fixes".to_owned(),
                    ..pb::Shown::default()
                }],
                left_out: vec![pb::LeftOut {
                    commit: "b".repeat(40),
                    reason: "merge".to_owned(),
                    ..pb::LeftOut::default()
                }],
                ..pb::FoundSide::default()
            };
            change(&mut side);
            let found = pb::Found {
                added: Some(side),
                ..pb::Found::default()
            };
            from_wire(found, None, end("a"))
        };
        assert!(read(|_| {}).is_ok());
        for change in [
            (|it| it.shown[0].section = "odd".to_owned()) as fn(&mut pb::FoundSide),
            |it| it.shown[0].commit = "odd".to_owned(),
            |it| it.left_out[0].reason = "odd".to_owned(),
            |it| it.left_out[0].reason = "reverted".to_owned(),
            |it| it.left_out[0].commit.clear(),
        ] {
            assert!(read(change).is_err());
        }
    }
}
