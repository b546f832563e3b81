//! Windows: when a stage may deploy.

use serde::Serialize;

use crate::decode;
use crate::shape::{Field, Format, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static WINDOW: Object = Object::new(
    "Window",
    &[
        Field::new(
            "allow",
            Shape::OneOf(&["true"]),
            "Deploys only inside the window.",
        ),
        Field::new(
            "deny",
            Shape::OneOf(&["true"]),
            "Does not deploy inside the window.",
        ),
        Field::new(
            "days",
            Shape::NonEmpty(&Shape::OneOf(&DAYS)),
            "On these days; every day by default.",
        ),
        Field::new(
            "from",
            Shape::Scalar(Format::Clock),
            "From this time of day.",
        ),
        Field::new(
            "to",
            Shape::Scalar(Format::Clock),
            "Until this time of day; before `from` it is on the next day.",
        ),
        Field::new(
            "tz",
            TEXT,
            "The time zone, such as Europe/Berlin; UTC by default.",
        ),
        Field::new("reason", TEXT, "Why, shown to whoever waits."),
    ],
)
.exactly_one(&["allow", "deny"]);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When a stage may or may not deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// It may not deploy inside; otherwise it may only inside.
    pub deny: bool,
    /// 0 is Monday. Empty: every day.
    pub days: Vec<u8>,
    /// Minutes since midnight.
    pub from_minute: Option<u16>,
    /// Minutes since midnight.
    pub to_minute: Option<u16>,
    /// A name of the time zone database.
    pub tz: String,
    /// Shown to whoever waits.
    pub reason: Option<String>,
}

impl Window {
    pub(super) fn decode(node: &Node) -> Self {
        let it = Some(node);
        let minute = |name: &str| {
            let text = decode::text(it, name)?;
            let (hour, minute) = text.split_once(':')?;
            Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
        };
        Self {
            deny: decode::flag(it, "deny").unwrap_or(false),
            days: decode::texts(it, "days")
                .iter()
                .filter_map(|day| DAYS.iter().position(|it| it == day))
                .filter_map(|at| u8::try_from(at).ok())
                .collect(),
            from_minute: minute("from"),
            to_minute: minute("to"),
            tz: decode::text(it, "tz").unwrap_or_else(|| "UTC".to_owned()),
            reason: decode::text(it, "reason"),
        }
    }
}
