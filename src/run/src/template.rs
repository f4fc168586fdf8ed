//! Owns the placeholders of the bootstrap: each `${NAME}` is replaced by a value, and each value must be used.

/// The reason why a template cannot be filled in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A value with a control character, which the quoted text around it cannot hold as it is.
    #[error("the value of {0} contains a control character")]
    ControlCharacter(&'static str),
    /// A placeholder without an end.
    #[error("line {0} opens a placeholder and does not close it")]
    Open(usize),
    /// A placeholder without a value.
    #[error("line {line} has the placeholder `{name}`, which has no value")]
    Unknown {
        /// The line, from 1.
        line: usize,
        /// The name of the placeholder.
        name: String,
    },
    /// A value that the template does not use. A bootstrap without its port, for example, would start something else.
    #[error("the placeholder `{0}` does not occur")]
    Unused(&'static str),
}

/// Replaces every `${NAME}` in `template` by its value.
///
/// Texts are escaped for the double quotes that YAML and the template put around them.
pub(crate) fn fill(template: &str, values: &[(&'static str, String)]) -> Result<String, InvalidTemplate> {
    if let Some((name, _)) = values.iter().find(|(_, value)| value.chars().any(char::is_control)) {
        return Err(InvalidTemplate::ControlCharacter(name));
    }
    let mut filled = String::with_capacity(template.len());
    let mut used = vec![false; values.len()];
    for (number, line) in (1..).zip(template.split_inclusive('\n')) {
        let mut rest = line;
        while let Some((before, opened)) = rest.split_once("${") {
            let (name, after) = opened.split_once('}').ok_or(InvalidTemplate::Open(number))?;
            let known = values.iter().zip(&mut used).find(|((known, _), _)| *known == name);
            let ((_, value), used) =
                known.ok_or_else(|| InvalidTemplate::Unknown { line: number, name: name.to_owned() })?;
            *used = true;
            filled.push_str(before);
            filled.push_str(&value.replace('\\', "\\\\").replace('"', "\\\""));
            rest = after;
        }
        filled.push_str(rest);
    }
    match values.iter().zip(used).find(|(_, used)| !used) {
        Some(((name, _), _)) => Err(InvalidTemplate::Unused(name)),
        None => Ok(filled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> [(&'static str, String); 2] {
        [("PORT", "8080".to_owned()), ("FILE", "/a b/\"c\\".to_owned())]
    }

    #[test]
    fn every_occurrence_is_replaced() {
        let filled = fill("a ${PORT}${PORT}\nb \"${FILE}\"\n", &values()).unwrap();
        assert_eq!(filled, "a 80808080\nb \"/a b/\\\"c\\\\\"\n");
    }

    #[test]
    fn dollar_and_braces_apart_are_text() {
        assert_eq!(fill("$ {x} $$ ${PORT} ${FILE}", &values()).unwrap(), "$ {x} $$ 8080 /a b/\\\"c\\\\");
    }

    #[test]
    fn unknown_placeholder_is_refused() {
        let unknown = InvalidTemplate::Unknown { line: 2, name: "PROT".to_owned() };
        assert_eq!(fill("${PORT}\n${PROT} ${FILE}", &values()), Err(unknown));
    }

    #[test]
    fn unused_value_is_refused() {
        assert_eq!(fill("${PORT}", &values()), Err(InvalidTemplate::Unused("FILE")));
    }

    #[test]
    fn open_placeholder_is_refused() {
        assert_eq!(fill("${PORT} ${FILE\n}", &values()), Err(InvalidTemplate::Open(1)));
    }

    #[test]
    fn value_cannot_leave_its_line() {
        let values = [("PORT", "1\nadmin: {}".to_owned())];
        assert_eq!(fill("${PORT}", &values), Err(InvalidTemplate::ControlCharacter("PORT")));
    }

    #[test]
    fn value_is_not_searched_for_placeholders() {
        let values = [("A", "${B}".to_owned()), ("B", "b".to_owned())];
        assert_eq!(fill("${A} ${B}", &values).unwrap(), "${B} b");
    }

    /// The shipped bootstrap agrees with the values that are given to it: the names are written in two places.
    #[test]
    fn shipped_bootstrap_takes_exactly_the_names_that_are_filled_in() {
        let shipped = include_str!("../../../envoy/envoy.yaml");
        let values = crate::prepare::PLACEHOLDERS.map(|name| (name, "1".to_owned()));
        assert!(!fill(shipped, &values).unwrap().contains("${"));
    }
}
