//! A name for what a changelog says: whatever is told of it is in the name.

use ids::{Digest, Oid};
use versioning::changelog::{Changelog, End, Entry, Forge, LeftOut, Person, Section, Side};

use super::Subject;

/// Texts in order, each with its length, so that none runs into the next.
#[derive(Default)]
struct Texts(String);

impl Texts {
    fn add(&mut self, text: &str) {
        self.0.extend([&text.len().to_string(), ":", text, "\n"]);
    }

    fn number(&mut self, number: &impl ToString) {
        self.add(&number.to_string());
    }

    fn all<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.number(&texts.len());
        texts.for_each(|it| self.add(it));
    }

    fn end(&mut self, it: &End) {
        self.add(&it.revision);
        self.add(it.oid.as_str());
    }

    fn person(&mut self, it: &Person) {
        self.add(&it.name);
        self.add(&it.email);
    }

    fn entry(&mut self, it: &Entry) {
        self.add(it.section.name());
        self.add(it.oid.as_str());
        self.add(&it.subject);
        for text in [&it.kind, &it.scope, &it.pull_request] {
            self.add(text.as_deref().unwrap_or_default());
        }
        self.number(&u8::from(it.breaking));
        self.add(&it.description);
        for texts in [&it.notes, &it.issues, &it.reverts] {
            self.all(texts.iter().map(String::as_str));
        }
        self.person(&it.author);
        self.number(&it.co_authors.len());
        it.co_authors.iter().for_each(|it| self.person(it));
        self.number(&it.committed_at);
    }

    fn left_out(&mut self, it: &LeftOut) {
        self.add(it.oid.as_str());
        self.add(&it.subject);
        self.add(it.reason.name());
        self.add(it.reason.kind().unwrap_or_default());
        self.all(it.reason.others().into_iter().map(Oid::as_str));
    }

    fn side(&mut self, it: &Side) {
        self.number(&it.shown.len());
        it.shown.iter().for_each(|it| self.entry(it));
        self.number(&it.left_out.len());
        it.left_out.iter().for_each(|it| self.left_out(it));
        for section in Section::ALL {
            self.number(&it.untold.of(section));
        }
        self.number(&it.untold.left_out);
        self.number(&it.untold.unsorted);
    }
}

/// SHA-256 over what a changelog is about and everything that it says.
pub(super) fn of(subject: &Subject, application: &str, it: &Changelog) -> Digest {
    let mut texts = Texts::default();
    match subject {
        Subject::Deployment(id) => texts.all(["deployment", &id.to_string()].into_iter()),
        Subject::Range { definition } => texts.all(["range", definition].into_iter()),
    }
    texts.add(application);
    texts.number(&u8::from(it.from.is_some()));
    for end in it.from.iter().chain([&it.to]) {
        texts.end(end);
    }
    texts.side(&it.added);
    texts.side(&it.removed);
    texts.add(it.forge.as_ref().map_or("", Forge::base));
    texts.all(it.warnings.iter().map(String::as_str));
    Digest::of(texts.0.as_bytes())
}
