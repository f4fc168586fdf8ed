//! Rows to delete, by number.

use brama_e2e::durable::Durable;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Connection,
    Division,
}

pub const CLIENT: &str = "c11e0000-0000-4000-8000-000000000000";
pub const USER: &str = "05e20000-0000-4000-8000-0000000000ff";

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "hard delete of connections",
            Self::Division => "soft delete of divisions",
        }
    }

    /// Prefix of the ids, which end in the row's number in twelve digits.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Connection => "c0220000-0000-4000-8000-",
            Self::Division => "d1710000-0000-4000-8000-",
        }
    }

    pub fn path(self, row: usize) -> String {
        let id = format!("{}{row:012}", self.prefix());
        match self {
            Self::Connection => format!("/api/clients/{CLIENT}/connections/{id}"),
            Self::Division => format!("/api/admin/contract_divisions/{id}"),
        }
    }
}

pub fn insert(database: &Durable, kind: Kind, amount: usize) {
    let last = amount - 1;
    let id = |prefix: &str, number: &str| format!("('{prefix}' || lpad(({number})::text, 12, '0'))::uuid");
    let now = "now(), now()";
    let statements = match kind {
        // A provider and a consumer have one connection at most, so each has a consumer of its own.
        Kind::Connection => format!(
            "INSERT INTO mithril.clients (id, name, client_type, scope, inserted_at, updated_at)
             SELECT {client}, 'n', 'MIS', '', {now} FROM generate_series(0, {last}) AS row;
             INSERT INTO mithril.connections (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
             SELECT {connection}, '{CLIENT}', {client}, encode(sha256(row::text::bytea), 'hex'), 'https://a.example', {now}
             FROM generate_series(0, {last}) AS row;",
            client = id("c11e0000-0000-4000-8000-", "row"),
            connection = id(kind.prefix(), "row"),
        ),
        // Ten divisions to a contract.
        Kind::Division => format!(
            "INSERT INTO prm.contracts (id, type, inserted_at, updated_at)
             SELECT {contract_of_ten}, 'GB_CBP', {now} FROM generate_series(0, {last}, 10) AS row;
             INSERT INTO prm.contract_divisions (id, contract_id, division_id, is_active, inserted_at, updated_at)
             SELECT {division}, {contract_of_ten}, {division}, true, {now} FROM generate_series(0, {last}) AS row;",
            contract_of_ten = id("c0170000-0000-4000-8000-", "row / 10"),
            division = id(kind.prefix(), "row"),
        ),
    };
    database.run(&statements);
    database.run("VACUUM ANALYZE");
}

/// Number of rows that are still to be deleted.
pub fn left(database: &Durable, kind: Kind) -> usize {
    let query = match kind {
        Kind::Connection => "SELECT count(*)::text FROM mithril.connections".to_owned(),
        Kind::Division => format!(
            "SELECT count(*)::text FROM prm.contract_divisions WHERE NOT (NOT is_active AND updated_by = '{USER}' AND updated_at > inserted_at)"
        ),
    };
    database.texts(&query)[0].parse().unwrap()
}
