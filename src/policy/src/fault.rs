//! Owns how a faulty policy is reported: every fault, each with its place.

use std::fmt;

/// One thing wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `routes[3].require.scopes.all[0]`; empty for the document as a whole.
    pub path: String,
    /// What: lower case, no final period, the author's text in backticks.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// All that is wrong with a policy document, a line a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn one(place: &Place, message: impl Into<String>) -> Self {
        let mut faults = Self::none();
        faults.add(place, message);
        faults
    }

    pub(crate) fn add(&mut self, place: &Place, message: impl Into<String>) {
        self.0.push(Fault { path: place.0.clone(), message: message.into() });
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a result; its error is noted at `place`.
    pub(crate) fn keep<T, E: fmt::Display>(&mut self, place: &Place, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(place, error.to_string());
                None
            }
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

/// A place in a document, written as its author would point at it.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) const fn root() -> Self {
        Self(String::new())
    }

    /// The member `key` of this object.
    pub(crate) fn key(&self, key: &str) -> Self {
        if self.0.is_empty() { Self(key.to_owned()) } else { Self(format!("{}.{key}", self.0)) }
    }

    /// The entry `index` of this list.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}
