//! Owns how a faulty policy is reported: every fault, each with its place.

use std::fmt;

/// One thing wrong with a policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `routes[3].require.scopes.all[0]`; empty for the document as a whole.
    pub path: String,
    /// What: lower case, no final period, the author's text in backticks.
    pub message: String,
    /// What to write instead, where that can be guessed: lower case, no final period.
    pub hint: Option<String>,
    /// Which part of the text there it is about, where it is not about the whole.
    pub part: Option<Blamed>,
}

/// A part of the text at a fault's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blamed {
    /// The sign before which there are so many.
    Sign(usize),
    /// These words, wherever they stand; perhaps not as the author spaced or quoted them.
    Words(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
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
        self.add_hinted(place, message, None);
    }

    /// Notes a fault, and what to write instead if that is known.
    pub(crate) fn add_hinted(&mut self, place: &Place, message: impl Into<String>, hint: Option<String>) {
        self.add_part(place, message, hint, None);
    }

    /// Notes a fault of a part of the text that stands there.
    pub(crate) fn add_part(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        hint: Option<String>,
        part: Option<Blamed>,
    ) {
        self.0.push(Fault { path: place.0.clone(), message: message.into(), hint, part });
    }

    /// Notes a text that is none of those that could stand there, with the one that was meant, if it is near.
    pub(crate) fn add_unknown<'a>(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        text: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.add_hinted(place, message, nearest(text, known));
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of another, behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
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

/// A question that names the known text nearest to what was written, if one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let allowed = (text.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|known| *known != text)
        .map(|known| (strsim::osa_distance(&text.to_lowercase(), &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= allowed || (text.len() > 2 && known.starts_with(text)))
        .min()
        .map(|(_distance, known)| format!("did you mean `{known}`?"))
}

/// A place in a document, written as its author would point at it.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) const fn root() -> Self {
        Self(String::new())
    }

    pub(crate) fn into_path(self) -> String {
        self.0
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

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn near_text_is_suggested_and_far_text_is_not() {
        let known = ["require", "routes", "refusals", "id"];
        for (text, meant) in [
            ("requires", Some("require")),
            ("Route", Some("routes")),
            ("reufsals", Some("refusals")),
            ("di", Some("id")),
            ("x", None),
            ("methods", None),
            ("id", None),
        ] {
            assert_eq!(nearest(text, known), meant.map(|meant| format!("did you mean `{meant}`?")), "{text}");
        }
    }
}
