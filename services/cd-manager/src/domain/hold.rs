//! A hold: automatic promotion stops until somebody releases it or it runs out.

use std::collections::BTreeMap;

use ids::Uuid;

/// What placed a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Somebody asked for it.
    Person,
    /// A rollback places one so that the next build does not undo it.
    Rollback,
    /// A version written into git by hand.
    ManualChange,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 3] = [Self::Person, Self::Rollback, Self::ManualChange];

    /// The word in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Rollback => "rollback",
            Self::ManualChange => "manual-change",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: Uuid,
    /// `app`, `appset`, `environment` or `all`.
    pub scope: String,
    /// What is held; empty for `all`.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// When it runs out, in microseconds UTC; `None` = when released.
    pub until_us: Option<i64>,
    /// What placed it.
    pub source: Source,
}

impl Hold {
    /// Whether it still holds at `now_us`.
    pub fn is_active(&self, now_us: i64) -> bool {
        self.until_us.is_none_or(|until| now_us < until)
    }
}

/// The holds of one slot or scope that nobody released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds(BTreeMap<Uuid, Hold>);

impl Holds {
    /// Those that hold at `now_us`.
    pub fn active(&self, now_us: i64) -> impl Iterator<Item = &Hold> {
        self.0.values().filter(move |hold| hold.is_active(now_us))
    }

    /// The hold with this id, run out or not.
    pub fn find(&self, id: Uuid) -> Option<&Hold> {
        self.0.get(&id)
    }

    /// When the next one runs out, after `now_us`.
    pub fn next_end_us(&self, now_us: i64) -> Option<i64> {
        self.0
            .values()
            .filter_map(|hold| hold.until_us)
            .filter(|until| *until > now_us)
            .min()
    }

    /// Those that no person placed, whether they still hold or not.
    pub fn automatic(&self) -> impl Iterator<Item = Uuid> {
        self.0
            .values()
            .filter(|it| it.source != Source::Person)
            .map(|it| it.id)
    }

    pub(super) fn place(&mut self, hold: Hold) {
        self.0.insert(hold.id, hold);
    }

    pub(super) fn release(&mut self, id: Uuid) {
        self.0.remove(&id);
    }
}
