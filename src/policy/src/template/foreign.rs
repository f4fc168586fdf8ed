//! Owns what a wildcard of another router probably means here, so that none is taken letter for letter.
//!
//! What stands for anything elsewhere and for itself here guards nothing: `/users/:id` would be the route of one path
//! that nobody asks for. So such a text is a fault. Where it is really meant, its sign is written percent-encoded.

use std::fmt;

/// What was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// `{name}`, or a capture of a type.
    Capture(String),
    /// One segment, or all that is left: routers differ.
    OneOrRest,
    /// This capture, or nothing.
    Optional(String),
    /// A capture with text around it.
    Part(String),
    /// Several texts.
    Alternatives,
    /// The path's beginning or its end.
    End,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capture(capture) => write!(f, "write `{capture}` for {}", what_it_takes(capture)),
            Self::OneOrRest => {
                f.write_str("write `{name}` for one segment, or `{rest...}` at the end for all that is left")
            }
            Self::Optional(what) => write!(f, "write two routes, one with `{what}` and one without it"),
            Self::Part(capture) => write!(f, "a capture takes a whole segment: write `{capture}` alone"),
            Self::Alternatives => f.write_str("write a route for each of its texts"),
            Self::End => f.write_str("leave `^` and `$` out, for a template is the whole path"),
        }
    }
}

fn what_it_takes(capture: &str) -> &'static str {
    let ends = |end| capture.ends_with(end);
    if ends("...}") {
        "all that is left"
    } else if ends(":int}") {
        "any whole number"
    } else if ends(":uuid}") {
        "any UUID"
    } else {
        "any segment"
    }
}

/// What a segment without braces means in another router; `None` where it is a literal.
pub(crate) fn of_literal(segment: &str) -> Option<Meaning> {
    let begins = |signs: &[char]| segment.starts_with(signs);
    let is_wild = begins(&[':', '(', '^', '#'])
        || segment.contains(['*', '<', '>', '[', ']', '^', '|', '\\'])
        || is_named_by_a_dollar(segment)
        || has_a_part_named_by_a_colon(segment)
        || segment.ends_with(['$', '?'])
        || segment.ends_with("...")
        || segment.contains(".+")
        || segment == "+"
        || has_a_group(segment)
        || is_placeholder(segment);
    is_wild.then(|| meaning(segment))
}

/// What a segment with braces that is no capture probably means.
pub(crate) fn of_braces(segment: &str) -> Meaning {
    meaning(segment)
}

/// `$export`: a capture of few routers, and an operation of services that follow FHIR or OData. Whoever writes a
/// capture for the one text takes every sibling of it, so the text is named first.
pub(crate) fn is_operation_of_some(segment: &str) -> bool {
    segment.strip_prefix('$').is_some_and(|word| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    })
}

/// The segment with its signs percent-encoded, which then stand for themselves.
pub(crate) fn encoded(segment: &str) -> String {
    let sign = |sign: char| match sign {
        '*' => "%2A".to_owned(),
        ':' => "%3A".to_owned(),
        '$' => "%24".to_owned(),
        '(' => "%28".to_owned(),
        ')' => "%29".to_owned(),
        '+' => "%2B".to_owned(),
        other => other.to_string(),
    };
    segment.chars().map(sign).collect()
}

/// `$id`, but not what OData calls its own
/// ([URL Conventions 4.01, 4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html)).
fn is_named_by_a_dollar(segment: &str) -> bool {
    segment.strip_prefix('$').is_some_and(|rest| {
        let word = rest.split_once('(').map_or(rest, |(word, _arguments)| word);
        !ODATA.contains(&word)
    })
}

/// `@:user`, `from-:from`, `name.:ext`; `books:batch`, `12:30`, `a::b` and `-:aggregate` (a method of whatever parent)
/// are none.
fn has_a_part_named_by_a_colon(segment: &str) -> bool {
    let signs: Vec<char> = segment.strip_prefix("-:").unwrap_or(segment).chars().collect();
    signs.windows(3).any(|signs| match signs {
        [before, ':', after] => !before.is_alphanumeric() && *before != ':' && (after.is_alphabetic() || *after == '_'),
        _ => false,
    })
}

/// `(.*)`, `(?<id>`, `(.:format)`, or half of `(/:id)`; `Items(1)` is none.
fn has_a_group(segment: &str) -> bool {
    ["(.", "(:", "(?"].iter().any(|group| segment.contains(group))
        || segment.matches('(').count() != segment.matches(')').count()
}

/// `%s`, and the `%` of SQL; not an escape.
fn is_placeholder(segment: &str) -> bool {
    segment.strip_prefix('%').is_some_and(|rest| !rest.starts_with(|digit: char| digit.is_ascii_hexdigit()))
        || ["%d", "%c", "%f"].contains(&segment)
}

fn meaning(segment: &str) -> Meaning {
    let has = |texts: &[&str]| texts.iter().any(|text| segment.contains(text));
    if ["*", "{*}"].contains(&segment) {
        return Meaning::OneOrRest;
    }
    let is_anchored = segment.starts_with('^') || (segment.ends_with('$') && !segment.starts_with('$'));
    if segment == "{$}" || (is_anchored && !has(&["*", "+", "(", "[", "\\"])) {
        return Meaning::End;
    }
    // The last letter of `users?` may be left out.
    if segment.contains('|') || (segment.ends_with('?') && !has(&[":", "{", "<", "[", "(", "$", "*"])) {
        return Meaning::Alternatives;
    }
    let capture = capture(segment);
    let has_default = segment.starts_with('{') && has(&["="]) && !has(&["*"]);
    let is_group = (segment.starts_with('(') || has(&["(."])) && !has(&["(?", ".*", ".+", "\\", "["]);
    if segment.ends_with('?') || has(&["?}"]) || segment.starts_with("[[") || has_default || is_group {
        return Meaning::Optional(capture);
    }
    if is_part(segment) { Meaning::Part(capture) } else { Meaning::Capture(capture) }
}

/// The capture that takes what the notation takes, under the same name.
fn capture(segment: &str) -> String {
    let words: Vec<&str> = words(segment).collect();
    // `<int:id>` names the type first.
    let own = usize::from(
        segment.starts_with('<') && words.len() > 1 && words.first().is_some_and(|word| TYPES.contains(word)),
    );
    let is_of_type = |types: &[&str]| words.iter().enumerate().any(|(at, word)| at != own && types.contains(word));
    let has = |texts: &[&str]| texts.iter().any(|text| segment.contains(text));
    let name = words.get(own).and_then(|word| name(word));
    let is_rest = has(&["**", "...", "..>", ".*", ".+", "{*", "{+"])
        || (has(&["*}", "+}"]) && !has(&["=", ":"]))
        || ["$", "#"].contains(&segment)
        || is_of_type(&["path"])
        || (segment.starts_with(':') && segment.ends_with(['*', '+']))
        || segment.strip_prefix('*').is_some_and(|after| words == [after]);
    let is_number = is_of_type(&NUMBERS) || (has(&["\\d", "0-9"]) && !has(&["\\w", "a-", "A-"]));
    match name.unwrap_or_else(|| if is_rest { "rest".to_owned() } else { "name".to_owned() }) {
        name if is_rest => format!("{{{name}...}}"),
        name if is_number => format!("{{{name}:int}}"),
        name if is_of_type(&UUIDS) => format!("{{{name}:uuid}}"),
        name => format!("{{{name}}}"),
    }
}

/// Whether there is text beside what is captured.
fn is_part(segment: &str) -> bool {
    let (Some(open), Some(close)) = (segment.find(OPENING), segment.rfind(CLOSING)) else {
        return segment.contains('*')
            && !segment.starts_with([':', '(', '^'])
            && words(segment).next().is_some()
            && !segment.strip_prefix('*').is_some_and(|after| words(segment).eq([after]));
    };
    let (before, rest) = segment.split_at_checked(open).unwrap_or((segment, ""));
    let (inner, after) = rest.split_at_checked(close.saturating_sub(open)).unwrap_or((rest, ""));
    before.contains(|sign: char| !"$#:%(^".contains(sign))
        || after.contains(|sign: char| !"}]>)*+$".contains(sign))
        || (segment.starts_with('{') && inner.contains('}'))
}

/// The words in a notation: names and types, but not a regular expression's classes.
fn words(segment: &str) -> impl Iterator<Item = &str> {
    let named =
        segment.split_once("(?P<").or_else(|| segment.split_once("(?<")).map_or(segment, |(_before, after)| after);
    // `%s` and `\d` name nothing.
    let escapes = segment.starts_with('%') || segment.contains('\\');
    named
        .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_' && sign != '-')
        .map(|word| word.trim_matches('-'))
        .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
        .filter(move |word| !(escapes && word.len() == 1))
}

/// A word as the name of a capture: `userId` is `user_id`.
fn name(word: &str) -> Option<String> {
    let mut name = String::new();
    let mut after_small = false;
    for sign in word.chars() {
        match sign {
            'A'..='Z' if after_small => {
                name.push('_');
                name.push(sign.to_ascii_lowercase());
            }
            'A'..='Z' => name.push(sign.to_ascii_lowercase()),
            '-' => name.push('_'),
            _ => name.push(sign),
        }
        after_small = sign.is_ascii_lowercase() || sign.is_ascii_digit();
    }
    name.trim_start_matches('_').starts_with(|first: char| first.is_ascii_lowercase()).then_some(name)
}

const OPENING: [char; 3] = ['{', '[', '<'];

const CLOSING: [char; 3] = ['}', ']', '>'];

const NUMBERS: [&str; 6] = ["int", "integer", "long", "number", "u32", "u64"];

const UUIDS: [&str; 3] = ["uuid", "guid", "Uuid"];

/// What stands for a type.
const TYPES: [&str; 14] = [
    "int", "integer", "long", "number", "u32", "u64", "uuid", "guid", "Uuid", "path", "string", "str", "slug", "float",
];

const ODATA: [&str; 11] =
    ["all", "batch", "count", "crossjoin", "each", "entity", "filter", "metadata", "query", "ref", "value"];

#[cfg(test)]
mod tests;
