//! Laws of the order of decision, held against random policies and requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use brama_kit::dice::Dice;
use brama_policy::deciding::{Policy, PolicyDocument, UnixTime};
use brama_replay::RequestLine;

use crate::oracle::model::{Credential, Facts, Need, Request, Route, Sent, Stated, Verdict};
use crate::oracle::{random, written};

const REQUESTS: usize = 200;

#[test]
fn laws_hold_for_every_policy() {
    // Each takes as long as ten of the other search.
    let policies = std::env::var("ORACLE_POLICIES").map_or(200, |text| text.parse().unwrap()) / 10;
    let mut dice = Dice::of(11);
    let mut tried = BTreeMap::<&str, usize>::new();
    for _ in 0..policies {
        let mut routes = random::routes(&mut dice);
        let Some(policy) = compile(&routes) else { continue };
        let requests: Vec<_> = (0..REQUESTS).map(|_| random::request(&routes, &mut dice)).collect();
        let verdicts: Vec<_> = requests.iter().map(|request| judge(&policy, request)).collect();
        for (request, verdict) in requests.iter().zip(&verdicts) {
            for (law, less) in lesser(request) {
                *tried.entry(law).or_default() += 1;
                assert!(!opens(&judge(&policy, &less)) || opens(verdict), "{law}: {}", written::line(&less));
            }
            *tried.entry("nothing opens where nobody answers").or_default() += 1;
            let unanswered = with(request, |credential| credential.stated = Stated::Unavailable);
            let unanswered = judge(&policy, &unanswered);
            let asks_nobody = |id: &str| {
                let asks = |need: &Need| match need {
                    Need::Nothing => false,
                    // A request that has none passes, where each is optional.
                    Need::Credentials(need) => {
                        let in_order = need.roles.in_order();
                        let has_one = in_order.iter().any(|(kind, _)| request.credential(*kind).sent != Sent::Not);
                        !need.roles.certain().is_empty() || has_one
                    }
                };
                routes.iter().any(|route| route.id == id && !asks(&route.need))
            };
            assert!(
                !opens(&unanswered) || unanswered.rule.as_deref().is_some_and(asks_nobody),
                "{}",
                written::line(request)
            );
        }
        routes.reverse();
        let reversed = compile(&routes).unwrap();
        for (request, verdict) in requests.iter().zip(&verdicts) {
            *tried.entry("the order of routes decides nothing").or_default() += 1;
            assert_eq!(judge(&reversed, request), *verdict, "{}", written::line(request));
        }
        shadow(&mut routes, &requests, &mut tried);
    }
    println!("{tried:?}");
    assert!(tried.len() == 6 && tried.values().all(|times| *times > 1000), "{tried:?}");
}

/// A rule in shadow mode lets pass what it would refuse, says for what, and changes nothing for the others.
fn shadow(routes: &mut [Route], requests: &[Request], tried: &mut BTreeMap<&str, usize>) {
    for index in 0..routes.len() {
        if matches!(routes[index].need, Need::Nothing) {
            continue;
        }
        routes[index].is_shadow = false;
        let enforced = compile(routes).unwrap();
        routes[index].is_shadow = true;
        let shadowed = compile(routes).unwrap();
        for request in requests {
            *tried.entry("a rule in shadow mode changes no other answer").or_default() += 1;
            let (enforced, shadowed) = (judge(&enforced, request), judge(&shadowed, request));
            // It counts as laxer than a rule that is enforced, and so is the path of another but for the case of
            // letters.
            if [&enforced, &shadowed].iter().any(|verdict| verdict.denial.as_deref() == Some("path_ambiguous")) {
                continue;
            }
            if enforced.rule.as_deref() != Some(&routes[index].id) {
                assert_eq!(shadowed, enforced, "{}", written::line(request));
            } else if shadowed.denial.is_some() {
                // What is malformed or said twice is refused in any mode, before what is wanting.
                assert!(enforced.denial.is_some(), "{}", written::line(request));
            } else {
                let marked = Verdict { denial: None, would_refuse: enforced.denial, rule: enforced.rule };
                assert_eq!(shadowed, marked, "{}", written::line(request));
            }
        }
    }
}

/// Requests that are this one with less to say for itself, and the law each is of.
fn lesser(request: &Request) -> Vec<(&'static str, Request)> {
    let (mut all, scope, client_type) =
        (Vec::new(), "dropping a scope opens nothing", "an unknown type of client gains nothing");
    for scopes in [None, Some(""), Some("r:read"), Some("r:writer")] {
        let drop = |facts: &mut Facts| {
            // Only what was granted before.
            let had = facts.scope.unwrap_or("");
            let keeps =
                scopes.is_none_or(|kept: &str| kept.split(' ').all(|kept| had.split(' ').any(|had| had == kept)));
            if keeps {
                facts.scope = scopes;
            }
        };
        all.push((scope, with(request, |credential| change(credential, drop))));
    }
    for unknown in [None, Some("OTHER"), Some("nhs"), Some("NHS  ADMIN")] {
        all.push((client_type, with(request, |credential| change(credential, |facts| facts.client_type = unknown))));
    }
    for stated in [Stated::Refused, Stated::Unavailable] {
        all.push((
            "a credential that is not good opens nothing",
            with(request, |credential| credential.stated = stated),
        ));
    }
    all
}

fn with(request: &Request, change: impl Fn(&mut Credential)) -> Request {
    let mut changed = request.clone();
    change(&mut changed.api_key);
    change(&mut changed.token);
    changed
}

fn change(credential: &mut Credential, change: impl Fn(&mut Facts)) {
    match &mut credential.stated {
        Stated::Active(facts) | Stated::Expired(facts) => change(facts),
        Stated::Refused | Stated::Unavailable => {}
    }
}

fn compile(routes: &[Route]) -> Option<Arc<Policy>> {
    let document = written::policy(routes).to_string();
    Policy::compile(&PolicyDocument::read(&document).unwrap()).ok().map(Arc::new)
}

fn judge(policy: &Arc<Policy>, request: &Request) -> Verdict {
    let line = written::line(request).to_string();
    let line = RequestLine::read(line.as_bytes()).unwrap();
    written::verdict(&line.judge(policy, UnixTime::from_seconds(0)).unwrap())
}

fn opens(verdict: &Verdict) -> bool {
    verdict.denial.is_none() && verdict.would_refuse.is_none()
}
