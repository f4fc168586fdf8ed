//! Owns `servers`: the hosts and the path prefixes of an operation.

use serde_json::Value;

use super::{Wrong, object};

/// A host and a path prefix of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `None` if the URL is relative.
    pub(super) host: Option<String>,
    /// The path of the URL, without a slash at its end.
    pub(super) prefix: String,
}

/// The servers of a list, one for each value of their variables. A missing or empty list is the root of any host.
pub(super) fn read(written: Option<&Value>, place: &str) -> Result<Vec<Server>, Wrong> {
    let list = match written {
        None => &[][..],
        Some(list) => list.as_array().ok_or_else(|| Wrong::at(place, "`servers` is no list"))?,
    };
    let mut servers = Vec::new();
    for server in list {
        let url = server.get("url").and_then(Value::as_str).ok_or_else(|| Wrong::at(place, "a server has a `url`"))?;
        for url in expanded(url, server.get("variables"), place)? {
            servers.push(parse(&url).map_err(|reason| Wrong::at(place, format!("server `{url}` {reason}")))?);
        }
    }
    if servers.is_empty() {
        servers.push(Server { host: None, prefix: String::new() });
    }
    Ok(servers)
}

/// The forms of a URL: its variables are replaced by each of their values.
fn expanded(url: &str, variables: Option<&Value>, place: &str) -> Result<Vec<String>, Wrong> {
    let mut urls = vec![url.to_owned()];
    for (name, variable) in variables.map(|variables| object(variables, place)).transpose()?.into_iter().flatten() {
        let values = match variable.get("enum").and_then(Value::as_array) {
            Some(values) => values.iter().filter_map(Value::as_str).collect(),
            None => variable.get("default").and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
        };
        if values.is_empty() {
            return Err(Wrong::at(place, format!("server variable `{name}` has no `default`")));
        }
        let slot = format!("{{{name}}}");
        urls = urls.iter().flat_map(|url| values.iter().map(|value| url.replace(&slot, value))).collect();
        if urls.len() > MAX_SERVERS {
            return Err(Wrong::at(place, format!("server `{url}` has more than {MAX_SERVERS} forms")));
        }
    }
    Ok(urls)
}

fn parse(url: &str) -> Result<Server, &'static str> {
    if url.contains(['{', '}']) {
        return Err("has a variable that is not declared");
    }
    if url.contains(['?', '#']) {
        return Err("has a query or a fragment");
    }
    let after_scheme = match url.split_once("://") {
        Some(("http" | "https", rest)) => Some(rest),
        Some(_) => return Err("is neither `http` nor `https`"),
        None => url.strip_prefix("//"),
    };
    let (host, path) = match after_scheme {
        None => (None, url),
        Some(rest) => rest
            .find('/')
            .and_then(|slash| rest.split_at_checked(slash))
            .map_or((Some(rest), ""), |(host, path)| (Some(host), path)),
    };
    // A path relative to the document's own URL, which is unknown.
    if !path.is_empty() && !path.starts_with('/') {
        return Err("is relative; write a path from the root, or a whole URL");
    }
    Ok(Server { host: host.map(str::to_owned), prefix: path.trim_end_matches('/').to_owned() })
}

/// A text after percent-decoding; `None` if it is malformed.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The limit on the forms of one URL; more are taken for a mistake.
const MAX_SERVERS: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn server_is_a_host_and_a_prefix() {
        for (url, host, prefix) in [
            ("/", None, ""),
            ("", None, ""),
            ("/v1/", None, "/v1"),
            ("https://api.example", Some("api.example"), ""),
            ("http://api.example:8080/a/b/", Some("api.example:8080"), "/a/b"),
            ("//api.example/v1", Some("api.example"), "/v1"),
        ] {
            assert_eq!(parse(url), Ok(Server { host: host.map(str::to_owned), prefix: prefix.to_owned() }), "{url}");
        }
        for url in ["v1", "./v1", "ftp://a/b", "/a?b", "/a#b", "/{v}"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn variables_are_replaced_by_each_of_their_values() {
        let written = json!([{
            "url": "https://{region}.example/{version}",
            "variables": { "region": { "default": "eu" }, "version": { "default": "v2", "enum": ["v1", "v2"] } },
        }]);
        let read = read(Some(&written), "").unwrap();
        let shown: Vec<_> = read.iter().map(|server| format!("{:?} {}", server.host, server.prefix)).collect();
        assert_eq!(shown, ["Some(\"eu.example\") /v1", "Some(\"eu.example\") /v2"]);
    }
}
