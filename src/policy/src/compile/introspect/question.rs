//! Owns the checking of how a verifier puts its question.

use std::collections::BTreeMap;

use super::Around;
use crate::compile::forward::header_value;
use crate::compile::references::{credential_document, kind};
use crate::compile::{each, is_reserved, names_credential};
use crate::document::{IntrospectDocument, MethodDocument, SendDocument};
use crate::fault::{Faults, Place};
use crate::header::HeaderName;
use crate::identity::authority::Authority;
use crate::identity::credential::{API_KEY, CredentialKind, TOKEN};
use crate::identity::introspection::{Body, Form, Method, Piece, Sent};
use crate::path::CanonicalPath;

pub(super) fn form(
    written: &IntrospectDocument,
    around: Around<'_>,
    authority: Option<&Authority>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Form> {
    let target = target(&written.path, &place.key("path"), faults);
    let body = body(written, place, faults);
    let accept = header_value(written.accept.as_deref().unwrap_or(ACCEPT), &place.key("accept"), faults);
    let accept = accept.map(|value| value.to_string());
    let headers = fixed(&written.headers, around, &place.key("headers"), faults);
    let send = send(&written.send, around, &place.key("send"), faults);
    let method = match written.method {
        MethodDocument::Post => Method::Post,
        MethodDocument::Get => Method::Get,
    };
    let form = Form { method, target: target?, body: body?, accept: accept?, headers: headers?, send: send? };
    check_once(&form, around.kind, place, faults);
    check_headers(&form, authority, place, faults);
    Some(form)
}

/// `/introspect`, `/tokens/{credential}/verify`, `/check?token={credential}`.
fn target(text: &str, place: &Place, faults: &mut Faults) -> Option<Vec<Piece>> {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let is_pair = |pair: &str| {
        pair.split_once('=').is_some_and(|(name, value)| !name.is_empty() && is_literal(name) && is_whole(value))
    };
    let sound = path.split('/').all(is_whole)
        && query.is_none_or(|query| query.split('&').all(is_pair))
        && CanonicalPath::parse(text.replace(CREDENTIAL, "x").as_bytes()).is_ok();
    if !sound {
        let hint = "`{credential}` is a whole segment, or a whole value in a query of `name=value`";
        faults.add_hinted(place, format!("`{text}` is no canonical path"), Some(hint.to_owned()));
        return None;
    }
    let mut pieces = Vec::new();
    for (number, text) in text.split(CREDENTIAL).enumerate() {
        if number > 0 {
            pieces.push(Piece::Credential);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    Some(pieces)
}

fn body(written: &IntrospectDocument, place: &Place, faults: &mut Faults) -> Option<Body> {
    match (written.method, &written.form, &written.hint) {
        (MethodDocument::Get, form, hint) => {
            if form.is_some() {
                faults.add(&place.key("form"), "a GET has no body to hold a form");
            }
            if hint.is_some() {
                faults.add(&place.key("hint"), "a GET has no form to hold a hint; write it into the query of `path`");
            }
            Some(Body::None)
        }
        (MethodDocument::Post, Some(fields), hint) => {
            if hint.is_some() {
                faults.add(&place.key("hint"), "a form that is written says all; write `token_type_hint` into it");
            }
            own_form(fields, &place.key("form"), faults)
        }
        // RFC 7662, 2.1.
        (MethodDocument::Post, None, Some(hint)) if !hint.is_empty() => Some(Body::Form(vec![
            ("token".to_owned(), Piece::Credential),
            ("token_type_hint".to_owned(), Piece::Text(hint.clone())),
        ])),
        (MethodDocument::Post, None, hint) => {
            let place = if hint.is_some() { place.key("hint") } else { place.clone() };
            faults.add(&place, "write the `hint`, a `token_type_hint` the authority knows, or a `form`");
            None
        }
    }
}

fn own_form(fields: &BTreeMap<String, String>, place: &Place, faults: &mut Faults) -> Option<Body> {
    let fields = each(fields.iter(), |(name, value)| {
        let place = place.key(name);
        if name.is_empty() || !is_whole(value) {
            faults.add(&place, format!("`{value}` is no field; write a name, and a text or `{CREDENTIAL}`"));
            return None;
        }
        let value = if value == CREDENTIAL { Piece::Credential } else { Piece::Text(value.clone()) };
        Some((name.clone(), value))
    });
    fields.map(Body::Form)
}

fn fixed(
    written: &BTreeMap<String, String>,
    around: Around<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<(HeaderName, String)>> {
    each(written.iter(), |(name, value)| {
        let place = place.key(name);
        let header: Option<HeaderName> = faults.keep(&place, name.parse());
        match &header {
            Some(header) if is_reserved(header) => {
                faults.add(&place, format!("`{name}` has a meaning of its own and is not for a verifier to set"));
            }
            Some(header) if names_credential(around.document, header) || SECRET.contains(&header.as_str()) => {
                faults.add(
                    &place,
                    format!("`{name}` carries secrets, which are never in a policy; write `auth` or `send`"),
                );
            }
            Some(_) | None => {}
        }
        let value = header_value(value, &place, faults).map(|value| value.to_string());
        Some((header?, value?))
    })
}

fn send(written: &[SendDocument], around: Around<'_>, place: &Place, faults: &mut Faults) -> Option<Vec<Sent>> {
    let mut kinds = Vec::new();
    each(written.iter().enumerate(), |(index, document)| {
        let place = place.index(index);
        let (of, own_header) = match document {
            SendDocument::AsItCame(of) => (of, None),
            SendDocument::In(document) => (&document.credential, Some(&document.header)),
        };
        let of = kind(of, around.document, &place, faults)?;
        if kinds.contains(&of) {
            faults.add(&place, format!("`{}` is written twice", of.as_str()));
        }
        kinds.push(of.clone());
        if around.kind.as_str() == API_KEY && of.as_str() == TOKEN {
            faults.add(&place, "the API key is verified first, and no token is sent along with it");
        }
        let credential = credential_document(around.document, &of)?;
        let Some(header) = own_header else {
            let Some(source) = credential.sources().into_iter().find(|source| source.header.is_some()) else {
                let message = format!("`{}` comes in no header", of.as_str());
                let hint = format!("write `{{ credential: {}, header: … }}`", of.as_str());
                faults.add_hinted(&place, message, Some(hint));
                return None;
            };
            // A header that is none has left its fault where it is written.
            let header = source.header?.parse().ok()?;
            return Some(Sent { kind: of, header, scheme: source.scheme });
        };
        let place = place.key("header");
        let header: HeaderName = faults.keep(&place, header.parse())?;
        if is_reserved(&header) {
            faults.add(&place, format!("`{header}` has a meaning of its own and cannot carry a credential"));
        }
        Some(Sent { kind: of, header, scheme: None })
    })
}

/// A question that does not hold the credential asks nothing, and one that holds it twice can be read in two ways.
fn check_once(form: &Form, own: &CredentialKind, place: &Place, faults: &mut Faults) {
    let in_body = match &form.body {
        Body::None => 0,
        Body::Form(fields) => fields.iter().filter(|(_name, value)| *value == Piece::Credential).count(),
    };
    let in_target = form.target.iter().filter(|piece| **piece == Piece::Credential).count();
    let in_headers = form.send.iter().filter(|sent| sent.kind == *own).count();
    let (message, hint) = match in_target.saturating_add(in_body).saturating_add(in_headers) {
        0 => (
            "the question does not hold the credential",
            "write `{credential}` into `path` or `form`, or `send` the credential",
        ),
        1 => return,
        _ => (
            "the question holds the credential more than once",
            "where `path` or `send` holds it, write a `form` without it, such as `form: {}`",
        ),
    };
    faults.add_hinted(place, message, Some(hint.to_owned()));
}

/// Two values under one name would be joined, or one of them lost.
fn check_headers(form: &Form, authority: Option<&Authority>, place: &Place, faults: &mut Faults) {
    let fixed = form.headers.iter().map(|(name, _value)| name.as_str());
    let sent = form.send.iter().map(|sent| sent.header.as_str());
    let own = authority.and_then(|authority| authority.auth.header());
    let names: Vec<_> = ["accept"].into_iter().chain(own).chain(fixed).chain(sent).collect();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|before| before == name) {
            faults.add(place, format!("`{name}` is set twice"));
        }
    }
}

/// A part that is all credential, or has none of it.
fn is_whole(part: &str) -> bool {
    part == CREDENTIAL || is_literal(part)
}

fn is_literal(text: &str) -> bool {
    !text.contains(['{', '}'])
}

/// What stands for the credential.
const CREDENTIAL: &str = "{credential}";

const ACCEPT: &str = "application/json";

/// Headers that carry secrets whatever a policy says.
const SECRET: [&str; 2] = ["authorization", "proxy-authorization"];
