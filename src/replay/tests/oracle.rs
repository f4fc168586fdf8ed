//! Random policies and requests, decided by the core and by a model of its order of decision: they agree.
//!
//! `ORACLE_POLICIES` says how many policies there are, each with 400 requests.

mod laws;
mod model;
mod random;
mod roles;
mod specificity;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use brama_kit::dice::Dice;
use brama_policy::deciding::{Policy, PolicyDocument, UnixTime};
use brama_replay::RequestLine;
use model::{Oddity, decide};

const REQUESTS: usize = 400;

#[test]
fn core_and_model_decide_alike() {
    let policies = std::env::var("ORACLE_POLICIES").map_or(150, |text| text.parse().unwrap());
    let (mut dice, mut outcomes) = (Dice::of(7), BTreeMap::<String, usize>::new());
    let (mut faulty, mut near_refused, mut near_passed) = (0, 0, 0);
    for number in 0..policies {
        let routes = random::routes(&mut dice);
        let document = written::policy(&routes);
        // Two routes for the same requests, for example.
        let Ok(policy) = Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()) else {
            faulty += 1;
            continue;
        };
        let policy = Arc::new(policy);
        for _ in 0..REQUESTS {
            let request = random::request(&routes, &mut dice);
            let line = written::line(&request).to_string();
            let decision =
                RequestLine::read(line.as_bytes()).unwrap().judge(&policy, UnixTime::from_seconds(0)).unwrap();
            let (core, model) = (written::verdict(&decision), decide(&routes, &request));
            assert!(core == model, "policy {number}: {document:#}\n{line}\ncore: {core:?}\nmodel: {model:?}");
            let is_nearly = matches!(request.oddity, Oddity::Slash | Oddity::Capitals | Oddity::Letters);
            near_refused += usize::from(is_nearly && model.denial.as_deref() == Some("path_ambiguous"));
            near_passed += usize::from(is_nearly && model.denial.is_none());
            *outcomes.entry(model.denial.or(model.would_refuse).unwrap_or_else(|| "allow".to_owned())).or_default() +=
                1;
        }
    }
    let requests: usize = outcomes.values().sum();
    println!("{policies} policies, {faulty} of them with a fault; {requests} requests; {outcomes:?}");
    println!(
        "{near_refused} of them, but for letters or a slash at the end, were a stricter route's; {near_passed} passed"
    );
    assert!(near_refused > 0 && near_passed > 0, "letters and slashes were tried");
    assert!(faulty * 2 < policies, "{faulty} of {policies} policies have a fault");
    for outcome in OUTCOMES {
        assert!(outcomes.contains_key(outcome), "no request came to `{outcome}`");
    }
}

/// What the search has to have met, or it is no search.
const OUTCOMES: [&str; 20] = [
    "allow",
    "path_ambiguous",
    "method_overridden",
    "path_overridden",
    "route_unknown",
    "api_key_repeated",
    "token_repeated",
    "api_key_malformed",
    "token_malformed",
    "api_key_missing",
    "token_missing",
    "api_key_refused",
    "token_refused",
    "api_key_unavailable",
    "token_unavailable",
    "token_expired",
    "not_bound",
    "scope_missing",
    "not_owner",
    "fact_missing",
];
