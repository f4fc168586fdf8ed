//! Law of a request with all its headers: only active credentials, each sent once, open a guarded route.

use brama_policy::deciding::{Decision, Grant, Request, Step};
use brama_policy::identity::{Answer, Unavailable};

use crate::gateway;

/// Input, in lines: method, host, path, then headers, each `name:value`; a value may hold any byte but a line's end.
///
/// # Panics
/// A request was allowed that should be refused, a credential was read that is not the only one, or what was granted
/// leaves a client's own identity in place.
pub fn holds_for(lines: &[u8]) {
    let headers = headers(lines);
    let request = Request::new(&headers);
    assert!(!opens(&request, None), "{headers:?} opens though nobody vouches for it");
    assert!(!opens(&request, Some(&Answer::Inactive)), "{headers:?} opens with credentials that are refused");
    assert!(!opens(&request, Some(&Answer::Unavailable(Unavailable::NoReply))), "{headers:?} opens in an outage");
    let _opened = opens(&request, Some(&Answer::Active(gateway::facts())));
}

fn headers(lines: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut lines = lines.split(|byte| *byte == b'\n');
    let mut headers: Vec<_> = [":method", ":authority", ":path"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), lines.next()?.to_vec())))
        .collect();
    headers.extend(lines.filter_map(|line| {
        // A pseudo-header begins with the colon that separates others.
        let end = line.iter().skip(1).position(|byte| *byte == b':')?.checked_add(1)?;
        let (name, value) = line.split_at_checked(end)?;
        // Envoy refuses names that are not ASCII.
        let name = std::str::from_utf8(name).ok().filter(|name| name.is_ascii())?;
        Some((name.to_owned(), value.get(1..)?.to_vec()))
    }));
    headers
}

/// Passage of the request through a guarded route, if every lookup gets this answer.
fn opens(request: &Request<'_>, answer: Option<&Answer>) -> bool {
    let mut step = gateway::policy().begin(request, gateway::now());
    let mut asked = 0;
    loop {
        match step {
            Step::Done(Decision::Refuse(_refused)) => return false,
            Step::Done(Decision::Allow(grant)) => {
                assert_clean(request, &grant);
                // `open` is written as open; `tried` is in shadow mode, and marks what it lets pass.
                return match grant.rule().map(brama_policy::deciding::RuleId::as_str) {
                    Some("open") => false,
                    Some("tried") if asked == 0 || !matches!(answer, Some(Answer::Active(_))) => {
                        assert!(grant.would_refuse().is_some(), "a rule in shadow mode marks what it would refuse");
                        false
                    }
                    Some(rule) => {
                        assert_eq!(asked, if rule == "own" { 2 } else { 1 }, "`{rule}` asks for what it requires");
                        true
                    }
                    None => panic!("no rule allows"),
                };
            }
            Step::Ask(lookup, awaiting) => {
                asked += 1;
                let header = match lookup.kind().as_str() {
                    "api_key" => "api-key",
                    _ => "authorization",
                };
                let value = lookup.credential().expose_secret();
                let mut said = request.names().filter(|name| confusable(name, header));
                assert!(said.next().is_some() && said.next().is_none(), "a credential is said once");
                assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','), "{value:?}");
                let Some(answer) = answer else { return false };
                step = awaiting.resume(answer.clone(), gateway::now());
            }
        }
    }
}

/// Asserts that each header of the client's that states an identity is removed, whatever its spelling, and that ours
/// are set once.
fn assert_clean(request: &Request<'_>, grant: &Grant) {
    for name in request.names() {
        let states = ["x-user", "x-identity", "x-gateway"].iter().any(|own| confusable(name, own));
        let is_stripped = states || name.get(..11).is_some_and(|start| confusable(start, "x-consumer-"));
        assert!(!is_stripped || grant.remove().iter().any(|removed| removed == name), "{name:?} goes on");
    }
    for (index, (name, value)) in grant.set().iter().enumerate() {
        assert!(
            grant.set().iter().skip(index.saturating_add(1)).all(|(other, _value)| other != name),
            "{name} is set twice"
        );
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value:?}");
    }
}

/// Equality of two names for a reader that takes case and signs for one another.
fn confusable(one: &str, two: &str) -> bool {
    let folded = |name: &str| -> String {
        name.chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
            .collect()
    };
    folded(one) == folded(two)
}
