//! Owns the making of the table of headers, from the parts of a policy that give a header a meaning.

use crate::deciding::condition::Condition;
use crate::deciding::forward::{Forward, IdentityHeaders};
use crate::deciding::header_table::HeaderTable;
use crate::deciding::policy::{Credentials, HOST_ALIASES, Requirement, Route};
use crate::host::HostPattern;

/// What the headers of a request mean in a policy of these parts.
pub(super) fn table(credentials: &Credentials, forward: &Forward, routes: &[Route]) -> HeaderTable {
    let mut table = HeaderTable::of_every_policy();
    for (number, carrier) in credentials.carriers.iter().enumerate() {
        table.add_carrier(number, &carrier.name, carrier.is_kept);
    }
    let of_routes = routes.iter().filter_map(|route| route.forward.as_ref());
    for name in forward.names().chain(of_routes.flat_map(IdentityHeaders::names)) {
        table.remove(name.as_str());
    }
    for pattern in &forward.strip {
        table.remove_all(pattern);
    }
    // A route is for some hosts only, so that a request must not name a second one.
    if routes.iter().flat_map(|route| &route.hosts).any(|host| *host != HostPattern::Any) {
        HOST_ALIASES.into_iter().for_each(|name| table.remove(name));
    }
    if routes.iter().any(reads_headers) {
        table.show_to_conditions();
    }
    table
}

fn reads_headers(route: &Route) -> bool {
    match &route.requirement {
        Requirement::Public { .. } => false,
        Requirement::Verified(verified) => verified.conditions.iter().any(Condition::uses_headers),
    }
}
