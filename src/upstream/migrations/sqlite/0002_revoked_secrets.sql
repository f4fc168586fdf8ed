-- "Deleted connection can't be restored and used again": a secret that stopped being a connection's secret is
-- remembered, and no connection can have it again. Triggers do it, so that cascades and hands in SQL count too.

CREATE TABLE mithril_revoked_secrets (
    secret_hash TEXT PRIMARY KEY NOT NULL,
    revoked_at  TEXT NOT NULL
) STRICT;

CREATE TRIGGER mithril_connections_deleted AFTER DELETE ON mithril_connections
BEGIN
    INSERT INTO mithril_revoked_secrets (secret_hash, revoked_at)
    SELECT OLD.secret_hash, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE NOT EXISTS (SELECT 1 FROM mithril_revoked_secrets WHERE secret_hash = OLD.secret_hash);
END;

CREATE TRIGGER mithril_connections_secret_changed AFTER UPDATE OF secret_hash ON mithril_connections
WHEN OLD.secret_hash <> NEW.secret_hash
BEGIN
    INSERT INTO mithril_revoked_secrets (secret_hash, revoked_at)
    SELECT OLD.secret_hash, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE NOT EXISTS (SELECT 1 FROM mithril_revoked_secrets WHERE secret_hash = OLD.secret_hash);
END;

CREATE TRIGGER mithril_connections_insert_revoked BEFORE INSERT ON mithril_connections
WHEN EXISTS (SELECT 1 FROM mithril_revoked_secrets WHERE secret_hash = NEW.secret_hash)
BEGIN
    SELECT RAISE(ABORT, 'a revoked secret cannot be used again');
END;

CREATE TRIGGER mithril_connections_update_revoked BEFORE UPDATE OF secret_hash ON mithril_connections
WHEN OLD.secret_hash <> NEW.secret_hash
    AND EXISTS (SELECT 1 FROM mithril_revoked_secrets WHERE secret_hash = NEW.secret_hash)
BEGIN
    SELECT RAISE(ABORT, 'a revoked secret cannot be used again');
END;

-- INSERT OR REPLACE and UPDATE OR REPLACE delete the row in their way without firing its DELETE trigger (unless
-- PRAGMA recursive_triggers is on, which nobody types), so they would lose a revocation. They are refused.
CREATE TRIGGER mithril_connections_insert_replaces BEFORE INSERT ON mithril_connections
WHEN EXISTS (
    SELECT 1 FROM mithril_connections
    WHERE id = NEW.id OR secret_hash = NEW.secret_hash
        OR (client_id = NEW.client_id AND consumer_id = NEW.consumer_id)
)
BEGIN
    SELECT RAISE(ABORT, 'a connection is in the way and is not replaced');
END;

CREATE TRIGGER mithril_connections_update_replaces BEFORE UPDATE ON mithril_connections
WHEN EXISTS (
    SELECT 1 FROM mithril_connections
    WHERE id <> OLD.id AND (id = NEW.id OR secret_hash = NEW.secret_hash
        OR (client_id = NEW.client_id AND consumer_id = NEW.consumer_id))
)
BEGIN
    SELECT RAISE(ABORT, 'a connection is in the way and is not replaced');
END;
