//! What a role does about events that another one writes.

/// One event of another role, and what comes of it. A role's table of these is checked against
/// what its fold takes in of all golden events; `docs/reference/services.md` is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumed {
    /// The full name of the message.
    pub event: &'static str,
    /// What the role does about it, as the rest of a sentence that begins with the role.
    pub what: &'static str,
}
