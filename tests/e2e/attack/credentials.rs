//! Every odd way to say one credential with every odd way to say the other.

use brama_e2e::stack::Gateway;

use super::arrived::requests;
use super::wire::{Ending, Field, Raw, Wire, field};
use super::{API_KEY, NOTHING, TOKEN, laxer};

/// A way to say a credential.
struct Form {
    what: String,
    fields: Vec<Field>,
    query: String,
    is_good: Good,
}

/// Whether it is said once and well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Good {
    Yes,
    /// With what a parser may take off its ends, and may not.
    Perhaps,
    No,
}

#[test]
fn only_credentials_said_once_and_well_let_a_request_pass() {
    search(&Gateway::start());
}

#[test]
fn laxer_envoy_lets_only_credentials_said_once_and_well_pass() {
    search(&laxer());
}

fn search(gateway: &Gateway) {
    let (mut tried, mut passed) = (0, 0);
    for wire in [Wire::Http1, Wire::Http2] {
        let (api_keys, tokens) = (api_keys(wire), tokens(wire));
        for api_key in &api_keys {
            for token in &tokens {
                let query = match [&*api_key.query, &*token.query].concat() {
                    none if none.is_empty() => String::new(),
                    some => format!("?{}", some.trim_end_matches('&')),
                };
                let mut request = Raw::new("DELETE", &format!("{NOTHING}{query}"));
                request.fields = [&api_key.fields[..], &token.fields].concat();
                let ending = request.send(wire, gateway.address());
                let arrived = requests(&gateway.tap.take());
                let what = format!("{wire:?}, {}, {}: {ending:?}", api_key.what, token.what);
                tried += 1;
                match (api_key.is_good, token.is_good) {
                    (Good::Yes, Good::Yes) => assert_eq!(ending, Ending::Answered(404), "{what}"),
                    (Good::No, _) | (_, Good::No) => assert!(arrived.is_empty(), "{what}: {arrived:?}"),
                    _perhaps => {}
                }
                match ending {
                    Ending::Answered(404) => {
                        passed += 1;
                        let [arrived] = &arrived[..] else { panic!("{what}: {arrived:?}") };
                        arrived.assert_sound();
                    }
                    Ending::Answered(400 | 401 | 431) | Ending::Cut => {
                        assert!(arrived.is_empty(), "{what}: {arrived:?}")
                    }
                    Ending::Answered(_other) => panic!("{what}"),
                }
            }
        }
    }
    println!("{tried} pairs of credentials, {passed} passed");
    assert!(passed >= 8);
}

fn api_keys(wire: Wire) -> Vec<Form> {
    let mut forms = forms(wire, "api-key", "", API_KEY);
    forms.push(no("an access token", vec![field("api-key", "demo-nhs-token")]));
    forms.push(no("with a scheme", vec![field("api-key", &format!("Bearer {API_KEY}"))]));
    forms.push(no("another header", vec![field("x-api-key", API_KEY), field("apikey", API_KEY)]));
    if wire == Wire::Http1 {
        forms.push(Form { is_good: Good::Yes, ..no("in capitals", vec![field("API-KEY", API_KEY)]) });
    }
    forms
}

fn tokens(wire: Wire) -> Vec<Form> {
    let mut forms = forms(wire, "authorization", "Bearer ", TOKEN);
    for scheme in ["bearer ", "BEARER ", "bEaReR "] {
        forms
            .push(Form { is_good: Good::Yes, ..no(scheme, vec![field("authorization", &format!("{scheme}{TOKEN}"))]) });
    }
    // RFC 9110, 11.4: one space or more.
    forms.push(Form {
        is_good: Good::Perhaps,
        ..no("two spaces", vec![field("authorization", &format!("Bearer  {TOKEN}"))])
    });
    for value in [
        TOKEN.to_owned(),
        format!("Bearer{TOKEN}"),
        format!("Bearer\t{TOKEN}"),
        format!("Bearer={TOKEN}"),
        format!("Bearer:{TOKEN}"),
        format!("Bearer Bearer {TOKEN}"),
        format!("Basic {TOKEN}"),
        format!("DPoP {TOKEN}"),
        format!("Bearer {TOKEN}="),
        format!("Bearer token=\"{TOKEN}\""),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {API_KEY}"),
        format!("Negotiate x, Bearer {TOKEN}"),
    ] {
        forms.push(no(&value, vec![field("authorization", &value)]));
    }
    for name in ["proxy-authorization", "x-authorization", "x-forwarded-authorization", "x-amzn-authorization"] {
        forms.push(no(name, vec![field(name, &format!("Bearer {TOKEN}"))]));
    }
    let mut in_query = no("in the query", vec![]);
    in_query.query = format!("access_token={TOKEN}&");
    forms.push(in_query);
    if wire == Wire::Http1 {
        forms.push(Form {
            is_good: Good::Yes,
            ..no("in capitals", vec![field("AUTHORIZATION", &format!("Bearer {TOKEN}"))])
        });
    }
    forms
}

/// The ways that are the same for both.
fn forms(wire: Wire, name: &str, scheme: &str, secret: &str) -> Vec<Form> {
    let good = format!("{scheme}{secret}");
    let of = |value: &[u8]| vec![(name.as_bytes().to_vec(), value.to_vec())];
    // Envoy makes one value of two of `authorization`, and of an empty one beside another nothing: one was said, and it
    // alone.
    let beside_nothing = if name == "authorization" { Good::Perhaps } else { Good::No };
    let mut forms = vec![
        Form { is_good: Good::Yes, ..no("as it should be", vec![field(name, &good)]) },
        no("not at all", vec![]),
        no("twice", vec![field(name, &good), field(name, &good)]),
        no("good, then bad", vec![field(name, &good), field(name, &format!("{scheme}x"))]),
        no("bad, then good", vec![field(name, &format!("{scheme}x")), field(name, &good)]),
        Form { is_good: beside_nothing, ..no("empty, then good", vec![field(name, ""), field(name, &good)]) },
        Form { is_good: beside_nothing, ..no("good, then empty", vec![field(name, &good), field(name, "")]) },
        no("in a cookie", vec![field("cookie", &format!("{name}={good}; {}={secret}", name.replace('-', "_")))]),
        no("in capitals too", vec![field(name, &good), field(&name.to_uppercase(), &good)]),
        no("a space after the name", vec![field(&format!("{name} "), &good)]),
        no("a space before the name", vec![field(&format!(" {name}"), &good)]),
        no("a colon in the name", vec![field(&format!("{name}:"), &good)]),
        no("NUL in the name", vec![field(&format!("{name}\0"), &good)]),
    ];
    if name.contains('-') {
        let underscored = field(&name.replace('-', "_"), &good);
        forms.push(no("with an underscore", vec![underscored.clone()]));
        forms.push(no("with an underscore too", vec![field(name, &good), underscored]));
    }
    let mut query = no("in the query", vec![]);
    query.query = format!("{name}={secret}&{}={secret}&", name.replace('-', "_"));
    forms.push(query);
    for (before, after) in [(" ", ""), ("", " "), ("\t", "\t"), ("  ", "  ")] {
        let value = format!("{before}{good}{after}");
        forms.push(Form { is_good: Good::Perhaps, ..no(&format!("{value:?}"), vec![field(name, &value)]) });
    }
    // Envoy takes a CR without LF out of a value (envoyproxy/envoy#34088), so neither the plugin nor the service sees
    // it.
    let (start, end) = secret.split_at(secret.len() / 2);
    let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for value in [
        String::new(),
        ",".to_owned(),
        format!("{good},"),
        format!(",{good}"),
        format!("{good},{good}"),
        format!("{good}, {scheme}x"),
        format!("{scheme}x, {good}"),
        format!("{good};"),
        format!("{good} x"),
        format!("\"{good}\""),
        format!("{scheme}\"{secret}\""),
        format!("{scheme}{escaped}"),
        format!("{scheme}{}", secret.to_uppercase()),
        format!("{scheme}{start}"),
        format!("{scheme}{secret}{end}"),
        format!("{scheme}{start} {end}"),
        format!("{scheme}{start}\t{end}"),
        format!("{scheme}{start}\0{end}"),
        format!("{good}\0"),
        format!("{scheme}{start}\r\n {end}"),
        format!("{scheme}{start}\n{end}"),
        format!("{good}\u{e9}"),
        format!("\u{feff}{good}"),
        format!("{scheme}{secret}\u{200b}"),
        format!("{good}\u{a0}"),
        format!("{scheme}{}", "a".repeat(8193)),
        format!("{good}{}", "a".repeat(40_000)),
    ] {
        let what = value.chars().take(60).collect::<String>();
        forms.push(no(&format!("{what:?}"), vec![field(name, &value)]));
    }
    let with_cr = no("a CR within", vec![field(name, &format!("{scheme}{start}\r{end}"))]);
    forms.push(Form { is_good: if wire == Wire::Http1 { Good::Perhaps } else { Good::No }, ..with_cr });
    for odd in [&b"\xff"[..], b"\xc0\xaf", b"\x80", b"\x7f", b"\x01", b"\x1b[0m"] {
        for value in [[good.as_bytes(), odd].concat(), [scheme.as_bytes(), odd, secret.as_bytes()].concat()] {
            forms.push(no(&value.escape_ascii().to_string(), of(&value)));
        }
    }
    forms
}

fn no(what: &str, fields: Vec<Field>) -> Form {
    Form { what: what.to_owned(), fields, query: String::new(), is_good: Good::No }
}
