//! Requests as they are made up: what each place of one can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Facts};

use super::condition::Tree;
use crate::support::headers;

/// What a condition reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Method,
    Host,
    Path,
    Id,
    Uuid,
    Number,
    Header,
    /// Of headers.
    Names,
    Subject,
    Scopes,
    Now,
    /// `size(..)`.
    Size(Measured),
}

/// What a condition asks the size of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measured {
    Method,
    Host,
    Path,
    Id,
    Uuid,
    Header,
    Subject,
    Scopes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Absent,
    Text(String),
    Number(i64),
    List(Vec<String>),
}

impl Place {
    pub(crate) const ALL: [Self; 19] = [
        Self::Method,
        Self::Host,
        Self::Path,
        Self::Id,
        Self::Uuid,
        Self::Number,
        Self::Header,
        Self::Names,
        Self::Subject,
        Self::Scopes,
        Self::Now,
        Self::Size(Measured::Method),
        Self::Size(Measured::Host),
        Self::Size(Measured::Path),
        Self::Size(Measured::Id),
        Self::Size(Measured::Uuid),
        Self::Size(Measured::Header),
        Self::Size(Measured::Subject),
        Self::Size(Measured::Scopes),
    ];

    pub(crate) const fn written(self) -> &'static str {
        match self {
            Self::Method => "request.method",
            Self::Host => "request.host",
            Self::Path => "request.path",
            Self::Id => "params.id",
            Self::Uuid => "params.uuid",
            Self::Number => "params.n",
            Self::Header => "request.headers[\"x-a\"]",
            Self::Names => "request.headers",
            Self::Subject => "token.subject",
            Self::Scopes => "token.scopes",
            Self::Now => "now",
            Self::Size(Measured::Method) => "size(request.method)",
            Self::Size(Measured::Host) => "size(request.host)",
            Self::Size(Measured::Path) => "request.path.size()",
            Self::Size(Measured::Id) => "size(params.id)",
            Self::Size(Measured::Uuid) => "size(params.uuid)",
            Self::Size(Measured::Header) => "size(request.headers[\"x-a\"])",
            Self::Size(Measured::Subject) => "token.subject.size()",
            Self::Size(Measured::Scopes) => "size(token.scopes)",
        }
    }

    /// What it is the size of.
    pub(crate) const fn measured(self) -> Option<Self> {
        match self {
            Self::Size(measured) => Some(measured.place()),
            _ => None,
        }
    }

    pub(crate) const fn is_part_of_path(self) -> bool {
        let place = match self {
            Self::Size(measured) => measured.place(),
            place => place,
        };
        matches!(place, Self::Id | Self::Uuid | Self::Number)
    }

    /// With what it is compared: texts that can be there, or be a part of it, and such as never are.
    pub(crate) const fn texts(self) -> [&'static [&'static str]; 2] {
        match self {
            Self::Method => [&["GET", "PUT", "", "G", "T", "ET", "U"], &["put", "DELETE"]],
            Self::Host => [
                &["api.example", "a.b.example", "example", ".example", "b", "api", "", "c.", "a.b"],
                &["Api.example", ":80"],
            ],
            Self::Path => [&["/c/", "/c/a", "/a", "a/", "/7", "7", "a", ""], &["//", "?a"]],
            Self::Id => [&["a", "A b", "é", "b", "", "aa", "ab", "ba", "%", "%a"], &["a/b", "..", "?", "%41"]],
            Self::Uuid => [
                &["1380df72-275a-11e7-93ae-92361f002671", "-", "13", "1", "", "f0"],
                &["1380DF72-275A-11E7-93AE-92361F002671", "x"],
            ],
            Self::Header => [&["a", "é", "", "b", "a b", "ab", "aba"], &[" a", "\n"]],
            Self::Names => [&["x-b", "x-c", "x-", "b", "x-bb", ""], &["X-B", "x_b", "authorization"]],
            Self::Subject => [&["a", "NHS ADMIN", "b", "N", "ab", "é"], &["", "\n", " a"]],
            Self::Scopes => [&["a", "b", "ab", "a:", "a:b"], &["a b", "é", ""]],
            Self::Number | Self::Now | Self::Size(_) => [&[""], &[""]],
        }
    }

    /// With which numbers it is compared.
    pub(crate) const fn numbers(self) -> &'static [i64] {
        match self {
            Self::Number => &[-1, 0, 1, 2, 7, 8, 9, i64::MAX],
            Self::Now => &[0, 1, 1_700_000_000, 1_700_000_001, 1_700_000_002],
            Self::Size(measured) => measured.numbers(),
            _ => &[0],
        }
    }

    /// Values of every kind that the condition can tell apart; `None` where they are too many.
    pub(crate) fn values(self, tree: &Tree) -> Option<Vec<Value>> {
        let texts = self.candidates(tree)?.into_iter().filter(|text| self.takes(text));
        Some(match self {
            Self::Number | Self::Now => {
                let near = |number: i64| [number.saturating_sub(1), number, number.saturating_add(1)];
                let numbers = tree.numbers(self).into_iter().flat_map(near).chain([0, 5, 2_000_000_000]);
                numbers.filter(|number| *number >= 0).map(Value::Number).collect()
            }
            Self::Size(measured) => {
                let near = |number: i64| [number.saturating_sub(1), number, number.saturating_add(1)];
                let sizes = tree.numbers(self).into_iter().flat_map(near).chain([36, 50, 100]).chain(0..20);
                let sizes = sizes.filter(|size| measured.value(*size).is_some()).map(Value::Number);
                let absent = matches!(measured, Measured::Header | Measured::Subject).then_some(Value::Absent);
                absent.into_iter().chain(sizes).collect()
            }
            Self::Names | Self::Scopes => {
                let mut sorts = BTreeMap::<_, Vec<String>>::new();
                for entry in texts {
                    let alike = sorts.entry(tree.row_of_entry(self, &entry)).or_default();
                    // Two of a sort are told from one by `exists_one`.
                    if alike.len() < 2 {
                        alike.push(entry);
                    }
                }
                let entries: Vec<_> = sorts.into_values().flatten().collect();
                if entries.len() > 10 {
                    return None;
                }
                let mut lists: Vec<Vec<String>> = vec![Vec::new()];
                for entry in entries {
                    let mut more = lists.clone();
                    more.iter_mut().for_each(|list| list.push(entry.clone()));
                    lists.extend(more);
                }
                lists.into_iter().map(Value::List).collect()
            }
            Self::Method | Self::Host | Self::Path | Self::Id | Self::Uuid | Self::Header | Self::Subject => {
                let absent = matches!(self, Self::Header | Self::Subject).then_some(Value::Absent);
                absent.into_iter().chain(texts.map(Value::Text)).collect()
            }
        })
    }

    /// The texts of the condition, alone and joined with each other and with what none of them has.
    fn candidates(self, tree: &Tree) -> Option<BTreeSet<String>> {
        let mut parts = tree.texts(self);
        parts.extend(["", "z"].map(str::to_owned));
        if parts.len() > 10 {
            return None;
        }
        let two = |one: &String| parts.iter().map(move |two| format!("{one}{two}")).collect::<Vec<_>>();
        let pairs: BTreeSet<String> = parts.iter().flat_map(two).collect();
        let three = |pair: &String| parts.iter().map(move |part| format!("{pair}{part}")).collect::<Vec<_>>();
        let threes = || pairs.iter().flat_map(three);
        Some(match self {
            Self::Method => ["GET", "PUT"].map(str::to_owned).into(),
            Self::Host => {
                let below = |name: String| ["", ".", "b.example", ".b.example"].map(|end| format!("{name}{end}"));
                threes().flat_map(below).chain(["api.example".to_owned()]).collect()
            }
            Self::Path => {
                let ids = ["z", "a", "az", "za", "aza", "7", "a7", "7a"];
                let uuids = ["e", "7", "a"].iter().flat_map(|begin| ["e", "7", "a"].map(|end| (*begin, end)));
                let uuids: Vec<_> =
                    uuids.map(|(begin, end)| format!("{begin}eeeeeee-eeee-eeee-eeee-eeeeeeeeeee{end}")).collect();
                let numbers = ["5", "7", "57", "75"];
                let with = |id: &&str| {
                    let paths = uuids.iter().flat_map(|uuid| numbers.map(|number| format!("/c/{id}/{uuid}/{number}")));
                    paths.collect::<Vec<_>>()
                };
                ids.iter().flat_map(with).collect()
            }
            // Hexadecimal parts at the beginning, in the last group and at the end of identifiers that have them
            // nowhere else.
            Self::Uuid => {
                let parts: Vec<_> = parts.iter().filter(|part| part.len() < 4 && !part.contains('-')).collect();
                let mut found = tree.texts(self);
                for base in ["eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee", "1380df72-275a-11e7-93ae-92361f002671"] {
                    let base: Vec<char> = base.chars().collect();
                    let with = |at: usize, part: &str, base: &mut Vec<char>| {
                        part.chars().enumerate().for_each(|(offset, sign)| base[at + offset] = sign);
                    };
                    for (one, two) in parts.iter().flat_map(|one| parts.iter().map(move |two| (one, two))) {
                        found.extend(parts.iter().map(|three| {
                            let mut base = base.clone();
                            with(0, one, &mut base);
                            with(24, two, &mut base);
                            with(36 - three.len(), three, &mut base);
                            base.into_iter().collect()
                        }));
                    }
                }
                found
            }
            Self::Names => threes().collect(),
            Self::Id | Self::Header | Self::Subject | Self::Scopes => {
                let ends = tree.ends(self);
                let with = |part: &String| {
                    ends.iter()
                        .flat_map(move |end| [format!("{part}{end}"), format!("{end}{part}")])
                        .collect::<Vec<_>>()
                };
                threes().chain(parts.iter().flat_map(with)).collect()
            }
            Self::Number | Self::Now | Self::Size(_) => BTreeSet::new(),
        })
    }

    /// Whether a request can have this text there.
    fn takes(self, text: &str) -> bool {
        let is_visible = |sign: char| ('!'..='~').contains(&sign);
        match self {
            Self::Method | Self::Path => true,
            Self::Host => {
                let label = |label: &str| !label.is_empty() && label.chars().all(|sign| sign.is_ascii_lowercase());
                text == "api.example" || text.strip_suffix(".b.example").is_some_and(|name| name.split('.').all(label))
            }
            Self::Id => {
                let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
                let is_encoded = text.match_indices('%').any(|(at, _)| is_hex(at + 1) && is_hex(at + 2));
                let is_plain = !text.contains(['/', '?', '\\', ';', '#']) && !is_encoded;
                !text.is_empty() && text != "." && text != ".." && is_plain
            }
            Self::Uuid => {
                text.len() == 36
                    && text.char_indices().all(|(at, sign)| match at {
                        8 | 13 | 18 | 23 => sign == '-',
                        _ => sign.is_ascii_digit() || ('a'..='f').contains(&sign),
                    })
            }
            Self::Header => !text.contains('\n') && !text.starts_with(' '),
            Self::Names => {
                let is_name = !text.is_empty() && text.bytes().all(|sign| sign == b'-' || sign.is_ascii_lowercase());
                is_name && text != "authorization"
            }
            Self::Subject => !text.is_empty() && !text.contains(char::is_control) && text.trim() == text,
            Self::Scopes => !text.is_empty() && text.chars().all(|sign| is_visible(sign) && sign != '\\'),
            Self::Number | Self::Now | Self::Size(_) => false,
        }
    }
}

impl Measured {
    const fn place(self) -> Place {
        match self {
            Self::Method => Place::Method,
            Self::Host => Place::Host,
            Self::Path => Place::Path,
            Self::Id => Place::Id,
            Self::Uuid => Place::Uuid,
            Self::Header => Place::Header,
            Self::Subject => Place::Subject,
            Self::Scopes => Place::Scopes,
        }
    }

    const fn numbers(self) -> &'static [i64] {
        match self {
            Self::Method => &[2, 3, 3, 4],
            Self::Host => &[10, 11, 12, 13],
            Self::Path => &[42, 43, 44, 45],
            Self::Id | Self::Header | Self::Scopes => &[-1, 0, 1, 2, 3],
            Self::Uuid => &[35, 36, 36, 37],
            Self::Subject => &[0, 1, 2, 255, 256, 257],
        }
    }

    /// Something of this size; `None` where nothing has it, or what has it is too large to be sent here.
    fn value(self, size: i64) -> Option<Value> {
        let size = usize::try_from(size).ok().filter(|size| *size <= 400)?;
        let rest = |without: usize| size.checked_sub(without).filter(|rest| *rest > 0);
        let uuid = "00000000-0000-0000-0000-000000000000";
        Some(match self {
            Self::Scopes if size > 20 => return None,
            Self::Scopes => Value::List((0..size).map(|at| format!("s{at}")).collect()),
            Self::Method => Value::Text(Some("GET").filter(|method| method.len() == size)?.to_owned()),
            Self::Host if size > 60 => return None,
            Self::Host => Value::Text(format!("{}.b.example", "z".repeat(rest(10)?))),
            Self::Path => Value::Text(format!("/c/{}/{uuid}/5", "z".repeat(rest(42)?))),
            Self::Id => Value::Text("é".repeat(rest(0)?)),
            Self::Uuid => Value::Text(Some(uuid).filter(|uuid| uuid.len() == size)?.to_owned()),
            Self::Header => Value::Text("é".repeat(size)),
            Self::Subject => Value::Text("z".repeat(rest(0).filter(|size| *size <= 256)?)),
        })
    }
}

/// The outcome for a request that has this in these places; `None` where the condition fails.
pub(crate) fn outcome(policy: &Arc<Policy>, request: &BTreeMap<Place, Value>) -> Option<bool> {
    let with_size = |(place, value): (&Place, &Value)| match (place, value) {
        (Place::Size(measured), Value::Number(size)) => (measured.place(), measured.value(*size).unwrap()),
        (Place::Size(measured), value) => (measured.place(), value.clone()),
        (place, value) => (*place, value.clone()),
    };
    let request: &BTreeMap<Place, Value> = &request.iter().map(with_size).collect();
    let text = |place, otherwise: &str| match request.get(&place) {
        Some(Value::Text(text)) => text.clone(),
        _ => otherwise.to_owned(),
    };
    let number = |place, otherwise| match request.get(&place) {
        Some(Value::Number(number)) => *number,
        _ => otherwise,
    };
    let list = |place| match request.get(&place) {
        Some(Value::List(entries)) => entries.clone(),
        _ => Vec::new(),
    };
    let uuid = text(Place::Uuid, "00000000-0000-0000-0000-000000000000");
    let path = format!("/c/{}/{uuid}/{}", encoded(&text(Place::Id, "z")), number(Place::Number, 5));
    let path = text(Place::Path, &path);
    let mut sent = headers(&text(Place::Method, "GET"), &path, &[("authorization", "Bearer t")]);
    sent[2].1 = text(Place::Host, "api.example").into_bytes();
    if let Some(Value::Text(value)) = request.get(&Place::Header) {
        sent.push(("x-a".to_owned(), value.clone().into_bytes()));
    }
    sent.extend(list(Place::Names).into_iter().map(|name| (name, b"1".to_vec())));
    let subject = match request.get(&Place::Subject) {
        Some(Value::Text(subject)) => Some(subject.parse().unwrap()),
        _ => None,
    };
    let facts = Arc::new(Facts { subject, scope: list(Place::Scopes).join(" ").parse().unwrap(), ..Facts::none() });
    let wall = UnixTime::from_seconds(number(Place::Now, 5).try_into().unwrap());
    let now = Moment { wall, monotonic: Monotonic::from_origin(Duration::from_secs(5)) };
    let step = match policy.begin(&Request::new(&sent), now) {
        Step::Ask(_lookup, awaiting) => awaiting.resume(Answer::Active(facts), now),
        step @ Step::Done(_) => step,
    };
    let Step::Done(decision) = step else { unreachable!("one lookup is enough") };
    match decision {
        Decision::Allow(_) => Some(true),
        Decision::Refuse(refused) if refused.denial().code() == "condition_false" => Some(false),
        Decision::Refuse(refused) => {
            assert_eq!(refused.denial().code(), "condition_failed", "{request:?}");
            None
        }
    }
}

/// A segment of a path, as it is sent.
fn encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
