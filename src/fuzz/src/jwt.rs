//! Laws of a JWT: even with a good signature it is taken only if its header and claims are what the policy wants, and
//! of several issuers only by its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brama_filter::envoy::signature;
use brama_policy::deciding::UnixTime;
use brama_policy::identity::Verifier;
use serde_json::Value;

use crate::gateway;

/// Input: a token in its compact form, or a header and claims with a line feed between them.
///
/// # Panics
/// A token was taken that the policy does not want.
pub fn holds_for(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let token = match (lines.next(), lines.next()) {
        (Some(header), Some(claims)) => [header, claims, &[1; 64]].map(|part| URL_SAFE_NO_PAD.encode(part)).join("."),
        (Some(_) | None, _) => String::from_utf8_lossy(bytes).into_owned(),
    };
    judge(&token);
    belongs(&token);
}

/// Among several verifiers a JWT is for the one of its issuer, or nobody's, and nobody is asked about it.
fn belongs(token: &str) -> Option<()> {
    let lookup = gateway::lookup_among_several(token)?;
    let part = |number: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(number)?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    match lookup.verifier() {
        Verifier::Jwt(jwt) => {
            let claims = part(1).unwrap();
            let issuer = claims["iss"].as_str().unwrap();
            match jwt.issuer().split_once("{tenant}") {
                Some((before, after)) => {
                    let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap();
                    assert!(!tenant.is_empty() && !tenant.contains('/'), "{issuer}");
                }
                None => assert_eq!(jwt.issuer(), issuer),
            }
        }
        Verifier::Introspection(_) => {
            let is_jws = token.split('.').count() == 3 && part(0).is_some_and(|header| header.get("alg").is_some());
            assert!(!is_jws, "{token}");
        }
        Verifier::Unclaimed(_) => {}
    }
    Some(())
}

fn judge(token: &str) -> Option<()> {
    let lookup = gateway::lookup("token", token)?;
    let Verifier::Jwt(jwt) = lookup.verifier() else { return None };
    let now = UnixTime::from_seconds(gateway::WALL);
    let _deniable = jwt.deniable(lookup.credential());
    let opened = jwt.open(lookup.credential()).ok()?;
    let (_claims, _key_id) = (opened.claims(now), opened.key_id());
    let check = opened.check_with(gateway::keys()).ok()?;
    let _arguments = signature::arguments(&check);
    // The holder of the key could sign anything.
    let facts = check.verified_by(|_check| true).ok()?.accept(now).ok()?;
    gateway::assert_sound(&facts);
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut part = || serde_json::from_slice::<Value>(&parts.next().unwrap()).unwrap();
    let (header, claims) = (part(), part());
    assert!(header["alg"] == "RS256" || header["alg"] == "ES256", "{header}");
    let kind = header["typ"].as_str().unwrap().to_ascii_lowercase();
    assert!(kind == "at+jwt" || kind == "application/at+jwt", "{header}");
    assert!(header.get("crit").is_none() && header.get("b64").is_none(), "{header}");
    assert_eq!(claims["iss"], "https://id.example");
    let names_us = |audience: &Value| audience == "api";
    assert!(
        names_us(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(names_us)),
        "{claims}"
    );
    let seconds = |name: &str| claims[name].as_f64();
    assert!(seconds("exp").is_some_and(|end| end > now_as_f64()), "{claims}");
    assert!(seconds("nbf").is_none_or(|start| start < now_as_f64() + 0.001), "{claims}");
    gateway::assert_stated(&claims["sub"], facts.subject.as_ref());
    gateway::assert_typed(&claims, &facts);
    Some(())
}

fn now_as_f64() -> f64 {
    f64::from(u32::try_from(gateway::WALL).unwrap())
}
