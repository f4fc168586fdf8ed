//! Rows by number, inserted by SQL: clients, tokens, connections, divisions.

use brama_e2e::hand::Kind;
use sha2::{Digest, Sha256};

use crate::support::database::Database;

/// Number of the clients that provide the spare connections, and of others that use them.
pub const SPARE_CLIENTS: usize = 1000;

pub const CLIENT: &str = "c11e0000-0000-4000-8000-";
pub const CONNECTION: &str = "c0220000-0000-4000-8000-";
const CONTRACT: &str = "c0170000-0000-4000-8000-";
pub const DIVISION: &str = "d1710000-0000-4000-8000-";

pub fn id(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:012}")
}

/// Inserts clients, from number 0 up.
pub fn clients(database: &Database, amount: usize) {
    let (id, now) = (id_of(database, CLIENT, "number"), now(database));
    each(
        database,
        "mithril_clients (id, name, client_type, scope, inserted_at, updated_at)",
        amount,
        &format!("{id}, 'n', 'MIS', '', {now}, {now}"),
    );
}

/// Inserts tokens of a client, whose texts nobody knows.
pub fn tokens(database: &Database, client: usize, amount: usize) {
    let hash = hash_of(database, &format!("token-of-{client}-"));
    each(database, TOKENS, amount, &format!("{hash}, {}", token(database, client)));
}

/// Inserts tokens of a client, with these texts.
pub fn known_tokens(database: &Database, client: usize, texts: impl IntoIterator<Item = String>) {
    let rest = token(database, client);
    let row = |text: String| format!("SELECT '{}', {rest}", hex(&text));
    let rows: Vec<String> = texts.into_iter().map(row).collect();
    // SQLite takes 500 parts of a compound SELECT at the most.
    for rows in rows.chunks(100) {
        database.run(&format!("INSERT INTO {TOKENS} {}", rows.join(" UNION ALL ")));
    }
}

/// Inserts connections that a client provides, to clients from 0 up.
pub fn connections_of(database: &Database, client: usize, amount: usize) {
    connections(
        database,
        amount,
        &format!("c1{client:06}-0000-4000-8000-"),
        &format!("'{}'", id(CLIENT, client)),
        &id_of(database, CLIENT, "number"),
    );
}

/// Inserts connections that a client provides, whose API keys are these texts, to clients from `first` up.
pub fn known_connections(database: &Database, client: usize, first: usize, texts: impl IntoIterator<Item = String>) {
    let (provider, now) = (cast(database, &format!("'{}'", id(CLIENT, client))), now(database));
    for (consumer, text) in (first..).zip(texts) {
        let (row, consumer) = (id(&format!("c0{client:06}-0000-4000-8000-"), consumer), id(CLIENT, consumer));
        database.run(&format!(
            "INSERT INTO {CONNECTIONS} SELECT {}, {provider}, {}, '{}', 'https://a.example', {now}, {now}",
            cast(database, &format!("'{row}'")),
            cast(database, &format!("'{consumer}'")),
            hex(&text)
        ));
    }
}

/// Inserts connections to be deleted one by one; [`path_of_spare`] leads to them.
pub fn spare_connections(database: &Database, amount: usize) {
    let provider = id_of(database, CLIENT, &format!("number / {SPARE_CLIENTS}"));
    let consumer = id_of(database, CLIENT, &format!("{SPARE_CLIENTS} + number % {SPARE_CLIENTS}"));
    connections(database, amount, CONNECTION, &provider, &consumer);
}

pub fn path_of_spare(number: usize) -> String {
    format!("/api/clients/{}/connections/{}", id(CLIENT, number / SPARE_CLIENTS), id(CONNECTION, number))
}

/// Inserts divisions, ten to a contract.
pub fn divisions(database: &Database, amount: usize) {
    let (contract, division, now) =
        (id_of(database, CONTRACT, "number"), id_of(database, DIVISION, "number"), now(database));
    let of_ten = id_of(database, CONTRACT, "(number / 10)");
    each(
        database,
        "prm_contracts (id, type, inserted_at, updated_at)",
        amount.div_ceil(10),
        &format!("{contract}, 'GB_CBP', {now}, {now}"),
    );
    each(
        database,
        "prm_contract_divisions (id, contract_id, division_id, is_active, inserted_at, updated_at)",
        amount,
        &format!(
            "{division}, {of_ten}, {division}, {}, {now}, {now}",
            if database.kind() == Kind::Postgres { "true" } else { "1" }
        ),
    );
}

pub fn path_of_division(number: usize) -> String {
    format!("/api/admin/contract_divisions/{}", id(DIVISION, number))
}

fn connections(database: &Database, amount: usize, prefix: &str, provider: &str, consumer: &str) {
    let (id, hash, now) = (id_of(database, prefix, "number"), hash_of(database, prefix), now(database));
    each(
        database,
        CONNECTIONS,
        amount,
        &format!("{id}, {provider}, {consumer}, {hash}, 'https://a.example', {now}, {now}"),
    );
}

const CONNECTIONS: &str =
    "mithril_connections (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)";

const TOKENS: &str =
    "mithril_tokens (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)";

/// Values of a token's row besides its hash.
fn token(database: &Database, client: usize) -> String {
    let (client, now) = (cast(database, &format!("'{}'", id(CLIENT, client))), now(database));
    let user = cast(database, "'05e20000-0000-4000-8000-000000000001'");
    format!("'access_token', {user}, {client}, 'a:read', unixepoch() + 86400, {now}, {now}")
}

/// Inserts a row for each number from 0 up.
pub fn each(database: &Database, table: &str, amount: usize, values: &str) {
    database.run(&format!(
        "INSERT INTO {table}
         WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < {amount})
         SELECT {values} FROM numbers"
    ));
}

fn id_of(database: &Database, prefix: &str, number: &str) -> String {
    match database.kind() {
        Kind::Postgres => format!("('{prefix}' || lpad(({number})::text, 12, '0'))::uuid"),
        Kind::Sqlite => format!("('{prefix}' || printf('%012d', {number}))"),
    }
}

/// SQL for a hash of its own for each number.
pub fn hash_of(database: &Database, salt: &str) -> String {
    match database.kind() {
        Kind::Postgres => format!("encode(sha256(('{salt}' || number)::bytea), 'hex')"),
        Kind::Sqlite => "lower(hex(randomblob(32)))".to_owned(),
    }
}

/// SQL for the time, as the service writes it.
fn now(database: &Database) -> &'static str {
    match database.kind() {
        Kind::Postgres => "now()",
        Kind::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    }
}

fn cast(database: &Database, id: &str) -> String {
    match database.kind() {
        Kind::Postgres => format!("{id}::uuid"),
        Kind::Sqlite => id.to_owned(),
    }
}

pub fn hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
