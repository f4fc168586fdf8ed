//! One policy with anything at all changed in one place.

use serde_json::{Value, json};

use super::{RICH, complaints, core_accepts, schema, value};

/// Texts that mean something somewhere in a policy, or stand at the edge of what does.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = WORDS.split_whitespace().map(str::to_owned).collect();
    texts.extend(["", " ", "a b", " a", "\n", "a\n", "/a\nb", "\u{feff}", "\u{85}", "\u{a0}"].map(str::to_owned));
    texts.extend([64, 65, 256, 257, 512, 513, 8192, 8193].map(|length| "a".repeat(length)));
    texts
}

const WORDS: &str = r#"
    a A 0 é - _ * ~ ! " \ [ ] A_1 a.b a}
    / /a /a/ // /{credential} /{credential}/x?a={credential} /a?b=c /a?b=c=d&{x}=/ {credential} GET POST /a~1b /a~2 /%C3%A9 /a!'()*+,=:@b /a?b /a#b /{a} /{_a:int} /{a}/{tenant} /{__tenant...}
    token api_key token. token.subject token.tenant token.scope api_key.client_id api_key.tenant
    subject client_type expires tenant _id
    none enforce shadow bare ehealth problem not_bound scope_missing GET PURGE Get CONNECT
    0ms 1ms 0s 010s 10s 60m 1h
    x-a x-a* x_a host 0* *.example Example. a_b.example 1.2.3.4 *.1.2.3.4 [::1] [::ffff:1.2.3.4] a:80 [::1]:80
    {missing_scopes} {wanted_scopes}{missing_scopes} {x}
    any RS256 ES384 at+jwt application/JWT a/b 30s 60m 1440m
"#;

/// What is no text.
fn others() -> Vec<Value> {
    vec![
        json!(null),
        json!("none"),
        json!("enforce"),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1_000_000),
        json!(1_000_001),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!([""]),
        json!(["a"]),
        json!(["a", "a"]),
        json!(["token"]),
        json!(["token", "api_key"]),
        json!(["token", "token"]),
        json!([200]),
        json!([401]),
        json!([408]),
        json!({ "on": [202] }),
        json!({ "none": { "because": "x" } }),
        json!({ "credential": "token", "header": "x-a" }),
        json!({ "a": "{credential}" }),
        json!({ "a": "/a" }),
        json!({ "because": "x" }),
        json!({ "authority": "a", "path": "/a", "every": "5m", "max_stale": "60m" }),
        json!({ "shadow": { "because": "x" } }),
        json!({ "any": ["a"] }),
        json!({ "all": ["a"], "of": ["token"] }),
        json!({ "token": "tenant", "api_key": "subject" }),
        json!({ "param": "tenant", "equals": "token.subject" }),
    ]
}

/// The places of every value below this one, as JSON pointers.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let step = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, member)| (step(key), member)).collect(),
        Value::Array(entries) => entries.iter().enumerate().map(|(at, entry)| (step(&at.to_string()), entry)).collect(),
        _ => Vec::new(),
    };
    for (pointer, value) in below {
        places(value, &pointer, found);
        found.push(pointer);
    }
}

/// The document with one thing changed at this place: another value, another key, nothing at all, or the same twice.
fn variants(document: &Value, pointer: &str) -> Vec<Value> {
    let change = |change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(&mut document);
        document
    };
    // A text is seldom sound where there was none.
    let texts_here = if document.pointer(pointer).unwrap().is_string() { texts() } else { Vec::new() };
    let values = texts_here.into_iter().map(Value::from).chain(others());
    let mut variants: Vec<Value> =
        values.map(|value| change(&|document| *document.pointer_mut(pointer).unwrap() = value.clone())).collect();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match document.pointer(parent).unwrap() {
        Value::Object(_) => {
            let rename = |document: &mut Value, key: Option<String>| {
                let members = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                let member = members.remove(&last).unwrap();
                members.extend(key.map(|key| (key, member)));
            };
            variants.extend(texts().into_iter().map(|key| change(&|document| rename(document, Some(key.clone())))));
            variants.push(change(&|document| rename(document, None)));
        }
        _ => {
            let index: usize = last.parse().unwrap();
            let list = |document: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
                change(document.pointer_mut(parent).unwrap().as_array_mut().unwrap());
            };
            variants.push(change(&|document| list(document, &|entries| drop(entries.remove(index)))));
            variants.push(change(&|document| list(document, &|entries| entries.push(entries[index].clone()))));
        }
    }
    variants
}

#[test]
fn whatever_the_core_accepts_the_schema_accepts() {
    let (schema, document, mut pointers) = (schema(), value(RICH), Vec::new());
    places(&document, "", &mut pointers);
    let accepted_of = |pointers: &[String]| {
        let variants =
            pointers.iter().flat_map(|pointer| variants(&document, pointer).into_iter().map(move |it| (pointer, it)));
        let accepted = variants.filter(|(_pointer, variant)| core_accepts(variant));
        accepted.inspect(|(at, variant)| assert_eq!(complaints(&schema, variant), [""; 0], "{at}: {variant:#}")).count()
    };
    let share = pointers.len().div_ceil(std::thread::available_parallelism().unwrap().get());
    let accepted: usize = std::thread::scope(|scope| {
        let parts: Vec<_> = pointers.chunks(share).map(|part| scope.spawn(|| accepted_of(part))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    assert!(accepted > 2_000, "most variants are faulty, and {accepted} are too few to say anything");
}
