//! One measured figure, its floor, its goal, and whether the goal is met.

use std::fmt;

use serde_json::{Value, json};

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Milliseconds; less is better.
    Ms,
    /// Events per second; more is better.
    EventsPerS,
    /// Commits per second; more is better.
    CommitsPerS,
    /// Pushes; less is better.
    Pushes,
    /// 2^20 bytes; less is better.
    MiB,
    /// 10^6 bytes; less is better.
    Mb,
}

impl Unit {
    /// The word behind a value.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::EventsPerS => "events/s",
            Self::CommitsPerS => "commits/s",
            Self::Pushes => "pushes",
            Self::MiB => "MiB",
            Self::Mb => "MB",
        }
    }
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// At most so many times the floor.
    TimesFloor(f64),
    /// At most the floor and so much more.
    AboveFloor(f64),
    /// At least this part of the floor.
    PartOfFloor(f64),
    /// At least so much, or this part of the floor.
    AtLeastOrPart(f64, f64),
    /// At most so much.
    AtMost(f64),
}

/// What the same work needs with nothing of Towpath in the way.
#[derive(Debug, Clone)]
pub(crate) struct Floor {
    /// What was measured.
    pub(crate) what: &'static str,
    /// In the unit of the figure.
    pub(crate) value: f64,
}

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What it says.
    pub(crate) what: String,
    /// What was measured.
    pub(crate) value: f64,
    /// What it is counted in.
    pub(crate) unit: Unit,
    /// What it stands beside.
    pub(crate) floor: Option<Floor>,
    /// What is promised.
    pub(crate) goal: Option<Goal>,
    /// Whether `--check` fails when it misses.
    pub(crate) gates: bool,
    /// More about the same samples.
    pub(crate) note: String,
}

/// The line above figures.
pub(crate) const HEADING: &str = "what                                                          \
     measured                      floor       goal                         met";

impl Figure {
    /// A figure with nothing beside it.
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            floor: None,
            goal: None,
            gates: false,
            note: String::new(),
        }
    }

    /// Puts a floor beside it.
    pub(crate) fn floor(mut self, what: &'static str, value: f64) -> Self {
        self.floor = Some(Floor { what, value });
        self
    }

    /// Says what is promised.
    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Lets `--check` fail when it misses.
    pub(crate) fn gates(mut self) -> Self {
        self.gates = true;
        self
    }

    /// Says more.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether the goal is met; nothing when there is none.
    pub(crate) fn met(&self) -> Option<bool> {
        let value = self.value;
        let floor = self.floor.as_ref().map_or(f64::NAN, |it| it.value);
        Some(match self.goal? {
            Goal::TimesFloor(times) => value <= floor * times,
            Goal::AboveFloor(more) => value <= floor + more,
            Goal::PartOfFloor(part) => value >= floor * part,
            Goal::AtLeastOrPart(least, part) => value >= least || value >= floor * part,
            Goal::AtMost(most) => value <= most,
        })
    }

    /// The goal in words.
    pub(crate) fn goal_text(&self) -> String {
        let unit = self.unit.word();
        match self.goal {
            None => "–".to_owned(),
            Some(Goal::TimesFloor(times)) => format!("≤ {times} × floor"),
            Some(Goal::AboveFloor(more)) => format!("≤ floor + {more} {unit}"),
            Some(Goal::PartOfFloor(part)) => format!("≥ {part} × floor"),
            Some(Goal::AtLeastOrPart(least, part)) => {
                format!("≥ {least:.0} {unit} or ≥ {part} × floor")
            }
            Some(Goal::AtMost(most)) => format!("≤ {most} {unit}"),
        }
    }

    /// `yes`, `no`, or nothing to meet.
    pub(crate) fn met_text(&self) -> &'static str {
        match self.met() {
            None => "–",
            Some(true) => "yes",
            Some(false) => "NO",
        }
    }

    /// The floor in words.
    pub(crate) fn floor_text(&self) -> String {
        self.floor
            .as_ref()
            .map_or_else(|| "–".to_owned(), |it| number(it.value))
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let floor = self.floor.as_ref();
        json!({
            "what": self.what,
            "value": self.value,
            "unit": self.unit.word(),
            "floor": floor.map(|it| json!({ "what": it.what, "value": it.value })),
            "goal": self.goal.map(|_| self.goal_text()),
            "met": self.met(),
            "gates": self.gates,
            "note": self.note,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = format!("{} {}", number(self.value), self.unit.word());
        write!(
            f,
            "{:<58} {value:>20} {:>14}       {:<28} {}",
            self.what,
            self.floor_text(),
            self.goal_text(),
            self.met_text()
        )?;
        if let Some(floor) = &self.floor {
            write!(f, "\n    floor: {}", floor.what)?;
        }
        if !self.note.is_empty() {
            write!(f, "\n    {}", self.note)?;
        }
        Ok(())
    }
}

/// Three digits that mean something, and no more.
pub(crate) fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(value: f64, floor: f64, goal: Goal) -> Option<bool> {
        let figure = Figure::new("it", value, Unit::Ms).goal(goal);
        figure.floor("nothing in the way", floor).met()
    }

    #[test]
    fn goals_are_met_at_their_edge_and_missed_beyond_it() {
        for (goal, at, beyond) in [
            (Goal::TimesFloor(2.0), 20.0, 20.1),
            (Goal::AboveFloor(20.0), 30.0, 30.1),
            (Goal::PartOfFloor(0.5), 5.0, 4.9),
            (Goal::AtLeastOrPart(7.0, 0.5), 5.0, 4.9),
            (Goal::AtLeastOrPart(3.0, 0.5), 3.0, 2.9),
            (Goal::AtMost(50.0), 50.0, 50.1),
        ] {
            assert_eq!(met(at, 10.0, goal), Some(true), "{goal:?}");
            assert_eq!(met(beyond, 10.0, goal), Some(false), "{goal:?}");
        }
    }

    #[test]
    fn a_goal_without_its_floor_is_missed() {
        let figure = Figure::new("it", 1.0, Unit::Ms).goal(Goal::TimesFloor(2.0));
        assert_eq!(figure.met(), Some(false));
        assert_eq!(Figure::new("it", 1.0, Unit::Ms).met(), None);
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.123, 1.234, 12.34, 123.4, 123_456.7].map(number);
        assert_eq!(shown, ["0.12", "1.23", "12.3", "123", "123457"]);
    }
}
