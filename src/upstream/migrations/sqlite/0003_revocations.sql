-- The feed of revocations: what was revoked, in the order of commits, for gateways that remember facts.
--
-- Entries are written by triggers, so that cascades and hands in SQL count too, in the transaction of the change. An
-- entry's number comes from the head's one row, which that transaction updates: who updates it second waits for the
-- first to commit, so the order of numbers is the order of commits, and a reader at number N has missed nothing below.
--
-- An entry with neither `issued_before` nor `expires_at` says: facts about this changed or ended, ask again. With one
-- of them it also refuses JWTs, which nobody asks about.

CREATE TABLE brama_revocation_head (
    id      INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    -- Made with the database. After a restore from a backup it has to be changed: numbers are given a second time then.
    feed_id TEXT NOT NULL CHECK (length(feed_id) = 36 AND feed_id NOT GLOB '*[^0-9a-f-]*'),
    number  INTEGER NOT NULL CHECK (number >= 0),
    -- The highest number whose entry is gone. A reader behind it may have missed something.
    pruned  INTEGER NOT NULL CHECK (pruned >= 0)
) STRICT;

-- A random UUID of version 4 (RFC 9562, 5.4).
INSERT INTO brama_revocation_head (id, feed_id, number, pruned)
SELECT 1, lower(substr(bits, 1, 8) || '-' || substr(bits, 9, 4) || '-4' || substr(bits, 14, 3) || '-' ||
                substr('89ab', 1 + (random() & 3), 1) || substr(bits, 18, 3) || '-' || substr(bits, 21, 12)), 0, 0
FROM (SELECT hex(randomblob(16)) AS bits);

CREATE TABLE brama_revocations (
    number        INTEGER PRIMARY KEY NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('credential', 'jti', 'client', 'user', 'all')),
    -- The credential's SHA-256, the `jti`, the client's or the user's id; NULL for all.
    subject       TEXT CHECK (CASE kind
                      WHEN 'all' THEN subject IS NULL
                      WHEN 'credential' THEN length(subject) = 64 AND subject NOT GLOB '*[^0-9a-f]*'
                      ELSE length(subject) BETWEEN 1 AND 512
                  END IS TRUE),
    -- Unix seconds: JWTs of the client, of the user, or all, that were issued before this are refused.
    issued_before INTEGER CHECK (issued_before IS NULL OR kind IN ('client', 'user', 'all')),
    -- Unix seconds: the `exp` of the JWT that this credential or `jti` is of.
    expires_at    INTEGER CHECK (expires_at IS NULL OR kind IN ('credential', 'jti')),
    revoked_at    INTEGER NOT NULL, -- Unix seconds
    CHECK (kind <> 'jti' OR expires_at IS NOT NULL)
) STRICT;

-- The deny list for JWTs, a small part of the feed.
CREATE INDEX brama_revocations_denied ON brama_revocations (number)
WHERE issued_before IS NOT NULL OR expires_at IS NOT NULL;

CREATE INDEX brama_revocations_denied_subject ON brama_revocations (subject, kind) WHERE expires_at IS NOT NULL;

-- The one way to write an entry, for triggers, the service and hands.
CREATE VIEW brama_revoke AS SELECT kind, subject, issued_before, expires_at FROM brama_revocations;

CREATE TRIGGER brama_revoke_insert INSTEAD OF INSERT ON brama_revoke
BEGIN
    UPDATE brama_revocation_head SET number = number + 1;
    INSERT INTO brama_revocations (number, kind, subject, issued_before, expires_at, revoked_at)
    SELECT number, NEW.kind, NEW.subject, NEW.issued_before, NEW.expires_at, unixepoch() FROM brama_revocation_head;
END;

-- What the order rests on is guarded.

CREATE TRIGGER brama_revocation_head_stays BEFORE DELETE ON brama_revocation_head
BEGIN
    SELECT RAISE(ABORT, 'the head of the feed stays');
END;

CREATE TRIGGER brama_revocation_head_is_one BEFORE INSERT ON brama_revocation_head
BEGIN
    SELECT RAISE(ABORT, 'the feed has one head');
END;

CREATE TRIGGER brama_revocation_head_goes_forward BEFORE UPDATE ON brama_revocation_head
WHEN NEW.number < OLD.number OR NEW.pruned < OLD.pruned
BEGIN
    SELECT RAISE(ABORT, 'the head of the feed only goes forward');
END;

CREATE TRIGGER brama_revocations_are_numbered BEFORE INSERT ON brama_revocations
WHEN NEW.number <> (SELECT number FROM brama_revocation_head)
    OR EXISTS (SELECT 1 FROM brama_revocations WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'a revocation is inserted into brama_revoke, which numbers it');
END;

CREATE TRIGGER brama_revocations_stay BEFORE UPDATE ON brama_revocations
BEGIN
    SELECT RAISE(ABORT, 'a revocation is not changed');
END;

CREATE TRIGGER brama_revocations_pruned AFTER DELETE ON brama_revocations
BEGIN
    UPDATE brama_revocation_head SET pruned = max(pruned, OLD.number);
END;

-- Connections, whose secrets are API keys. REPLACE is refused for them, see 0002.

CREATE TRIGGER brama_connections_deleted AFTER DELETE ON mithril_connections
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.secret_hash);
END;

CREATE TRIGGER brama_connections_changed AFTER UPDATE ON mithril_connections
WHEN OLD.secret_hash <> NEW.secret_hash OR OLD.client_id <> NEW.client_id OR OLD.consumer_id <> NEW.consumer_id
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.secret_hash);
END;

-- Tokens. Only access tokens open anything. One that expired more than an hour ago is remembered by nobody, whose
-- clock is not wrong by more; so who clears old tokens out does not fill the feed.

CREATE TRIGGER brama_tokens_deleted AFTER DELETE ON mithril_tokens
WHEN OLD.name = 'access_token' AND OLD.expires_at > unixepoch() - 3600
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.value_hash);
END;

-- A later expiry takes nothing away.
CREATE TRIGGER brama_tokens_changed AFTER UPDATE ON mithril_tokens
WHEN OLD.name = 'access_token' AND OLD.expires_at > unixepoch() - 3600
    AND (OLD.value_hash <> NEW.value_hash OR OLD.name <> NEW.name OR OLD.user_id <> NEW.user_id
        OR OLD.client_id <> NEW.client_id OR OLD.scope <> NEW.scope OR NEW.expires_at < OLD.expires_at)
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', OLD.value_hash);
END;

-- REPLACE deletes the row in its way without firing its DELETE trigger. Where the statement is refused in the end, so
-- is the entry.
CREATE TRIGGER brama_tokens_insert_replaces BEFORE INSERT ON mithril_tokens
WHEN EXISTS (SELECT 1 FROM mithril_tokens WHERE value_hash = NEW.value_hash AND name = NEW.name)
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', NEW.value_hash);
END;

CREATE TRIGGER brama_tokens_update_replaces BEFORE UPDATE ON mithril_tokens
WHEN EXISTS (
    SELECT 1 FROM mithril_tokens WHERE value_hash = NEW.value_hash AND name = NEW.name AND rowid <> OLD.rowid
)
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('credential', NEW.value_hash);
END;

-- Clients. `iat` counts whole seconds, so `issued_before` is the next one: a JWT of this very second is refused.
--
-- A gateway knows an API key's client, and perhaps not its consumer; so the secrets of connections that a client only
-- uses are named one by one.

CREATE TRIGGER brama_clients_blocked AFTER UPDATE ON mithril_clients
WHEN (NEW.is_blocked AND NOT OLD.is_blocked) OR OLD.id <> NEW.id
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before) VALUES ('client', OLD.id, unixepoch() + 1);
    INSERT INTO brama_revoke (kind, subject)
    SELECT 'credential', secret_hash FROM mithril_connections WHERE consumer_id = OLD.id AND client_id <> OLD.id;
END;

-- An API key has its client's type and scopes, a token its client's type.
CREATE TRIGGER brama_clients_changed AFTER UPDATE ON mithril_clients
WHEN OLD.client_type <> NEW.client_type OR OLD.scope <> NEW.scope
BEGIN
    INSERT INTO brama_revoke (kind, subject) VALUES ('client', OLD.id);
END;

-- The cascades, where they are on, were before this, and wrote their own entries.
CREATE TRIGGER brama_clients_deleted AFTER DELETE ON mithril_clients
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before) VALUES ('client', OLD.id, unixepoch() + 1);
    INSERT INTO brama_revoke (kind, subject)
    SELECT 'credential', secret_hash FROM mithril_connections WHERE consumer_id = OLD.id AND client_id <> OLD.id;
END;

-- As for tokens: whoever is replaced, or changed by ON CONFLICT DO UPDATE, is asked about again.
CREATE TRIGGER brama_clients_insert_replaces BEFORE INSERT ON mithril_clients
WHEN EXISTS (SELECT 1 FROM mithril_clients WHERE id = NEW.id)
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before) VALUES ('client', NEW.id, unixepoch() + 1);
    INSERT INTO brama_revoke (kind, subject)
    SELECT 'credential', secret_hash FROM mithril_connections WHERE consumer_id = NEW.id AND client_id <> NEW.id;
END;

CREATE TRIGGER brama_clients_update_replaces BEFORE UPDATE ON mithril_clients
WHEN OLD.id <> NEW.id AND EXISTS (SELECT 1 FROM mithril_clients WHERE id = NEW.id)
BEGIN
    INSERT INTO brama_revoke (kind, subject, issued_before) VALUES ('client', NEW.id, unixepoch() + 1);
    INSERT INTO brama_revoke (kind, subject)
    SELECT 'credential', secret_hash FROM mithril_connections WHERE consumer_id = NEW.id AND client_id <> NEW.id;
END;
