//! How a policy writes several verifiers: each credential has one, and what nothing comes to is a fault.

use super::{A, B, TENANTS, introspect, issuers, jwt};
use crate::jwt::document;
use brama_policy::deciding::{Policy, PolicyDocument};
use serde_json::Value;

fn read(yaml: &str) -> Result<PolicyDocument, Vec<String>> {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    PolicyDocument::read(&value.to_string()).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn faults(verify: &str) -> Vec<String> {
    match read(&document(verify)) {
        Ok(document) => match Policy::compile(&document) {
            Ok(_policy) => Vec::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        },
        Err(faults) => faults,
    }
}

fn lints(yaml: &str) -> Vec<String> {
    let document = read(yaml).unwrap();
    let lints = Policy::compile(&document).unwrap().lints(&document);
    lints.into_iter().map(|lint| format!("{} {}", lint.code, lint.path)).collect()
}

fn of(issuer: &str) -> String {
    jwt(issuer, "api", &issuers().a, "/t")
}

fn of_tenants(issuer: &str, allow: &str) -> String {
    of(issuer).replace("audiences", &format!("tenant: {{ claim: /tid, allow: {allow} }}\n          audiences"))
}

fn when(prefix: &str) -> String {
    introspect(&format!("when: {{ prefix: '{prefix}' }},"), "p")
}

fn rest() -> String {
    introspect("", "rest")
}

#[track_caller]
fn assert_fault(verify: &[String], fault: &str) {
    let found = faults(&verify.concat());
    let is_told = found.iter().any(|line| line.starts_with(&format!("credentials.token.{fault}")));
    assert!(if fault.is_empty() { found.is_empty() } else { is_told && found.len() == 1 }, "{fault}: {found:#?}");
}

#[test]
fn any_number_of_verifiers_is_sound_where_each_has_its_own() {
    assert_fault(&[of(A), of(B)], "");
    assert_fault(&[of(A), of(B), rest()], "");
    assert_fault(&[when("ghp_"), of(A), when("glpat-"), of(B), rest()], "");
    assert_fault(&[when("ghp_")], "");
    assert_fault(&[when("ghp_x"), when("ghp_"), rest()], "");
    assert_fault(&[of(A), of_tenants(TENANTS, "[t1]")], "");
    let many = |number: usize| (0..number).map(|number| of(&format!("https://{number}.example"))).collect::<Vec<_>>();
    assert_fault(&many(16), "");
    assert_fault(&many(17), "verify: 17 verifiers are more than 16");
}

#[test]
fn issuer_is_one_verifiers() {
    let at = "verify[1].jwt.issuer: ";
    assert_fault(&[of(A), of(A)], &format!("{at}`{A}` is the issuer of `verify[0]` already"));
    assert_fault(&[of(A), of(&format!("{A}/"))], "");
    let tenants = of_tenants(TENANTS, "[t1]");
    assert_fault(&[tenants.clone(), tenants.clone()], &format!("{at}`{TENANTS}` is the issuer of `verify[0]`"));
    assert_fault(&[tenants.clone(), of_tenants(TENANTS, "[t2]")], at);
    // Also where the list does not have the tenant: nobody should have to look there.
    assert_fault(
        &[tenants.clone(), of("https://login.example/t9/v2.0")],
        &format!("{at}a token could be of this issuer"),
    );
    assert_fault(&[of("https://login.example/t1/v2.0"), tenants.clone()], at);
    assert_fault(&[tenants.clone(), of("https://login.example/t1/v1.0")], "");
    assert_fault(&[tenants.clone(), of("https://login.example//v2.0")], "");
    assert_fault(&[tenants.clone(), of_tenants("https://login.example/x/{tenant}", "[t1]")], at);
    assert_fault(&[tenants, of_tenants("https://login.example/x/y/{tenant}", "[t1]")], "");
}

#[test]
fn prefix_is_one_that_a_credential_can_have_and_no_other_has() {
    let at = "verify[1].introspect.when.prefix: ";
    assert_fault(&[of(A), when("")], &format!("{at}`` is no prefix"));
    assert_fault(&[of(A), when("a b")], &format!("{at}`a b` is no prefix"));
    assert_fault(&[of(A), when("é")], &format!("{at}`é` is no prefix"));
    assert_fault(&[of(A), when(&"a".repeat(64))], "");
    assert_fault(&[of(A), when(&"a".repeat(65))], at);
    // A token behind a scheme is a token68.
    assert_fault(&[of(A), when("12|")], &format!("{at}no credential begins with `12|`"));
    assert_fault(&[of(A), when("=a")], at);
    assert_fault(&[of(A), when("a=")], "");
    // A JWT is for the verifiers of JWTs, and for nobody else.
    for prefix in ["eyJ", "e", "ey", "ewo"] {
        assert_fault(&[of(A), when(prefix)], &format!("{at}a JWT can begin with `{prefix}`"));
        assert_fault(&[when("x"), when(prefix)], "");
    }
    assert_fault(&[of(A), when("ey_")], "");
    assert_fault(
        &[when("ghp_"), when("ghp_")],
        &format!("{at}nothing comes here: `verify[0]` takes what begins with `ghp_`"),
    );
    assert_fault(
        &[when("gh"), when("ghp_")],
        &format!("{at}nothing comes here: `verify[0]` takes what begins with `gh`"),
    );
    let visible = document(&format!("{}{}", of(A), when("12|")))
        .replace("scheme: Bearer", "scheme: Bearer\n    alphabet: visible");
    assert!(Policy::compile(&read(&visible).unwrap()).is_ok());
}

#[test]
fn what_takes_the_rest_is_last() {
    assert_fault(&[rest(), rest()], "verify[1].introspect: nothing comes here: `verify[0]` has no `when`");
    assert_fault(&[rest(), when("ghp_")], "verify[1].introspect: nothing comes here: `verify[0]` has no `when`");
    assert_fault(&[rest(), of(A)], "verify: write `jwt` before `introspect`, which takes whatever is presented");
    let unknown = of(A) + &when("x").replace("prefix", "prefixes");
    assert!(faults(&unknown)[0].starts_with("credentials.token.verify[1].introspect.when"), "{:?}", faults(&unknown));
}

#[test]
fn template_and_its_tenants_are_written_out() {
    let at = |place: &str, message: &str| format!("verify[0].jwt.{place}: {message}");
    for (issuer, message) in [
        ("https://login.example/v2.0", "`https://login.example/v2.0` has no `{tenant}`"),
        ("https://login.example/{tid}/v2.0", "`https://login.example/{tid}/v2.0` has no `{tenant}`"),
        ("https://login.example/{tenant}/{tenant}", "`https://login.example/{tenant}/{tenant}` has more than one"),
        ("https://{tenant}.example/", "`https://{tenant}.example/` has `{tenant}` elsewhere"),
        ("https://login.example/t-{tenant}", "`https://login.example/t-{tenant}` has `{tenant}` elsewhere"),
        ("https://login.example?t=/{tenant}", "`https://login.example?t=/{tenant}` has `{tenant}` elsewhere"),
        ("", "write the issuer"),
    ] {
        assert_fault(&[of_tenants(issuer, "[t1]")], &at("issuer", message));
    }
    for (allow, place, message) in [
        ("[]", "tenant.allow", "write at least one tenant"),
        ("[t1, t1]", "tenant.allow[1]", "`t1` is written twice"),
        ("[t1, '']", "tenant.allow[1]", "`` is no tenant"),
        ("[a/b]", "tenant.allow[0]", "`a/b` is no tenant"),
        ("['%61']", "tenant.allow[0]", "`%61` is no tenant"),
        ("['*']", "tenant.allow[0]", "`*` is no tenant"),
        ("['..']", "tenant.allow[0]", "`..` is no tenant"),
        ("any", "tenant.allow", "a list of tenants, or `{ any: { because"),
        ("t1", "tenant.allow", "a list of tenants, or `{ any: { because"),
        ("{ any: { because: ' ' } }", "tenant.allow.any.because", "say why"),
        ("{ any: {} }", "tenant.allow.any", "missing key `because`"),
        ("{}", "tenant.allow", "missing key `any`"),
    ] {
        assert_fault(&[of_tenants(TENANTS, allow)], &at(place, message));
    }
    let claim = of_tenants(TENANTS, "[t1]").replace("/tid", "tid");
    assert_fault(&[claim], &at("tenant.claim", "`tid` is no JSON pointer"));
    let without = of(TENANTS).replace("audiences", "tenant: { claim: /tid }\n          audiences");
    assert_fault(&[without], &at("tenant", "missing key `allow`"));
}

#[test]
fn feed_of_two_issuers_is_written() {
    let fed = |verify: &str| {
        document(verify).replace(
            "{ because: public } } }",
            "{ because: public } }, revocations: { path: /r, every: 1s, max_lag: 3s } }",
        )
    };
    let fetched = |issuer: &str, written: &str| {
        let inline = format!("{{ inline: [{}] }}", issuers().a.jwk());
        let keys = format!("{{ authority: keys, path: /jwks, every: 5m, max_stale: 60m }}{written}");
        of(issuer).replace(&inline, &keys)
    };
    let written = "\n          revocations: keys";
    let compile = |first: &str, second: &str| {
        let yaml = fed(&format!("{}{}", fetched(A, first), fetched(B, second)));
        Policy::compile(&read(&yaml).unwrap()).map(|_policy| ()).map_err(|faults| faults.to_string())
    };
    assert_eq!(compile(written, written), Ok(()));
    for (first, second) in [("", ""), (written, ""), ("", written)] {
        let told = compile(first, second).unwrap_err();
        assert!(told.starts_with("credentials.token.verify[1].jwt: what the feed revokes of one issuer"), "{told}");
    }
    // So it is of one issuer's tenants.
    let tenants = |written: &str| {
        let verifier =
            fetched(TENANTS, written).replace("audiences", "tenant: { claim: /tid, allow: [t1] }\n          audiences");
        Policy::compile(&read(&fed(&verifier)).unwrap()).map(|_policy| ()).map_err(|faults| faults.to_string())
    };
    assert_eq!(tenants(written), Ok(()));
    let told = tenants("").unwrap_err();
    assert!(told.starts_with("credentials.token.verify[0].jwt: what the feed revokes of one tenant"), "{told}");
    // Without a feed there is nothing to tell apart.
    assert_eq!(faults(&format!("{}{}", fetched(A, ""), fetched(B, ""))), [""; 0]);
}

#[test]
fn fact_that_one_of_them_does_not_state_is_told() {
    let clean = format!("{}{}{}", of(A), of(B), rest());
    let unused = "authority_unused authorities.keys";
    assert_eq!(lints(&document(&clean)), [unused]);
    let without = |verifier: &str| verifier.replace("further: { tenant: /t }", "further: {}");
    for (verify, place) in [
        ([of(A), without(&of(B)), rest()], "verify[1].jwt"),
        ([of(A), of(B), without(&rest())], "verify[2].introspect"),
    ] {
        let told = [format!("fact_not_stated credentials.token.{place}"), unused.to_owned()];
        assert_eq!(lints(&document(&verify.concat())), told);
    }
    // Alone, a verifier that does not read it leaves nothing to forward, which is a fault.
    let unforwarded =
        document(&[of(A), without(&of(B))].concat()).replace("x-tenant: token.tenant", "x-user: token.subject");
    let found = lints(&unforwarded);
    assert!(
        found.contains(&"fact_unused credentials.token.verify[0].jwt.facts.further.tenant".to_owned()),
        "{found:?}"
    );
    assert!(!found.iter().any(|lint| lint.starts_with("fact_not_stated")), "{found:?}");
}

#[test]
fn issuer_with_braces_is_told_to_be_no_template() {
    let lint = "issuer_is_no_template credentials.token.verify[0].jwt.issuer".to_owned();
    assert!(lints(&document(&of(TENANTS))).contains(&lint));
    assert!(lints(&document(&of("https://login.example/{tenantid}/v2.0"))).contains(&lint));
    assert!(!lints(&document(&of_tenants(TENANTS, "[t1]"))).contains(&lint));
    assert!(!lints(&document(&of(A))).contains(&lint));
}
