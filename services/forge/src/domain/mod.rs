//! Pull requests and the label that each of them carries: decided here, read and written elsewhere.

pub mod label;
pub mod pull_request;
