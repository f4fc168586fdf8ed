//! Fixture: data for a new database. Single values, and values of tokens that occur twice, are checked here; references
//! and other unique keys are left to the database's own constraints.

use std::collections::HashSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::id::Id;
use crate::secret::{CredentialHash, Secret};

/// A fixture whose single values are sound; credentials are hashes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fixture {
    clients: Vec<Client>,
    tokens: Vec<Token>,
    connections: Vec<Connection>,
    contracts: Vec<Contract>,
    contract_divisions: Vec<ContractDivision>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: Id,
    name: String,
    client_type: String,
    #[serde(deserialize_with = "scope")]
    scope: String,
    is_blocked: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    #[serde(rename(deserialize = "value"), deserialize_with = "credential")]
    value_hash: CredentialHash,
    name: TokenName,
    user_id: Id,
    client_id: Id,
    #[serde(deserialize_with = "scope")]
    scope: String,
    /// Seconds from now as written, Unix seconds in a row; zero or less: expired already.
    #[serde(rename(deserialize = "expires_in"), deserialize_with = "seconds")]
    expires_at: i64,
}

/// Purpose of a token. Only an access token is ever active here.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum TokenName {
    AccessToken,
    RefreshToken,
    #[serde(rename = "2fa_access_token")]
    SecondFactor,
    ChangePasswordToken,
    AuthorizationCode,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Connection {
    id: Id,
    client_id: Id,
    consumer_id: Id,
    #[serde(rename(deserialize = "secret"), deserialize_with = "credential")]
    secret_hash: CredentialHash,
    redirect_uri: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Contract {
    id: Id,
    r#type: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ContractDivision {
    id: Id,
    contract_id: Id,
    division_id: Id,
    is_active: bool,
}

/// A row for a table; the columns have the names that the table gives them.
pub(crate) struct Row {
    pub(crate) schema: &'static str,
    /// Name of the table, and of the list in the document.
    pub(crate) table: &'static str,
    pub(crate) columns: Map<String, Value>,
    /// Position of the entry in the document, for example `tokens[2]`.
    pub(crate) place: String,
}

/// A defect of a fixture and where it is, for example `tokens[2].value: not a string`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fixture {
    /// Parses a document. The error names the first defect.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        // The deserializer would take `[]` for an empty document.
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(Fault("not a JSON object".to_owned()));
        }
        let mut reader = serde_json::Deserializer::from_slice(text);
        let fixture: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| Fault(error.to_string()))?;
        reader.end().map_err(|error| Fault(error.to_string()))?;
        let mut values = HashSet::new();
        // The database would accept the same value under another token name.
        match fixture.tokens.iter().position(|token| !values.insert(token.value_hash)) {
            Some(index) => Err(Fault(format!("tokens[{index}].value: another token has the same"))),
            None => Ok(fixture),
        }
    }

    /// All rows at the time `now`, in Unix seconds. Their order is that of insertion: none refers to a later one.
    pub(crate) fn rows(&self, now: i64) -> impl Iterator<Item = Row> {
        rows("mithril", "clients", &self.clients)
            .chain(rows("mithril", "tokens", &self.tokens(now)))
            .chain(rows("mithril", "connections", &self.connections))
            .chain(rows("prm", "contracts", &self.contracts))
            .chain(rows("prm", "contract_divisions", &self.contract_divisions))
    }

    /// The tokens at the time `now`, in Unix seconds.
    pub(crate) fn tokens(&self, now: i64) -> Vec<Token> {
        let token = |token: &Token| Token { expires_at: now.saturating_add(token.expires_at), ..token.clone() };
        self.tokens.iter().map(token).collect()
    }

    /// Numbers of the fixture's entries, in a few words for people.
    pub fn summary(&self) -> String {
        format!(
            "{} clients, {} tokens, {} connections, {} contracts, {} contract divisions",
            self.clients.len(),
            self.tokens.len(),
            self.connections.len(),
            self.contracts.len(),
            self.contract_divisions.len()
        )
    }
}

fn rows<T: Serialize>(schema: &'static str, table: &'static str, entries: &[T]) -> impl Iterator<Item = Row> + use<T> {
    let columns: Vec<_> = entries.iter().filter_map(|entry| json!(entry).as_object().cloned()).collect();
    let place = move |index| format!("{table}[{index}]");
    columns.into_iter().enumerate().map(move |(index, columns)| Row { schema, table, columns, place: place(index) })
}

fn credential<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CredentialHash, D::Error> {
    // Not as a `String`: the deserializer's message would quote a number that was meant as a secret.
    let Value::String(text) = Value::deserialize(deserializer)? else { return Err(D::Error::custom("not a string")) };
    let secret = Secret::new(text);
    if !secret.is_presentable() {
        return Err(D::Error::custom("not 1 to 512 visible ASCII characters without a comma (value not shown)"));
    }
    Ok(secret.hash())
}

// RFC 6749, 3.3: scope tokens are visible ASCII without `"` and `\`, with one space between them.
fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_visible = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if text.is_empty() || text.split(' ').all(|token| !token.is_empty() && token.bytes().all(is_visible)) {
        return Ok(text);
    }
    Err(D::Error::custom(format!("`{text}` is no list of scopes with one space between them")))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    if (-MAX_SECONDS..=MAX_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    Err(D::Error::custom(format!("`{seconds}` seconds is more than a hundred years")))
}

/// Limit of `expires_in`, in seconds: `now + expires_in` stays far from the end of 64 bits.
const MAX_SECONDS: i64 = 100 * 366 * 24 * 3600;
