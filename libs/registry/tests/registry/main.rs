//! What registries do to us, and what we never do to them.

#[cfg(test)]
mod docker_registry;
#[cfg(test)]
mod unwell;
