//! Owns what of a request must not reach the service: whole headers, and the credentials in the cookies and the query.

use crate::deciding::header_table::{Copies, Seen};
use crate::deciding::policy::{Policy, Route};
use crate::deciding::presentation::COOKIE;

/// What of a request must not reach the service.
#[derive(Debug)]
pub(super) struct TakenOff {
    /// Names of headers.
    pub(super) remove: Vec<String>,
    /// Headers of which only a part goes on.
    pub(super) rewrite: Vec<(&'static str, Vec<u8>)>,
}

impl Policy {
    /// What of a request must not reach the service on a route. What is only like a header that goes on is among it.
    pub(super) fn taken_off(&self, route: Option<&Route>, seen: &Seen<'_>) -> TakenOff {
        let goes_on = |name: &str| route.is_some_and(|route| route.pass.iter().any(|header| header.is(name)));
        let remove = seen.remove.iter().filter(|name| !goes_on(name)).map(|name| (*name).to_owned());
        let mut taken = TakenOff { remove: remove.collect(), rewrite: Vec::new() };
        if let Some(path) = seen.path.once().and_then(|path| self.without_parameters(path)) {
            taken.rewrite.push((":path", path));
        }
        if goes_on(COOKIE) {
            return taken;
        }
        match self.carrier(COOKIE).map(|number| seen.carrier(number)) {
            None | Some(Copies::None | Copies::Alike) => {}
            Some(Copies::Once(cookies)) => match self.without_cookies(cookies) {
                None => {}
                Some(Some(left)) => taken.rewrite.push((COOKIE, left)),
                Some(None) => taken.remove.push(COOKIE.to_owned()),
            },
            // RFC 6265, 5.4: there is one. Envoy joins those of HTTP/2; of others, a service may read the first or the last.
            Some(Copies::Repeated) => taken.remove.push(COOKIE.to_owned()),
        }
        taken
    }
}
