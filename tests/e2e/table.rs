//! Owns what the authority's table understands and says.

use brama_e2e::table::{stated, understand};
use serde_json::{Value, json};

#[test]
fn form_is_understood_as_it_is_encoded() {
    let some = |token: &str, hint: &str| Some((token.to_owned(), hint.to_owned()));
    assert_eq!(understand("token=a%2Bb%26+c&token_type_hint=api_key"), some("a+b& c", "api_key"));
    for odd in [
        "",
        "token=a",
        "token=a&token=b&token_type_hint=c",
        "token=%2&token_type_hint=c",
        "token=%+1&token_type_hint=c",
    ] {
        assert_eq!(understand(odd), None, "{odd}");
    }
}

#[test]
fn facts_stand_where_the_verifier_looks_for_them() {
    let verifier =
        json!({"expect": {"/use": "x"}, "facts": {"client_type": "/a~1b/role", "further": {"tenant": "/a~1b/tenant"}}});
    let facts = [("subject", "ann"), ("client_type", "admin"), ("tenant", "acme")];
    let facts = facts.map(|(name, value)| (name.to_owned(), Value::from(value))).into();
    let answer = json!({"active": true, "use": "x", "sub": "ann", "a/b": {"role": "admin", "tenant": "acme"}});
    assert_eq!(stated(&facts, &verifier, 0), answer);
}
