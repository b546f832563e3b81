//! Repositories as git itself makes them.

#[cfg(test)]
mod between;
#[cfg(test)]
mod branches;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod made;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod tags;
