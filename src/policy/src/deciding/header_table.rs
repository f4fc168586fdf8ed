//! Owns what a header's name means in a policy: one table, made when the policy is compiled.

use crate::header::{HeaderPattern, Spelling};

mod overrides;
mod seen;
#[cfg(test)]
mod tests;

pub(crate) use overrides::{Override, refused_headers};
pub(crate) use seen::{Copies, MAX_CARRIERS, Seen};

/// What the names of headers mean in a policy. A name that is sent has the meanings of the one it could be taken for.
#[derive(Debug)]
pub(crate) struct HeaderTable {
    /// By length: names that could be taken for one another are equally long.
    by_length: Vec<Vec<Entry>>,
    /// Names that begin alike are removed, whatever else they mean.
    prefixes: Vec<HeaderPattern>,
    /// Whether conditions read headers.
    conditions: ReadByConditions,
}

/// A name, as [`HeaderName`](crate::header::HeaderName) spells it.
#[derive(Debug)]
struct Entry {
    name: String,
    meaning: Meaning,
}

/// All that a name means: it can have a role, carry a credential and be removed at once.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    role: Role,
    /// Number of the credentials' header that it is.
    carrier: Option<usize>,
    removal: Removal,
}

/// What a header says of the request itself, the same in every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    None,
    RequestId,
    Upgrade,
    Override(Override),
    Origin,
    /// `access-control-request-method`.
    PreflightMethod,
}

/// Whether a header is taken off before the request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Removal {
    Never,
    /// Removal of look-alikes: a kept credential goes on under its own name alone.
    OfAlike,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadByConditions {
    Nowhere,
    /// A condition of some route reads them.
    Somewhere,
}

/// What the table knows of a name that was sent.
#[derive(Clone, Copy, Debug)]
struct Found {
    role: Role,
    carrier: Option<usize>,
    spelling: Spelling,
    is_removed: bool,
}

impl HeaderTable {
    /// The names that mean the same in every policy.
    pub(crate) fn of_every_policy() -> Self {
        let mut table = Self { by_length: Vec::new(), prefixes: Vec::new(), conditions: ReadByConditions::Nowhere };
        let roles = [
            ("x-request-id", Role::RequestId),
            ("upgrade", Role::Upgrade),
            ("origin", Role::Origin),
            ("access-control-request-method", Role::PreflightMethod),
        ];
        let overrides = Override::by_headers().map(|header| (header.name(), Role::Override(header)));
        for (name, role) in roles.into_iter().chain(overrides) {
            if let Some(meaning) = table.meaning(name) {
                meaning.role = role;
            }
        }
        table
    }

    /// Makes a name that of a header that carries credentials, number `carrier` of those. A header that is not kept
    /// stops at the gateway.
    pub(crate) fn add_carrier(&mut self, carrier: usize, name: &str, is_kept: bool) {
        if let Some(meaning) = self.meaning(name) {
            meaning.carrier = Some(carrier);
            meaning.removal = meaning.removal.max(if is_kept { Removal::OfAlike } else { Removal::Always });
        }
    }

    /// Makes a name one that is removed.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(meaning) = self.meaning(name) {
            meaning.removal = Removal::Always;
        }
    }

    /// Makes the names of a pattern ones that are removed.
    pub(crate) fn remove_all(&mut self, pattern: &HeaderPattern) {
        match pattern {
            HeaderPattern::Exact(name) => self.remove(name.as_str()),
            HeaderPattern::Prefix(_) => self.prefixes.push(pattern.clone()),
        }
    }

    /// Keeps what conditions may see of the headers.
    pub(crate) const fn show_to_conditions(&mut self) {
        self.conditions = ReadByConditions::Somewhere;
    }

    /// Meaning of a name, to be added to; always `Some`. A new name gets an empty one.
    fn meaning(&mut self, name: &str) -> Option<&mut Meaning> {
        if self.by_length.len() <= name.len() {
            self.by_length.resize_with(name.len().saturating_add(1), Vec::new);
        }
        let entries = self.by_length.get_mut(name.len())?;
        let place = entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
            entries.push(Entry { name: name.to_owned(), meaning: Meaning::NONE });
            entries.len().saturating_sub(1)
        });
        entries.get_mut(place).map(|entry| &mut entry.meaning)
    }

    /// Whether a header or trailer of this name must not reach the service as the client sent it.
    pub(crate) fn removes(&self, sent: &str) -> bool {
        self.find(sent).is_removed
    }

    /// What a sent name means.
    fn find(&self, sent: &str) -> Found {
        let entries = self.by_length.get(sent.len()).map_or(&[][..], Vec::as_slice);
        let found = entries.iter().find_map(|entry| Some((entry.meaning, Spelling::of(&entry.name, sent)?)));
        // Of a name without a meaning the spelling says nothing.
        let (Meaning { role, carrier, removal }, spelling) = found.unwrap_or((Meaning::NONE, Spelling::Alike));
        let is_removed = match (removal, spelling) {
            (Removal::Always, _) | (Removal::OfAlike, Spelling::Alike) => true,
            (Removal::Never, _) | (Removal::OfAlike, Spelling::Same) => {
                self.prefixes.iter().any(|prefix| prefix.is_confusable_with(sent))
            }
        };
        Found { role, carrier, spelling, is_removed }
    }
}

impl Meaning {
    const NONE: Self = Self { role: Role::None, carrier: None, removal: Removal::Never };
}
