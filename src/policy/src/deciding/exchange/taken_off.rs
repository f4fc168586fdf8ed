//! Owns what of a request must not reach the service: whole headers, and the credentials in the cookies and the query.

use crate::deciding::decision::Rewritten;
use crate::deciding::header_table::{Copies, Seen};
use crate::deciding::policy::{Policy, Route};
use crate::deciding::presentation::{COOKIE, Left, without_cookies};

/// What of a request must not reach the service.
#[derive(Debug)]
pub(super) struct TakenOff {
    /// Names of headers.
    pub(super) remove: Vec<String>,
    /// What goes on of headers that go on in part.
    pub(super) rewritten: Rewritten,
}

impl Policy {
    /// What of a request must not reach the service on a route. What is only like a header that goes on is among it.
    pub(super) fn taken_off(&self, route: Option<&Route>, seen: &Seen<'_>) -> TakenOff {
        let goes_on = |name: &str| route.is_some_and(|route| route.pass.iter().any(|header| header.is(name)));
        let remove = seen.remove.iter().filter(|name| !goes_on(name)).map(|name| (*name).to_owned());
        let rewritten = Rewritten { target: seen.target_left.clone(), cookies: None };
        let mut taken = TakenOff { remove: remove.collect(), rewritten };
        let Some(carrier) = self.credentials.cookie_carrier.filter(|_| !goes_on(COOKIE)) else { return taken };
        let left = match seen.carrier(carrier) {
            Copies::None | Copies::Alike => return taken,
            Copies::Once(cookies) => without_cookies(cookies, &self.credentials.cookies),
            // RFC 6265, 5.4: there is one. Envoy joins those of HTTP/2; of others, a service may read the first or the
            // last.
            Copies::Repeated => Left::Nothing,
        };
        match left {
            Left::Whole => {}
            Left::Part(cookies) => taken.rewritten.cookies = Some(cookies),
            Left::Nothing => taken.remove.push(COOKIE.to_owned()),
        }
        taken
    }
}
