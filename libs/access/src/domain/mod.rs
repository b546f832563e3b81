//! Who may call: decided here, without IO.

pub mod identity;
