-- What is removed over time is found by an index, and what triggers look at costs in proportion to it.

CREATE INDEX tokens_expires_at ON mithril.tokens (expires_at);

-- Grouped rather than joined: the plan of a join is made once in a session, for however few rows the first statement
-- changed, and is quadratic. A later expiry takes nothing away.
CREATE OR REPLACE FUNCTION brama.tokens_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM brama.add_revocations('credential', ARRAY(
        SELECT value_hash FROM (
            SELECT value_hash, name, user_id, client_id, scope, expires_at AS before, NULL::bigint AS after FROM old_rows
            WHERE name = 'access_token' AND expires_at > brama.unix_now() - 3600
            UNION ALL
            SELECT value_hash, name, user_id, client_id, scope, NULL, expires_at FROM new_rows
        ) AS versions
        GROUP BY value_hash, name, user_id, client_id, scope
        HAVING max(before) > coalesce(max(after), max(before) - 1)));
    RETURN NULL;
END $$;

-- At READ COMMITTED each statement sees what was committed before it, so that reading is enough, and no row is written and
-- taken back for each connection that is inserted. At other isolations it is as before.
CREATE OR REPLACE FUNCTION mithril.connections_secret_is_new() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') = 'read committed' THEN
        IF EXISTS (SELECT FROM mithril.revoked_secrets WHERE secret_hash = NEW.secret_hash) THEN
            RAISE EXCEPTION 'a revoked secret cannot be used again' USING ERRCODE = 'unique_violation';
        END IF;
        RETURN NULL;
    END IF;
    INSERT INTO mithril.revoked_secrets (secret_hash, revoked_at) VALUES (NEW.secret_hash, clock_timestamp())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a revoked secret cannot be used again' USING ERRCODE = 'unique_violation';
    END IF;
    DELETE FROM mithril.revoked_secrets WHERE secret_hash = NEW.secret_hash;
    RETURN NULL;
END $$;
