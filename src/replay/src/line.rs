//! Owns a request and its statements as one line of JSON.

use std::borrow::Cow;
use std::sync::Arc;

use brama_policy::deciding::{Decision, Policy, UnixTime};
use serde::Deserialize;

use crate::judge::{Statements, judge, moment};
use crate::statement::{InvalidStatement, Statement, Text, Written};

/// A request as a line of a replay:
/// `{"method","host","path","headers":[[name,value]...],"token":…,"api_key":…,"credentials":{name:…},"now":…}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine<'a> {
    /// The method.
    #[serde(borrow)]
    method: Cow<'a, str>,
    /// The host; `localhost` where nothing is written.
    #[serde(borrow, default = "localhost")]
    host: Cow<'a, str>,
    /// The path, with the query if there is one.
    #[serde(borrow)]
    path: Cow<'a, str>,
    /// Further headers, in order.
    #[serde(borrow, default)]
    headers: Vec<(Text<'a>, Text<'a>)>,
    /// What is stated about the token: facts, `null`, `"refused"` or `"unavailable"`.
    #[serde(borrow, default)]
    token: Written<'a>,
    /// What is stated about the API key.
    #[serde(borrow, default)]
    api_key: Written<'a>,
    /// What is stated about credentials of any name.
    #[serde(borrow, default)]
    credentials: Written<'a>,
    /// The wall clock, in seconds since 1970; the caller's where nothing is written.
    now: Option<u64>,
}

/// The message about a further header that is called `host`.
pub(crate) const HOST_AS_HEADER: &str = "`host` is no further header: Envoy keeps it as the authority";

/// A line that is no request.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLine {
    /// A line that does not begin with `{`.
    #[error("a request is a JSON object")]
    Shape,
    /// A line with a syntax error or of another shape.
    #[error("this is no request: {}", in_line(.0))]
    Json(#[from] serde_json::Error),
    /// A further header that is called `host`.
    #[error("{HOST_AS_HEADER}; write the request's `host`")]
    HostAsHeader,
    /// A statement about a credential that the policy does not know, or a second one about the same.
    #[error("credentials: {0}")]
    Credentials(String),
    /// A statement that cannot be understood.
    #[error("{kind}: {reason}")]
    Statement {
        /// The kind of credential.
        kind: String,
        /// The fault of the statement.
        reason: InvalidStatement,
    },
}

impl<'a> RequestLine<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// Text that is not this JSON, unknown or repeated members included.
    pub fn read(text: &'a [u8]) -> Result<Self, InvalidLine> {
        // Serde also takes a list of the members in order, which nobody means.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(InvalidLine::Shape);
        }
        let line: Self = serde_json::from_slice(text)?;
        if line.headers.iter().any(|(Text(name), _value)| name.eq_ignore_ascii_case("host")) {
            return Err(InvalidLine::HostAsHeader);
        }
        Ok(line)
    }

    /// The wall clock that the line states.
    #[must_use]
    pub fn now(&self) -> Option<UnixTime> {
        self.now.map(UnixTime::from_seconds)
    }

    /// The statements about the credentials of the request.
    pub fn statements(&self, policy: &Policy) -> Result<Statements, InvalidLine> {
        let named = match &self.credentials {
            Written::Nothing => &[][..],
            Written::Object(members) => members.as_slice(),
            _ => {
                return Err(InvalidLine::Credentials(
                    "an object of statements by the names of credentials belongs here".to_owned(),
                ));
            }
        };
        let short = [("api_key", &self.api_key), ("token", &self.token)];
        let short = short.into_iter().filter(|(_name, written)| !matches!(written, Written::Nothing));
        let all: Vec<_> = short.chain(named.iter().map(|(name, written)| (&**name, written))).collect();
        let statements = all.iter().enumerate().map(|(at, (name, written))| {
            if all.iter().take(at).any(|(before, _written)| before == name) {
                return Err(InvalidLine::Credentials(format!("`{name}` is stated twice")));
            }
            let invalid = |reason| InvalidLine::Statement { kind: (*name).to_owned(), reason };
            // A statement about a credential that the policy does not know is about a request without it.
            let Some(kind) = policy.credential(name) else {
                return match name {
                    &("api_key" | "token") => Statement::check(written).map(|()| None).map_err(invalid),
                    _ => Err(InvalidLine::Credentials(format!("the policy knows no `{name}`"))),
                };
            };
            let statement = Statement::understand(written, kind, policy).map_err(invalid)?;
            Ok(Some((kind.clone(), statement)))
        });
        let statements: Vec<_> = statements.collect::<Result<_, _>>()?;
        Ok(statements.into_iter().flatten().collect())
    }

    /// The headers of the request, pseudo-headers first, with a credential for each statement about one.
    #[must_use]
    pub fn headers(&self, policy: &Policy, statements: &Statements) -> Vec<(String, Vec<u8>)> {
        let pseudo = [(":method", &self.method), (":authority", &self.host), (":path", &self.path)];
        let further = self.headers.iter().map(|(Text(name), Text(value))| (&**name, value));
        // Room for the credentials too.
        let mut headers = Vec::with_capacity(pseudo.len() + self.headers.len() + policy.credentials().count());
        let all = pseudo.into_iter().chain(further);
        headers.extend(all.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
        statements.present(policy, &mut headers);
        headers
    }

    /// Judges the request by what the line states; `now` is the wall clock where it states none.
    ///
    /// # Errors
    /// A statement that the policy's verifiers could not make.
    pub fn judge(&self, policy: &Arc<Policy>, now: UnixTime) -> Result<Decision, InvalidLine> {
        let statements = self.statements(policy)?;
        Ok(judge(policy, &self.headers(policy, &statements), &statements, moment(self.now().unwrap_or(now))))
    }
}

/// The host of a request that is written without one.
pub(crate) const DEFAULT_HOST: &str = "localhost";

const fn localhost() -> Cow<'static, str> {
    Cow::Borrowed(DEFAULT_HOST)
}

/// The message of an error with the column alone: a request has one line, and its number in the file is the caller's to
/// say.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}
