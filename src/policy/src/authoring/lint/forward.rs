//! Owns the lints of `forward`: headers that no route sets, and names in `strip` that are gone without it or never get as
//! far.

use super::{Lint, WITHOUT_EFFECT};
use crate::deciding::header_table::refused_headers;
use crate::deciding::policy::Policy;
use crate::fault::Place;
use crate::header::HeaderPattern;

pub(super) fn all(policy: &Policy, lints: &mut Vec<Lint>) {
    let mut guarded = policy.routes.iter().filter(|route| route.verified().is_some()).peekable();
    let is_nobodys = guarded.peek().is_some() && guarded.all(|route| route.forward.is_some());
    if is_nobodys && policy.forward.identity.names().next().is_some() {
        let message = "the headers with facts change nothing: every guarded route has a `forward` of its own";
        lints.push(Lint::new(WITHOUT_EFFECT, Place::root().key("forward"), message, "remove them"));
    }
    let place = Place::root().key("forward").key("strip");
    let patterns = &policy.forward.strip;
    for (index, pattern) in patterns.iter().enumerate() {
        let place = place.index(index);
        // Of two that cover each other the first is the one that works.
        let covering = patterns.iter().enumerate().find(|(other, wider)| {
            *other != index && wider.has_all_of(pattern) && (*other < index || !pattern.has_all_of(wider))
        });
        let why = match (covering, pattern) {
            (Some((_, wider)), _) => Some(format!("`{wider}` removes it already")),
            (None, HeaderPattern::Exact(name)) if policy.strips_unasked(name.as_str()) => {
                Some("clients' copies of it are removed whatever `strip` says".to_owned())
            }
            (None, HeaderPattern::Exact(_) | HeaderPattern::Prefix(_)) => None,
        };
        if let Some(why) = why {
            let message = format!("`{pattern}` changes nothing: {why}");
            lints.push(Lint::new(WITHOUT_EFFECT, place.clone(), message, "remove it"));
        }
        let refused: Vec<_> =
            refused_headers().filter(|name| pattern.is_confusable_with(name)).map(|name| format!("`{name}`")).collect();
        if !refused.is_empty() {
            let message =
                format!("`{pattern}` strips no {}: a request that brings one is refused", refused.join(", no "));
            let hint = "if a proxy in front sets them, let Envoy remove them first, by `early_header_mutation_extensions`; \
                        then write the other names that are meant one by one";
            lints.push(Lint::new("strip_refused", place, message, hint));
        }
    }
}
