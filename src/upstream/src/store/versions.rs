//! Owns the versions of the schema that this program works with: its own, and later ones that only added to it.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

/// A migration: its number, what it does, and its statements.
///
/// Forward-only: a migration that was released is never edited. Its description begins with [`ADDITIVE`] if earlier
/// programs work with the schema after it, so that a new version can be taken back.
pub(super) type Step = (i64, &'static str, &'static str);

pub(super) fn migrator(steps: &[Step]) -> Migrator {
    let migrations = steps.iter().map(|(version, description, sql)| {
        Migration::new(*version, (*description).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // Steps that are missing here are judged by `is_current`.
    migrator.set_ignore_missing(true);
    migrator
}

/// Comparison of a database's steps with those of this program; `true`: it has all of them. Errors: a step that this
/// program does not know, unless it is a later one that only adds.
pub(super) fn is_current(migrator: &Migrator, applied: &[(i64, String, Vec<u8>)]) -> Result<bool, MigrateError> {
    let latest = migrator.iter().map(|migration| migration.version).max();
    for (version, description, _) in applied {
        let is_added = Some(*version) > latest && description.starts_with(ADDITIVE);
        if !migrator.version_exists(*version) && !is_added {
            return Err(MigrateError::VersionMissing(*version));
        }
    }
    let known = migrator.iter().map(|migration| (migration.version, &*migration.checksum));
    let applied = applied.iter().map(|(version, _, checksum)| (*version, checksum.as_slice()));
    Ok(applied.filter(|(version, _)| migrator.version_exists(*version)).eq(known))
}

const ADDITIVE: &str = "additive: ";
