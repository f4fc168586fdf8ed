//! Owns what a policy expects an answer or a token to say, which tells one kind of credential from another.

use std::sync::Arc;

use serde_json::Value;

/// A value that must be stated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Expected {
    /// Where, by JSON pointer (RFC 6901).
    pub(crate) at: Arc<str>,
    pub(crate) wanted: Wanted,
}

/// What is wanted there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// One of these.
    Is(Vec<Scalar>),
    /// A list that has one of these, or one of these alone.
    Has(Vec<Scalar>),
}

/// A value that is no list and no object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scalar {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// Whether what is expected is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    /// Something else is stated there, of the same type.
    No,
    /// Nothing is stated there that could be compared.
    NotStated,
}

impl Expected {
    pub(crate) fn is_met_by(&self, said: &Value) -> Met {
        match (&self.wanted, said.pointer(&self.at)) {
            (Wanted::Is(wanted), Some(stated)) => one_of(wanted, std::slice::from_ref(stated)),
            (Wanted::Has(wanted), Some(Value::Array(entries))) if entries.is_empty() => no(wanted),
            (Wanted::Has(wanted), Some(Value::Array(entries))) => one_of(wanted, entries),
            (Wanted::Has(wanted), Some(stated)) => one_of(wanted, std::slice::from_ref(stated)),
            (Wanted::Is(_) | Wanted::Has(_), None) => Met::NotStated,
        }
    }
}

fn one_of(wanted: &[Scalar], stated: &[Value]) -> Met {
    if stated.iter().any(|stated| wanted.iter().any(|wanted| wanted.is(stated))) {
        return Met::Yes;
    }
    let is_comparable = stated.iter().all(|stated| wanted.iter().any(|wanted| wanted.is_like(stated)));
    if is_comparable { no(wanted) } else { Met::NotStated }
}

/// Where nothing is wanted nothing can be told, which no document can write.
const fn no(wanted: &[Scalar]) -> Met {
    if wanted.is_empty() { Met::NotStated } else { Met::No }
}

impl Scalar {
    fn is(&self, stated: &Value) -> bool {
        match self {
            Self::Bool(wanted) => stated.as_bool() == Some(*wanted),
            Self::Int(wanted) => stated.as_i64() == Some(*wanted),
            Self::Text(wanted) => stated.as_str() == Some(wanted),
        }
    }

    const fn is_like(&self, stated: &Value) -> bool {
        matches!(
            (self, stated),
            (Self::Bool(_), Value::Bool(_)) | (Self::Int(_), Value::Number(_)) | (Self::Text(_), Value::String(_))
        )
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn met(wanted: Wanted, stated: Value) -> Met {
        Expected { at: "/a".into(), wanted }.is_met_by(&json!({ "a": stated }))
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    #[test]
    fn value_is_compared_with_its_type() {
        for (wanted, stated, outcome) in [
            (text("x"), json!("x"), Met::Yes),
            (text("x"), json!("X"), Met::No),
            (text("true"), json!(true), Met::NotStated),
            (text("x"), json!(["x"]), Met::NotStated),
            (text("x"), json!(null), Met::NotStated),
            (Scalar::Bool(true), json!(true), Met::Yes),
            (Scalar::Bool(true), json!(false), Met::No),
            (Scalar::Bool(true), json!("true"), Met::NotStated),
            (Scalar::Int(1), json!(1), Met::Yes),
            (Scalar::Int(1), json!(2), Met::No),
            (Scalar::Int(1), json!(1.0), Met::No),
            (Scalar::Int(1), json!("1"), Met::NotStated),
        ] {
            assert_eq!(met(Wanted::Is(vec![wanted.clone()]), stated.clone()), outcome, "{wanted:?} {stated}");
        }
        assert_eq!(
            Expected { at: "/b".into(), wanted: Wanted::Is(vec![text("x")]) }.is_met_by(&json!({})),
            Met::NotStated
        );
    }

    #[test]
    fn one_of_several_is_enough() {
        let wanted = || vec![text("a"), text("b"), Scalar::Bool(true)];
        for (stated, outcome) in [
            (json!("b"), Met::Yes),
            (json!(true), Met::Yes),
            (json!("c"), Met::No),
            (json!(false), Met::No),
            (json!(1), Met::NotStated),
        ] {
            assert_eq!(met(Wanted::Is(wanted()), stated.clone()), outcome, "{stated}");
        }
    }

    #[test]
    fn list_has_one_of_several() {
        let wanted = || Wanted::Has(vec![text("a"), text("b")]);
        for (stated, outcome) in [
            (json!(["x", "b"]), Met::Yes),
            (json!("a"), Met::Yes),
            (json!(["x"]), Met::No),
            (json!([]), Met::No),
            (json!("x"), Met::No),
            (json!(["x", 1]), Met::NotStated),
            (json!([["a"]]), Met::NotStated),
            (json!({ "a": "a" }), Met::NotStated),
        ] {
            assert_eq!(met(wanted(), stated.clone()), outcome, "{stated}");
        }
    }
}
