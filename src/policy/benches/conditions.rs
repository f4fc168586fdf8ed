//! How long the costliest conditions of a route take: sixteen alike, of as many costly parts as a policy may have,
//! judged on the largest head and the longest list of scopes that come to them.

#![allow(
    missing_docs,
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "a measurement ends where something is amiss"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brama_policy::deciding::{Decision, Moment, Monotonic, Policy, PolicyDocument, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Facts, MAX_SCOPE_LIST};

/// A condition of `{}` parts, and what stands around them: `start`, `part` joined by `by`, `end`.
struct Shape {
    start: &'static str,
    part: &'static str,
    by: &'static str,
    end: &'static str,
}

const fn shape(start: &'static str, part: &'static str, by: &'static str, end: &'static str) -> Shape {
    Shape { start, part, by, end }
}

const SHAPES: [Shape; 32] = [
    shape("", "request.headers.a.contains(\"ab\")", " || ", ""),
    shape("", "request.headers.a.contains(\"abbaabba\")", " || ", ""),
    shape("", "request.headers.a.contains(\"curl/\")", " || ", ""),
    shape("", "request.headers.a.contains(\"aaaa\")", " || ", ""),
    shape("", "request.headers.a.contains(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\")", " || ", ""),
    shape("", "request.headers.a.contains(\"abababababababababababababababab\")", " || ", ""),
    shape("", "request.headers.a.contains(\"abaabaabaabaabaabaabaabaabaabaab\")", " || ", ""),
    shape("", "request.headers.a.contains(\"aaaaaaaaaaaaaaaaaaaabaaaaaaaaaaaaaaaaaaaa\")", " || ", ""),
    shape("", "request.headers.a.contains(params.id)", " || ", ""),
    shape("", "request.headers.a.contains(request.headers.b)", " || ", ""),
    shape("", "!request.headers.a.contains(request.headers.a)", " || ", ""),
    shape("", "size(request.headers.a) == 7", " || ", ""),
    shape("", "int(request.headers.a) == 7", " || ", ""),
    shape("", "request.headers.a == request.headers.b", " || ", ""),
    shape("request.headers.all(h, ", "request.headers.a", " + ", " != h)"),
    shape("request.headers.all(h, ", "h", " + ", " != \"x\")"),
    shape("request.headers.all(h, ", "request.headers[h]", " + ", " != \"x\")"),
    shape("request.headers.all(h, ", "!request.headers.a.contains(h)", " && ", ")"),
    shape("request.headers.all(h, ", "!request.headers[h].contains(\"ab\")", " && ", ")"),
    shape("request.headers.all(h, !(h in [", "\"x\"", ", ", "]))"),
    shape("request.headers.all(h, ", "h < \"zz\"", " && ", ")"),
    shape("request.headers.all(h, ", "!(h in token.scopes)", " && ", ")"),
    shape("request.headers", ".filter(h, h < \"zz\")", "", ".size() > 0"),
    shape("token.scopes.all(s, ", "s < \"zz\"", " && ", ")"),
    shape("token.scopes.all(s, ", "s", " + ", " != \"x\")"),
    shape("token.scopes.all(s, ", "s in token.scopes", " && ", ")"),
    shape("token.scopes.all(s, !(s in [", "\"x\"", ", ", "]))"),
    shape("", "\"zzz\" in token.scopes", " || ", ""),
    shape("[", "\"a\"", ", ", "].all(x, x < \"b\" && x < \"c\" && x < \"d\")"),
    shape("[", "\"a\"", ", ", "].all(x, !request.headers.a.contains(x))"),
    shape("[", "\"abbaabba\"", ", ", "].all(x, !request.headers.a.contains(x))"),
    shape("now == now && ", "!(now < now)", " && ", ""),
];

impl Shape {
    fn of(&self, parts: usize) -> String {
        format!("{}{}{}", self.start, vec![self.part; parts].join(self.by), self.end)
    }
}

/// A route with sixteen of this condition; the last is false, or holds, as it comes.
fn policy(condition: &str) -> Option<Arc<Policy>> {
    let mut conditions = String::new();
    for number in 0..16 {
        // All of them are judged: none is false.
        write!(conditions, "{}{:?}", if number == 0 { "" } else { "," }, format!("{condition} || true")).ok()?;
    }
    let text = format!(
        r#"{{ "version": 1, "name": "bench",
"authorities": {{ "a": {{ "cluster": "a", "host": "a", "timeout": "1s", "auth": {{ "bearer_env": "S" }} }} }},
"credentials": {{ "token": {{ "header": "authorization", "scheme": "Bearer", "cache": {{ "ttl": "1s", "refused_ttl": "1s", "entries": 1 }},
  "verify": [{{ "introspect": {{ "authority": "a", "path": "/i", "hint": "t", "expect": {{ "/u": "t" }} }} }}] }} }},
"forward": {{ "headers": {{}} }}, "refusals": {{ "format": "ehealth" }},
"routes": [{{ "id": "r", "methods": ["GET"], "path": "/{{id}}",
  "require": {{ "credentials": ["token"], "scopes": "none", "conditions": [{conditions}] }} }}] }}"#
    );
    let document = PolicyDocument::read(&text).ok()?;
    Policy::compile(&document).ok().map(Arc::new)
}

/// 64 headers in 32 KiB: alike and long, one that is as long as all others are short, or texts that are long to search
/// for one another in.
fn heads() -> Vec<Vec<(String, Vec<u8>)>> {
    let repeated = |text: &str, length: usize| text.bytes().cycle().take(length).collect::<Vec<u8>>();
    let a = |length| repeated("a", length);
    let head = |id: &[u8], named: &dyn Fn(usize) -> (String, Vec<u8>)| {
        let path = ["/".as_bytes(), id].concat();
        let mut head: Vec<(String, Vec<u8>)> = [
            (":method", "GET".into()),
            (":scheme", "https".into()),
            (":authority", "api.example".into()),
            (":path", path),
            ("authorization", "Bearer t".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        head.extend((0..60).map(named));
        head
    };
    let first = |number: usize| match number {
        0 => "a".to_owned(),
        1 => "b".to_owned(),
        _ => format!("h{number}"),
    };
    let mut heads = vec![
        head(b"aaab", &|number| (first(number), a(if number == 0 { 31 * 1024 } else { 8 }))),
        head(b"aaab", &|number| (first(number), a(if number < 2 { 15 * 1024 } else { 8 }))),
        head(b"aaab", &|number| {
            (if number < 2 { first(number) } else { format!("{number}{}", "a".repeat(260)) }, a(260))
        }),
    ];
    let [around, half] = [["a", "b", "a"], ["b", "a", "a"]].map(|[start, middle, end]| {
        move |part: usize| [start.repeat(part), middle.to_owned(), end.repeat(part)].concat().into_bytes()
    });
    let almost =
        ["a".repeat(31) + "b", "ab".repeat(15) + "aab", "aaab".to_owned(), "abbaabb".to_owned(), "curl".to_owned()];
    for text in ["a", "ab", "aaaaaab"].into_iter().chain(almost.iter().map(String::as_str)) {
        let short = ["abbaabba".into(), around(20), [b"b".as_slice(), &a(40)].concat(), half(20)];
        for part in short {
            let named = |number: usize| match number {
                0 => (first(0), repeated(text, 30 * 1024)),
                1 => (first(1), part.clone()),
                _ => (first(number), a(8)),
            };
            heads.push(head(&part, &named));
        }
        let named = |number: usize| match number {
            0 => (first(0), repeated(text, 20 * 1024)),
            1 => (first(1), around(5 * 1024)),
            _ => (first(number), a(8)),
        };
        heads.push(head(b"aaab", &named));
    }
    heads
}

fn judged(policy: &Arc<Policy>, head: &[(String, Vec<u8>)], facts: &Arc<Facts>) -> (Duration, bool) {
    let now = Moment { wall: UnixTime::from_seconds(1), monotonic: Monotonic::from_origin(Duration::from_secs(1)) };
    let Step::Ask(_lookup, awaiting) = policy.begin(&Request::new(head), now) else { return (Duration::ZERO, false) };
    let begin = Instant::now();
    let step = awaiting.resume(Answer::Active(Arc::clone(facts)), now);
    let took = begin.elapsed();
    (took, matches!(black_box(step), Step::Done(Decision::Allow(_))))
}

/// As many scopes as one list holds: 2,751 of two letters, or few.
fn callers() -> [Arc<Facts>; 3] {
    let letters = || ('!'..='~').filter(|letter| !matches!(letter, '"' | '\\'));
    let pairs =
        letters().map(String::from).chain(letters().flat_map(|one| letters().map(move |two| format!("{one}{two}"))));
    let mut list = String::new();
    for scope in pairs.take_while(|_scope| true) {
        if list.len() + scope.len() + 1 > MAX_SCOPE_LIST {
            break;
        }
        list.push_str(&scope);
        list.push(' ');
    }
    let few: Vec<_> = (0..200).map(|number| format!("scope:{number}")).collect();
    [list, few.join(" "), "a".repeat(MAX_SCOPE_LIST)]
        .map(|scope| Arc::new(Facts { scope: scope.parse().unwrap(), ..Facts::none() }))
}

fn main() {
    println!("{:>9}  {:>6}  sixteen of (judged or refused on the longest list of scopes)", "longest", "parts");
    let mut longest = Duration::ZERO;
    for shape in SHAPES {
        let fits = |parts: &usize| policy(&shape.of(*parts)).is_some();
        let Some(parts) = (1..=300).rev().find(fits) else {
            println!("{:>9}  {:>6}  {}", "refused", 1, shape.of(1));
            continue;
        };
        let Some(policy) = policy(&shape.of(parts)) else { continue };
        let (mut worst, mut is_judged) = (Duration::ZERO, true);
        for head in &heads() {
            for facts in &callers() {
                let mut times: Vec<_> = (0..21).map(|_| judged(&policy, head, facts)).collect();
                times.sort_unstable();
                let (took, allowed) = times.get(10).copied().unwrap_or_default();
                is_judged &= allowed;
                worst = worst.max(took);
            }
        }
        longest = longest.max(worst);
        let outcome = if is_judged { "judged" } else { "refused" };
        println!("{:>6} µs  {parts:>6}  {} ({outcome})", worst.as_micros(), shape.of(1));
    }
    println!("{:>6} µs  the longest of all; the bound is 5000 µs", longest.as_micros());
}
