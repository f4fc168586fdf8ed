//! Owns the reading of a document's text: whole, or with every fault and its place.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_path_to_error::Segment;

use super::PolicyDocument;
use super::strict::Strict;
use super::words::{in_our_words, meant, unquoted};
use crate::fault::{Faults, Place};
use crate::json;

impl PolicyDocument {
    /// Reads a document from JSON text.
    ///
    /// # Errors
    /// Text that is not JSON or repeats a member: that one fault. A document of the wrong shape: every fault, each
    /// with its path (of several keys missing from one object, the first).
    pub fn read(text: &str) -> Result<Self, Faults> {
        let value = json::parse(text.as_bytes())
            .map_err(|error| Faults::one(&Place::root(), format!("this is not a JSON document: {error}")))?;
        Self::understand(Cow::Owned(value))
    }

    /// Reads a document that was parsed already, and repeats no member.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of(value: &Value) -> Result<Self, Faults> {
        Self::understand(Cow::Borrowed(value))
    }

    fn understand(value: Cow<'_, Value>) -> Result<Self, Faults> {
        let mut reading = Reading { value, cuts: BTreeSet::new() };
        let mut faults = Faults::none();
        // Serde takes a null for a key that was left out. An empty `owner:` must not open a route.
        for spot in reading.take_nulls() {
            faults.add(&spot, "nothing is written here; write a value, or remove the key");
        }
        // Serde stops at the first fault. To find the others, what is faulty is cut out and the rest is read again, for
        // its faults alone. Each turn cuts something out, so the loop ends.
        loop {
            let error = match serde_path_to_error::deserialize::<_, Self>(Strict(&reading.value)) {
                Ok(document) if faults.is_empty() => return Ok(document),
                Ok(_remains) => return Err(faults),
                Err(error) => error,
            };
            // Each fault costs another reading of the document, so their number is limited.
            if faults.len() >= MAX_FAULTS {
                faults.add(&Place::root(), "there are more faults; they are told when these are mended");
                return Err(faults);
            }
            let spot = reading.locate(error.path());
            let message = error.inner().to_string();
            if !reading.caused(&spot, &message) {
                let meant = meant(&message).or_else(|| unquoted(&message, &spot.written));
                faults.add_hinted(&spot.place, in_our_words(&message), meant);
            }
            if !reading.cut_out(spot) {
                return Err(faults);
            }
        }
    }
}

/// Removes the nulls from a value, in the order of the document. A place is written out only for a value that has a
/// null.
fn take_nulls(value: &mut Value, place: &Place, pointer: &str, found: &mut impl FnMut(&Place, String)) {
    match value {
        Value::Array(entries) => {
            let mut index = 0_usize;
            entries.retain_mut(|entry| {
                let at = index;
                index = index.saturating_add(1);
                keep_unless_null(entry, || (place.index(at), format!("{pointer}/{at}")), found)
            });
        }
        Value::Object(members) => members.retain(|key, member| {
            // RFC 6901, 3.
            let step = || key.replace('~', "~0").replace('/', "~1");
            keep_unless_null(member, || (place.key(key), format!("{pointer}/{}", step())), found)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn keep_unless_null(
    value: &mut Value,
    at: impl FnOnce() -> (Place, String),
    found: &mut impl FnMut(&Place, String),
) -> bool {
    if has_null(value) {
        let (place, pointer) = at();
        if value.is_null() {
            found(&place, pointer);
            return false;
        }
        take_nulls(value, &place, &pointer, found);
    }
    true
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The limit on faults of shape that are told at once.
const MAX_FAULTS: usize = 200;

/// A document of which the faulty parts are cut out one by one.
struct Reading<'a> {
    /// Copied where something is cut out.
    value: Cow<'a, Value>,
    /// The JSON pointers of what was cut out, into the document as written.
    cuts: BTreeSet<String>,
}

/// A place in the document as written, and its JSON pointers there and in what is left of it.
struct Spot {
    place: Place,
    written: String,
    left: String,
}

impl Spot {
    /// The entry that is number `left` in what is left, and was number `written`.
    fn entry(&self, left: usize, written: usize) -> Self {
        Self {
            place: self.place.index(written),
            written: format!("{}/{written}", self.written),
            left: format!("{}/{left}", self.left),
        }
    }

    fn member(&self, key: &str) -> Self {
        // RFC 6901, 3.
        let step = key.replace('~', "~0").replace('/', "~1");
        Self {
            place: self.place.key(key),
            written: format!("{}/{step}", self.written),
            left: format!("{}/{step}", self.left),
        }
    }
}

impl Reading<'_> {
    fn locate(&self, path: &serde_path_to_error::Path) -> Spot {
        let mut spot = Spot { place: Place::root(), written: String::new(), left: String::new() };
        for segment in path {
            spot = match segment {
                Segment::Seq { index } => spot.entry(*index, self.index_as_written(&spot.written, *index)),
                Segment::Map { key } => spot.member(key),
                // A word alone has nothing below it.
                Segment::Enum { variant } if self.value.pointer(&spot.left).is_some_and(Value::is_object) => {
                    spot.member(variant)
                }
                Segment::Enum { .. } | Segment::Unknown => break,
            };
        }
        spot
    }

    /// Removes all nulls, and returns their places.
    fn take_nulls(&mut self) -> Vec<Place> {
        let (mut places, mut cuts) = (Vec::new(), Vec::new());
        if has_null(&self.value) {
            take_nulls(self.value.to_mut(), &Place::root(), "", &mut |place: &Place, pointer: String| {
                places.push(place.clone());
                cuts.push(pointer);
            });
        }
        self.cuts.extend(cuts);
        places
    }

    /// The number an entry had before entries ahead of it were cut out.
    fn index_as_written(&self, list: &str, left: usize) -> usize {
        if self.cuts.is_empty() {
            return left;
        }
        let is_there = |index: &usize| !self.cuts.contains(&format!("{list}/{index}"));
        // As many entries as were ever cut out can stand ahead of this one, so the search is bounded.
        (0..=left.saturating_add(self.cuts.len())).filter(is_there).nth(left).map_or(left, |index| index)
    }

    /// `true` if a message is about something that was cut out here, so that the author did not leave it out.
    fn caused(&self, spot: &Spot, message: &str) -> bool {
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        let cut_below =
            || self.cuts.iter().any(|cut| cut.strip_prefix(&spot.written).is_some_and(|at| at.starts_with('/')));
        missing.is_some_and(|(name, _rest)| self.cuts.contains(&format!("{}/{name}", spot.written)))
            || (message.starts_with("one of `") && message.ends_with("belongs here, not an object") && cut_below())
    }

    /// Removes the entry or member at `spot`; `false` if nothing is there.
    fn cut_out(&mut self, spot: Spot) -> bool {
        let Some((parent, last)) = spot.left.rsplit_once('/') else {
            return false;
        };
        let found = match self.value.to_mut().pointer_mut(parent) {
            Some(Value::Object(members)) => members.remove(&last.replace("~1", "/").replace("~0", "~")).is_some(),
            Some(Value::Array(entries)) => match last.parse::<usize>() {
                Ok(index) if index < entries.len() => {
                    entries.remove(index);
                    true
                }
                Ok(_) | Err(_) => false,
            },
            Some(_) | None => false,
        };
        found && self.cuts.insert(spot.written)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn faults(text: &str) -> Vec<String> {
        PolicyDocument::read(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_reported_with_its_place() {
        let text = r#"{
            "version": "1", "name": "x", "nmae": 1,
            "forward": {"headers": {"x-a": 5}}, "refusals": {"format": "xml"},
            "routes": [
                {"id": 7, "methods": ["GET"], "path": "/a"},
                {"id": "b", "methods": ["GET", 1, 2, "PUT", 3], "path": "/b", "requires": {}},
                {"id": "c", "path": "/c"},
                {"id": "d", "methods": [], "path": "/d", "require": {"credentials": ["tokne"], "scopes": "any"}}
            ]
        }"#;
        let found = faults(text);
        for (fault, expected) in found.iter().zip([
            "forward.headers.x-a: a fact, or `fact` with `encoding`, `separator` or `missing` belongs here, not the number `5`",
            "nmae: unknown key `nmae`",
            "refusals.format: unknown word `xml`",
            "routes[0].id: a text belongs here, not the number `7`",
            "routes[1].methods[1]: a text belongs here",
            "routes[1].methods[2]: a text belongs here",
            "routes[1].methods[4]: a text belongs here",
            "routes[1].requires: unknown key `requires`",
            "routes[2]: missing key `methods`",
            "routes[3].require.scopes: unknown word `any`",
            "version: a whole number belongs here, not the text `1`",
        ]) {
            assert!(fault.starts_with(expected), "{found:#?}");
        }
        assert_eq!(found.len(), 11, "{found:#?}");
    }

    #[test]
    fn object_is_never_a_list_of_its_members() {
        let text = r#"{
            "version": 1, "name": "x", "mode": "shadow", "forward": [{}], "refusals": ["ehealth"],
            "routes": [["a", ["GET"], "/a", {"because": "b"}], {"id": "b", "methods": ["GET"], "path": "/b", "public": ["c"]},
                {"id": "c", "methods": ["GET"], "path": "/c", "mode": {"shadow": 1}, "public": "everybody"}]
        }"#;
        let found = faults(text);
        for (fault, expected) in found.iter().zip([
            "forward: an object of `headers`, `json`, `fixed`, `strip`, `keep` belongs here, not a list",
            "mode: `shadow` wants something behind it; write `{ shadow: … }`",
            "refusals: an object of `format`, `messages` belongs here, not a list",
            "routes[0]: an object of `id`, `methods`",
            "routes[1].public: an object of `because` belongs here, not a list",
            "routes[2].mode.shadow: nothing behind `shadow` belongs here, not the number `1`",
            "routes[2].public: an object of `because` belongs here, not the text `everybody`",
        ]) {
            assert!(fault.starts_with(expected), "{found:#?}");
        }
        assert_eq!(found.len(), 7, "{found:#?}");
    }

    #[test]
    fn misspelt_words_are_answered_with_the_right_ones() {
        let text = r#"{
            "version": 1, "name": "x", "forward": {"headers": {}}, "refusals": {"format": "ehelth"}, "quite_other": 1,
            "routes": [{"id": "a", "methods": ["GET"], "path": "/a", "requires": {}},
                {"id": "b", "methods": ["GET"], "path": "/b", "require": {"credentials": ["tokne"], "scopes": {"al": []}}}]
        }"#;
        let found = PolicyDocument::read(text).unwrap_err();
        let hints: Vec<_> = found.iter().map(|fault| (fault.path.as_str(), fault.hint.as_deref())).collect();
        assert_eq!(
            hints,
            [
                ("quite_other", None),
                ("refusals.format", Some("did you mean `ehealth`?")),
                ("routes[0].requires", Some("did you mean `require`?")),
                ("routes[1].require.scopes.al", Some("did you mean `all`?")),
            ]
        );
    }

    #[test]
    fn what_is_read_otherwise_than_meant_is_told() {
        let text = r#"{
            "version": 1, "name": false, "forward": {"headers": {}}, "refusals": {"format": "bare"}, "rate_limit": {}, "cors": {},
            "authorities": {"a": {"cluster": 7, "host": "h", "timeout": 1, "auth": {"none": {"because": "x"}}}},
            "routes": [{"id": "a", "methods": ["GET"], "path": "/a", "readOnly": {}}]
        }"#;
        let found = PolicyDocument::read(text).unwrap_err();
        let hint = |path: &str| found.iter().find(|fault| fault.path == path).and_then(|fault| fault.hint.clone());
        assert_eq!(hint("authorities.a.timeout").as_deref(), Some("did you mean `1s`?"));
        assert_eq!(hint("authorities.a.cluster").as_deref(), Some("put it in quotes: `\"7\"`"));
        for (path, word) in [
            ("name", "in quotes"),
            ("rate_limit", "local_ratelimit"),
            ("cors", "http.cors"),
            ("routes[0].readOnly", "[GET, HEAD]"),
        ] {
            assert!(hint(path).is_some_and(|hint| hint.contains(word)), "{path}: {:?}", hint(path));
        }
    }

    #[test]
    fn null_is_no_way_to_leave_something_out() {
        let text = r#"{
            "version": 1, "name": "x", "forward": {"headers": {}}, "refusals": {"format": "ehealth"},
            "routes": [null, {"id": "a", "methods": [null, "GET", null], "path": "/a", "public": null, "require":
                {"credentials": ["token"], "scopes": "none", "owner": null}}]
        }"#;
        let nothing = ": nothing is written here; write a value, or remove the key";
        let places = [
            "routes[0]",
            "routes[1].methods[0]",
            "routes[1].methods[2]",
            "routes[1].public",
            "routes[1].require.owner",
        ];
        assert_eq!(faults(text), places.map(|place| format!("{place}{nothing}")));
    }

    #[test]
    fn text_that_is_no_document_is_one_fault() {
        for text in ["", "[", "5", "[]", "null", r#"{"version":1,"version":1}"#] {
            assert_eq!(faults(text).len(), 1, "{text}");
        }
    }
}
