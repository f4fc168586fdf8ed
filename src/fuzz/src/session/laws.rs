//! Owns what must hold of each request that passes: somebody has vouched for its credentials, and it tells only what
//! they have stated.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use brama_fake::{Observer, Request};
use brama_policy::deciding::{Grant, RuleId};
use brama_policy::identity::SignatureCheck;

/// The credentials of which an authority has said, or a signature shown, that they are good.
#[derive(Clone, Default)]
pub(super) struct Vouched(Rc<RefCell<BTreeSet<String>>>);

impl Vouched {
    pub(super) fn extend(&self, credentials: impl IntoIterator<Item = String>) {
        self.0.borrow_mut().extend(credentials);
    }

    fn has(&self, request: &Request, header: &str) -> bool {
        let sent = sent(request, header);
        let credential = sent.split_once(' ').map_or(&*sent, |(_scheme, token)| token.trim_start_matches(' '));
        self.0.borrow().contains(credential)
    }
}

impl Observer for Vouched {
    fn allowed(&self, request: &Request, grant: &Grant) {
        match grant.rule().map(RuleId::as_str) {
            Some("open") => {}
            Some("own") => assert!(self.has(request, "api-key") && self.has(request, "authorization")),
            Some("token_only") => assert!(self.has(request, "authorization")),
            Some("tried") => assert!(grant.would_refuse().is_some() || self.has(request, "api-key")),
            other => panic!("{other:?} is no rule"),
        }
        for (name, value) in grant.set() {
            if name == "x-user" {
                assert_eq!(value, "u1", "an identity nobody stated");
            }
        }
        for name in ["x-user", "x-identity", "x-gateway"] {
            let own = grant.set().iter().filter(|(set, _value)| set == name).count();
            let all = request.headers.iter().filter(|(sent, _value)| sent.eq_ignore_ascii_case(name)).count();
            assert_eq!(all, own, "a `{name}` of the client's own goes on");
        }
    }

    fn verifies(&self, request: &Request, check: &SignatureCheck<'_>) -> bool {
        let signed = std::str::from_utf8(check.signed()).expect("a compact JWS is ASCII");
        let token = sent(request, "authorization");
        let (_scheme, token) = token.split_once(' ').expect("a scheme");
        let token = token.trim_start_matches(' ');
        assert!(token.starts_with(signed), "another token's signature was verified");
        self.extend([token.to_owned()]);
        true
    }
}

/// The one value of a header, as it came.
fn sent(request: &Request, name: &str) -> String {
    let mut values = request.sent.iter().filter(|(sent, _value)| sent.eq_ignore_ascii_case(name));
    let (_name, value) = values.next().expect("a credential was sent");
    assert!(values.next().is_none(), "`{name}` was sent twice");
    String::from_utf8(value.clone()).expect("a credential is ASCII")
}
