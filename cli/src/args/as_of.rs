//! `--as-of`, of whatever can be shown as it was.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct AsOf {
    /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
    /// its beginning, so it takes longer on a long one.
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    as_of: Option<String>,
}

impl AsOf {
    /// As calls have it: empty for now.
    pub(crate) fn moment(self) -> String {
        self.as_of.unwrap_or_default()
    }
}
