-- "Deleted connection can't be restored and used again": a secret that stopped being a connection's secret is
-- remembered, and no connection can have it again. Triggers do it, so that cascades and hands in SQL count too; with
-- the rights of the schema's owner, so that it takes none of the hand's; and ALWAYS, so that a session that plays a
-- replica (session_replication_role), which minds no foreign keys, is no way round.

CREATE TABLE mithril.revoked_secrets (
    secret_hash text COLLATE "C" PRIMARY KEY,
    revoked_at  timestamptz NOT NULL
);

CREATE FUNCTION mithril.connections_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO mithril.revoked_secrets (secret_hash, revoked_at)
    SELECT secret_hash, clock_timestamp() FROM old_rows
    ON CONFLICT DO NOTHING;
    -- One statement can delete a connection and insert another with its secret, before this is reached.
    IF EXISTS (SELECT FROM old_rows JOIN mithril.connections USING (secret_hash)) THEN
        RAISE EXCEPTION 'a revoked secret cannot be used again' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER connections_deleted AFTER DELETE ON mithril.connections
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION mithril.connections_deleted();

CREATE FUNCTION mithril.connections_secret_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO mithril.revoked_secrets (secret_hash, revoked_at) VALUES (OLD.secret_hash, clock_timestamp())
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER connections_secret_changed AFTER UPDATE ON mithril.connections
FOR EACH ROW WHEN (OLD.secret_hash <> NEW.secret_hash)
EXECUTE FUNCTION mithril.connections_secret_changed();

-- Whoever inserts a secret waits, at its unique index, for the transaction that is deleting it. So it is looked for
-- afterwards, and not by reading, which would see what was there when the statement or the transaction began: an
-- insertion meets what is committed at any isolation. The row is taken back at once.
CREATE FUNCTION mithril.connections_secret_is_new() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO mithril.revoked_secrets (secret_hash, revoked_at) VALUES (NEW.secret_hash, clock_timestamp())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a revoked secret cannot be used again' USING ERRCODE = 'unique_violation';
    END IF;
    DELETE FROM mithril.revoked_secrets WHERE secret_hash = NEW.secret_hash;
    RETURN NULL;
END $$;

CREATE TRIGGER connections_inserted AFTER INSERT ON mithril.connections
FOR EACH ROW EXECUTE FUNCTION mithril.connections_secret_is_new();

CREATE TRIGGER connections_secret_is_new AFTER UPDATE ON mithril.connections
FOR EACH ROW WHEN (OLD.secret_hash <> NEW.secret_hash)
EXECUTE FUNCTION mithril.connections_secret_is_new();

-- TRUNCATE fires no trigger for the rows that it removes.
CREATE FUNCTION brama.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is not truncated: its rows are deleted, which revokes', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;

CREATE TRIGGER clients_stay BEFORE TRUNCATE ON mithril.clients
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse_truncate();
CREATE TRIGGER connections_stay BEFORE TRUNCATE ON mithril.connections
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse_truncate();
CREATE TRIGGER revoked_secrets_stay BEFORE TRUNCATE ON mithril.revoked_secrets
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse_truncate();
CREATE TRIGGER tokens_stay BEFORE TRUNCATE ON mithril.tokens
FOR EACH STATEMENT EXECUTE FUNCTION brama.refuse_truncate();

ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER connections_deleted;
ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER connections_secret_changed;
ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER connections_inserted;
ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER connections_secret_is_new;
ALTER TABLE mithril.clients ENABLE ALWAYS TRIGGER clients_stay;
ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER connections_stay;
ALTER TABLE mithril.revoked_secrets ENABLE ALWAYS TRIGGER revoked_secrets_stay;
ALTER TABLE mithril.tokens ENABLE ALWAYS TRIGGER tokens_stay;
