//! Commit messages, judged by Conventional Commits 1.0.0 alone
//! (<https://www.conventionalcommits.org/en/v1.0.0/>).

/// A message that conforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conventional {
    /// As written; compare without regard to case (rule 15).
    pub kind: String,
    /// What stands in parentheses.
    pub scope: Option<String>,
    /// Marked with `!`, or by a footer `BREAKING CHANGE` or `BREAKING-CHANGE`.
    pub breaking: bool,
    /// The rest of the first line.
    pub description: String,
    /// What stands between it and the footers.
    pub body: Option<String>,
    /// Token and value, in order.
    pub footers: Vec<Footer>,
}

/// One footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// As written.
    pub token: String,
    /// Without the separator and without blank lines at its end.
    pub value: String,
}
