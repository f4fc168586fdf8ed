-- What ends a credential, or changes what it stands for, is in the feed by the transaction that does it. As in 0002,
-- the triggers have the owner's rights, and fire ALWAYS.
--
-- They look at a statement's rows before and after it, all at once, and compare what a credential stands for: a row
-- is known by its hash, and two rows that change their ids have changed nothing.

-- Connections, whose secrets are API keys.
CREATE FUNCTION brama.connections_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(SELECT secret_hash FROM old_rows));
    RETURN NULL;
END $$;

CREATE FUNCTION brama.connections_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT secret_hash FROM (
            SELECT secret_hash, client_id, consumer_id FROM old_rows
            EXCEPT
            SELECT secret_hash, client_id, consumer_id FROM new_rows
        ) AS changed));
    RETURN NULL;
END $$;

CREATE TRIGGER brama_connections_deleted AFTER DELETE ON mithril.connections
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.connections_deleted();

CREATE TRIGGER brama_connections_changed AFTER UPDATE ON mithril.connections
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.connections_changed();

-- Tokens. Only access tokens open anything. One that expired more than an hour ago is remembered by nobody, whose
-- clock is not wrong by more; so who clears old tokens out does not fill the feed.
CREATE FUNCTION brama.tokens_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT value_hash FROM old_rows
        WHERE name = 'access_token' AND expires_at > brama.unix_now() - 3600));
    RETURN NULL;
END $$;

-- A later expiry takes nothing away.
CREATE FUNCTION brama.tokens_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT value_hash FROM old_rows AS before
        WHERE name = 'access_token' AND expires_at > brama.unix_now() - 3600 AND NOT EXISTS (
            SELECT FROM new_rows AS after
            WHERE after.value_hash = before.value_hash AND after.name = before.name
                AND after.user_id = before.user_id AND after.client_id = before.client_id
                AND after.scope = before.scope AND after.expires_at >= before.expires_at)));
    RETURN NULL;
END $$;

CREATE TRIGGER brama_tokens_deleted AFTER DELETE ON mithril.tokens
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.tokens_deleted();

CREATE TRIGGER brama_tokens_changed AFTER UPDATE ON mithril.tokens
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.tokens_changed();

-- Clients. `iat` counts whole seconds, so `issued_before` is the next one: a JWT of this very second is refused.
--
-- A gateway knows an API key's client, and perhaps not its consumer; so the secrets of connections that a client only
-- uses are named one by one.
CREATE FUNCTION brama.end_clients(ids uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('client', ids::text[], brama.unix_now() + 1);
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT secret_hash FROM mithril.connections WHERE consumer_id = ANY (ids) AND client_id <> consumer_id));
END $$;

-- The cascades, where they are on, were before this, and wrote their own entries.
CREATE FUNCTION brama.clients_deleted() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.end_clients(ARRAY(SELECT id FROM old_rows));
    RETURN NULL;
END $$;

-- Blocked, or known by its id no more. And an API key has its client's type and scopes, a token its client's type.
CREATE FUNCTION brama.clients_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.end_clients(ARRAY(
        SELECT before.id FROM old_rows AS before LEFT JOIN new_rows AS after USING (id)
        WHERE after.id IS NULL OR (after.is_blocked AND NOT before.is_blocked)));
    PERFORM brama.add_revocations('client', ARRAY(
        SELECT before.id::text FROM old_rows AS before JOIN new_rows AS after USING (id)
        WHERE after.client_type <> before.client_type OR after.scope <> before.scope));
    RETURN NULL;
END $$;

CREATE TRIGGER brama_clients_deleted AFTER DELETE ON mithril.clients
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.clients_deleted();

CREATE TRIGGER brama_clients_changed AFTER UPDATE ON mithril.clients
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION brama.clients_changed();

ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER brama_connections_deleted;
ALTER TABLE mithril.connections ENABLE ALWAYS TRIGGER brama_connections_changed;
ALTER TABLE mithril.tokens ENABLE ALWAYS TRIGGER brama_tokens_deleted;
ALTER TABLE mithril.tokens ENABLE ALWAYS TRIGGER brama_tokens_changed;
ALTER TABLE mithril.clients ENABLE ALWAYS TRIGGER brama_clients_deleted;
ALTER TABLE mithril.clients ENABLE ALWAYS TRIGGER brama_clients_changed;
