//! Owns what a fixture is: data for a new database, understood whole or refused with every fault named.

mod check;
mod document;

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::id::Id;
use crate::secret::CredentialHash;
use document::FixtureDocument;

/// A fixture as understood: every reference exists, nothing repeats, credentials are hashes.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub(crate) clients: Vec<Client>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) contract_divisions: Vec<ContractDivision>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) client_type: String,
    pub(crate) scope: String,
    pub(crate) is_blocked: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Token {
    pub(crate) value: CredentialHash,
    pub(crate) name: TokenName,
    pub(crate) user_id: Id,
    pub(crate) client_id: Id,
    pub(crate) scope: String,
    /// Seconds from now; zero or less: expired already.
    pub(crate) expires_in: i64,
}

/// What a token is for. Only an access token opens anything here.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum TokenName {
    Access,
    Refresh,
    SecondFactor,
    ChangePassword,
    AuthorizationCode,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Connection {
    pub(crate) id: Id,
    pub(crate) client_id: Id,
    pub(crate) consumer_id: Id,
    pub(crate) secret: CredentialHash,
    pub(crate) redirect_uri: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Contract {
    pub(crate) id: Id,
    pub(crate) contract_type: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ContractDivision {
    pub(crate) id: Id,
    pub(crate) contract_id: Id,
    pub(crate) division_id: Id,
    pub(crate) is_active: bool,
}

/// A row of a fixture for the table of this name.
pub(crate) struct Row {
    pub(crate) table: Table,
    /// Which, as its author finds it in the document.
    pub(crate) place: String,
    /// Its columns: identifiers and hashes as they are kept, and `expires_in` for a token's end.
    pub(crate) columns: Value,
}

/// The tables in the order in which rows are inserted: none refers to a later one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Table {
    Clients,
    Tokens,
    Connections,
    Contracts,
    ContractDivisions,
}

/// A defect of a fixture and where it is, for example ``tokens[2].client_id: no client `..` ``.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// The place in the document.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// Why a fixture was refused. Prints a line a fault, each with the file's name.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// The file cannot be read.
    #[error("cannot read `{file}`")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The document has faults: all of its content, or the first one of its shape.
    #[error("{}", lines(.file, .faults))]
    Faults {
        /// The file.
        file: PathBuf,
        /// At least one fault, in the document's order.
        faults: Vec<Fault>,
    },
}

impl Fixture {
    /// Reads a fixture from a file.
    pub fn read(file: &Path) -> Result<Self, FixtureError> {
        let text = std::fs::read(file).map_err(|source| FixtureError::Read { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|faults| FixtureError::Faults { file: file.to_owned(), faults })
    }

    /// Understands a document.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<Fault>> {
        let document = FixtureDocument::parse(text).map_err(|fault| vec![fault])?;
        check::understand(document)
    }

    /// All rows, in an order in which they can be inserted.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        let row = |table, place, columns| Row { table, place, columns };
        let clients = self.clients.iter().map(move |it| row(Table::Clients, format!("client `{}`", it.id), json!(it)));
        let tokens = self.tokens.iter().enumerate();
        let tokens = tokens.map(move |(index, it)| row(Table::Tokens, format!("tokens[{index}]"), json!(it)));
        let connections = self.connections.iter();
        let connections =
            connections.map(move |it| row(Table::Connections, format!("connection `{}`", it.id), json!(it)));
        let contracts = self.contracts.iter();
        let contracts = contracts.map(move |it| row(Table::Contracts, format!("contract `{}`", it.id), json!(it)));
        let divisions = self.contract_divisions.iter();
        let divisions =
            divisions.map(move |it| row(Table::ContractDivisions, format!("contract division `{}`", it.id), json!(it)));
        clients.chain(tokens).chain(connections).chain(contracts).chain(divisions)
    }

    /// What the fixture holds, in a few words for people.
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

impl Serialize for TokenName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl TokenName {
    pub(crate) const ALL: [Self; 5] =
        [Self::Access, Self::Refresh, Self::SecondFactor, Self::ChangePassword, Self::AuthorizationCode];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
            Self::SecondFactor => "2fa_access_token",
            Self::ChangePassword => "change_password_token",
            Self::AuthorizationCode => "authorization_code",
        }
    }
}

fn lines(file: &Path, faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("{}: {fault}", file.display())).collect();
    lines.join("\n")
}
