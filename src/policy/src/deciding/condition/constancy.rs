//! Owns whether a condition says anything: which outcomes it has over all requests that can come to it.
//!
//! The condition is unfolded to tests of one *place* each, such as `request.host == "a"`. For each place, the outcomes
//! that all its tests have together are searched for, and the condition is judged for every combination of them.
//!
//! Nothing is told to be constant that is not: what is not followed, or would take too long, can have each outcome.
//! Places are taken for independent of each other. So a condition is not told that is constant only because one place
//! follows from another: `request.path` from a capture, `size(token.scopes)` or `token.scopes[0]` from the scopes
//! themselves.
//!
//! Lints alone ask for it: it takes longer than the check, and no decision depends on it.

mod compare;
mod node;
mod outcomes;
mod place;
mod rewritten;
mod steps;
mod unfold;

use cel::parser::Expression;

use self::node::Node;
use self::place::World;
use self::unfold::Unfold;
use super::check::{Root, member};
use super::{Names, Outcomes};
use crate::host::HostPattern;

/// The outcomes of a checked condition.
pub(super) fn outcomes(expression: &Expression, names: &Names<'_>) -> Outcomes {
    let mut all = Outcomes::NONE;
    let variants = variants(expression, names);
    let share = |whole: usize, parts: usize| whole.checked_div(parts).unwrap_or(whole);
    for variant in &variants {
        let mut unfold = Unfold::new(names);
        let node = unfold.node(variant);
        let headers = unfold.headers();
        let states = share(MAX_STATES, variants.len().saturating_mul(unfold.places.len()));
        let mut worlds: Vec<Vec<World>> = unfold.places.iter().map(|place| place.worlds(states)).collect();
        limit(&mut worlds, share(MAX_STEPS, variants.len().saturating_mul(unfold.nodes)));
        all = all.or_those_of(combined(&node, &worlds, &headers));
        if all.has_both() {
            return all;
        }
    }
    all
}

/// The condition for each method and host that its route names, if they are few: then each is as good as written.
fn variants(expression: &Expression, names: &Names<'_>) -> Vec<Expression> {
    let methods = names.around.methods.iter().map(|method| Some(method.as_str())).collect();
    let hosts = names.around.hosts.iter().map(only).collect();
    let mut variants = vec![rewritten::normal(expression)];
    let known: [(&str, Option<Vec<&str>>); 2] = [("method", methods), ("host", hosts)];
    // Where a host is below a suffix, there is no end of them.
    for (name, values) in known.into_iter().filter_map(|(name, values)| Some((name, values?))) {
        let is_read = |expression: &Expression| member(expression, names) == Some((Root::Request, name, false));
        let all = variants.len().saturating_mul(values.len());
        if (1..=MAX_VARIANTS).contains(&all) && rewritten::has(expression, &is_read) {
            let of_each = |variant: &Expression| -> Vec<Expression> {
                values.iter().map(|value| rewritten::with_text(variant, &is_read, value)).collect()
            };
            variants = variants.iter().flat_map(of_each).collect();
        }
    }
    variants
}

fn only(host: &HostPattern) -> Option<&str> {
    match host {
        HostPattern::Name(name) => Some(name),
        HostPattern::Any | HostPattern::Suffix(_) => None,
    }
}

/// Takes nothing to be known of the places that can be most, until there are no more than so many combinations.
fn limit(worlds: &mut [Vec<World>], most: usize) {
    while worlds.iter().map(Vec::len).fold(1_usize, usize::saturating_mul) > most {
        match worlds.iter_mut().max_by_key(|worlds| worlds.len()) {
            Some(largest) if largest.len() > 1 => *largest = vec![World::Unknown],
            Some(_) | None => return,
        }
    }
}

/// The outcomes over every combination of what the places can be.
fn combined(node: &Node, worlds: &[Vec<World>], headers: &[(usize, usize, usize)]) -> Outcomes {
    let mut all = Outcomes::NONE;
    let mut at = vec![0_usize; worlds.len()];
    loop {
        let world: Vec<&World> = worlds.iter().zip(&at).filter_map(|(worlds, at)| worlds.get(*at)).collect();
        if headers.iter().all(|header| is_there_or_not(&world, *header)) {
            all = all.or_those_of(node.judged(&world, &[]));
        }
        let next = at.iter_mut().zip(worlds).any(|(at, worlds)| {
            *at = at.saturating_add(1);
            let is_one = *at < worlds.len();
            if !is_one {
                *at = 0;
            }
            is_one
        });
        if !next || all.has_both() {
            return all;
        }
    }
}

/// Whether a header is there just where a loop over the names of all headers meets it.
fn is_there_or_not(worlds: &[&World], (header, names, test): (usize, usize, usize)) -> bool {
    match (worlds.get(header), worlds.get(names)) {
        (Some(World::Unknown), _) => true,
        (Some(header), Some(World::Entries(names))) => {
            let is_met = names.iter().any(|name| name.get(test).is_some_and(|outcomes| outcomes.can_hold));
            is_met == (**header != World::Absent)
        }
        (_, _) => true,
    }
}

/// Parts of a condition that are judged, in all combinations together: some milliseconds.
const MAX_STEPS: usize = 500_000;

/// States of all searches together for what tests can come to; a route's path with a few tests has some thousands.
const MAX_STATES: usize = 40_000;

const MAX_VARIANTS: usize = 64;
