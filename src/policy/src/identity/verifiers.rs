//! Owns which of several verifiers claims a credential: by its form, its issuer or its beginning, once.
//!
//! A JWS is for the verifiers of JWTs alone, and of several for that of its issuer; all else is for whoever is asked
//! about such a beginning, or about the rest. What claims a credential decides: where it refuses, nobody else sees it,
//! and what nobody claims is refused.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use crate::identity::base64url;
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::facts::FactType;
use crate::identity::jws;
use crate::identity::rejection::JwtRejection;
use crate::identity::verifier::Verifier;

/// The verifiers of a kind of credential.
#[derive(Clone, Debug)]
pub(crate) enum Verifiers {
    /// It takes whatever is presented.
    One(Arc<Verifier>),
    /// Each takes what it claims.
    Several(Arc<Several>),
}

/// Verifiers of which each claims other credentials.
#[derive(Debug)]
pub(crate) struct Several {
    /// In the order of the document.
    all: Vec<(Claims, Arc<Verifier>)>,
    /// How many of them are for JWTs.
    of_jwts: usize,
    fingerprint: u64,
}

/// Which credentials a verifier claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claims {
    /// What is a JWS, good or bad; of several verifiers that claim those, what states an issuer of this one.
    Jws,
    /// What begins so, and is no JWS that another could claim.
    Prefix(String),
    /// All that the others do not claim, and that is no JWS that another could claim.
    Rest,
}

/// Who verifies a credential: known, or found when it is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Claim {
    Known(Arc<Verifier>),
    Sought(Arc<Sought>),
}

/// A claim that costs the reading of a token's payload, which what is remembered of the token spares.
#[derive(Debug)]
pub(crate) struct Sought {
    among: Arc<Several>,
    credential: Credential,
    found: OnceLock<(Option<Claimant>, Arc<Verifier>)>,
}

/// Number of a verifier among those of its kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant(u8);

impl Verifiers {
    pub(crate) fn new(mut all: Vec<(Claims, Arc<Verifier>)>) -> Option<Self> {
        match all.as_slice() {
            [] => None,
            [(Claims::Jws | Claims::Rest, _only)] => all.pop().map(|(_claims, only)| Self::One(only)),
            [..] => Some(Self::Several(Arc::new(Several::new(all)))),
        }
    }

    /// The one that a credential is for.
    ///
    /// It is sought now where the form tells it, and later where an issuer does.
    pub(crate) fn claim(&self, credential: &Credential) -> Claim {
        match self {
            Self::One(verifier) => Claim::Known(Arc::clone(verifier)),
            Self::Several(several) if several.of_jwts > 1 => {
                let (among, credential) = (Arc::clone(several), credential.clone());
                Claim::Sought(Arc::new(Sought { among, credential, found: OnceLock::new() }))
            }
            Self::Several(several) => Claim::Known(several.find(credential).1),
        }
    }

    /// In the order of the document.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Verifier>> {
        let (one, several) = match self {
            Self::One(verifier) => (Some(verifier), &[][..]),
            Self::Several(several) => (None, several.all.as_slice()),
        };
        one.into_iter().chain(several.iter().map(|(_claims, verifier)| verifier))
    }

    /// Whether a reason has to say which of them it is about: there are two of one sort.
    pub(crate) fn are_alike(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Several(several) => several.of_jwts > 1 || several.all.len().saturating_sub(several.of_jwts) > 1,
        }
    }

    /// The further facts that they can state, each once, with their types.
    pub(crate) fn further(&self) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        let mut facts: Vec<_> = self.iter().flat_map(|verifier| verifier.further()).collect();
        facts.sort_unstable();
        facts.dedup();
        facts.into_iter()
    }
}

impl Several {
    fn new(all: Vec<(Claims, Arc<Verifier>)>) -> Self {
        let mut hasher = DefaultHasher::new();
        for (claims, verifier) in &all {
            (claims, verifier.fingerprint()).hash(&mut hasher);
        }
        let of_jwts = all.iter().filter(|(claims, _verifier)| *claims == Claims::Jws).count();
        Self { all, of_jwts, fingerprint: hasher.finish() }
    }

    /// The one that claims a credential, and its number; one that refuses it where none does.
    fn find(&self, credential: &Credential) -> (Option<Claimant>, Arc<Verifier>) {
        match self.claiming(credential.expose_secret()) {
            Ok((number, verifier)) => (u8::try_from(number).ok().map(Claimant), Arc::clone(verifier)),
            Err(unclaimed) => (None, Arc::new(Verifier::Unclaimed(unclaimed))),
        }
    }

    /// Whether there is one for JWTs and one for all else.
    pub(crate) fn is_told_by_the_form(&self) -> bool {
        matches!(self.all.as_slice(), [(Claims::Jws, _), (Claims::Rest, _)])
    }

    /// In the order of the document.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Claims, &Arc<Verifier>)> {
        self.all.iter().map(|(claims, verifier)| (claims, verifier))
    }

    /// The issuer that a JWS states, or why it states none; `None` of what is no JWS, or none to these verifiers.
    pub(crate) fn stated(&self, text: &str) -> Option<Result<String, JwtRejection>> {
        let is_jws = self.of_jwts > 0 && jws::claims_to_be_one(text);
        is_jws.then(|| jws::issuer(text))
    }

    /// The one that claims a credential, with its number.
    pub(crate) fn claiming(&self, text: &str) -> Result<(usize, &Arc<Verifier>), JwtRejection> {
        // A JWS that its verifier refuses must not come to another one by its beginning, or with the rest.
        let is_jws = self.of_jwts > 0 && jws::claims_to_be_one(text);
        // The only one says by itself what is wrong with an issuer.
        let issuer = if is_jws && self.of_jwts > 1 { Some(jws::issuer(text)?) } else { None };
        let mut all = self.all.iter().enumerate();
        let found = all.find(|(_number, (claims, verifier))| match (claims, is_jws) {
            (Claims::Jws, true) => issuer.as_ref().is_none_or(|issuer| verifier.is_of(issuer)),
            (Claims::Prefix(prefix), false) => text.starts_with(prefix),
            (Claims::Rest, false) => true,
            (Claims::Jws, false) | (Claims::Prefix(_) | Claims::Rest, true) => false,
        });
        let otherwise = if is_jws { JwtRejection::IssuerUnclaimed } else { JwtRejection::Unclaimed };
        found.map(|(number, (_claims, verifier))| (number, verifier)).ok_or(otherwise)
    }
}

impl Claim {
    pub(crate) fn verifier(&self) -> &Arc<Verifier> {
        match self {
            Self::Known(verifier) => verifier,
            Self::Sought(sought) => &sought.found().1,
        }
    }

    /// Tells whether a question about the credential holds one of this kind too. Nobody is asked about a JWS here, so that
    /// its payload need not be read for that.
    pub(crate) fn sends(&self, kind: &CredentialKind) -> bool {
        match self {
            Self::Known(verifier) => verifier.sends(kind),
            Self::Sought(sought) => {
                !jws::claims_to_be_one(sought.credential.expose_secret()) && sought.found().1.sends(kind)
            }
        }
    }

    /// A number that changes with all that decides who verifies the credential, and what an answer is worth.
    pub(crate) fn fingerprint(&self) -> u64 {
        match self {
            Self::Known(verifier) => verifier.fingerprint(),
            Self::Sought(sought) => sought.among.fingerprint,
        }
    }

    /// The verifier's number, for remembering it; `None` where it is no trouble to find.
    pub(crate) fn claimant(&self) -> Option<Claimant> {
        match self {
            Self::Known(_) => None,
            Self::Sought(sought) => sought.found().0,
        }
    }

    /// Whether the verifier is yet to be found.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Known(_) => false,
            Self::Sought(sought) => sought.found.get().is_none(),
        }
    }

    /// Takes the number of the verifier that was found for the same credential among the same verifiers.
    pub(crate) fn settle(&self, claimant: Claimant) {
        match self {
            Self::Known(_) => {}
            Self::Sought(sought) => {
                if let Some((_claims, verifier)) = sought.among.all.get(usize::from(claimant.0)) {
                    // It was found already, and is the same.
                    let _known = sought.found.set((Some(claimant), Arc::clone(verifier)));
                }
            }
        }
    }
}

impl Sought {
    fn found(&self) -> &(Option<Claimant>, Arc<Verifier>) {
        self.found.get_or_init(|| self.among.find(&self.credential))
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        self.verifier() == other.verifier()
    }
}

impl Eq for Claim {}

/// Whether a JWS could begin so, in whatever spelling: then a prefix would not tell it from others.
pub(crate) fn could_begin_a_jws(prefix: &str) -> bool {
    match prefix.split_once('.') {
        // The header is whole.
        Some((header, _rest)) => jws::claims_to_be_one(&format!("{header}..")),
        // Six bits are no whole byte: what follows decides.
        None if prefix.trim_end_matches('=').len() % 4 == 1 && !prefix.ends_with('=') => {
            LETTERS.chars().any(|next| begins_an_object(&format!("{prefix}{next}")))
        }
        None => begins_an_object(prefix),
    }
}

/// Whether a part of a header, of whole bytes but for its end, could go on to be a JSON object.
fn begins_an_object(header: &str) -> bool {
    let bytes = base64url::decode_any_spelling(header.trim_end_matches('='));
    bytes.is_some_and(|bytes| match bytes.trim_ascii_start() {
        [] => true,
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [] | [b'"', ..]),
        [..] => false,
    })
}

/// The letters of base64url.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Verifiers of a kind of credential: as many issuers as a gateway has any business with, of whom each worker fetches a
/// set of keys, and which are gone through for each new token.
pub(crate) const MAX_VERIFIERS: usize = 16;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn prefix_of_a_jws_is_found_in_every_spelling() {
        for prefix in [
            "e",
            "ey",
            "eyJ",
            "eyJh",
            "eyA",
            "ewog",
            "ewoi",
            "eyJhbGciOiJub25lIn0",
            "eyJhbGciOiJub25lIn0=",
            "eyJhbGciOiJub25lIn0==",
            "e30",
        ] {
            assert!(could_begin_a_jws(prefix) == (prefix != "e30"), "{prefix}");
        }
        // Spaces before the object: a space, a line feed, a tab, a carriage return.
        for prefix in ["IHsi", "Cg", "CnsK", "CXsi", "DXsi", "I", "C", "D"] {
            assert!(could_begin_a_jws(prefix), "{prefix}");
        }
        for prefix in
            ["ghp_", "glpat-", "12|", "a", "pat.", "sk_live_", "ey_", "eyk", "e:", "eyJ|", "{", "Zg", "AAAA", "."]
        {
            assert!(!could_begin_a_jws(prefix), "{prefix}");
        }
        // Up to the point the header is whole, in its spelling or another.
        let whole = "eyJhbGciOiJub25lIn0";
        for (prefix, is_one) in [
            (format!("{whole}."), true),
            (format!("{whole}==.x"), true),
            ("eyJ.".to_owned(), false),
            ("e30.".to_owned(), false),
        ] {
            assert_eq!(could_begin_a_jws(&prefix), is_one, "{prefix}");
        }
    }
}
