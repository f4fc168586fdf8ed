-- A revocation of many is one entry of the feed and a cutoff, which revokes what was issued before it, at once and however many
-- those are; their rows are deleted afterwards, in batches.

CREATE TABLE brama_cutoffs (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT NOT NULL CHECK (kind IN ('client', 'user', 'all')),
    -- The client's or the user's id; for all nothing, so that one index finds what concerns a token.
    subject       TEXT NOT NULL CHECK (kind <> 'all' OR subject = ''),
    -- Unix seconds, of a user: tokens that were inserted before this. NULL: all of them.
    issued_before INTEGER CHECK (issued_before IS NULL OR kind = 'user'),
    made_at       INTEGER NOT NULL DEFAULT (unixepoch()),
    -- That nothing of it was left.
    is_swept      INTEGER NOT NULL DEFAULT 0 CHECK (is_swept IN (0, 1))
) STRICT;

CREATE INDEX brama_cutoffs_subject ON brama_cutoffs (subject);

CREATE TRIGGER brama_cutoffs_are_swept BEFORE DELETE ON brama_cutoffs
WHEN NOT OLD.is_swept
BEGIN
    SELECT RAISE(ABORT, 'a cutoff stays until its rows are gone');
END;

-- The number of the cutoff before a token or a connection. SQLite keeps the last one, also of cutoffs that are gone.
ALTER TABLE mithril_tokens ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mithril_connections ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER brama_tokens_issued AFTER INSERT ON mithril_tokens
WHEN EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'brama_cutoffs')
BEGIN
    UPDATE mithril_tokens SET issued = (SELECT seq FROM sqlite_sequence WHERE name = 'brama_cutoffs')
    WHERE rowid = NEW.rowid;
END;

CREATE TRIGGER brama_connections_issued AFTER INSERT ON mithril_connections
WHEN EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'brama_cutoffs')
BEGIN
    UPDATE mithril_connections SET issued = (SELECT seq FROM sqlite_sequence WHERE name = 'brama_cutoffs')
    WHERE rowid = NEW.rowid;
END;

-- The one entry of a cutoff says what these entries would say.

DROP TRIGGER brama_connections_deleted;
CREATE TRIGGER brama_connections_deleted AFTER DELETE ON mithril_connections
WHEN NOT EXISTS (
    SELECT 1 FROM brama_cutoffs
    WHERE subject IN (OLD.client_id, OLD.consumer_id) AND number > OLD.issued AND kind = 'client'
)
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.secret_hash);
END;

DROP TRIGGER brama_tokens_deleted;
CREATE TRIGGER brama_tokens_deleted AFTER DELETE ON mithril_tokens
WHEN OLD.name = 'access_token' AND OLD.expires_at > unixepoch() - 3600 AND NOT EXISTS (
    SELECT 1 FROM brama_cutoffs
    WHERE subject IN (OLD.client_id, OLD.user_id, '') AND number > OLD.issued
        AND CASE kind WHEN 'client' THEN subject = OLD.client_id WHEN 'user' THEN subject = OLD.user_id ELSE true END
        AND (issued_before IS NULL OR coalesce(unixepoch(OLD.inserted_at), 0) < issued_before)
)
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.value_hash);
END;

-- The entries about a client that ended. `iat` counts whole seconds, so `issued_before` is the next one.
--
-- A gateway knows an API key's client, and perhaps not its consumer; so the secrets of connections that a client only uses are
-- named one by one, or are so many that everything is asked for again.

CREATE VIEW brama_ended_clients AS SELECT id FROM mithril_clients;

CREATE TRIGGER brama_ended_clients_insert INSTEAD OF INSERT ON brama_ended_clients
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before) VALUES ('client', NEW.id, unixepoch() + 1);
    INSERT INTO brama_revoke (kind)
    SELECT 'all' FROM mithril_connections WHERE consumer_id = NEW.id AND client_id <> NEW.id LIMIT 1 OFFSET 100;
    INSERT INTO brama_revoke (kind, subject)
    SELECT 'credential', secret_hash FROM mithril_connections
    WHERE consumer_id = NEW.id AND client_id <> NEW.id AND NOT EXISTS (
        SELECT 1 FROM mithril_connections WHERE consumer_id = NEW.id AND client_id <> NEW.id LIMIT 1 OFFSET 100);
END;

-- A cutoff brings its entry along.

CREATE TRIGGER brama_cut_off_client AFTER INSERT ON brama_cutoffs WHEN NEW.kind = 'client'
BEGIN
    INSERT INTO brama_ended_clients (id) VALUES (NEW.subject);
END;

CREATE TRIGGER brama_cut_off_user AFTER INSERT ON brama_cutoffs WHEN NEW.kind = 'user'
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before)
    VALUES ('user', NEW.subject, coalesce(NEW.issued_before, unixepoch() + 1));
END;

CREATE TRIGGER brama_cut_off_all AFTER INSERT ON brama_cutoffs WHEN NEW.kind = 'all'
BEGIN
    INSERT INTO brama_revoke (kind, issued_before) VALUES ('all', unixepoch() + 1);
END;

DROP TRIGGER brama_clients_blocked;
CREATE TRIGGER brama_clients_blocked AFTER UPDATE ON mithril_clients
WHEN (NEW.is_blocked AND NOT OLD.is_blocked) OR OLD.id <> NEW.id
BEGIN
    INSERT INTO brama_ended_clients (id) VALUES (OLD.id);
END;

-- Before the cascades, which then write no entries of their own.
DROP TRIGGER brama_clients_deleted;
CREATE TRIGGER brama_clients_deleted BEFORE DELETE ON mithril_clients
BEGIN
    INSERT INTO brama_cutoffs (kind, subject) VALUES ('client', OLD.id);
END;

DROP TRIGGER brama_clients_insert_replaces;
CREATE TRIGGER brama_clients_insert_replaces BEFORE INSERT ON mithril_clients
WHEN EXISTS (SELECT 1 FROM mithril_clients WHERE id = NEW.id)
BEGIN
    INSERT INTO brama_ended_clients (id) VALUES (NEW.id);
END;

DROP TRIGGER brama_clients_update_replaces;
CREATE TRIGGER brama_clients_update_replaces BEFORE UPDATE ON mithril_clients
WHEN OLD.id <> NEW.id AND EXISTS (SELECT 1 FROM mithril_clients WHERE id = NEW.id)
BEGIN
    INSERT INTO brama_ended_clients (id) VALUES (NEW.id);
END;
