//! Which of several routes of the model takes a request.

use crate::oracle::model::{Host, Segment};

/// A name before a suffix, a longer suffix before a shorter.
pub(crate) fn specificity_of_host(host: Host, asked: &str) -> Option<u8> {
    match host {
        Host::Name(name) => (name == asked).then_some(u8::MAX),
        Host::Below(suffix) => asked.ends_with(&format!(".{suffix}")).then(|| u8::try_from(suffix.len()).unwrap()),
    }
}

/// From the left: a literal before a typed capture, that before any, that before the rest.
pub(crate) fn specificity_of_path(path: &[Segment], segments: &[String]) -> Option<Vec<u8>> {
    let mut specificity = Vec::new();
    for (number, segment) in path.iter().enumerate() {
        let asked = segments.get(number)?;
        match segment {
            Segment::Rest => {
                // One segment at least; the last of several may be empty: a slash at the end.
                return (!asked.is_empty()).then(|| {
                    specificity.push(1);
                    specificity
                });
            }
            Segment::Any if !asked.is_empty() => specificity.push(2),
            Segment::Int if is_int(asked) => specificity.push(3),
            Segment::Uuid if is_uuid(asked) => specificity.push(3),
            Segment::Literal(literal) if literal == asked => specificity.push(4),
            _ => return None,
        }
    }
    (path.len() == segments.len()).then_some(specificity)
}

fn is_int(text: &str) -> bool {
    text.chars().all(|sign| sign.is_ascii_digit()) && text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let hex = |sign: char| sign.is_ascii_digit() || ('a'..='f').contains(&sign);
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.chars().all(hex))
}
