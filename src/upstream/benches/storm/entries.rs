//! Entries of the feed as they are after days, inserted with the triggers off, which would refuse them.

use brama_e2e::hand::Kind;

use crate::support::database::Database;
use crate::support::rows;

/// Inserts entries about credentials that were revoked `ago` seconds ago.
pub fn of_credentials(database: &Database, amount: usize, ago: u32) {
    let values = format!("'credential', {}, unixepoch() - {ago}", rows::hash_of(database, &format!("entry-{ago}-")));
    insert(database, "kind, subject, revoked_at", amount, &values);
}

/// Inserts entries of a deny list.
pub fn of_jwts(database: &Database, amount: usize) {
    insert(
        database,
        "kind, subject, expires_at, revoked_at",
        amount,
        "'jti', 'jti-' || number, unixepoch() + 80000, unixepoch()",
    );
}

fn insert(database: &Database, columns: &str, amount: usize, values: &str) {
    without_triggers(database, || {
        let first = database.number("SELECT number FROM brama_revocation_head") + 1;
        rows::each(
            database,
            &format!("brama_revocations (number, {columns})"),
            amount,
            &format!("number + {first}, {values}"),
        );
        database.run(&format!("UPDATE brama_revocation_head SET number = number + {amount}"));
    });
}

fn without_triggers(database: &Database, work: impl FnOnce()) {
    match database.kind() {
        Kind::Postgres => {
            database.run("ALTER TABLE brama_revocations DISABLE TRIGGER USER");
            work();
            database.run("ALTER TABLE brama_revocations ENABLE TRIGGER USER");
        }
        Kind::Sqlite => {
            let all = |expression: &str| {
                let query = format!(
                    "SELECT group_concat({expression}, ';') FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'brama_revocations'"
                );
                database.text(&query)
            };
            let (drop, create) = (all("'DROP TRIGGER ' || name"), all("sql"));
            database.run(&drop);
            work();
            database.run(&create);
        }
    }
}
